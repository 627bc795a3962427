"""The brain in virtual time: how many events a second, and where their time goes."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from adapters.simulator.config import CAPTURED, DEFAULT_SEED
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.hours import practice_open
from adapters.tapes.tape import open_tape
from bench.figures import ratio, table
from bench.terminal import ROOT
from engine.core import Core, Outcome
from engine.lab.replay import Replay
from engine.market.bars import MinuteBars
from engine.model.config import EngineConfig, TradingSwitch
from engine.model.events import AnyEvent, Print, Quote
from engine.model.market import MINUTE, NANOS
from engine.ports import MarketSource
from engine.strategies.zones import ZoneReaction
from tstream.options import RunOptions
from tstream.paths import find
from tstream.run.virtual import run_virtual
from tstream.settings.load import load

MINUTES = 20
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


def core_of(source: MarketSource) -> CountingCore:
    return CountingCore(
        EngineConfig(
            instruments=tuple(source.instruments),
            venue="bench",
            install="bench",
            boot=1,
            trading=TradingSwitch.LIVE,
            practice_time=True,
            bar_grace_ns=0,
        ),
        ZoneReaction(),
    )


def replay(source: MarketSource, events: list[Quote | Print]) -> tuple[float, CountingCore]:
    """Seconds for core and venue to take the events in; the core as it is then."""
    core = core_of(source)
    instruments = {i.symbol: i for i in source.instruments}
    played = Replay(core, instruments, CAPTURED, lambda records: None)
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


def row(what: str, seconds: float, count: int, peer_each: float) -> tuple[str, ...]:
    return (
        what,
        f"{count:,}",
        f"{seconds:.2f} s",
        f"{count / seconds:,.0f}",
        f"{1e6 * seconds / count:.1f} µs",
        ratio(seconds / count, peer_each),
    )


def run() -> None:
    """Measure and print."""
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
    if TAPE.exists():
        tape = open_tape(TAPE, "ES")
        recorded: list[Quote | Print] = []
        read = timed(lambda: recorded.extend(take(tape, None)))
        stepped, day = replay(tape, recorded)
        ran = whole(RunOptions(speed="max", tape=TAPE, contract="ES"))
        count = len(recorded)
        peer = bare_fold(recorded)
        table(
            "engine: a recorded day of ES minutes",
            head,
            [
                row("minutes folded by a bare loop", peer, count, peer / count),
                row("reading the tape", read, count, peer / count),
                row("core and venue, all events", stepped, day.steps, peer / count),
                row("tstream run --speed max, of market events", ran, count, peer / count),
            ],
        )
    else:
        print(f"\nno recorded day at {TAPE}: left out")
