"""Copies of databases that others may be writing, each one file and proven to be whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from adapters.common.files import owner_only
from adapters.store.backups.archive import BackupError, JournalMark
from adapters.store.emergency import emergency_path, read_lines
from adapters.store.opening import connect, take_over, uri
from adapters.store.schema import VERSION, migrate, version_of
from engine.model.errors import FatalError

_WAL_HEADER = 32
_TRIES = 20
_PAUSE_S = 0.1
_GRAIN_NS = 50_000_000
"""A file that was written so recently may be written again without its time of change telling it."""


def copy_journal(source: Path, target: Path, venue: str) -> JournalMark:
    """Copy a journal, which an engine may be writing, as of one moment. What only its emergency file has is
    taken over into the copy.

    Raises BackupError where it can't be copied, or is damaged; OSError.
    """
    left = read_lines(emergency_path(source))  # first: what it had and has no more is in the journal then
    with _problems(source):
        _copy(source, target)
        with closing(connect(target, 0)) as db:
            _require_journal(source, db)
            db.execute("BEGIN IMMEDIATE")
            (install,) = db.execute("SELECT value FROM meta WHERE key = 'install'").fetchone() or ("",)
            take_over(target, db, install, left)
            db.execute("COMMIT")
    return check_journal(target, venue)


def copy_database(source: Path, target: Path) -> None:
    """Copy another database, which its process may hold alone. Raises BackupError, OSError."""
    with _problems(source):
        try:
            _copy(source, target)
        except sqlite3.OperationalError as error:
            target.unlink()
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            _copy_held(source, target)
    check_database(target)


def check_journal(path: Path, venue: str) -> JournalMark:
    """How far a journal goes. Raises BackupError where it is damaged, or no journal of this layout."""
    with _problems(path), closing(connect(path, 0)) as db:
        _require_journal(path, db)
        _require_whole(path, db)
        first, last, count = db.execute("SELECT min(seq), max(seq), count(*) FROM records").fetchone()
        if count and (first, last) != (1, count):
            raise BackupError(f"{path.name} is damaged: {count} records are numbered from {first} to {last}")
        (install,) = db.execute("SELECT value FROM meta WHERE key = 'install'").fetchone() or ("",)
        (boot,) = db.execute("SELECT coalesce(max(boot), 0) FROM runs").fetchone()
    return JournalMark(venue, count, install, boot)


def check_database(path: Path) -> None:
    """Raises BackupError where a database is damaged."""
    with _problems(path), closing(connect(path, 0)) as db:
        _require_whole(path, db)


def _copy(source: Path, target: Path) -> None:
    """As of one moment, without holding up whoever writes it. Raises sqlite3.Error."""
    os.close(owner_only(target, os.O_RDWR | os.O_CREAT | os.O_EXCL))
    with (
        closing(sqlite3.connect(uri(source, "ro"), uri=True, timeout=0)) as old,
        closing(connect(target, 0)) as new,
    ):
        # Python tries again for ever where another process holds the source alone: here it says so at once.
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        old.backup(new)
        new.execute("PRAGMA journal_mode = DELETE")


def _copy_held(source: Path, target: Path) -> None:
    """Its files as they stand between two checkpoints: until the next one the main file does not change, and
    its -wal only grows, each frame with a checksum. Raises BackupError where it is never long enough so.
    """
    for _ in range(_TRIES):
        before, began = _marks(source), time.time_ns()
        for end in ("", "-wal"):
            file, copy = (path.with_name(f"{path.name}{end}") for path in (source, target))
            if end and not file.exists():
                copy.unlink(missing_ok=True)
                continue
            with open(file, "rb") as stream, open(copy, "wb", opener=owner_only) as out:
                shutil.copyfileobj(stream, out)
        if _marks(source) == before and before[0] < began - _GRAIN_NS:
            with closing(connect(target, 0)) as db:
                db.execute("PRAGMA journal_mode = DELETE")
            return
        time.sleep(_PAUSE_S)
    raise BackupError(f"{source} is written all the time")


def _marks(source: Path) -> tuple[int, int, bytes]:
    """What changes with every checkpoint: when the main file was written, its size, how its -wal begins."""
    wal = source.with_name(f"{source.name}-wal")
    found = source.stat()
    try:
        with open(wal, "rb") as stream:
            head = stream.read(_WAL_HEADER)
    except FileNotFoundError:
        head = b""
    return found.st_mtime_ns, found.st_size, head


def _require_journal(path: Path, db: sqlite3.Connection) -> None:
    try:
        version = version_of(db)
    except FatalError as error:
        raise BackupError(f"{path} {error}") from None
    if not version:
        raise BackupError(f"{path} is no journal yet: start tstream once")
    if version < VERSION:
        migrate(db)  # a copy: the journal itself stays as it is


def _require_whole(path: Path, db: sqlite3.Connection) -> None:
    (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise BackupError(f"{path} is damaged: {' '.join(verdict.split())[:200]}")


@contextmanager
def _problems(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise BackupError(f"{path} can't be copied: {error}") from None
