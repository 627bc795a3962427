"""Idempotency-Keys: what a key was used for and what came of it, written down before the engine is asked.

A key makes the id of its command, which the journal knows: the same id again does nothing again there. The
journal keeps the newest thousand ids; this file keeps every key for ever, so that an older one trades nothing
either. Nothing is ever sent a second time: a key whose outcome was never heard is looked up.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeVar, TypeVarTuple

from adapters.common.files import owner_only
from engine.model.errors import RetryableError

_T = TypeVar("_T")
_What = TypeVarTuple("_What")

_TABLE = """
CREATE TABLE IF NOT EXISTS used (
  id TEXT PRIMARY KEY,
  request TEXT NOT NULL,
  ts INTEGER NOT NULL,
  status INTEGER,
  body BLOB
) WITHOUT ROWID
"""
_BUSY_S = 2.0


class Used(NamedTuple):
    """What is known of a key."""

    request: str
    """Hash of what was asked."""
    status: int | None
    """None: it was handed to the engine, or may have been, and nothing was heard."""
    body: bytes


def command_id(token: str, key: str) -> str:
    """The id of the command that a key of a token stands for: the same ever again."""
    digest = hashlib.sha256(f"{len(token)} {token} {key}".encode()).hexdigest()
    return f"api-{digest[:32]}"


def take_over(path: Path, other: Path) -> None:
    """Take the keys of another file into this one, which knows better what came of those that both have.
    Nobody else may be at work on them. Raises sqlite3.Error where one of the two is damaged.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("ATTACH ? AS other", (str(other),))
        db.execute(_TABLE)
        db.execute("INSERT OR IGNORE INTO used SELECT id, request, ts, status, body FROM other.used")


def hashed(request: bytes) -> str:
    return hashlib.sha256(request).hexdigest()


class UsedKeys:
    """The file of used keys, on a thread of its own. Raises RetryableError where the disk fails."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "api keys")
        self._db: sqlite3.Connection | None = None

    async def take(self, command: str, request: str, ts: int) -> Used | None:
        """Write down that a key is used, for good, before anything is done. What is known of it already; None
        where it was free until now.
        """
        return await self._do(self._take, command, request, ts)

    async def answer(self, command: str, status: int, body: bytes) -> None:
        """What came of it."""
        await self._do(self._answer, command, status, body)

    async def free(self, command: str) -> None:
        """What it was used for was certainly not done."""
        await self._do(self._free, command)

    async def close(self) -> None:
        await self._do(self._close)
        self._thread.shutdown(wait=False)

    async def _do(self, work: Callable[[*_What], _T], *what: *_What) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *what)
        except (sqlite3.Error, OSError) as error:
            raise RetryableError(f"{self._path} can't be written: {error}") from None

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(self._path, "ab", opener=owner_only):
                pass
            db = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute(_TABLE)
            self._db = db
        return self._db

    def _take(self, command: str, request: str, ts: int) -> Used | None:
        db = self._open()
        done = db.execute(
            "INSERT INTO used (id, request, ts) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (command, request, ts),
        )
        if done.rowcount:
            return None
        found = db.execute("SELECT request, status, body FROM used WHERE id = ?", (command,)).fetchone()
        return Used(found[0], found[1], found[2] or b"")

    def _answer(self, command: str, status: int, body: bytes) -> None:
        self._open().execute("UPDATE used SET status = ?, body = ? WHERE id = ?", (status, body, command))

    def _free(self, command: str) -> None:
        self._open().execute("DELETE FROM used WHERE id = ? AND status IS NULL", (command,))

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
