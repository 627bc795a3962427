"""From bars to a dataset: its card with the report, and what comes of adding bars to one that is there."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from adapters.datasets.adjust import rolls_of
from adapters.datasets.library import Library
from engine.lab.quality import inspect
from engine.market.calendars.known import calendar_of
from engine.model.datasets import OF_ROWS, Dataset, Finding, Flaw, Quality, Source
from engine.model.instrument import Instrument
from engine.model.market import Bar
from tstream.errors import UsageError


class Batch(Struct, frozen=True):
    """Bars that came together, oldest first, with what was found when they were read."""

    bars: Sequence[Bar]
    contracts: Sequence[str]
    rows: int
    findings: Sequence[Finding]
    sources: tuple[Source, ...]


def card(name: str, instrument: Instrument, batch: Batch) -> Dataset:
    """The card of a dataset of these bars."""
    bars, stamp = batch.bars, batch.sources[-1].stamp
    rolls = tuple(rolls_of(bars, batch.contracts))
    inspected = inspect(bars, instrument, calendar_of(instrument.calendar), stamp)
    if rolls:
        told = (f"{roll.before} to {roll.after}: {roll.gap:+,} ticks" for roll in rolls[:5])
        words = "changes of the contract: prices step there (--adjusted takes the steps out, for indicators)"
        inspected.append(Finding(Flaw.ROLL, len(rolls), words, first=tuple(told)))
    of_rows = [finding for finding in batch.findings if finding.flaw in OF_ROWS]
    return Dataset(
        name=name,
        instrument=instrument,
        timeframe=bars[0].timeframe,
        rows=len(bars),
        start_ts=bars[0].open_ts,
        end_ts=bars[-1].close_ts,
        sources=batch.sources,
        quality=Quality(batch.rows, len(bars), (*of_rows, *inspected)),
        rolls=rolls,
    )


def of(library: Library, dataset: Dataset) -> Batch:
    """What is kept under a card."""
    bars, contracts = library.kept(dataset.name)
    return Batch(bars, contracts, dataset.quality.rows, dataset.quality.findings, dataset.sources)


def merged(dataset: Dataset, old: Batch, new: Batch, instrument: Instrument) -> tuple[Batch, int]:
    """The bars of both, and how many are new. Of a time that both have, the bar that is kept stays.

    The same bars from the same source again change nothing. Raises UsageError for those of something else.
    """
    if instrument != dataset.instrument or new.bars[0].timeframe != dataset.timeframe:
        raise UsageError(
            f"{dataset.name} holds {dataset.instrument.symbol} {dataset.timeframe} on other terms than these "
            f"bars of {instrument.symbol} {new.bars[0].timeframe} have: --name another"
        )
    rows = {bar.open_ts: (bar, contract) for bar, contract in zip(old.bars, old.contracts, strict=True)}
    differ = 0
    for bar, contract in zip(new.bars, new.contracts, strict=True):
        differ += rows.setdefault(bar.open_ts, (bar, contract))[0] != bar
    together = [rows[ts] for ts in sorted(rows)]
    findings = list(old.findings)
    if not set(new.sources) <= set(old.sources):
        words = "bars that differ from those that were there, which stay"
        conflict = [Finding(Flaw.CONFLICT, differ, words, differ, grave=True)] if differ else []
        findings = _summed([*old.findings, *new.findings, *conflict])
    batch = Batch(
        [bar for bar, _ in together],
        [contract for _, contract in together],
        len(together) + sum(finding.dropped for finding in findings),
        findings,
        tuple(dict.fromkeys((*old.sources, *new.sources))),
    )
    return batch, len(together) - len(old.bars)


def _summed(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for each flaw of rows."""
    summed: dict[Flaw, Finding] = {}
    for finding in findings:
        if finding.flaw not in OF_ROWS:
            continue
        before = summed.get(finding.flaw)
        summed[finding.flaw] = (
            finding
            if before is None
            else replace(
                before,
                count=before.count + finding.count,
                dropped=before.dropped + finding.dropped,
                first=(before.first + finding.first)[:5],
            )
        )
    return list(summed.values())
