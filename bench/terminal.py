"""A program in a pseudo-terminal of 120x40 whose reader is always quick, as a good terminal's is."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.pseudo_terminal import PseudoTerminal

ROOT = Path(__file__).parents[1]
_SYNC_ASKED, _SYNC_KNOWN = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
FRAME_END = b"\x1b[?2026l"
"""Ends each painted frame, once the program knows that the terminal can show frames whole."""
_STYLES = re.compile(rb"\x1b\[[0-9;?<>=]*[a-zA-Z]")
_KEPT = 1 << 16


class Terminal:
    """Starts a program; everything it writes is read at once. Ends it, and its children, on leaving."""

    def __init__(
        self, command: Sequence[str], extra: Mapping[str, str], *, fds: Sequence[int] = (), cwd: Path = ROOT
    ) -> None:
        """`extra` is added to the environment; `fds` stay open in the program, which runs in `cwd`."""
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **extra}
        for name in ("NO_COLOR", "PYTHONDONTWRITEBYTECODE"):
            environment.pop(name, None)
        self.frames = 0
        self.bytes = 0
        self._tail = b""
        self.started = time.monotonic()
        self._pseudo = PseudoTerminal(command, environment, cwd=cwd, fds=fds)
        self.master, self.process = self._pseudo.master, self._pseudo.process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask it to end, read its last words, and make sure that it is gone."""
        if self.process.poll() is None:
            self.process.terminate()
        end = time.monotonic() + 15
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._pseudo.pull()

    def read(self, seconds: float) -> bool:
        """Take what comes within so long; whether anything came."""
        data = self._pseudo.read(seconds)
        if not data:
            return False
        self.bytes += len(data)
        # A query or a frame's end may lie across two reads; its first part is then in the tail.
        self._count(data)
        self._tail = (self._tail + data)[-_KEPT:]
        return True

    def _count(self, data: bytes) -> None:
        for wanted in (FRAME_END, _SYNC_ASKED):
            before = self._tail[-(len(wanted) - 1) :]
            found = (before + data).count(wanted)
            if wanted == FRAME_END:
                self.frames += found
            elif found:
                os.write(self.master, _SYNC_KNOWN)

    def watch(self, seconds: float) -> None:
        """Read for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def press(self, key: str) -> None:
        """Type, and from now on look only at what comes after it."""
        self._tail = b""
        self._pseudo.press(key)

    def until(self, text: str, seconds: float = 20.0) -> float:
        """Read until `text` has been painted since the last key; the monotonic time of that.

        Raises TimeoutError with what was on the screen last.
        """
        end = time.monotonic() + seconds
        wanted = text.encode()
        while wanted not in self._tail:
            left = end - time.monotonic()
            if left <= 0 or (not self.read(left) and self.process.poll() is not None):
                said = _STYLES.sub(b"", self._tail[-2000:]).decode(errors="replace").strip()
                raise TimeoutError(f"{text!r} was not painted; the end of what was:\n{said[-600:]}")
        return time.monotonic()
