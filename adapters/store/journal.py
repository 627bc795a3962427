"""The journal of a live engine: SQLite in WAL mode, one writer, each append on disk before it returns."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiosqlite

from adapters.store import schema
from adapters.store.errors import groundless, not_next, port_error
from adapters.store.file_thread import FileThread
from adapters.store.lock import InstanceLock
from adapters.store.opening import Opened, begin_run, connect, journal_lock, make_room, pragmas
from adapters.store.tail import TailNote, lasting
from engine.model.errors import FatalError

_BATCH = 1000

log = logging.getLogger(__name__)


class SqliteJournal:
    """Opaque records, numbered without gaps from 1. Get one from `Journal.open`; close it at the end."""

    def __init__(
        self, path: Path, opened: Opened, db: sqlite3.Connection, thread: FileThread, lock: InstanceLock
    ) -> None:
        self.path = path
        self._lock = lock
        self.install = opened.install
        """Name of this journal among all that ever were."""
        self.boot = opened.boot
        """Number of this run, from 1."""
        self.last_seq = opened.last_seq
        """Number of the newest durable record; 0 when there is none."""
        self.lost = opened.lost
        """Records that were written once and are not there any more."""
        self.restored_ns = opened.restored_ns
        """When the backup was made, while the journal is a backup's and no run has written that down."""
        self._note = TailNote(path, opened.install)
        self._db = db
        """Only the thread uses it."""
        self._thread = thread

    @classmethod
    async def open(cls, path: Path, *, install: str | None = None, wait_s: float = 1.0) -> Self:
        """Open or create the journal and begin a run. Raises FatalError, also when another process writes it.

        `wait_s`: how long a write waits for a lock that another program holds.
        """
        lock = journal_lock(path)
        lock.acquire()
        thread = FileThread("journal")
        try:
            opened = await thread.do(lambda: begin_run(path, install))
            db = await thread.do(lambda: _connect(path, wait_s))
        except BaseException:
            thread.stop()
            lock.release()
            raise
        return cls(path, opened, db, thread, lock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        try:
            await self._thread.do(self._db.close)
            self._note.close()
        finally:
            self._thread.stop()
            self._lock.release()

    def append(self, records: Sequence[bytes], first_seq: int) -> Awaitable[None]:
        """Make records durable, all or none, numbered from `first_seq`, which has to be the next number.

        Raises RetryableError when nothing was stored and the same call may be made again (disk full,
        locked), FatalError when the numbers don't follow. Records that are there already, byte for byte,
        are not stored twice: a call whose outcome was not waited for, and which is never torn, may be
        repeated, with more behind it.
        """
        appended = self._thread.do(lambda: self._append(records, first_seq))
        self._thread.do(lambda: self._note.write(self.last_seq))  # nobody waits for it
        if lasting(records):
            self._thread.do(self._write_through)
        return appended

    async def read(self, after_seq: int = 0) -> AsyncIterator[tuple[int, bytes]]:
        """(number, record) of all records after `after_seq`, oldest first.

        Raises FatalError, RetryableError.
        """
        while rows := await self._look_up(schema.READ, (after_seq, _BATCH)):
            for row in rows:
                yield row
            after_seq = rows[-1][0]

    async def save_snapshot(self, seq: int, body: bytes) -> None:
        """Keep the state as of record `seq`; the one before it is kept too. Raises as `append` does."""
        if not 0 <= seq <= self.last_seq:
            raise groundless(seq, self.last_seq)
        statements = [(schema.SAVE_SNAPSHOT, (seq, body)), (schema.FORGET_SNAPSHOTS, ())]
        await self._thread.do(lambda: self._transact(statements))

    async def load_snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot with its record number. Raises FatalError, RetryableError."""
        rows = await self._look_up(schema.LOAD_SNAPSHOT, ())
        return rows[0] if rows else None

    async def _look_up(self, statement: str, parameters: Sequence[int]) -> list[tuple[int, bytes]]:
        """By a connection of its own that can't write: reading never stands before an append."""
        try:
            async with aiosqlite.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True) as db:
                return [(row[0], row[1]) for row in await db.execute_fetchall(statement, parameters)]
        except sqlite3.Error as error:
            raise port_error(self.path, error) from None

    # --- on the journal's thread -----------------------------------------------------------------------

    def _append(self, records: Sequence[bytes], first_seq: int) -> None:
        fresh = self._not_yet_stored(records, first_seq)
        if fresh:
            self._transact(list(schema.inserts(fresh, self.last_seq + 1)))
            self.last_seq += len(fresh)

    def _write_through(self) -> None:
        """Bring what the -wal holds into the main file. A reader may keep some back: the next one does it."""
        try:
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            log.warning("the journal's -wal is not written through: %s", error)

    def _not_yet_stored(self, records: Sequence[bytes], first_seq: int) -> Sequence[bytes]:
        """The records without those that the journal has already, which must be the same ones."""
        repeated = self.last_seq + 1 - first_seq
        if repeated < 0:
            raise not_next(self.path, first_seq, self.last_seq)
        if repeated and records:
            stored = self._fetch(schema.READ, (first_seq - 1, min(repeated, len(records))))
            if stored != list(enumerate(records[:repeated], first_seq)):
                raise not_next(self.path, first_seq, self.last_seq)
        return records[repeated:]

    def _transact(self, statements: Sequence[tuple[str, Sequence[int | bytes]]]) -> None:
        """All of them or none. Raises RetryableError, FatalError."""
        db = self._db
        try:
            if len(statements) == 1:  # a transaction by itself
                db.execute(*statements[0])
                return
            db.execute("BEGIN IMMEDIATE")
            try:
                for statement, parameters in statements:
                    db.execute(statement, parameters)
                db.execute("COMMIT")
            except sqlite3.Error:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise port_error(self.path, error) from None

    def _fetch(self, statement: str, parameters: Sequence[int]) -> list[tuple[int, bytes]]:
        try:
            return self._db.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise port_error(self.path, error) from None


def _connect(path: Path, wait_s: float) -> sqlite3.Connection:
    try:
        db = connect(path, wait_s)
        for pragma in pragmas(durable=True):
            db.execute(pragma)
        make_room(path, db)
    except sqlite3.Error as error:
        raise FatalError(str(port_error(path, error))) from None
    return db
