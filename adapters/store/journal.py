"""The journal of a live engine: SQLite in WAL mode, one writer, each append on disk before it returns."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiosqlite

from adapters.store import schema
from adapters.store.lock import InstanceLock
from adapters.store.opening import Opened, begin_run, journal_lock, pragmas, uri
from adapters.store.refusals import port_error
from engine.model.errors import FatalError

_BATCH = 1000


class Journal:
    """Opaque records, numbered without gaps from 1. Get one from `Journal.open`; close it at the end."""

    def __init__(self, path: Path, opened: Opened, db: aiosqlite.Connection, lock: InstanceLock) -> None:
        self.path = path
        self._lock = lock
        self.install = opened.install
        """Name of this journal among all that ever were."""
        self.boot = opened.boot
        """Number of this run, from 1."""
        self.last_seq = opened.last_seq
        """Number of the newest durable record; 0 when there is none."""
        self._db = db
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path, *, install: str | None = None, wait_s: float = 1.0) -> Self:
        """Open or create the journal and begin a run. Raises FatalError, also when another process writes it.

        `wait_s`: how long a write waits for a lock that another program holds.
        """
        lock = journal_lock(path)
        lock.acquire()
        try:
            opened = await asyncio.to_thread(begin_run, path, install)
            db = await _connect(path, wait_s)
        except BaseException:
            lock.release()
            raise
        return cls(path, opened, db, lock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        try:
            await self._db.close()
        finally:
            self._lock.release()

    async def append(self, records: Sequence[bytes], first_seq: int) -> None:
        """Make records durable, all or none, numbered from `first_seq`, which has to be the next number.

        Raises RetryableError when nothing was stored and the same call may be made again (disk full,
        locked), FatalError when the numbers don't follow. Records that are there already, byte for byte,
        are not stored twice: a call whose outcome was not waited for may be repeated, with more behind it.
        """
        if records:
            # Cancelling the caller must not tear a transaction.
            await asyncio.shield(self._append(records, first_seq))

    async def _append(self, records: Sequence[bytes], first_seq: int) -> None:
        async with self._turn:
            fresh = await self._not_yet_stored(records, first_seq)
            if not fresh:
                return
            statements = list(schema.inserts(fresh, self.last_seq + 1))
            try:
                if len(statements) == 1:
                    await self._db.execute_fetchall(*statements[0])
                else:
                    await self._transact(statements)
            except sqlite3.Error as error:
                raise port_error(self.path, error) from None
            self.last_seq += len(fresh)

    async def _transact(self, statements: Sequence[tuple[str, Sequence[int | bytes]]]) -> None:
        await self._db.execute_fetchall("BEGIN IMMEDIATE")
        try:
            for statement, parameters in statements:
                await self._db.execute_fetchall(statement, parameters)
            await self._db.execute_fetchall("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                await self._db.execute_fetchall("ROLLBACK")
            raise

    async def _not_yet_stored(self, records: Sequence[bytes], first_seq: int) -> Sequence[bytes]:
        """The records without those that the journal has already, which must be the same ones."""
        repeated = self.last_seq + 1 - first_seq
        if repeated < 0:
            raise schema.not_next(self.path, first_seq, self.last_seq)
        if repeated:
            stored = await self._fetch(schema.READ, (first_seq - 1, min(repeated, len(records))))
            if stored != list(enumerate(records[:repeated], first_seq)):
                raise schema.not_next(self.path, first_seq, self.last_seq)
        return records[repeated:]

    async def read(self, after_seq: int = 0) -> AsyncIterator[tuple[int, bytes]]:
        """(number, record) of all records after `after_seq`, oldest first.

        Raises FatalError, RetryableError.
        """
        while rows := await self._fetch(schema.READ, (after_seq, _BATCH)):
            for row in rows:
                yield row
            after_seq = rows[-1][0]

    async def save_snapshot(self, seq: int, body: bytes) -> None:
        """Keep the state as of record `seq`; the one before it is kept too. Raises as `append` does."""
        if not 0 <= seq <= self.last_seq:
            raise schema.groundless(seq, self.last_seq)
        await asyncio.shield(self._save_snapshot(seq, body))

    async def _save_snapshot(self, seq: int, body: bytes) -> None:
        async with self._turn:
            try:
                await self._transact([(schema.SAVE_SNAPSHOT, (seq, body)), (schema.FORGET_SNAPSHOTS, ())])
            except sqlite3.Error as error:
                raise port_error(self.path, error) from None

    async def load_snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot with its record number. Raises FatalError, RetryableError."""
        rows = await self._fetch(schema.LOAD_SNAPSHOT, ())
        return rows[0] if rows else None

    async def _fetch(self, statement: str, parameters: Sequence[int]) -> list[tuple[int, bytes]]:
        try:
            return [(seq, body) for seq, body in await self._db.execute_fetchall(statement, parameters)]
        except sqlite3.Error as error:
            raise port_error(self.path, error) from None


async def _connect(path: Path, wait_s: float) -> aiosqlite.Connection:
    try:
        db = await aiosqlite.connect(uri(path, "rw"), uri=True, timeout=wait_s, isolation_level=None)
    except sqlite3.Error as error:
        raise FatalError(str(port_error(path, error))) from None
    try:
        for pragma in pragmas(durable=True):
            await db.execute_fetchall(pragma)
    except sqlite3.Error as error:
        await db.close()
        raise FatalError(str(port_error(path, error))) from None
    return db
