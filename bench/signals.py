"""Whether the machine's load or the speed of practice time changes what the engine sees in one market.

The same seed is played over sockets: at ×1, at ×10, and at ×1 while every core has other work. What came
of it is read from the journals: each signal with its bar's close, contract, side and score.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.simulator.config import DEFAULT_SEED
from adapters.store.journal import SqliteJournal
from bench.figures import table
from engine.model import records as r
from engine.model.market import MINUTE
from tstream.paths import find

PLAYED = "6m"
BUSY = f"import os\nwhile os.getppid() == {os.getpid()}: pass"
"""What loads a core; it ends with this process, whatever ends that."""
Signal = tuple[int, str, str, int]
"""(close of its bar in nanoseconds UTC since the day's midnight, contract, side, score in tenths)."""


def play(speed: str) -> list[Signal]:
    """The signals of one run, in their order."""
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        command = ["-m", "tstream", "run", "--headless", "--for", PLAYED, "--speed", speed, "--no-record"]
        subprocess.run(
            [sys.executable, *command, "--seed", str(DEFAULT_SEED)],
            env={**os.environ, "TSTREAM_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        name = "virtual" if speed == "max" else "practice"
        return asyncio.run(_signals(find({"TSTREAM_HOME": str(home)}).journal(name)))
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _signals(file: Path) -> list[Signal]:
    found = set()
    async with await SqliteJournal.open(file) as journal:
        async for _, body in journal.read():
            match r.decode(body):
                case r.PlanOpened(plan=one):
                    close = one.created_ts - one.created_ts % MINUTE
                case r.IdeaRefused(idea=one):
                    close = one.ts
                case _:
                    continue
            found.add((close % (24 * 60 * MINUTE), one.instrument, one.side.value, one.score_tenths))
    return sorted(found)


@contextmanager
def busy() -> Iterator[None]:
    """Every core has something else to do."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def run() -> None:
    """Measure and print."""
    quiet = play("1")
    fast = play("10")
    with busy():
        loaded = play("1")

    def row(what: str, signals: list[Signal]) -> tuple[str, ...]:
        return what, str(len(signals)), str(len(set(signals) ^ set(quiet)))

    table(
        f"signals: seed {DEFAULT_SEED}, {PLAYED} of practice time over sockets; differences to the quiet ×1",
        ("", "signals", "differences"),
        [
            row("×1", quiet),
            row("×1 beside other work on every core", loaded),
            row("×10", fast),
            row("--speed max, without sockets", play("max")),
        ],
    )
