"""The whole program under load: 6 contracts, 1,000 quotes and prints a second, a cockpit of 120x40."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
import psutil

from adapters.control.client import fetch_view
from adapters.simulator.config import DEFAULT_SEED
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.hours import LEAD_NS, practice_open
from bench import keys
from bench.channels import COUNTS, KEYS
from bench.figures import quantile, table
from bench.terminal import Terminal
from bench.venue import Counts
from engine.model.market import NANOS
from engine.model.view import HealthView
from tstream.paths import Paths, find

WANTED = 1000.0
"""Quotes and prints a second, of all contracts together."""
SETTLE_S = 12.0
"""Until history is loaded, the opening is over and caches are warm."""
WATCH_S = 30.0
PRESSES = 120


def rate_for(updates: float, begins_s: float = SETTLE_S, seconds: float = WATCH_S) -> float:
    """The --rate at which the default market brings so many updates a second while they are counted: for so
    long, beginning so long after its start.

    The market of a seed is the same every time, so it can be played beforehand; another rate is another
    market, so one looks again.
    """
    start = practice_open(date(2026, 11, 16)) - LEAD_NS
    begin, rate = start + round(begins_s * NANOS), 1.0
    end = begin + round(seconds * NANOS)
    for _ in range(3):
        seen = 0
        for event in GeneratedMarket(DEFAULT_SEED, start, rate).events():
            if event.ts_venue >= end:
                break
            seen += event.ts_venue >= begin
        rate *= updates * seconds / seen
    return rate


class Load:
    """CPU and memory of the cockpit's process and of its venue, over a time."""

    def __init__(self, cockpit: psutil.Process, venue: psutil.Process) -> None:
        self._cockpit, self._venue = cockpit, venue
        self._began = self._read()

    def _read(self) -> tuple[float, float, float, float]:
        threads = {thread.id: thread.user_time + thread.system_time for thread in self._cockpit.threads()}
        venue = self._venue.cpu_times()
        whole = sum(threads.values())
        return time.monotonic(), whole, threads[self._cockpit.pid], venue.user + venue.system

    def shares(self) -> tuple[float, float, float]:
        """Shares of one core, in percent: the whole process, its screen's thread, the venue."""
        now, then = self._read(), self._began
        spent = now[0] - then[0]
        whole, screen, venue = (100 * (b - a) / spent for a, b in zip(then[1:], now[1:], strict=True))
        return whole, screen, venue


def counts(venue: psutil.Process, file: Path) -> Counts:
    """What the venue has sent. Raises TimeoutError when it does not say."""
    file.unlink(missing_ok=True)
    venue.send_signal(signal.SIGUSR2)
    end = time.monotonic() + 60
    while not file.exists():
        if time.monotonic() > end:
            raise TimeoutError("the venue did not write its counts")
        time.sleep(0.01)
    return msgspec.json.decode(file.read_bytes(), type=Counts)


def health(paths: Paths, terminal: Terminal) -> HealthView:
    """The engine's health over the control socket, while the terminal goes on being read."""
    terminal.read(0)
    return fetch_view(paths.control_socket).health


def settled(paths: Paths, terminal: Terminal) -> HealthView:
    """The engine's health once it takes nothing in any more."""
    last = health(paths, terminal)
    while True:
        terminal.watch(1.0)
        now = health(paths, terminal)
        if now.prints == last.prints and not now.inbox:
            return now
        last = now


@dataclass(slots=True)
class Watched:
    """What a while of undisturbed watching showed."""

    seconds: float
    sent: Counts
    frames: int
    written: int
    whole: float
    screen: float
    venue: float
    waits_ms: list[float]
    memory: int
    venue_memory: int


def watch(
    cockpit: Terminal, paths: Paths, process: psutil.Process, venue: psutil.Process, file: Path
) -> Watched:
    """Look on for WATCH_S without touching a key."""
    before, frames, written, began = counts(venue, file), cockpit.frames, cockpit.bytes, time.monotonic()
    load, waits = Load(process, venue), []
    for _ in range(round(WATCH_S / 5)):
        cockpit.watch(5.0)
        waits.append(health(paths, cockpit).wait_p99_ms)
    whole, screen, share = load.shares()
    after = counts(venue, file)
    return Watched(
        time.monotonic() - began,
        Counts(after.quotes - before.quotes, after.prints - before.prints),
        cockpit.frames - frames,
        cockpit.bytes - written,
        whole,
        screen,
        share,
        waits,
        process.memory_info().rss,
        venue.memory_info().rss,
    )


def run() -> None:
    """Measure and print."""
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        _run(rate_for(WANTED), home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(rate: float, home: Path) -> None:
    with keys.bare() as (terminal, alone, expected):
        keys.press_all(PRESSES, [terminal], [(alone, expected)])
        bare_memory = psutil.Process(terminal.process.pid).memory_info().rss
    file, paths = home / "counts", find({"TSTREAM_HOME": str(home)})
    with ExitStack() as stack:
        reading, writing = stack.enter_context(keys.pipe())
        environment = {"TSTREAM_HOME": str(home), KEYS: str(writing), COUNTS: str(file)}
        command = [sys.executable, "-m", "bench.hooked", "--rate", f"{rate:.3f}"]
        cockpit = stack.enter_context(Terminal(command, environment, fds=[writing]))
        cockpit.until("PRACTICE")
        cockpit.watch(SETTLE_S)
        process = psutil.Process(cockpit.process.pid)
        venue = next(child for child in process.children() if "bench.venue" in child.cmdline())
        watched = watch(cockpit, paths, process, venue, file)

        peer, beside, expected = stack.enter_context(keys.bare())
        ours = keys.Keys(cockpit, reading)
        keys.press_all(PRESSES, [cockpit, peer], [(ours, keys.timeframes()), (beside, expected)])

        venue.send_signal(signal.SIGUSR1)
        cockpit.watch(1.0)
        taken, sent = settled(paths, cockpit), counts(venue, file)
    _report(rate, watched, bare_memory, taken, sent)
    keys.report(ours, beside, alone)


def _report(rate: float, seen: Watched, bare_memory: int, taken: HealthView, sent: Counts) -> None:
    s = seen.seconds
    wait = f"median {quantile(seen.waits_ms, 0.5):.1f}, worst {max(seen.waits_ms):.1f} ms"
    table(
        f"cockpit: the real program in a terminal of 120x40, --rate {rate:.2f}, {s:.0f} s",
        ("", "figure"),
        [
            ("updates sent by the venue", f"{(seen.sent.quotes + seen.sent.prints) / s:,.0f} /s"),
            ("  quotes, prints", f"{seen.sent.quotes / s:,.0f} + {seen.sent.prints / s:,.0f} /s"),
            ("frames drawn", f"{seen.frames / s:.1f} /s"),
            ("written to the terminal", f"{seen.written / s / 1000:.0f} kB/s"),
            ("CPU of tstream, of one core", f"{seen.whole:.0f} %"),
            ("  its screen thread", f"{seen.screen:.0f} %"),
            ("  its engine thread and the rest", f"{seen.whole - seen.screen:.0f} %"),
            ("CPU of the practice venue", f"{seen.venue:.0f} %"),
            ("memory of tstream (RSS)", f"{seen.memory / 1e6:.0f} MB"),
            ("memory of the practice venue", f"{seen.venue_memory / 1e6:.0f} MB"),
            ("memory of the bare app", f"{bare_memory / 1e6:.0f} MB"),
            ("event wait in the engine, p99", wait),
            ("quotes replaced by newer ones", f"{taken.dropped}"),
            ("prints sent by the venue", f"{sent.prints:,}"),
            ("prints taken in by the engine", f"{taken.prints:,}"),
            ("  the same", "yes" if sent.prints == taken.prints else "NO"),
        ],
    )
