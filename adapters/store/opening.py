"""Opening a journal file: made private, checked, migrated, and a new run begun in it."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from adapters.common.files import owner_only
from adapters.store.emergency import EmergencyLine, emergency_path, put_aside, read_lines
from adapters.store.errors import damaged, port_error
from adapters.store.lock import InstanceLock
from adapters.store.schema import LAST_SEQ, READ, VERSION, inserts, migrate, version_of
from adapters.store.tail import noted
from engine.model.errors import FatalError, RetryableError

_INSTALL_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_INSTALL_LENGTH = 8
SPARE_BYTES = 64 << 20
"""Less free than this, and the disk is left alone."""
_PIECES = 64

log = logging.getLogger(__name__)


class Opened(Struct, frozen=True):
    """What a new run starts from."""

    install: str
    """Names this journal among all that ever were: part of every client id."""
    boot: int
    """Counts the runs of this journal, from 1: part of every client id."""
    last_seq: int
    recovered: int = 0
    """Records that an earlier run could only write to the emergency file."""
    lost: int = 0
    """Records that were written once and are not there any more."""
    restored_ns: int = 0
    """When the backup was made whose journal this is, nanoseconds UTC, until a run has written that down; 0
    for any other journal.
    """


def begin_run(path: Path, install: str | None = None, wait_s: float = 5.0) -> Opened:
    """Create or check the journal and begin a run in it: the boot counter grows, durably.

    What an earlier run left in the emergency file is taken over first, in the same transaction. `install`
    names a new journal; else it draws a name. `wait_s` is how long a lock of another program is waited for.
    Raises FatalError, with what to do about it, for a file that is no journal, is damaged, comes from a newer
    program or can't be written.
    """
    try:
        _make_private(path)
        with closing(connect(path, wait_s)) as db:
            left = read_lines(emergency_path(path))
            opened = _begin(path, db, install, left)
    except OSError as error:
        raise FatalError(
            f"can't write the journal {path}: {error.strerror}; check the folder's rights"
        ) from None
    except sqlite3.Error as error:
        problem = port_error(path, error)
        if isinstance(problem, RetryableError):  # nothing to retry for who has only just come
            raise FatalError(f"{problem}; free the disk or stop the program that holds it") from None
        raise problem from None
    if left:
        _tidy_up(path, opened)
    return opened


def _tidy_up(path: Path, opened: Opened) -> None:
    """The emergency file has done its work. If it can't be put aside, replaying it again does no harm."""
    log.warning("%d records were taken over from the emergency file of %s", opened.recovered, path)
    try:
        put_aside(emergency_path(path), opened.boot)
    except OSError as error:
        log.warning("the emergency file of %s is not put aside: %s", path, error.strerror)


def journal_lock(path: Path) -> InstanceLock:
    """Held for as long as the journal is written: whoever opens it a second time is told who was first."""
    return InstanceLock(path.with_name(f"{path.name}.lock"), str(path), lambda: 0, "the journal")


def connect(path: Path, wait_s: float) -> sqlite3.Connection:
    """A connection in autocommit mode that may write, but has not yet. Raises sqlite3.Error.

    It may be closed by another thread than its own, but must not be used by two at once.
    """
    return sqlite3.connect(
        uri(path, "rw"), uri=True, timeout=wait_s, isolation_level=None, check_same_thread=False
    )


def uri(path: Path, mode: str) -> str:
    """How SQLite is told of a file that it must not create; `mode` is "ro" or "rw"."""
    return f"{path.absolute().as_uri()}?mode={mode}"


FEW_PAGES = "PRAGMA cache_size = -256"
"""KiB of a file that a connection of a run keeps in memory. SQLite itself keeps 2 MB for each, filled page by
page while the file grows; what is written and followed here is its end.
"""


def pragmas(*, durable: bool) -> tuple[str, ...]:
    """How a writing connection is set up: each commit reaches the disk, unless told that it need not."""
    return "PRAGMA journal_mode = WAL", f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}", FEW_PAGES


def make_room(path: Path, db: sqlite3.Connection) -> None:
    """Have the -wal as large as it gets before SQLite writes it from its beginning again: the disk answers a
    commit into a file that grows much later than one that overwrites. Nothing of it is ever read: what takes
    the room is rolled back. Where there is no room, commits are slower and nothing is amiss.
    """
    try:
        if shutil.disk_usage(path.parent).free < SPARE_BYTES:
            return
        pages, size, cached = (
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("wal_autocheckpoint", "page_size", "cache_size")
        )
        db.execute("PRAGMA cache_size = 10")  # what is more goes to the -wal before any commit
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute("CREATE TABLE room (filled)")
            for _ in range(_PIECES):
                db.execute("INSERT INTO room VALUES (zeroblob(?))", (pages * size // _PIECES,))
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
            db.execute(f"PRAGMA cache_size = {cached}")
        descriptor = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)  # now, and not with the first commit
        finally:
            os.close(descriptor)
    except (OSError, sqlite3.Error) as error:
        log.info("the journal %s has no room ahead: %s", path, error)


def _make_private(path: Path) -> None:
    """The file exists and is its owner's only; SQLite gives its -wal and -shm the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = owner_only(path, os.O_RDWR | os.O_CREAT)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _begin(path: Path, db: sqlite3.Connection, install: str | None, left: Sequence[EmergencyLine]) -> Opened:
    try:
        version = version_of(db)
    except FatalError as error:
        raise FatalError(f"{path} {error}") from None
    for pragma in pragmas(durable=True):
        db.execute(pragma)
    _check(path, db, version)
    if version < VERSION:
        if version:
            _back_up(path, db, version)
        migrate(db)
    db.execute("BEGIN IMMEDIATE")
    drawn = "".join(secrets.choice(_INSTALL_ALPHABET) for _ in range(_INSTALL_LENGTH))
    db.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('install', ?)", (install or drawn,))
    (name,) = db.execute("SELECT value FROM meta WHERE key = 'install'").fetchone()
    restored_ns = _restored(db)
    recovered = take_over(path, db, name, left)
    db.execute(
        f"INSERT INTO runs (boot, after_seq) SELECT coalesce(max(boot), 0) + 1, ({LAST_SEQ}) FROM runs"
    )
    boot, last = db.execute("SELECT boot, after_seq FROM runs ORDER BY boot DESC LIMIT 1").fetchone()
    db.execute("COMMIT")
    return Opened(name, boot, last, recovered, max(0, noted(path, name) - last), restored_ns)


def mark_restored(path: Path, made_ns: int, boot: int) -> None:
    """Note in a journal that it is a backup's, made at that time (nanoseconds UTC), and that runs are counted
    on from `boot`: those since then have given out client ids, which never come twice. Raises FatalError.
    """
    try:
        with closing(connect(path, 0)) as db:
            (last,) = db.execute(LAST_SEQ).fetchone()
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO runs (boot, after_seq) VALUES (?, ?)", (boot, last))
            db.execute("INSERT OR REPLACE INTO meta VALUES ('restored', ?)", (f"{made_ns} {last}",))
            db.execute("COMMIT")
    except sqlite3.Error as error:
        raise FatalError(str(port_error(path, error))) from None


def _restored(db: sqlite3.Connection) -> int:
    """When the backup was made, as long as the journal ends where that did."""
    row = db.execute("SELECT value FROM meta WHERE key = 'restored'").fetchone()
    if row is None:
        return 0
    made_ns, seq = map(int, row[0].split())
    return made_ns if db.execute(LAST_SEQ).fetchone() == (seq,) else 0


def take_over(path: Path, db: sqlite3.Connection, install: str, left: Sequence[EmergencyLine]) -> int:
    """Store the emergency file's records that the journal of this name lacks; their number.

    Those that did land are there byte for byte. A line that doesn't fit belongs to another journal, one
    since replaced by a backup perhaps: from there on nothing is taken, and positions come from the venue.
    """
    (last,) = db.execute(LAST_SEQ).fetchone()
    taken = 0
    for line in left:
        record = bytes(line.record)
        if line.install == install and line.seq == last + 1:
            for statement, parameters in inserts([record], line.seq):
                db.execute(statement, parameters)
            last, taken = line.seq, taken + 1
        elif (
            line.install != install or [(line.seq, record)] != db.execute(READ, (line.seq - 1, 1)).fetchall()
        ):
            log.critical(
                "the emergency file of %s does not belong to this journal from record %d on", path, line.seq
            )
            break
    return taken


def _check(path: Path, db: sqlite3.Connection, version: int) -> None:
    """Damage is found now, not when the state is being rebuilt."""
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        raise FatalError(f"{path}: this file system can't hold the journal; choose a folder on a local disk")
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise damaged(path, " ".join(verdict.split()))
    if version:
        first, last, count = db.execute("SELECT min(seq), max(seq), count(*) FROM records").fetchone()
        if count and last - first + 1 != count:
            raise damaged(path, f"{count} records are numbered from {first} to {last}")


def _back_up(path: Path, db: sqlite3.Connection, version: int) -> None:
    """A copy of the old layout stays beside the migrated journal."""
    copy = path.with_name(f"{path.name}.layout{version}")
    os.close(owner_only(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
    db.execute("VACUUM INTO ?", (str(copy),))
