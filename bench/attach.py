"""Clients attached to a running engine: bytes a second, and what they cost its events."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from adapters.control.client import fetch_view
from adapters.control.dial import UnixDial
from adapters.control.remote import RemoteHandle
from bench.cockpit import SETTLE_S, WANTED, rate_for
from bench.figures import quantile, table
from engine.model.market import Timeframe
from tests.e2e.program import Headless
from tstream.paths import find

FPS = 10.0
AIM = 20_000
"""Bytes a second of a busy client."""
WATCH_S = 20.0
ROUNDS, ROUND_S = 4, 12.0
"""In turn without and with clients, so that what else the machine does meets both."""
CLIENTS = 3
QUIET_RATE = 0.01


@contextmanager
def client(socket: Path) -> Iterator[RemoteHandle]:
    blank = fetch_view(socket)
    remote = RemoteHandle(UnixDial(socket), blank, name="bench", fps=FPS)
    remote.start(10.0)
    try:
        yield remote
    finally:
        remote.close()


def watch(remotes: list[RemoteHandle], seconds: float, chart: bool) -> list[int]:
    """Draw as a cockpit does; the bytes that each has got meanwhile."""
    before = [remote.received for remote in remotes]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for remote in remotes:
            view = remote.view()
            if chart and view.contracts:
                remote.chart(view.contracts[0].instrument, Timeframe.M5)
        time.sleep(1 / FPS)
    return [remote.received - was for remote, was in zip(remotes, before, strict=True)]


def waits(socket: Path, seconds: float, remotes: list[RemoteHandle]) -> list[float]:
    """The engine's p99 of event waits, milliseconds, once a second."""
    found = []
    for _ in range(round(seconds)):
        watch(remotes, 1.0, chart=True) if remotes else time.sleep(1.0)
        found.append(fetch_view(socket).health.wait_p99_ms)
    return found[4:]  # the first still count what was before


def run() -> None:
    """Measure and print."""
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        busy = _busy(home / "busy")
        still = _still(home / "still")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    alone, beside, whole, with_chart, without = busy
    table(
        f"attach: {FPS:g} pictures a second, {WANTED:,.0f} updates a second at the venue",
        ("", "figure"),
        [
            ("a client that looks at a chart", f"{with_chart / 1000:.1f} kB/s (aim {AIM / 1000:.0f})"),
            ("a client without a chart", f"{without / 1000:.1f} kB/s"),
            ("a client while the market is still", f"{still / 1000:.1f} kB/s"),
            ("what comes first: picture, chart, notices, log", f"{whole / 1000:.1f} kB"),
            ("event wait p99 without a client, median, worst", _both(alone)),
            (f"event wait p99 with {CLIENTS} of them, median, worst", _both(beside)),
            ("  the one to the other", f"{quantile(beside, 0.5) / quantile(alone, 0.5):.2f}x"),
        ],
    )


def _both(found: list[float]) -> str:
    return f"{quantile(found, 0.5):.2f}, {max(found):.2f} ms"


def _busy(home: Path) -> tuple[list[float], list[float], int, float, float]:
    socket = find({"TSTREAM_HOME": str(home)}).control_socket
    with Headless(home, "--rate", f"{rate_for(WANTED):.3f}", command=("engine",)) as engine:
        engine.practice()
        engine.until(engine.view, "it answers")
        time.sleep(SETTLE_S)
        with client(socket) as looking:
            watch([looking], 2.0, chart=True)
            whole = looking.received
            (with_chart,) = watch([looking], WATCH_S, chart=True)
        with client(socket) as looking:
            watch([looking], 2.0, chart=False)
            (without,) = watch([looking], WATCH_S, chart=False)
        alone, beside = list[float](), list[float]()
        for _ in range(ROUNDS):
            alone += waits(socket, ROUND_S, [])
            with ExitStack() as stack:
                remotes = [stack.enter_context(client(socket)) for _ in range(CLIENTS)]
                beside += waits(socket, ROUND_S, remotes)
    return alone, beside, whole, with_chart / WATCH_S, without / WATCH_S


def _still(home: Path) -> float:
    socket = find({"TSTREAM_HOME": str(home)}).control_socket
    with Headless(home, "--rate", f"{QUIET_RATE}", command=("engine",)) as engine:
        engine.practice()
        engine.until(engine.view, "it answers")
        time.sleep(SETTLE_S)
        with client(socket) as looking:
            watch([looking], 2.0, chart=False)
            (got,) = watch([looking], WATCH_S, chart=False)
    return got / WATCH_S
