"""From an engine under a cockpit to one in a process of its own, to which the cockpit attaches.

The one has ended cleanly and let go of its locks; the other takes them, the journal, and what is open. What
stands at the venue stands there meanwhile, and how long nobody watched is printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from adapters.common.files import owner_only
from adapters.common.redaction import REDACT, printable
from adapters.control.client import fetch_view
from engine.model.errors import PortError
from engine.model.view import View
from tstream.errors import CommandError
from tstream.options import RunOptions
from tstream.paths import Paths

WITHIN_S = 90.0
"""The new engine answers within that, its accounts reconciled, or it is told that it did not."""
_LOOKS_S = 0.1
_LAST = 2_000
"""Characters of what it printed that are looked at where it ended."""


def hand_over(config: Path | None, options: RunOptions, paths: Paths) -> None:
    """Start an engine without a screen and become the cockpit that is attached to it. Raises CommandError
    where there is none that works; what it has begun goes on.
    """
    began = time.monotonic()
    said = paths.state / "engine.out"
    begun = said.stat().st_size if said.exists() else 0
    with open(said, "ab", opener=owner_only) as sink:
        process = subprocess.Popen(
            [*_program(), *engine_words(config, options)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # its log has all of it
            stderr=sink,
            start_new_session=True,
        )
    sys.stdout.write("handing over: stops and targets stay at the venue\n")
    sys.stdout.flush()
    view = _taken_over(process, paths, began)
    if view is None:
        last = said.read_bytes()[begun:][-_LAST:].decode(errors="replace").strip().rpartition("\n")[2]
        raise CommandError(
            f"the engine without a screen has not taken over: {printable(REDACT(last)) or 'it says nothing'}",
            f"what it printed is in {said}; tstream goes on from here, tstream flatten closes everything",
        )
    gap = time.monotonic() - began
    sys.stdout.write(f"handed over to process {process.pid}: nobody watched for {gap:.1f} s\n")
    sys.stdout.flush()
    words = [
        *_program(),
        "attach",
        f"unix:{paths.control_socket}",
        *_look_words(options),
        *([] if config is None else ["--config", str(config)]),
    ]
    os.execv(words[0], words)


def _taken_over(process: subprocess.Popen[bytes], paths: Paths, began: float) -> View | None:
    """What the new engine shows once every account agrees with its venue; None where it has ended, or does
    not come to it.
    """
    view = None
    while process.poll() is None and time.monotonic() - began < WITHIN_S:
        try:
            view = fetch_view(paths.control_socket)
        except PortError:
            time.sleep(_LOOKS_S)
            continue
        if all(book.reconciled for book in view.books) and (view.books or not view.links):
            return view
        time.sleep(_LOOKS_S)
    return view if process.poll() is None else None


def _program() -> list[str]:
    return [sys.executable, "-m", "tstream"]


def engine_words(config: Path | None, options: RunOptions) -> list[str]:
    """The command line of an engine that goes on with a run. `--fresh` was obeyed already."""
    words = ["bot", "run", *map(str, options.bots), "--headless"] if options.bots else ["engine"]
    return [*words, *_valued(config, options)]


def _valued(config: Path | None, options: RunOptions) -> Iterator[str]:
    given = {
        "--config": config,
        "--seed": options.seed,
        "--accounts": options.accounts,
        "--venues": options.venues,
        "--speed": None if options.speed == 1.0 else options.speed,
        "--rate": None if options.rate == 1.0 else options.rate,
    }
    for name, value in given.items():
        if value is not None:
            yield from (name, str(value))
    if options.demo:
        yield "--demo"
    for venue in options.venue:
        yield from ("--venue", venue)
    for fault in options.faults:
        yield from ("--fault", fault)
    if options.record is not None:
        yield "--record" if options.record else "--no-record"
    if options.api is not None:
        yield "--api" if options.api else "--no-api"


def _look_words(options: RunOptions) -> list[str]:
    words = ["--readonly"] if options.readonly else []
    words += [] if options.fps is None else ["--fps", str(options.fps)]
    return words + ([] if options.theme is None else ["--theme", options.theme])
