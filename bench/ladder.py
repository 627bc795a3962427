"""What looking at ladder and tape costs beside the plain screen, at 1,000 and 10,000 updates a second.

All are watched in turns in one run of the real program, so that a busy machine is busy for all of them. With
a clone of an older build its program runs in the same turns, on those of these screens that it has.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import fmean

import msgspec
import psutil

from bench.channels import COUNTS, KEYS
from bench.cockpit import SETTLE_S, Load, counts, rate_for
from bench.figures import quantile, table
from bench.keys import pipe
from bench.terminal import ROOT, Terminal
from engine.model.market import NANOS

RATES = (1_000.0, 10_000.0)
TURNS = 3
WATCH_S = 8.0
PRESSES = 20
"""Keys that are pressed in each turn."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is watched: the key that opens and leaves it, and two keys that are pressed in turn on it."""

    name: str
    key: str
    presses: str


PLAIN = Shown("plain screen", "", "tT")
SCREENS = (PLAIN, Shown("ladder", "L", "nN"), Shown("time and sales", "S", "tT"))


class Program:
    """One build of the cockpit in its terminal, settled, with its venue."""

    def __init__(self, clone: Path, terminal: Terminal, home: Path, pipe_end: int) -> None:
        self.clone, self.terminal = clone, terminal
        self._home, self._pipe = home, pipe_end
        self.process = psutil.Process(terminal.process.pid)
        self.venue = next(child for child in self.process.children() if "bench.venue" in child.cmdline())
        self._chance = Random(1)

    def sent(self) -> int:
        """Quotes and prints that the venue has sent so far."""
        told = counts(self.venue, self._home / "counts")
        return told.quotes + told.prints

    def wait_ms(self) -> float:
        """The engine's own 99th percentile of the wait of an event, by the build's own words."""
        command = [python(self.clone), "-m", "tstream", "status", "--json"]
        environment = {**os.environ, "TSTREAM_HOME": str(self._home)}
        answer = subprocess.check_output(command, cwd=self.clone, env=environment, timeout=20)
        return float(msgspec.json.decode(answer)["health"]["wait_p99_ms"])

    def to_handler(self, key: str, others: Sequence[Terminal]) -> float:
        """Seconds from a key to the begin of its handler, pressed at an uneven time while all are read."""
        end = time.monotonic() + self._chance.uniform(0.08, 0.22)
        while (left := end - time.monotonic()) > 0:
            select.select([terminal.master for terminal in others], [], [], left)
            for terminal in others:
                terminal.read(0)
        pressed = time.monotonic_ns()
        self.terminal.press(key)
        while not select.select([self._pipe], [], [], 0)[0]:
            self.terminal.read(0.001)
            if time.monotonic_ns() - pressed > 5 * NANOS:
                raise TimeoutError(f"the handler of {key!r} did not run")
        return (int.from_bytes(os.read(self._pipe, 8), "little") - pressed) / NANOS


@dataclass(slots=True)
class Seen:
    """One screen of one build, a figure for each turn."""

    whole: list[float] = field(default_factory=list)
    screen: list[float] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    handlers: list[float] = field(default_factory=list)
    """Seconds from each key to its handler."""


def python(clone: Path) -> str:
    """The Python of a clone: this one for our own."""
    return sys.executable if clone == ROOT else str(clone / ".venv" / "bin" / "python")


def builds(old: str | None) -> dict[str, Path]:
    """The clones that take turns. Raises ValueError for one that can't run."""
    found = {"new": ROOT}
    if old is not None:
        clone = Path(old).resolve()
        if not Path(python(clone)).exists() or not (clone / "bench" / "hooked.py").exists():
            raise ValueError(
                f"{clone} is no clone that can run: it needs bench/hooked.py and its own .venv "
                "(scripts/venv dev makes it)"
            )
        found = {"old": clone, **found}
    return found


@contextmanager
def running(clones: dict[str, Path], rate: float) -> Iterator[dict[str, Program]]:
    """All builds, each with its own venue and folder, settled; ended and removed on leaving."""
    found: dict[str, Program] = {}
    with ExitStack() as stack:
        for name, clone in clones.items():
            home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
            stack.callback(shutil.rmtree, home, ignore_errors=True)
            reading, writing = stack.enter_context(pipe())
            environment = {"TSTREAM_HOME": str(home), KEYS: str(writing), COUNTS: str(home / "counts")}
            command = [python(clone), "-m", "bench.hooked", "--rate", f"{rate:.3f}"]
            cockpit = stack.enter_context(Terminal(command, environment, fds=[writing], cwd=clone))
            cockpit.until("PRACTICE")
            watch_all([one.terminal for one in found.values()] + [cockpit], SETTLE_S)
            found[name] = Program(clone, cockpit, home, reading)
        yield found


def watch_all(terminals: Sequence[Terminal], seconds: float) -> None:
    """Read all of them for so long."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        select.select([terminal.master for terminal in terminals], [], [], left)
        for terminal in terminals:
            terminal.read(0)


def run(old: str | None = None) -> None:
    """Measure and print; `old` is the folder of another clone, with a virtual environment of its own."""
    clones = builds(old)
    for updates in RATES:
        _run(updates, clones)


def _run(updates: float, clones: dict[str, Path]) -> None:
    seen: dict[tuple[str, str], Seen] = defaultdict(Seen)
    memory: dict[str, list[str]] = defaultdict(list)
    with running(clones, rate_for(updates)) as programs:
        terminals = [one.terminal for one in programs.values()]
        for _ in range(TURNS):
            for shown in SCREENS:
                for build, program in programs.items():
                    if shown is PLAIN or _has(program, shown):
                        _watch(program, shown, terminals, seen[build, shown.name])
                        memory[build].append(f"{program.process.memory_info().rss / 1e6:.0f}")
    _report(updates, seen)
    for build, each in memory.items():
        print(f"memory after each watch, {build}, MB: {', '.join(each)}")


def _has(program: Program, shown: Shown) -> bool:
    """The build has such a screen."""
    return (program.clone / "tui" / "screens" / ("ladder.py" if shown.key == "L" else "tape.py")).exists()


def _watch(program: Program, shown: Shown, terminals: Sequence[Terminal], seen: Seen) -> None:
    terminal = program.terminal
    if shown.key:
        program.to_handler(shown.key, terminals)
    watch_all(terminals, 2.0)
    before, frames, began = program.sent(), terminal.frames, time.monotonic()
    load = Load(program.process, program.venue)
    watch_all(terminals, WATCH_S)
    whole, screen, _ = load.shares()
    seconds = time.monotonic() - began
    seen.whole.append(whole)
    seen.screen.append(screen)
    seen.frames.append((terminal.frames - frames) / seconds)
    seen.sent.append((program.sent() - before) / seconds)
    seen.waits.append(program.wait_ms())
    for press in range(PRESSES):
        seen.handlers.append(program.to_handler(shown.presses[press % 2], terminals))
    if shown.key:
        terminal.press(shown.key)
        watch_all(terminals, 0.5)


def _report(updates: float, seen: dict[tuple[str, str], Seen]) -> None:
    rows = []
    for (build, name), of in seen.items():
        whole, screen = fmean(of.whole), fmean(of.screen)
        keys = (f"{1000 * quantile(of.handlers, share):.1f}" for share in (0.5, 0.99))
        rows.append(
            (f"{build}: {name}", f"{whole:.1f} %", f"{screen:.1f} %", f"{whole - screen:.1f} %",
             f"{fmean(of.frames):.1f}", f"{fmean(of.sent):,.0f}", f"{fmean(of.waits):.1f} ms", *keys)
        )  # fmt: skip
    head = ("", "CPU, of one core", "screen", "engine and rest", "frames/s", "updates/s", "event wait p99",
            "key to handler p50, ms", "p99")  # fmt: skip
    table(
        f"ladder: {updates:,.0f} updates a second asked for, {TURNS} turns of {WATCH_S:.0f} s each, 120x40, "
        f"load {os.getloadavg()[0]:.1f}",
        head,
        rows,
    )
