"""What looking at ladder and tape costs beside the plain screen, at 1,000 and 10,000 updates a second.

The three are watched in turns in one run of the real program, so that a busy machine is busy for all of them.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import psutil

from bench.channels import COUNTS, KEYS
from bench.cockpit import SETTLE_S, Load, counts, health, rate_for
from bench.figures import table
from bench.keys import pipe
from bench.terminal import Terminal
from tstream.paths import find

RATES = (1_000.0, 10_000.0)
TURNS = 3
WATCH_S = 8.0
SCREENS = {"plain screen": "", "ladder": "L", "time and sales": "S"}
"""What is watched, and the key that opens it and leaves it again."""


def run() -> None:
    """Measure and print."""
    for updates in RATES:
        home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
        try:
            _run(updates, home)
        finally:
            shutil.rmtree(home, ignore_errors=True)


def _run(updates: float, home: Path) -> None:
    file, paths = home / "counts", find({"TSTREAM_HOME": str(home)})
    seen: dict[str, list[tuple[float, float, float, float, float]]] = defaultdict(list)
    memory: list[int] = []
    with ExitStack() as stack:
        _, writing = stack.enter_context(pipe())
        environment = {"TSTREAM_HOME": str(home), KEYS: str(writing), COUNTS: str(file)}
        command = [sys.executable, "-m", "bench.hooked", "--rate", f"{rate_for(updates):.3f}"]
        cockpit = stack.enter_context(Terminal(command, environment, fds=[writing]))
        cockpit.until("PRACTICE")
        cockpit.watch(SETTLE_S)
        process = psutil.Process(cockpit.process.pid)
        venue = next(child for child in process.children() if "bench.venue" in child.cmdline())
        for _ in range(TURNS):
            for name, key in SCREENS.items():
                if key:
                    cockpit.press(key)
                cockpit.watch(2.0)
                before, frames, load = counts(venue, file), cockpit.frames, Load(process, venue)
                cockpit.watch(WATCH_S)
                whole, screen, _ = load.shares()
                after = counts(venue, file)
                sent = (after.quotes + after.prints - before.quotes - before.prints) / WATCH_S
                wait = health(paths, cockpit).wait_p99_ms
                seen[name].append((whole, screen, (cockpit.frames - frames) / WATCH_S, sent, wait))
                memory.append(process.memory_info().rss)
                if key:
                    cockpit.press(key)
    rows = []
    for name, figures in seen.items():
        whole, screen, frames_s, sent, wait = (
            sum(column) / len(figures) for column in zip(*figures, strict=True)
        )
        rows.append(
            (name, f"{whole:.1f} %", f"{screen:.1f} %", f"{whole - screen:.1f} %", f"{frames_s:.1f}",
             f"{sent:,.0f}", f"{wait:.1f} ms")
        )  # fmt: skip
    table(
        f"ladder: {updates:,.0f} updates a second asked for, {TURNS} turns of {WATCH_S:.0f} s each, 120x40",
        ("", "CPU, of one core", "screen", "engine and rest", "frames/s", "updates/s", "event wait p99"),
        rows,
    )
    print(f"memory of tstream after each watch, MB: {', '.join(f'{one / 1e6:.0f}' for one in memory)}")
