"""Memory over a long time: flat at 1,000 updates a second, and what is left of two minutes at 10,000.

The screens change as a person changes them: the plain one, the ladder with the newest prints, time and sales.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import fmean

import psutil

from bench.channels import COUNTS, THIN
from bench.cockpit import counts, rate_for
from bench.figures import table
from bench.terminal import Terminal
from bench.venue import POUR

USUAL, MOST = 1_000.0, 10_000.0
"""Quotes and prints a second, of all contracts together."""
WARM_UP_MIN = 5.0
SATURATED_MIN = 2.0
AFTER_MIN = 5.0
SCREENS = ("", "L", "S")
"""Keys that open a screen and leave it again: the plain one, the ladder, time and sales."""
SCREEN_S = 20.0
LOOK_S = 5.0


@dataclass(slots=True)
class Phase:
    """What was seen of a while: minutes since the start of the program, and resident MB."""

    name: str
    minutes: list[float] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)
    updates: float = 0.0
    """Quotes and prints a second that the venue has sent."""

    def by_minute(self) -> list[tuple[float, float]]:
        """Means of whole minutes: looks of one minute say much the same."""
        kept: dict[int, list[tuple[float, float]]] = {}
        for at, mb in zip(self.minutes, self.mb, strict=True):
            kept.setdefault(int(at), []).append((at, mb))
        return [(fmean(at for at, _ in each), fmean(mb for _, mb in each)) for each in kept.values()]


def slope(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Least squares through (minutes, MB): MB an hour, and its standard error. Raises ValueError for fewer
    than three points.
    """
    if len(points) < 3:
        raise ValueError("a slope and its error need three points")
    x, y = (fmean(column) for column in zip(*points, strict=True))
    spread = sum((at - x) ** 2 for at, _ in points)
    rise = sum((at - x) * (mb - y) for at, mb in points) / spread
    rest = sum((mb - y - rise * (at - x)) ** 2 for at, mb in points)
    return 60 * rise, 60 * (rest / (len(points) - 2) / spread) ** 0.5


@contextmanager
def busy_cores() -> Iterator[None]:
    """As many processes that do nothing but work as there are cores. They end with this one."""
    code = f"import os\nwhile os.getppid() == {os.getpid()}: pass"
    working = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in working:
            process.kill()
            process.wait()


class Watcher:
    """The program in its terminal, looked at every few seconds while its screens change."""

    def __init__(self, cockpit: Terminal, file: Path) -> None:
        self._cockpit, self._file = cockpit, file
        self._process = psutil.Process(cockpit.process.pid)
        self.venue = next(child for child in self._process.children() if "bench.venue" in child.cmdline())
        self._keys = cycle(SCREENS)
        self._shown = ""
        self._next = 0.0

    def sent(self) -> float:
        """Quotes and prints that the venue has sent; not a number where it is too busy to say."""
        try:
            told = counts(self.venue, self._file)
        except TimeoutError:
            return math.nan
        return told.quotes + told.prints

    def watch(self, name: str, minutes: float) -> Phase:
        """Look on for so long."""
        phase, began, before = Phase(name), time.monotonic(), self.sent()
        while (now := time.monotonic()) < began + 60 * minutes:
            if now >= self._next:
                self._change(now)
            self._cockpit.watch(min(LOOK_S, began + 60 * minutes - now))
            phase.minutes.append((time.monotonic() - self._cockpit.started) / 60)
            phase.mb.append(self._process.memory_info().rss / 1e6)
        phase.updates = (self.sent() - before) / (time.monotonic() - began)
        return phase

    def _change(self, now: float) -> None:
        if self._shown:
            self._cockpit.press(self._shown)
        self._shown = next(self._keys)
        if self._shown:
            self._cockpit.press(self._shown)
        self._next = now + SCREEN_S


def run(minutes: float = 30.0) -> None:
    """Measure and print; `minutes` is how long it is looked at after it has warmed up, at the usual pace."""
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        _report(_run(minutes, home))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(minutes: float, home: Path) -> list[Phase]:
    file, thin = home / "counts", MOST / USUAL
    # The market is quicker at some times of the day than at others: its mean over what is watched is meant.
    rate = thin * rate_for(USUAL, 60 * WARM_UP_MIN, 60 * max(minutes, 1.0))
    with ExitStack() as stack:
        environment = {"TSTREAM_HOME": str(home), COUNTS: str(file), THIN: f"{thin:.0f}"}
        command = [sys.executable, "-m", "bench.hooked", "--rate", f"{rate:.3f}"]
        cockpit = stack.enter_context(Terminal(command, environment))
        cockpit.until("PRACTICE")
        cockpit.watch(5.0)
        watcher = Watcher(cockpit, file)
        phases = [watcher.watch("warming up", WARM_UP_MIN), watcher.watch("1,000 a second", minutes)]
        _report_slope(phases[1])
        watcher.venue.send_signal(POUR)
        with busy_cores():
            phases.append(watcher.watch("10,000, all cores busy", SATURATED_MIN))
        watcher.venue.send_signal(POUR)
        phases.append(watcher.watch("1,000 again", AFTER_MIN))
    return phases


def _report(phases: list[Phase]) -> None:
    rows = [
        (
            phase.name,
            f"{phase.minutes[0]:.0f} to {phase.minutes[-1]:.0f}",
            f"{phase.updates:,.0f}",
            *(f"{mb:.1f}" for mb in (phase.mb[0], phase.mb[-1], min(phase.mb), max(phase.mb))),
        )
        for phase in phases
    ]
    head = ("", "minutes", "updates/s", "first MB", "last MB", "least", "most")
    table("memory: resident, of the real program in a terminal of 120x40, screens in turn", head, rows)
    print("MB by minute: " + " ".join(f"{mb:.1f}" for phase in phases for _, mb in phase.by_minute()))


def _report_slope(phase: Phase) -> None:
    """Print it at once: what comes after takes minutes."""
    flat = phase.by_minute()
    if len(flat) > 2:
        rise, error = slope(flat)
        print(
            f"{phase.name}: {rise:+.2f} MB/h, standard error {error:.2f}, of {len(flat)} minutes, "
            f"{flat[0][1]:.1f} to {flat[-1][1]:.1f} MB"
        )
