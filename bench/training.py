"""Training: what it costs beside scikit-learn's HistGradientBoosting, from minutes to a verdict, and what an
engine feels of one that goes on beside it.

The peer is no dependency of tstream: `TSTREAM_PEERS` names a Python that has it (pip install scikit-learn);
without it its column says so.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from random import Random

from adapters.tapes.export import write_bars
from bench import keys
from bench.attach import waits
from bench.channels import COUNTS, KEYS
from bench.cockpit import SETTLE_S, WANTED, rate_for
from bench.figures import ms, quantile, ratio, table
from bench.terminal import Terminal
from engine.lab.training.walk import walk
from engine.signals.features import NAMES
from tests.e2e.program import Headless
from tests.support.price_series import MES, random_walk
from tests.torture.models import MINUTES, RULES, examples_of
from tstream.lab.learner import Trees
from tstream.paths import HOME_VARIABLE, find

ROWS, DEEP_ROWS = 20_000, 5_000
"""The deep model takes some fifty times as long a row: it is given fewer; nothing is worked out of that."""
PYTHON = os.environ.get("TSTREAM_PEERS", sys.executable)
ROUNDS, ROUND_S = 4, 12.0
"""In turn without and with a training, so that what else the machine does meets both."""
DEARER = 1.5
"""Aim: event wait p99 beside a training over that alone."""
PRESSES = 40
"""Of each program in each round."""
KEY_DEARER = 3.0
"""Aim: key to handler over a bare app's under the same load."""


def run() -> None:
    """Measure and print."""
    _learners()
    _whole()
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        tape = home / "walk.csv"
        with tape.open("w", encoding="utf-8", newline="") as out:
            write_bars(random_walk(1, 12_000), MES, out)
        rate = rate_for(WANTED)
        _felt(home, tape, rate)
        _pressed(home, tape, rate)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _learners() -> None:
    asked = {
        "LightGBM": ("lightgbm", sys.executable, ROWS),
        "HistGradientBoosting": ("sklearn", PYTHON, ROWS),
        f"deep, {DEEP_ROWS:,} rows": ("deep", sys.executable, DEEP_ROWS),
    }
    found = {head: _peer(*one) for head, one in asked.items()}
    lines = (
        ("version", "version", "{}"),
        ("fit, CPU seconds", "fit_s", "{:.2f}"),
        ("a row, p50 CPU ms", "p50_ms", "{:.3f}"),
        ("a row, p99 CPU ms", "p99_ms", "{:.3f}"),
        ("memory of the process, MB", "memory_mb", "{:.0f}"),
        ("  before the fit, MB", "data_mb", "{:.0f}"),
        ("Brier score, on what it was fitted to", "brier", "{:.4f}"),
    )
    table(
        f"training: {ROWS:,} rows x {len(NAMES)} features, 160 trees of 16 leaves, one thread; beside them"
        f" {DEEP_ROWS:,} rows with 11 before each, 12 passes",
        ("", *found),
        [
            (words, *(how.format(one[key]) if one else "not installed" for one in found.values()))
            for words, key, how in lines
        ],
    )


def _peer(name: str, python: str, rows: int) -> dict[str, float]:
    script = Path(__file__).with_name("training_peer.py")
    told = subprocess.run(
        [python, script, name, str(rows), str(len(NAMES))],
        capture_output=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    found: dict[str, float] = json.loads(told.stdout) if told.returncode == 0 else {}
    return found


def _whole() -> None:
    bars = random_walk(1, MINUTES)
    began = time.process_time()
    made = examples_of(bars)
    features = time.process_time() - began
    began = time.process_time()
    walk(made, Trees(made, 1), RULES, Random(1))
    table(
        f"training: {MINUTES:,} minutes to a verdict, {len(made):,} examples, 16 fits",
        ("", "CPU seconds"),
        [
            ("features and labels", f"{features:.2f}"),
            ("walk forward, calibration, tests", f"{time.process_time() - began:.2f}"),
        ],
    )


def _felt(home: Path, tape: Path, rate: float) -> None:
    alone, beside = list[float](), list[float]()
    engine_home = home / "engine"
    engine_home.mkdir()
    socket = find({"TSTREAM_HOME": str(engine_home)}).control_socket
    with Headless(engine_home, "--rate", f"{rate:.3f}", command=("engine",)) as engine:
        engine.practice()
        engine.until(engine.view, "it answers")
        time.sleep(SETTLE_S)
        for _ in range(ROUNDS):
            alone += waits(socket, ROUND_S, [])
            with _training(home / "trained", tape):
                beside += waits(socket, ROUND_S, [])
    one, other = quantile(alone, 0.5), quantile(beside, 0.5)
    table(
        f"training: an engine at {WANTED:,.0f} updates a second, alone and with tstream train going on",
        ("", "figure"),
        [
            ("event wait p99 alone, median, worst", f"{one:.2f}, {max(alone):.2f} ms"),
            ("event wait p99 beside it, median, worst", f"{other:.2f}, {max(beside):.2f} ms"),
            (f"  the one to the other (aim {DEARER:g}x)", f"{other / one:.2f}x"),
        ],
    )


def _pressed(home: Path, tape: Path, rate: float) -> None:
    """The key of a cockpit and that of a bare app, in turn, without and with a training."""
    with ExitStack() as stack:
        reading, writing = stack.enter_context(keys.pipe())
        environment = {
            "TSTREAM_HOME": str(home / "cockpit"),
            KEYS: str(writing),
            COUNTS: str(home / "counts"),
        }
        command = [sys.executable, "-m", "bench.hooked", "--rate", f"{rate:.3f}"]
        cockpit = stack.enter_context(Terminal(command, environment, fds=[writing]))
        cockpit.until("PRACTICE")
        cockpit.watch(SETTLE_S)
        peer, bare, expected = stack.enter_context(keys.bare())
        ours, frames = keys.Keys(cockpit, reading), keys.timeframes()
        found: dict[tuple[bool, str, str], list[float]] = {}
        for beside in (False, True) * ROUNDS:
            with _training(home / "trained", tape) if beside else nullcontext():
                for terminal in (cockpit, peer):
                    terminal.watch(1.0)  # it is under way
                before = len(ours.handler)
                keys.press_all(PRESSES, [cockpit, peer], [(ours, frames), (bare, expected)])
            for who, pressed in (("cockpit", ours), ("bare", bare)):
                for what in ("handler", "painted"):
                    found.setdefault((beside, who, what), []).extend(getattr(pressed, what)[before:])
    rows = []
    for words, what in (("key to handler", "handler"), ("key to the change on the terminal", "painted")):
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            alone, bare_alone, other, bare_beside = (
                quantile(found[beside, who, what], share)
                for beside in (False, True)
                for who in ("cockpit", "bare")
            )
            told = ms(alone), ratio(alone, bare_alone), ms(other), ratio(other, bare_beside)
            rows.append((f"{words}, {name}", *told, ratio(other, alone)))
    table(
        f"training: {ROUNDS * PRESSES} keys of a cockpit at {WANTED:,.0f} updates a second, in turn alone and"
        f" beside a training (aim {KEY_DEARER:g}x a bare app)",
        ("", "alone", "to a bare app", "beside it", "to a bare app", "to alone"),
        rows,
    )


@contextmanager
def _training(home: Path, tape: Path) -> Iterator[None]:
    """One training after the other, until the block ends."""
    train = f"{shlex.quote(sys.executable)} -m tstream train {shlex.quote(str(tape))}"
    words = f"while true; do {train} --contract MES --stamp open --timeframe 1m --dry-run; done"
    busy = subprocess.Popen(
        ["/bin/sh", "-c", words],
        env={**os.environ, HOME_VARIABLE: str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(busy.pid, signal.SIGKILL)
        busy.wait()
