"""What people look at: bytes and time of core picture and chart, and the CPU of a `tstream status`."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bench.engine import generated, replay, take, timed
from bench.figures import quantile, ratio, table
from engine.model.market import NANOS, USUAL, Timeframe
from engine.model.view import HealthView
from engine.runtime.pictures import Pictures
from engine.runtime.view_builder import picture
from tests.tstream.running import Engine, serving
from tstream.paths import find

MINUTES = 20
LOOKS = 400
STARTS = 7
PER_S = 20
"""Core pictures a second at most."""


def each_us(work: Callable[[], object]) -> float:
    """Microseconds that one call takes."""
    work()
    return 1e6 * timed(lambda: [work() for _ in range(LOOKS)]) / LOOKS


def cpu_ms(command: Sequence[str], home: Path) -> float:
    """User and system time of a process, milliseconds: the median of some runs, bytecode cached."""
    spent = []
    for _ in range(STARTS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = {**os.environ, "TSTREAM_HOME": str(home)}
        subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return 1000 * quantile(spent[1:], 0.5)


def run() -> None:
    """Measure and print."""
    source = generated()
    _, core = replay(source, take(source, source.start_ts + MINUTES * 60 * NANOS))
    pictures, health = Pictures(core, lambda: HealthView(ok=True)), HealthView(ok=True)
    view = pictures.view()
    symbol = core.config.instruments[0].symbol
    chart = pictures.draw(symbol, Timeframe.M5)
    every = [pictures.draw(i.symbol, frame) for i in core.config.instruments for frame in USUAL]
    rows = [
        ("core picture", view, pictures.renew, f"{PER_S} a second at most, when looked at"),
        ("  with nothing kept", view, lambda: picture(core, 1, health), "the first one"),
        (f"chart {symbol} 5m", chart, lambda: pictures.draw(symbol, Timeframe.M5), "when asked for"),
        (f"all {len(every)} charts", every, None, "never built together"),
    ]
    table(
        f"view: {len(core.config.instruments)} contracts, {MINUTES} minutes after five days of history",
        ("", "JSON", "msgpack", "to build", "as JSON", "when"),
        [
            (
                name,
                f"{len(msgspec.json.encode(what)):,} B",
                f"{len(msgspec.msgpack.encode(what)):,} B",
                "" if build is None else f"{each_us(build):.0f} µs",
                f"{each_us(lambda what=what: msgspec.json.encode(what)):.0f} µs",  # type: ignore[misc]
                when,
            )
            for name, what, build, when in rows
        ],
    )
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    commands = ("status --json", "status --json --charts", "status")
    try:
        with serving(Engine(view), find({"TSTREAM_HOME": str(home)}).control_socket):
            spent = {what: cpu_ms(["-m", "tstream", *what.split()], home) for what in commands}
            spent["a bare Python"] = cpu_ms(["-c", "pass"], home)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    table(
        "view: a command that looks, user and system time of its process",
        ("", "CPU", "to a bare Python"),
        [(what, f"{ms:.0f} ms", ratio(ms, spent["a bare Python"])) for what, ms in spent.items()],
    )
