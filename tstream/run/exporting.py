"""Trades as files, for the key of the journal page: written by a process of its own, so that the engine in
this one waits for none of it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from engine.model.review import JournalAsked, Span

_LONGEST_S = 120.0
_TYPES = {Span.DAY: "daily", Span.WEEK: "weekly", Span.MONTH: "monthly"}


def exporter(journal: Callable[[], Path | None]) -> Callable[[JournalAsked], str]:
    """Writes a range of a journal as files and gives in words where they are, or why they are not."""

    def export(asked: JournalAsked) -> str:
        file = journal()
        if file is None or asked.span not in _TYPES:
            return "there is nothing to write" if file is None else "a day, a week or a month can be written"
        words = [sys.executable, "-m", "tstream", "journal", "export", "--journal", str(file)]
        words += ["--type", _TYPES[asked.span]]
        words += ["--date", asked.day] if asked.day else []
        words += ["--book", asked.book] if asked.book else []
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_LONGEST_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the files could not be written: {type(error).__name__}"
        if done.returncode:
            return f"the files could not be written: {done.stderr.strip()[-300:]}"
        return f"written: {', '.join(done.stdout.split())}"

    return export
