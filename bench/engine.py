"""The brain in virtual time: how many events and bars a second, and where their time goes."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from statistics import fmean, median

from adapters.simulator.config import DEFAULT_SEED
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.hours import practice_open
from adapters.tapes.export import write_bars
from adapters.tapes.tape import open_tape
from bench.figures import ratio, table
from bench.terminal import ROOT
from engine.core import Core, Outcome
from engine.lab.replay import Replay
from engine.market.bars import BarsClosed, MinuteBars
from engine.model.config import EngineConfig, TradingSwitch
from engine.model.events import AnyEvent, Print, Quote
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import MINUTE, NANOS, Bar
from engine.model.plans import Idea
from engine.ports import MarketSource
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Declined
from engine.strategies.zones import ZoneReaction
from engine.venue.fill_model import FillModel
from tstream.options import RunOptions
from tstream.paths import find
from tstream.run.virtual import run_virtual
from tstream.settings.load import load

MINUTES = 20
STEADY_MINUTES = 1_200
PRINTS_A_MINUTE = 4
DAY_MINUTES = 1_380
TAPE = ROOT.parent / "shared" / "data" / "es_minutes" / "20131007_trade.zip"


def generated() -> GeneratedMarket:
    return GeneratedMarket(DEFAULT_SEED, practice_open(date(2026, 11, 16)))


def timed(work: Callable[[], object]) -> float:
    """Seconds that it took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def take(source: MarketSource, until: int | None) -> list[Quote | Print]:
    """The market's events before a time."""
    events: list[Quote | Print] = []
    for event in source.events():
        if until is not None and event.ts_recv >= until:
            break
        events.append(event)
    return events


class CountingCore(Core):
    """Counts the events that it takes: the market's, the venue's answers, and its own looks at the time."""

    steps = 0

    def step(self, event: AnyEvent) -> Outcome:
        self.steps += 1
        return super().step(event)


class Silent:
    """A strategy that asks for nothing and says nothing; it only sees that bars closed."""

    name = "silent"
    closed = 0

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        self.closed += 1
        return ()


class Watching(ZoneReaction):
    """The strategy itself, with everything that it asks; nothing comes of it."""

    closed = 0

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        self.closed += 1
        super().on_bars(closed, board)
        return ()


class TimedCore(Core):
    """Knows how long each of its steps took, by what it was about."""

    def __init__(self, config: EngineConfig, strategy: Silent | Watching) -> None:
        super().__init__(config, strategy)
        self.took: dict[str, list[float]] = defaultdict(list)
        self._silent = strategy

    def step(self, event: AnyEvent) -> Outcome:
        closed = self._silent.closed
        began = time.perf_counter()
        outcome = super().step(event)
        seconds = time.perf_counter() - began
        self.took["close" if self._silent.closed != closed else type(event).__name__].append(seconds)
        return outcome


class SteadyMarket:
    """One contract that trades like a recording of minutes: a quote and a print, four times a minute.

    It begins a crooked part of a second into a minute, so that no look at the time falls on a close.
    """

    instruments: Sequence[Instrument] = (CME_FUTURES["ES"],)

    def __init__(self) -> None:
        self.start_ts = practice_open(date(2026, 11, 16)) + NANOS * 11 // 20

    def history(self, instrument: str) -> Sequence[Bar]:
        return generated().history(instrument)

    def events(self) -> Iterator[Quote | Print]:
        chance = random.Random(1)
        price = self.history("ES")[-1].close
        ts = self.start_ts
        for _ in range(STEADY_MINUTES * PRINTS_A_MINUTE):
            ts += MINUTE // PRINTS_A_MINUTE
            price += chance.choice((-1, 0, 0, 1))
            yield Quote(ts_recv=ts, ts_venue=ts, instrument="ES", bid=price, ask=price + 1, last=price)
            yield Print(ts_recv=ts, ts_venue=ts, instrument="ES", price=price, size=chance.randint(1, 9))


def config_of(source: MarketSource) -> EngineConfig:
    return EngineConfig(
        instruments=tuple(source.instruments),
        venue="bench",
        install="bench",
        boot=1,
        trading=TradingSwitch.LIVE,
        practice_time=True,
        bar_grace_ns=0,
    )


def step_rows(strategy: Silent | Watching, names: dict[str, str]) -> list[tuple[str, ...]]:
    """What steps cost in which nothing is decided, by what they are about."""
    source = SteadyMarket()
    core = TimedCore(config_of(source), strategy)
    instruments = {i.symbol: i for i in source.instruments}
    events = list(source.events())
    played = Replay(core, instruments, FillModel(), lambda records: None)
    played.run(source.start_ts, source.history, iter(events))
    took = core.took
    return [
        (
            what,
            f"{len(took[kind]):,}",
            f"{1e6 * median(took[kind]):.1f} µs",
            f"{1e6 * fmean(took[kind]):.1f} µs",
        )
        for kind, what in names.items()
    ]


def replay(source: MarketSource, events: list[Quote | Print]) -> tuple[float, CountingCore]:
    """Seconds for core and venue to take the events in; the core as it is then."""
    core = CountingCore(config_of(source), ZoneReaction())
    instruments = {i.symbol: i for i in source.instruments}
    played = Replay(core, instruments, FillModel(), lambda records: None)
    return timed(lambda: played.run(source.start_ts, source.history, iter(events))), core


def fold(source: MarketSource, events: list[Quote | Print]) -> float:
    """Seconds for the bars alone."""
    bars = MinuteBars(grace_ns=0)
    for instrument in source.instruments:
        bars.load_history(instrument.symbol, tuple(source.history(instrument.symbol)))

    def work() -> None:
        for event in events:
            if isinstance(event, Print):
                bars.on_print(event)
            else:
                bars.on_quote(event)

    return timed(work)


def bare_fold(events: list[Quote | Print]) -> float:
    """Seconds for the least that makes minutes of prints: the peer."""
    minutes: dict[tuple[str, int], list[int]] = {}

    def work() -> None:
        for event in events:
            if isinstance(event, Print):
                key = event.instrument, event.ts_venue // MINUTE
                bar = minutes.get(key)
                if bar is None:
                    minutes[key] = [event.price, event.price, event.price, event.price, event.size]
                    continue
                bar[1] = max(bar[1], event.price)
                bar[2] = min(bar[2], event.price)
                bar[3] = event.price
                bar[4] += event.size

    return timed(work)


def whole(options: RunOptions) -> float:
    """Seconds of `tstream run --headless --speed max`, journal on disk included."""
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        paths = find({"TSTREAM_HOME": str(home)})
        paths.create()
        settings = load(paths).settings
        return timed(lambda: run_virtual(settings, options, paths))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def minutes_tape(folder: Path) -> Path:
    """A day of ES minutes, made up and written as a file of bars."""
    source = generated()
    file = folder / "minutes.csv"
    with file.open("w", encoding="utf-8") as out:
        write_bars(source.history("ES")[-DAY_MINUTES:], CME_FUTURES["ES"], out)
    return file


def row(what: str, seconds: float, count: int, peer_each: float) -> tuple[str, ...]:
    return (
        what,
        f"{count:,}",
        f"{seconds:.2f} s",
        f"{count / seconds:,.0f}",
        f"{1e6 * seconds / count:.1f} µs",
        ratio(seconds / count, peer_each),
    )


def bars_table(title: str, options: RunOptions) -> None:
    """How many bars a second a file of minutes is played with, as a whole and in its parts."""
    assert options.tape is not None
    tape = open_tape(options.tape, "ES", stamp=options.stamp)
    events: list[Quote | Print] = []
    read = timed(lambda: events.extend(take(tape, None)))
    count = len({event.ts_venue // MINUTE for event in events if isinstance(event, Print)})
    peer = bare_fold(events)
    stepped, core = replay(tape, events)
    ran = whole(options)
    table(
        f"{title}: {count:,} bars, {len(events):,} quotes and prints, {core.steps:,} steps of the core",
        ("", "bars", "time", "bars/s", "a bar", "to the bare loop"),
        [
            row("minutes folded by a bare loop", peer, count, peer / count),
            row("reading the tape", read, count, peer / count),
            row("bars alone", fold(tape, events), count, peer / count),
            row("core and venue", stepped, count, peer / count),
            row("tstream run --speed max", ran, count, peer / count),
        ],
    )


def run() -> None:
    """Measure and print."""
    table(
        f"engine: one step in which nothing is decided; one contract, {PRINTS_A_MINUTE} prints a minute",
        ("", "steps", "p50", "mean"),
        [
            *step_rows(
                Silent(),
                {
                    "Print": "a print",
                    "Quote": "a quote",
                    "close": "a minute closes, nobody asks for signals",
                    "TimeAdvanced": "a look at the time",
                },
            ),
            *step_rows(Watching(), {"close": "a minute closes, the strategy looks at everything"}),
        ],
    )
    source = generated()
    until = source.start_ts + MINUTES * 60 * NANOS
    events: list[Quote | Print] = []
    drawn = timed(lambda: events.extend(take(source, until)))
    peer = bare_fold(events)
    bars = fold(source, events)
    stepped, core = replay(source, events)
    ran = whole(RunOptions(speed="max", duration_ns=MINUTES * 60 * NANOS))
    count = len(events)
    head = ("", "events", "time", "events/s", "an event", "to the bare loop")
    table(
        f"engine: the generated market, 6 contracts, {MINUTES} minutes, as fast as it can",
        head,
        [
            row("minutes folded by a bare loop", peer, count, peer / count),
            row("making up the market", drawn, count, peer / count),
            row("bars of six contracts", bars, count, peer / count),
            row("core and venue, all events", stepped, core.steps, peer / count),
            row("tstream run --speed max, of market events", ran, count, peer / count),
        ],
    )
    with tempfile.TemporaryDirectory(prefix="tstream-bench-") as folder:
        made = RunOptions(speed="max", tape=minutes_tape(Path(folder)), contract="ES", stamp="open")
        bars_table("engine: a made-up day of ES minutes", made)
    if TAPE.exists():
        bars_table("engine: a recorded day of ES minutes", RunOptions(speed="max", tape=TAPE, contract="ES"))
    else:
        print(f"\nengine: LEFT OUT: a recorded day of ES minutes, there is no {TAPE}")
