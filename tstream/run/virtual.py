"""`--speed max`: a whole run in one process on the virtual clock. Same seed, same tape, same journal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import Any, cast

from adapters.simulator.config import DEFAULT_SEED
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.hours import LEAD_NS, practice_open
from adapters.simulator.market.price_model import TRAITS
from adapters.store.virtual import SyncJournal
from adapters.tapes.fields import TapeError
from adapters.tapes.recorder import TapeRecorder
from adapters.tapes.tape import Tape, open_tape
from engine.core import Core
from engine.lab.replay import Replay
from engine.lab.second_opinion import opinion_report
from engine.lab.summary import Summary, summarise
from engine.market.calendars.known import CME
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS
from engine.model.records import AnyRecord, encode
from engine.ports import MarketSource
from engine.venue.fill_model import FillModel
from engine.venue.paper import CAPABILITIES
from tstream.convert.bots import bots
from tstream.convert.opinion import opinion_config
from tstream.convert.risk import book_sizing, risk_limits
from tstream.errors import UsageError
from tstream.lab.opinion import asked_in_past
from tstream.options import RunOptions
from tstream.output import Output
from tstream.paths import Paths
from tstream.settings.model import Settings

DAY = date(2026, 11, 16)
"""The generated day: always the same one, so that a seed alone decides the run."""


def run_virtual(settings: Settings, options: RunOptions, paths: Paths, asked: Sequence[int] = ()) -> Summary:
    """Play a tape or a generated day as fast as this machine can; what it came to. Raises UsageError,
    FatalError where a model fails that is asked.

    It ends early once something stands in `asked`.
    """
    source = _source(settings, options)
    until = _end(source, options)
    instruments = {i.symbol: i for i in settings.instrument_table()}
    traded = {i.symbol: instruments.get(i.symbol, i) for i in source.instruments}
    model = FillModel(bar_ns=source.bar_ns if isinstance(source, Tape) else 0)
    core = virtual_core(settings, tuple(traded.values()), _install(options))
    file = fresh_journal(paths, "virtual")
    recorder = None
    if settings.tape.record if options.record is None else options.record:
        recorder = TapeRecorder(
            file.parent / "tapes", tuple(traded.values()), lambda: source.start_ts, lossless=True
        )
    try:
        with (
            SyncJournal(file, install=_install(options)) as journal,
            asked_in_past(core.config.opinion.use, paths, _span(source, until)) as opinion,
            _progress(source, until) as moved,
        ):

            def keep(records: Sequence[AnyRecord]) -> None:
                journal.append([encode(record) for record in records], journal.last_seq + 1)

            record = recorder.record if recorder is not None else None
            replay = Replay(core, traded, model, keep, record, predictor=opinion.predictor)
            events = takewhile(lambda _: not asked, source.events())
            replay.run(source.start_ts, source.history, events, until, moved)
    finally:
        if recorder is not None:
            recorder.close()
    return summary_of(core, model, opinion.in_sample)


def virtual_core(settings: Settings, traded: tuple[Instrument, ...], install: str) -> Core:
    """The core of a run in virtual time, with the bots and limits of the settings, before its start."""
    limits, sizing = risk_limits(settings), book_sizing(settings, None)
    return Core(
        EngineConfig(
            instruments=traded,
            venue="replay",
            install=install,
            boot=1,
            trading=TradingSwitch.LIVE,
            practice_time=True,
            bar_grace_ns=0,
            rates=settings.rates,
            told_in=settings.ui.timezone,
            opinion=opinion_config(settings),
            templates=(BookConfig(risk=limits, capabilities=CAPABILITIES, sizing=sizing),),
        ),
        bots(settings, anywhere=True),
    )


def summary_of(core: Core, model: FillModel, in_sample: str = "") -> Summary:
    """What a run in virtual time came to. `in_sample` says why it is no test of the model that was asked."""
    books = core.state.books.values()
    return summarise(
        (trade for book in books for trade in book.trades),
        (position for book in books for position in book.positions.values()),
        core.entries.refusals,
        str(model),
        max((book.orders.equity.run_drawdown_usd for book in core.books.values()), default=Decimal(0)),
        core.state.instruments,
        core.config.currency,
        opinion_report(core, in_sample),
    )


def fresh_journal(paths: Paths, name: str) -> Path:
    """A journal begun anew: a virtual run remembers nothing of the one before."""
    file = paths.journal(name)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    paths.remember_run(file)
    return file


def _source(settings: Settings, options: RunOptions) -> MarketSource:
    if options.tape is None:
        return _generated(settings, options)
    assert options.contract is not None
    try:
        month, stamp, symbol, zone = options.tape_choice()
        return open_tape(options.tape, options.contract, month, stamp, symbol=symbol, zone=zone)
    except TapeError as error:
        raise UsageError(str(error)) from None


def _generated(settings: Settings, options: RunOptions) -> GeneratedMarket:
    """The day that the seed makes, of the contracts of the settings. Raises UsageError where it has none of
    them.
    """
    wanted = settings.contracts
    made = GeneratedMarket(_seed(options), practice_open(DAY) - LEAD_NS, options.rate, only=wanted)
    if not made.instruments:
        there = ", ".join(traits.symbol for traits in TRAITS)
        raise UsageError(
            f"the generated day has no {', '.join(wanted)}: it has {there} (contracts); --tape FILE plays a"
            " recording"
        )
    return made


def _seed(options: RunOptions) -> int:
    return DEFAULT_SEED if options.seed is None else options.seed


def _install(options: RunOptions) -> str:
    """Stands in client ids for the installation, so that each market has its own."""
    return "tape" if options.tape is not None else f"seed{_seed(options)}"


def _end(source: MarketSource, options: RunOptions) -> int | None:
    """When the run ends: after --for, or with the generated day; a tape ends by itself."""
    if options.duration_ns is not None:
        return source.start_ts + options.duration_ns
    if options.tape is None:
        return CME.session_close(CME.trade_date(source.start_ts))
    return None


def _span(source: MarketSource, until: int | None) -> tuple[int, int] | None:
    """Of what is played, nanoseconds UTC; None where it is made up."""
    if not isinstance(source, Tape):
        return None
    return source.start_ts, source.end_ts if until is None else until


@contextmanager
def _progress(source: MarketSource, until: int | None) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr where that is a terminal; gives what to call with the virtual time."""
    from rich.console import Console
    from rich.progress import Progress

    end = until if until is not None else source.end_ts if isinstance(source, Tape) else None
    if not sys.stderr.isatty() or end is None:
        yield None
        return
    with Output(sys.stderr) as out, Progress(console=Console(file=cast("Any", out)), transient=True) as bar:
        task = bar.add_task("playing", total=(end - source.start_ts) / NANOS)
        shown = source.start_ts

        def moved(now: int) -> None:
            nonlocal shown
            if now - shown >= MINUTE:
                bar.update(task, completed=(now - source.start_ts) / NANOS)
                shown = now

        yield moved
