"""How long until something can be seen: tstream and the bare Textual app, started in turn."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median

import psutil

from bench.figures import ms, ratio, table
from bench.terminal import Terminal
from tstream.paths import find

RUNS = 9
KEPT_WITHIN_S = 20.0
TSTREAM = ([str(Path(sys.executable).with_name("tstream"))], "PRACTICE")
IMPORTS = ([sys.executable, "-c", "import tui.app; print('PRACTICE')"], "PRACTICE")
BARE = ([sys.executable, "-m", "bench.bare"], "BARE")
NOTHING = ([sys.executable, "-c", "print('READY')"], "READY")


def first_paint(command: list[str], text: str, home: Path) -> float:
    """Seconds from the start of the process until `text` is on the terminal."""
    with Terminal(command, {"TSTREAM_HOME": str(home)}) as terminal:
        seconds = terminal.until(text) - terminal.started
        children = psutil.Process(terminal.process.pid).children() if terminal.process.poll() is None else []
    _, left = psutil.wait_procs(children, timeout=10)
    for child in left:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    return seconds


def settings_read_once(home: Path) -> Callable[[bool], float]:
    """One start that keeps the picture of its settings; gives what times later ones: have they changed since?

    A start that is ended at its first picture has not come to keep anything.
    """
    file = find({"TSTREAM_HOME": str(home)}).first_picture
    command, text = TSTREAM
    with Terminal(command, {"TSTREAM_HOME": str(home)}) as terminal:
        terminal.until(text)
        end = time.monotonic() + KEPT_WITHIN_S
        while not file.exists() and time.monotonic() < end:
            terminal.watch(0.1)
    kept = file.read_bytes()

    def start(changed: bool) -> float:
        if changed:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(kept)
        return first_paint(command, text, home)

    return start


def uncached() -> int:
    """How many modules of what is measured have no bytecode on disk."""
    code = (
        "import os, sys, tui.app, tstream.run.cockpit, tstream.settings.load; "
        "known = [m.__cached__ for m in list(sys.modules.values()) if getattr(m, '__cached__', None)]; "
        "print(sum(not os.path.exists(file) for file in known))"
    )
    return int(subprocess.check_output([sys.executable, "-B", "-c", code], text=True))


def run() -> None:
    """Measure and print."""
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        start = settings_read_once(home)
        programs: dict[str, Callable[[], float]] = {
            "tstream": lambda: start(False),
            "tstream, settings changed": lambda: start(True),
            "bare Textual app": lambda: first_paint(*BARE, home),
            "importing the cockpit alone": lambda: first_paint(*IMPORTS, home),
            "Python alone": lambda: first_paint(*NOTHING, home),
        }
        seen: dict[str, list[float]] = {name: [] for name in programs}
        for turn in range(RUNS + 1):
            for name, measure in programs.items():
                seconds = measure()
                if turn:  # the first turn fills caches
                    seen[name].append(seconds)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    missing = uncached()
    peer = median(seen["bare Textual app"])
    table(
        f"paint: start of the process to the first picture, {RUNS} runs in turn, "
        + ("bytecode cached" if not missing else f"NO BYTECODE CACHED for {missing} modules"),
        ("", "median", "best", "worst", "to the bare app"),
        [
            (name, ms(median(times)), ms(min(times)), ms(max(times)), ratio(median(times), peer))
            for name, times in seen.items()
        ],
    )
