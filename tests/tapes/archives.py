"""Zip recordings as the tests need them, written on the spot."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

MIDNIGHT = 1_381_104_000 * 10**9
"""2013-10-07T00:00:00Z in nanoseconds."""


def archive(path: Path, members: Mapping[str, str]) -> Path:
    """A zip of texts by name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in members.items():
            zipped.writestr(name, text)
    return path


def minutes(path: Path, text: str, month: str = "201312") -> Path:
    """A zip with one month of ES minutes."""
    return archive(path, {f"20131007_es_minute_trade_{month}.csv": text})


def ticks(path: Path, text: str) -> Path:
    """A zip with one month of GC trades."""
    return archive(path, {"20131007_gc_tick_trade_201312.csv": text})
