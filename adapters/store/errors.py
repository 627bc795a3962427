"""What can go wrong with a journal, as the errors that may cross a port."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from engine.model.errors import FatalError, PortError, RetryableError

_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    }
)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF


def port_error(path: Path, error: sqlite3.Error) -> PortError:
    """Retryable while the disk or a lock may still come round, fatal otherwise."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if code in _PASSING:
        return RetryableError(f"the journal {path} can't be used now: {error}")
    if code in _DAMAGED:
        return damaged(path, str(error))
    return FatalError(f"the journal {path} can't be used: {error}")


def damaged(path: Path, what: str) -> FatalError:
    return FatalError(
        f"the journal {path} is damaged ({what}); it was left as it is: move it away with its -wal and"
        " -shm files, and put a backup in its place or start without (open positions and orders then"
        " come from the venue)"
    )


def not_next(path: Path, seq: int, last_seq: int) -> FatalError:
    return FatalError(
        f"record {seq} can't follow record {last_seq} in the journal {path}: numbers have no gaps"
    )


def groundless(seq: int, last_seq: int) -> FatalError:
    return FatalError(f"a snapshot as of record {seq} can't be kept: the newest record is {last_seq}")
