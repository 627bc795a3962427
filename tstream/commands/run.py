"""The two ways to run the engine: under the cockpit, and headless."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from tstream.errors import UsageError
from tstream.options import RunOptions
from tstream.run.startup import prepare


def cockpit(config: Path | None, run: RunOptions) -> int:
    """Open the cockpit; gives the exit code."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):  # it draws on stderr
        raise UsageError(
            "the cockpit needs a terminal, and this is none",
            "without one: tstream run --headless trades and prints the log; tstream status --json shows a "
            "running engine",
        )
    if run.speed == "max":
        raise UsageError("--speed max is for tstream run --headless; the cockpit takes 1 to 20")
    # Loading makes many objects and no garbage: collecting meanwhile only delays the first picture.
    gc.disable()
    startup = prepare(config, run)
    for note in startup.notes:
        sys.stdout.write(f"{note}\n")
    sys.stdout.flush()
    from tstream.run.modes import run_cockpit

    return run_cockpit(startup.settings, run)


def headless(config: Path | None, run: RunOptions) -> int:
    """Run the engine with log lines instead of a screen; gives the exit code."""
    startup = prepare(config, run)
    for note in startup.notes:
        sys.stdout.write(f"{note}\n")
    sys.stdout.flush()
    from tstream.run.modes import run_headless

    return run_headless(startup.settings, run)
