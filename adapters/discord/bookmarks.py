"""The small file that remembers how far each channel was read. Ids and digests only, no texts."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import msgspec

from adapters.discord.seen import Bookmarks, Ledger

_log = logging.getLogger(__name__)


def load(path: Path | None) -> Bookmarks:
    """Nothing where there is no usable file: then only what is fresh is caught up with."""
    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=Bookmarks)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        _log.warning("bookmarks of the alert rooms are lost: %s can't be read: %s", path, error)
        return {}


def save(path: Path, content: bytes) -> None:
    """Replace the file at once: a crash leaves the old one or the new one. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with open(fresh, "wb", opener=_private) as stream:
        stream.write(content)
    os.replace(fresh, path)


class Keeper:
    """Writes the ledger soon after it changed, beside the loop, one write at a time."""

    def __init__(self, path: Path | None, delay_s: float) -> None:
        self._path = path
        self._delay_s = delay_s
        self._changed = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._failed = False

    def changed(self) -> None:
        self._changed.set()

    async def run(self, ledger: Ledger) -> None:
        """Until cancelled; a write that is under way is not."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._delay_s)
            await self.flush(ledger)

    async def flush(self, ledger: Ledger) -> None:
        """Write what has changed."""
        if self._writing is not None:
            await asyncio.shield(self._writing)
        if self._path is not None and self._changed.is_set():
            self._changed.clear()
            self._writing = asyncio.create_task(self._write(self._path, ledger.encode()))
            await asyncio.shield(self._writing)

    async def _write(self, path: Path, content: bytes) -> None:
        """A disk that refuses costs a re-reading after the next start, no more."""
        try:
            await asyncio.to_thread(save, path, content)
        except OSError as error:
            if not self._failed:
                _log.warning("bookmarks of the alert rooms can't be written: %s", error)
            self._failed = True
        else:
            self._failed = False


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
