"""The journal of a run in virtual time: the same file, written without waiting for the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from adapters.store import schema
from adapters.store.errors import groundless, not_next, port_error
from adapters.store.opening import begin_run, connect, journal_lock, pragmas
from engine.model.errors import FatalError

_BATCH = 1000
_COMMIT_EVERY = 1000
_WAIT_SECONDS = 5.0


class SyncJournal:
    """What Journal is, for one thread without an event loop, in a run that can be run again.

    Records are committed a thousand at a time and at `close`; a crash may lose the newest. Whatever the
    disk refuses ends the run: every call may raise FatalError.
    """

    def __init__(self, path: Path, *, install: str | None = None) -> None:
        """Open or create the journal and begin a run."""
        self._lock = journal_lock(path)
        self._lock.acquire()
        try:
            opened = begin_run(path, install)
        except BaseException:
            self._lock.release()
            raise
        self.path = path
        self.install = opened.install
        """Name of this journal among all that ever were."""
        self.boot = opened.boot
        """Number of this run, from 1."""
        self.last_seq = opened.last_seq
        self._uncommitted = 0
        with self._fatal():
            self._db = connect(path, _WAIT_SECONDS)
            for pragma in pragmas(durable=False):
                self._db.execute(pragma)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Commit what is left and close the file."""
        try:
            self._commit()
        finally:
            self._db.close()
            self._lock.release()

    def append(self, records: Sequence[bytes], first_seq: int) -> None:
        """Store records numbered from `first_seq`, which has to be the next number."""
        if first_seq != self.last_seq + 1:
            raise not_next(self.path, first_seq, self.last_seq)
        with self._fatal():
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
            for statement, parameters in schema.inserts(records, first_seq):
                self._db.execute(statement, parameters)
        self.last_seq += len(records)
        self._uncommitted += len(records)
        if self._uncommitted >= _COMMIT_EVERY:
            self._commit()

    def read(self, after_seq: int = 0) -> Iterator[tuple[int, bytes]]:
        """(number, record) of all records after `after_seq`, oldest first."""
        while rows := self._fetch(schema.READ, (after_seq, _BATCH)):
            yield from rows
            after_seq = rows[-1][0]

    def save_snapshot(self, seq: int, body: bytes) -> None:
        """Keep the state as of record `seq`; the one before it is kept too."""
        if not 0 <= seq <= self.last_seq:
            raise groundless(seq, self.last_seq)
        with self._fatal():
            self._db.execute(schema.SAVE_SNAPSHOT, (seq, body))
            self._db.execute(schema.FORGET_SNAPSHOTS)

    def load_snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot with its record number."""
        rows = self._fetch(schema.LOAD_SNAPSHOT, ())
        return rows[0] if rows else None

    def _commit(self) -> None:
        with self._fatal():
            if self._db.in_transaction:
                self._db.execute("COMMIT")
        self._uncommitted = 0

    def _fetch(self, statement: str, parameters: Sequence[int]) -> list[tuple[int, bytes]]:
        with self._fatal():
            return self._db.execute(statement, parameters).fetchall()

    @contextmanager
    def _fatal(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise FatalError(str(port_error(self.path, error))) from None
