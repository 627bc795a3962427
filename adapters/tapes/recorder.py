"""Writes the engine's inbox to disk as it comes, without ever making the engine wait."""

from __future__ import annotations

import gzip
import itertools
import logging
import os
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from adapters.tapes.recording import (
    RECORDING_SUFFIX,
    VERSION,
    TapeEnd,
    TapeGap,
    TapeHeader,
    TapeLine,
    part_path,
)
from engine.model.errors import FatalError
from engine.model.events import AnyEvent
from engine.model.instrument import Instrument
from engine.model.market import NANOS
from engine.ports import Clock

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 0.5
_CHUNK = 4096


class TapeRecorder:
    """Takes events from one thread, compresses and writes them in its own.

    At most half a second of events is lost when the program is killed. When `buffer_events` wait to be
    written, further ones are counted and their absence is recorded; with `lossless` the caller waits
    instead, for runs in which time is virtual. A failing disk ends the recording, not the engine: see
    `error`.
    """

    def __init__(
        self,
        folder: Path,
        instruments: Sequence[Instrument],
        clock: Clock,
        *,
        part_bytes: int = 256 << 20,
        keep_parts: int = 32,
        buffer_events: int = 200_000,
        lossless: bool = False,
    ) -> None:
        """Begins the first part; a new one follows after `part_bytes` of uncompressed events.

        The folder keeps at most `keep_parts` parts, of this and earlier recordings. Raises FatalError when
        the folder can't be written.
        """
        self.error: str | None = None
        """Why recording ended early."""
        self.missing = 0
        """Events that found no room."""
        self._folder = folder
        self._instruments = tuple(instruments)
        self._started = clock()
        self._part_bytes = part_bytes
        self._keep_parts = keep_parts
        self._limit = buffer_events
        self._lossless = lossless
        self._buffer: deque[TapeLine] = deque()
        self._skipped = 0
        self._closing = False
        self._wake = threading.Event()
        self._room = threading.Event()
        self._encoder = msgspec.json.Encoder()
        self._part = 0
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._stem = self._open_first()
        except OSError as error:
            raise FatalError(f"can't record to {folder}: {error.strerror or error}") from None
        self._thread = threading.Thread(target=self._run, name="tape-recorder", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The first part: what a replay starts from."""
        return part_path(self._folder, self._stem, 1)

    def record(self, event: AnyEvent) -> None:
        """Take one event. Cheap: the work is done elsewhere."""
        buffer = self._buffer
        if len(buffer) >= self._limit:
            self._full()
            if len(buffer) >= self._limit:
                self._skipped += 1
                self.missing += 1
                return
        if self._skipped:
            buffer.append(TapeGap(missing=self._skipped))
            self._skipped = 0
        buffer.append(event)
        if len(buffer) == _CHUNK:
            self._wake.set()

    def close(self) -> None:
        """Write what waits and end the recording; waits for the disk. Closing again does nothing."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _full(self) -> None:
        self._wake.set()
        while self._lossless and self._thread.is_alive() and len(self._buffer) >= self._limit:
            self._room.clear()
            self._wake.set()
            self._room.wait(_FLUSH_SECONDS)

    def _run(self) -> None:
        try:
            closing = False
            while not closing:
                self._wake.wait(_FLUSH_SECONDS)
                self._wake.clear()
                closing = self._closing
                self._drain()
            if self._skipped:
                self._file.write(self._encoder.encode_lines([TapeGap(missing=self._skipped)]))
            self._end_part(last=True)
        except (OSError, ValueError) as error:  # the disk; a text that JSON can't hold
            self.error = getattr(error, "strerror", None) or str(error)
            self._limit = 0
            self._buffer.clear()
            with suppress(OSError):  # the reason is known already; this only gives the descriptor back
                self._raw.close()
            log.error("recording to %s ended: %s", self._folder, self.error)
        finally:
            self._room.set()

    def _drain(self) -> None:
        while self._buffer:
            chunk = [self._buffer.popleft() for _ in range(min(_CHUNK, len(self._buffer)))]
            self._room.set()
            lines = self._encoder.encode_lines(chunk)
            self._file.write(lines)
            self._events += sum(type(line) is not TapeGap for line in chunk)
            self._bytes += len(lines)
            if self._bytes >= self._part_bytes:
                self._end_part(last=False)
                self._open(self._stem)
        self._file.flush()

    def _open_first(self) -> str:
        """Name and begin the recording; two of one second (practice time repeats) get different names."""
        moment = datetime.fromtimestamp(self._started // NANOS, tz=UTC)
        for again in itertools.count(1):
            stem = f"tape-{moment:%Y%m%dT%H%M%SZ}" + (f"-{again}" if again > 1 else "")
            try:
                self._open(stem)
            except FileExistsError:
                continue
            return stem
        raise AssertionError("count() never ends")

    def _open(self, stem: str) -> None:
        path = part_path(self._folder, stem, self._part + 1)
        self._raw = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._file = gzip.GzipFile(filename="", mode="wb", compresslevel=5, fileobj=self._raw, mtime=0)
        self._part += 1
        self._events = self._bytes = 0
        header = TapeHeader(
            version=VERSION, instruments=self._instruments, started=self._started, part=self._part
        )
        self._file.write(self._encoder.encode_lines([header]))
        self._forget_old()

    def _end_part(self, *, last: bool) -> None:
        self._file.write(self._encoder.encode_lines([TapeEnd(events=self._events, last=last)]))
        self._file.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()

    def _forget_old(self) -> None:
        parts = sorted(
            self._folder.glob(f"tape-*{RECORDING_SUFFIX}"), key=lambda part: part.stat().st_mtime_ns
        )
        for part in parts[: max(0, len(parts) - self._keep_parts)]:
            part.unlink()
