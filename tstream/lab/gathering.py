"""Recorded markets as examples to learn from: tapes, archives, recordings of a run, and datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from pathlib import Path

from adapters.datasets.library import Library
from adapters.tapes.fields import TapeError
from adapters.tapes.inbox import NothingToldError
from adapters.tapes.recording import read_header
from adapters.tapes.several import open_recordings, recordings_in
from adapters.tapes.tape import Tape, open_tape
from engine.books.bots import Bot
from engine.lab.training.examples import Examples, Pick, examples, merged
from engine.lab.training.labels import Labeller
from engine.lab.training.picks import idea_picks, pattern_picks
from engine.lab.training.rules import TrainingRules
from engine.market.calendars.known import calendar_of
from engine.market.candles import fold, resample
from engine.model.events import MoodTold, Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Bar, Timeframe
from engine.signals.feature_rows import FeatureRow, Told, rows
from engine.signals.features import NAMES
from tstream.errors import UsageError
from tstream.lab.asked import LabRequest
from tstream.lab.past import dataset_of, span_of, with_contract
from tstream.paths import Paths, find
from tstream.settings.model import Settings

PATTERNS = "patterns"
"""The rules that need no strategy: every pattern, traded its way."""
_DAY_NS = 24 * 3600 * NANOS
_EVERY_NS = 3600 * NANOS
"""Of market time, between two steps of the progress bar."""

Moved = Callable[[str, float], None]
"""Hears which source is read, and the share of it that is, 0..1."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Examples of all sources. Times in nanoseconds UTC."""

    examples: Examples
    instruments: tuple[str, ...]
    start_ts: int
    end_ts: int
    sources: tuple[str, ...]
    """As people know them: names of datasets and of files."""


@dataclass(frozen=True, slots=True)
class _Market:
    """One source, opened."""

    instrument: Instrument
    minutes: Sequence[Bar]
    events: Callable[[], Iterator[Told]]
    """In time order, from the beginning each time."""
    history: Sequence[Bar] = ()


def gather(
    asked: Sequence[LabRequest],
    rules: TrainingRules,
    bots: Callable[[], Sequence[Bot]] | None,
    moved: Moved = lambda source, share: None,
    recorded: Sequence[Tape] = (),
) -> Gathered:
    """Read every source and label what is in it; `recorded` are markets that runs have heard. `bots` makes
    the strategies whose ideas are the rules; None takes every pattern. Raises UsageError; DatasetError for a
    dataset that is not whole.
    """
    found, symbols, spans, sources = [], [], [], []
    opened: Iterator[tuple[str, _Market]] = chain(
        ((Path(one.tape).name, _opened(with_contract(one))) for one in asked),
        ((f"recordings of {tape.instruments[0].symbol}", _heard(tape)) for tape in recorded),
    )
    for name, market in opened:
        found.append(_examples(market, rules, bots, lambda share, name=name: moved(name, share)))  # type: ignore[misc]
        symbols.append(market.instrument.symbol)
        spans.append((market.minutes[0].open_ts, market.minutes[-1].close_ts))
        sources.append(name)
    return Gathered(
        merged(found),
        tuple(dict.fromkeys(symbols)),
        min(begin for begin, _ in spans),
        max(end for _, end in spans),
        tuple(sources),
    )


def recordings(paths: Paths, settings: Settings, now: int) -> list[Tape]:
    """What runs at the venues of the settings have recorded of their contracts in the newest days, one market
    for each contract. `now` is nanoseconds UTC.
    """
    start = now - settings.training.days * _DAY_NS
    found: list[Tape] = []
    for venue in settings.active:
        files = []
        for file in recordings_in(paths.venue(venue) / "tapes"):
            with suppress(TapeError):
                if read_header(file).started >= start:
                    files.append(file)
        if files:
            with suppress(NothingToldError):
                found += open_recordings(files, settings.contracts, (start, now))
    return found


def _heard(tape: Tape) -> _Market:
    name = f"recordings of {tape.instruments[0].symbol}"
    return _of_ticks(tape, tape.instruments[0], tape.start_ts, tape.end_ts, name)


def _opened(asked: LabRequest) -> _Market:
    dataset = dataset_of(asked.tape)
    if dataset is not None:
        start, end = span_of(asked, dataset.instrument, dataset.start_ts, dataset.end_ts)
        kept = tuple(Library(find().datasets).bars(dataset.name, start, end, adjusted=True))
        return _of_bars(dataset.instrument, kept, dataset.name)
    try:
        tape = open_tape(
            asked.tape, asked.contract, asked.month, asked.stamp, symbol=asked.symbol, zone=asked.zone
        )
        instrument = tape.instruments[0]
        start, end = span_of(asked, instrument, tape.start_ts, tape.end_ts)
        if tape.kind == "bars":
            return _of_bars(instrument, _within(tape.bars(), start, end), Path(asked.tape).name)
        return _of_ticks(tape, instrument, start, end, Path(asked.tape).name)
    except TapeError as error:
        raise UsageError(str(error)) from None


def _of_bars(instrument: Instrument, bars: Sequence[Bar], name: str) -> _Market:
    if not bars:
        raise UsageError(f"{name} holds no bars of that time")
    if bars[0].timeframe is not Timeframe.M1:
        raise UsageError(f"{name} holds bars of {bars[0].timeframe}: a model is trained on minutes or ticks")
    return _Market(instrument, bars, lambda: iter(bars))


def _of_ticks(tape: Tape, instrument: Instrument, start: int, end: int, name: str) -> _Market:
    calendar = calendar_of(instrument.calendar)
    minutes = _within(list(fold(tape.prints(), Timeframe.M1, calendar=calendar)), start, end)
    if not minutes:
        raise UsageError(f"{name} holds no trades of that time")
    history = tape.history(instrument.symbol) if start == tape.start_ts else ()

    def events() -> Iterator[Told]:
        told: Iterator[Quote | Print | MoodTold] = merge(
            tape.events(), tape.moods(), key=lambda one: one.ts_recv
        )
        for event in told:  # what was said before is known at the start
            if event.ts_recv < end and (isinstance(event, MoodTold) or start <= event.ts_recv):
                yield event

    return _Market(instrument, minutes, events, history)


def _within(bars: Sequence[Bar], start: int, end: int) -> Sequence[Bar]:
    return [bar for bar in bars if start <= bar.open_ts < end]


def _examples(
    market: _Market,
    rules: TrainingRules,
    bots: Callable[[], Sequence[Bot]] | None,
    moved: Callable[[float], None],
) -> Examples:
    instrument, minutes, timeframe = market.instrument, market.minutes, rules.timeframe
    calendar = calendar_of(instrument.calendar)
    picks: Iterator[Pick]
    if bots is None:
        own = minutes if timeframe is Timeframe.M1 else list(resample(minutes, timeframe, calendar))
        picks = pattern_picks(own, instrument.symbol, timeframe, calendar)
    else:
        picks = idea_picks(minutes, instrument, timeframe, bots())
    told = rows(
        market.events(),
        {instrument.symbol: instrument},
        timeframe,
        history={instrument.symbol: market.history},
    )
    labeller = Labeller(instrument, minutes, calendar, rules.barriers, costs=rules.costs)
    span = minutes[0].open_ts, minutes[-1].close_ts
    return examples(_told(told, span, moved), labeller, frozenset(picks), len(NAMES))


def _told(
    found: Iterator[FeatureRow], span: tuple[int, int], moved: Callable[[float], None]
) -> Iterator[FeatureRow]:
    start, end = span
    told = start
    for row in found:
        if row.ts - told >= _EVERY_NS:
            told = row.ts
            moved((told - start) / (end - start))
        yield row
    moved(1.0)
