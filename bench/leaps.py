"""Real time that processes share and one of them may skip: nights pass, answers take as long as ever."""

from __future__ import annotations

import mmap
import struct
import time
from pathlib import Path

_OFFSET = struct.Struct("=q")


class LeapingClock:
    """Nanoseconds UTC: the machine's clock plus an offset that lies in a file.

    A leap while requests are under way would look like an answer that takes for ever, so whoever leaps
    waits for a quiet moment.
    """

    def __init__(self, file: Path, start_ts: int | None = None) -> None:
        """`start_ts` makes the file and lets the clock begin there; without it the file is shared."""
        if start_ts is not None:
            file.write_bytes(_OFFSET.pack(start_ts - time.time_ns()))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), _OFFSET.size)

    def __call__(self) -> int:
        return time.time_ns() + int(_OFFSET.unpack_from(self._shared)[0])

    def leap(self, nanos: int) -> None:
        """Move on at once, for everybody."""
        _OFFSET.pack_into(self._shared, 0, _OFFSET.unpack_from(self._shared)[0] + nanos)
