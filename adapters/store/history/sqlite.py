"""The history in a SQLite file of its own, beside the journals: what there is without a server."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from adapters.common.files import owner_only
from adapters.store.file_thread import FileThread
from adapters.store.history.sql import (
    CHECKPOINTS,
    CREATE_VERSIONS,
    MARKS,
    VERSIONS,
    by_table,
    missing,
    moment,
    taken,
    upsert,
    values,
)
from adapters.store.opening import FEW_PAGES, connect, uri
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError
from engine.model.history import (
    NOTHING_KEPT,
    TABLES,
    HistoryBatch,
    HistoryCheckpoint,
    HistoryMark,
    QueryResult,
)

_T = TypeVar("_T")

WAIT_S = 5.0
"""How long a lock of another program is waited for."""
LONGEST = 1_000_000
"""Bytes of a text in an answer."""
_STEPS = 10_000
"""Instructions of SQLite between two looks at the clock."""
_MAY = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
"""What a question may do: it attaches no file, sets nothing, and writes nothing."""
_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_PRIMARY = 0xFF


class SqliteHistory:
    """One file for all journals. Everything is done in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = FileThread("history file")
        self._db: sqlite3.Connection | None = None
        self._closed = False

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return str(self.path)

    async def mark(self, journal: str) -> HistoryMark:
        return await self._do(partial(_mark, journal=journal))

    async def checkpoint(self, journal: str) -> HistoryCheckpoint | None:
        return await self._do(partial(_checkpoint, journal=journal))

    async def write(self, batch: HistoryBatch) -> None:
        await self._do(partial(_write, batch=batch))

    async def forget(self, journal: str) -> None:
        await self._do(partial(_forget, journal=journal))

    async def counts(self, journal: str) -> dict[str, int]:
        return await self._do(partial(_counts, journal=journal))

    async def query(self, sql: str, limit: int, wait_s: float) -> QueryResult:
        return await self._thread.do(partial(_query, self.path, sql, limit, wait_s))

    async def close(self) -> None:
        """The second time it does nothing."""
        if not self._closed:
            self._closed = True
            await self._thread.do(self._close)
            self._thread.stop()

    # --- in the thread ---------------------------------------------------------------------------------

    async def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._thread.do(lambda: self._held(work))

    def _held(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do it in one transaction."""
        try:
            db = self._db = self._db or _opened(self.path)
            db.execute("BEGIN IMMEDIATE")
            done = work(db)
            db.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._close()  # whatever it is, the next call begins anew
            raise _problem(self.path, error) from None
        except PortError:
            if self._db is not None and self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return done

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(owner_only(path, os.O_RDWR | os.O_CREAT))
    db = connect(path, WAIT_S)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # What a crash of the machine takes away is told again by the journal.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(FEW_PAGES)
        db.execute("BEGIN IMMEDIATE")
        _migrate(path, db)
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _migrate(path: Path, db: sqlite3.Connection) -> None:
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    if VERSIONS not in tables and (wrong := taken(tables)) is not None:
        raise FatalError(f"{path} {wrong}")
    db.execute(CREATE_VERSIONS)
    (done,) = db.execute(f"SELECT count(*) FROM {VERSIONS}").fetchone()
    try:
        steps = missing(done)
    except FatalError as error:
        raise FatalError(f"the history {path} {error}") from None
    for step in steps:
        for statement in step.statements:
            db.execute(statement)
        db.execute(f"INSERT INTO {VERSIONS} (number, name) VALUES (?, ?)", (step.number, step.name))


def _mark(db: sqlite3.Connection, journal: str) -> HistoryMark:
    found = db.execute(f"SELECT seq, digest, ts FROM {MARKS} WHERE journal = ?", (journal,)).fetchone()
    return NOTHING_KEPT if found is None else HistoryMark(*found)


def _checkpoint(db: sqlite3.Connection, journal: str) -> HistoryCheckpoint | None:
    found = db.execute(f"SELECT seq, body FROM {CHECKPOINTS} WHERE journal = ?", (journal,)).fetchone()
    return None if found is None else HistoryCheckpoint(*found)


def _write(db: sqlite3.Connection, batch: HistoryBatch) -> None:
    stands = _mark(db, batch.journal)
    if stands == batch.mark:
        return
    if stands != batch.after:
        raise RefusedError(f"the history stands at record {stands.seq}, not at {batch.after.seq}")
    for kind, rows in by_table(batch.rows):
        db.executemany(upsert(kind, _place), [values(row, _time, _number) for row in rows])
    db.execute(
        f"INSERT INTO {MARKS} (journal, seq, digest, ts) VALUES (?, ?, ?, ?) ON CONFLICT (journal)"
        " DO UPDATE SET seq = excluded.seq, digest = excluded.digest, ts = excluded.ts",
        (batch.journal, batch.mark.seq, batch.mark.digest, batch.mark.ts),
    )
    if batch.checkpoint:
        db.execute(
            f"INSERT OR REPLACE INTO {CHECKPOINTS} (journal, seq, body) VALUES (?, ?, ?)",
            (batch.journal, batch.mark.seq, batch.checkpoint),
        )


def _forget(db: sqlite3.Connection, journal: str) -> None:
    for name in (MARKS, CHECKPOINTS, *(table.name for table in TABLES.values())):
        db.execute(f"DELETE FROM {name} WHERE journal = ?", (journal,))


def _counts(db: sqlite3.Connection, journal: str) -> dict[str, int]:
    names = [table.name for table in TABLES.values()]
    asked = {name: f"SELECT count(*) FROM {name} WHERE journal = ?" for name in names}
    return {name: db.execute(sql, (journal,)).fetchone()[0] for name, sql in asked.items()}


def _query(path: Path, sql: str, limit: int, wait_s: float) -> QueryResult:
    if not path.exists():
        raise FatalError(f"there is no history at {path} yet; it is made by the first run of tstream")
    deadline = time.monotonic() + wait_s
    try:
        with closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=WAIT_S)) as db:
            db.set_authorizer(lambda what, *_: sqlite3.SQLITE_OK if what in _MAY else sqlite3.SQLITE_DENY)
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
            db.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            asked = db.execute(sql)
            columns = tuple(column[0] for column in asked.description or ())
            rows = asked.fetchmany(limit + 1)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise RefusedError(f"the answer takes longer than {wait_s:g} s: ask for less") from None
        raise _wrong(path, error) from None
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _wrong(path, error) from None
    if not columns:
        raise RefusedError("that is no question: write a SELECT")
    return QueryResult(columns, tuple(map(tuple, rows[:limit])), len(rows) > limit)


def _wrong(path: Path, error: Exception) -> PortError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code == sqlite3.SQLITE_AUTH or "not authorized" in str(error):  # sqlite3 gives some without a code
        return RefusedError("a question may read the tables and change nothing")
    if code & _PRIMARY in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_TOOBIG):
        return RefusedError(str(error))
    return _problem(path, error)


def _problem(path: Path, error: Exception) -> PortError:
    if isinstance(error, OSError):
        return RetryableError(f"the history {path} can't be written: {error.strerror}")
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if code in _PASSING:
        return RetryableError(f"the history {path} can't be used now: {error}")
    return FatalError(
        f"the history {path} can't be used ({error}): move it away with its -wal and -shm files; it is"
        " filled anew from the journals"
    )


def _place(number: int) -> str:
    return f"?{number}"


def _time(ts: int) -> str:
    return moment(ts).strftime("%Y-%m-%d %H:%M:%S.%f")


def _number(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
