"""The emergency file: takes records while the journal can't, and gives them to it when it can again.

It lies beside the journal, one JSON object a line, and its room is taken beforehand, so that a full disk
still takes it. Each line names the journal and the number that the record will have there: replaying it any
number of times, from whatever state a crash left, stores every record once.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from adapters.common.files import owner_only, sync_folder
from adapters.store.file_thread import FileThread
from engine.model.errors import RetryableError

RESERVE_BYTES = 256 * 1024
"""Room taken beforehand: about a thousand records."""

PATIENCE_S = 0.5
"""A disk that takes longer is not waited for: what protects a position has to go out."""

log = logging.getLogger(__name__)


class EmergencyLine(Struct, frozen=True):
    """One record on its way to the journal."""

    install: str
    """The journal that it is meant for."""
    seq: int
    record: Raw


def emergency_path(journal: Path) -> Path:
    """Where the emergency file of a journal lies."""
    return journal.with_name(f"{journal.name}.emergency")


def read_lines(path: Path) -> list[EmergencyLine]:
    """The lines as far as they are whole; none where there is no file. Raises OSError."""
    try:
        return _parse(path.read_bytes())[0]
    except FileNotFoundError:
        return []


def put_aside(path: Path, boot: int) -> None:
    """Keep a file that the journal has taken over, out of the way. Raises OSError."""
    os.rename(path, path.with_name(f"{path.name}-{boot}"))
    sync_folder(path.parent)


class EmergencyFile:
    """Writes lines, each call on disk before it returns. Only its own thread touches the file."""

    def __init__(self, path: Path, install: str, boot: int, *, patience_s: float = PATIENCE_S) -> None:
        """Take the room beforehand. Where that fails it is said, and tried again with the first record."""
        self._path = path
        self._install = install
        self._boot = boot
        self._patience_s = patience_s
        self._descriptor: int | None = None
        self._end = 0
        self._times = 0
        self._busy = False
        self._thread = FileThread("emergency")
        try:
            self._ready()
        except OSError as error:
            log.warning("no room for the emergency file %s yet: %s", path, error.strerror)

    async def write(self, records: Sequence[bytes], first_seq: int) -> None:
        """Make records durable that the journal will have from number `first_seq` on.

        Raises RetryableError when the disk refuses them, or does not answer in time; the same records may
        then be written again.
        """
        await self._do(lambda: self._write(records, first_seq))

    async def clear(self) -> None:
        """The journal has everything: put the file aside and take room anew. Raises RetryableError."""
        await self._do(self._clear)

    def close(self) -> None:
        """Let the file go, unless the disk hangs."""
        if not self._busy and self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    # --- on the caller's loop --------------------------------------------------------------------------

    async def _do(self, job: Callable[[], None]) -> None:
        if self._busy:
            raise RetryableError(f"the emergency file {self._path} does not answer")

        def work() -> None:
            try:
                job()
            finally:
                self._busy = False

        self._busy = True
        try:
            async with asyncio.timeout(self._patience_s):
                await self._thread.do(work)  # goes on behind a timeout, and the file stays busy until it ends
        except TimeoutError:
            raise RetryableError(f"the emergency file {self._path} does not answer") from None
        except OSError as error:
            raise RetryableError(
                f"the emergency file {self._path} can't be written: {error.strerror}"
            ) from None

    # --- on the file's thread --------------------------------------------------------------------------

    def _ready(self) -> int:
        """The descriptor of the file, which is made and given its room if there is none."""
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened = owner_only(self._path, os.O_RDWR | os.O_CREAT)
            try:
                self._end = _parse(os.pread(opened, os.fstat(opened).st_size, 0))[1]
                missing = RESERVE_BYTES - os.fstat(opened).st_size
                if missing > 0:
                    _write_all(opened, b"\0" * missing, RESERVE_BYTES - missing)
                    os.fsync(opened)
                    sync_folder(self._path.parent)
            except OSError:
                if not self._end:
                    os.close(opened)
                    raise
            self._descriptor = opened
        return self._descriptor

    def _write(self, records: Sequence[bytes], first_seq: int) -> None:
        descriptor = self._open_anyhow()
        encode = msgspec.json.encode
        text = b"".join(
            encode(EmergencyLine(self._install, seq, Raw(record))) + b"\n"
            for seq, record in enumerate(records, first_seq)
        )
        _write_all(descriptor, text, self._end)
        os.fsync(descriptor)
        self._end += len(text)

    def _open_anyhow(self) -> int:
        """A descriptor even where there is no room to take beforehand: a little may still fit."""
        try:
            return self._ready()
        except OSError:
            self._descriptor = owner_only(self._path, os.O_RDWR | os.O_CREAT)
            return self._descriptor

    def _clear(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._times += 1
        os.rename(self._path, self._path.with_name(f"{self._path.name}-{self._boot}-{self._times}"))
        sync_folder(self._path.parent)
        self._end = 0
        self._ready()


def _parse(raw: bytes) -> tuple[list[EmergencyLine], int]:
    """The whole lines, and the number of bytes that they take."""
    found: list[EmergencyLine] = []
    end = 0
    while (stop := raw.find(b"\n", end)) >= 0:
        try:
            found.append(msgspec.json.decode(raw[end:stop], type=EmergencyLine))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            break  # a line that a crash or a full disk has torn: nothing was done because of it
        end = stop + 1
    return found, end


def _write_all(descriptor: int, data: bytes, at: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(descriptor, left, at)
        left, at = left[written:], at + written
