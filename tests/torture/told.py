"""What parts of the long runs share: a folder that stays where something broke, a table that several show."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.figures import ms, quantile, table
from tests.torture.killed_day import NAKED_S


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that stays where something broke, so that one can look at the journal."""
    folder = Path(tempfile.mkdtemp(prefix="tstream-torture-"))
    try:
        yield folder
    except AssertionError:
        sys.stderr.write(f"see {folder}\n")
        raise
    shutil.rmtree(folder)


def naked(where: str, rows: Sequence[tuple[str, Sequence[float]]], most_s: float = NAKED_S) -> None:
    """How long the venue held something for which no stop worked."""
    table(
        f"naked {where} (at most {most_s:.0f} s where a request hangs)",
        ("", "times", "p95", "max"),
        [
            (what, f"{len(times):,}", ms(quantile(times, 0.95)), ms(max(times)))
            for what, times in rows
            if times
        ],
    )
