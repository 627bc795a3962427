"""1,000 clients at the API of an engine under load: how long events wait, beside the same load elsewhere."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from adapters.control.client import fetch_view
from bench.api_load import Seen
from bench.cockpit import SETTLE_S, WANTED, rate_for
from bench.figures import ms, ratio, table
from bench.terminal import ROOT
from engine.model.errors import PortError
from tstream.paths import Paths, find

CLIENTS = 1000
WARM_S = 5.0
"""Until all clients are there."""
WATCH_S = 20.0
LOOK_S = 2.0
AIM = 1.5


def run() -> None:
    """Measure and print."""
    rate = rate_for(WANTED)
    rows: list[tuple[str, ...]] = []
    with bare() as there:
        alone, _ = watched(rate, None)
        asked, seen_there = watched(rate, ("ask", there))
        asking, seen_asking = watched(rate, ("ask", ""))
        pushed, seen_pushed = watched(rate, ("listen", there))
        listening, seen_listening = watched(rate, ("listen", ""))
    for what, waits, peer, seen in (
        ("no clients", alone, None, None),
        (f"{CLIENTS:,} ask a bare server each second", asked, None, seen_there),
        (f"{CLIENTS:,} ask the API each second", asking, asked, seen_asking),
        (f"{CLIENTS:,} WebSockets of a bare server", pushed, None, seen_pushed),
        (f"{CLIENTS:,} WebSockets of the API", listening, pushed, seen_listening),
    ):
        rows.append(
            (
                what,
                ms(median(waits) / 1000),
                ms(max(waits) / 1000),
                "" if peer is None else ratio(median(waits), median(peer)),
                "" if seen is None else f"{seen.answers:,}",
                "" if seen is None else f"{seen.failures:,}",
                "" if seen is None else ms(seen.p99),
            )
        )
    table(
        f"api: event wait at {WANTED:,.0f} updates a second; the aim is {AIM}x of the same load elsewhere",
        ("", "wait p99", "worst", "to elsewhere", "answers", "failed", "answer p99"),
        rows,
    )


def watched(rate: float, load: tuple[str, str] | None) -> tuple[list[float], Seen | None]:
    """The waits of one run, milliseconds, each a p99 of the newest events; what the clients saw.

    `load` is what the clients do and where; an empty address is the engine's own API.
    """
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    port, token = free_port(), secrets.token_urlsafe(32)
    own = load is not None and not load[1]
    environment = {
        **os.environ,
        "TSTREAM_HOME": str(home),
        "TSTREAM_API_PORT": str(port),
        "TSTREAM_API_TOKEN": token,
        "TSTREAM_API_PER_MINUTE": "1000000",
    }
    command = [sys.executable, "-m", "tstream", "run", "--headless", "--rate", f"{rate:.4f}"]
    command.append("--api" if own else "--no-api")
    engine = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    crowd = None
    try:
        paths = find({"TSTREAM_HOME": str(home)})
        settle(paths)
        if load is not None:
            mode, url = load
            address = url or f"http://127.0.0.1:{port}"
            words = [mode, address, token, str(CLIENTS), str(WARM_S + WATCH_S)]
            crowd = subprocess.Popen(
                [sys.executable, "-m", "bench.api_load", *words], cwd=ROOT, stdout=subprocess.PIPE
            )
            time.sleep(WARM_S)
        waits = []
        for _ in range(round(WATCH_S / LOOK_S)):
            time.sleep(LOOK_S)
            waits.append(fetch_view(paths.control_socket).health.wait_p99_ms)
        seen = None
        if crowd is not None:
            out, _ = crowd.communicate(timeout=60)
            seen = msgspec.json.decode(out, type=Seen)
        return waits, seen
    finally:
        for process in (crowd, engine):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def settle(paths: Paths) -> None:
    """Until the engine answers and has been at work for a while."""
    end = time.monotonic() + 60
    while True:
        try:
            fetch_view(paths.control_socket)
            break
        except PortError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
    time.sleep(SETTLE_S)


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@contextmanager
def bare() -> Iterator[str]:
    """The address of a server that answers without the API's work."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.api_load", "bare"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            yield str(msgspec.json.decode(server.stdout.readline())["url"])
        finally:
            server.stdin.close()
