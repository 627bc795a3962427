"""What a run says on stdout or stderr, where nobody may be reading.

A terminal that was stopped with Ctrl+S and a pipe whose reader sleeps take nothing, for as long as they like;
a lost terminal, a closed pipe and a full disk refuse it. None of them may hold up a run or its end.
"""

from __future__ import annotations

import io
import os
import queue
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

from tstream.signs import REPLACED

_WAITING = 10_000
"""Pieces that may wait for the reader; what comes on top is dropped."""
_PATIENCE_S = 1.0
"""At the end the reader has so long for every piece, real seconds."""


class Output(io.TextIOBase):
    """Takes text at once and writes it in a thread of its own, until `close` or the end of its block.

    What the stream can't encode is replaced; what it refuses is dropped.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._written = 0
        self._given_up = False
        self._thread: threading.Thread | None = None
        with suppress(OSError, ValueError):  # a test's stream has no descriptor
            self._descriptor = stream.fileno()
            self._thread = threading.Thread(target=self._work, name="output", daemon=True)
            self._thread.start()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding or "utf-8"

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, text: str) -> int:
        if self._thread is None:
            return self._stream.write(text)
        with suppress(queue.Full):
            self._pieces.put_nowait(text.encode(self.encoding, REPLACED))
        return len(text)

    def close(self) -> None:
        """Wait for the reader as long as it reads; the second time it does nothing."""
        if self._thread is None:
            return
        with suppress(queue.Full):
            self._pieces.put_nowait(None)
        before = -1
        while self._thread.is_alive() and self._written > before:
            before = self._written
            self._thread.join(_PATIENCE_S)
        self._given_up = True
        self._thread = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _work(self) -> None:
        # Past the stream's own buffer: a thread that is stuck there at the end would keep it locked.
        while (piece := self._pieces.get()) is not None:
            with suppress(OSError):
                while piece and not self._given_up:
                    piece = piece[os.write(self._descriptor, piece) :]
            self._written += 1
