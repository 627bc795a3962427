"""Tables of the journal and the steps from each layout to the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from engine.model.errors import FatalError

APPLICATION_ID = 0x74737472
"""Marks a SQLite file as a journal of this program."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        "CREATE TABLE records (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        # The boot counter of the first layout moves to its own table, so that ids made from it never repeat.
        "CREATE TABLE runs (boot INTEGER PRIMARY KEY, after_seq INTEGER NOT NULL) STRICT",
        "CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
        "INSERT INTO runs SELECT CAST(value AS INTEGER), (SELECT coalesce(max(seq), 0) FROM records)"
        " FROM meta WHERE key = 'boot'",
        "DELETE FROM meta WHERE key = 'boot'",
    ),
)
"""Step n leads from layout n to layout n + 1. A released step is never changed, only followed by another."""

VERSION = len(STEPS)

LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM records"
READ = "SELECT seq, body FROM records WHERE seq > ? ORDER BY seq LIMIT ?"
LOAD_SNAPSHOT = "SELECT seq, body FROM snapshots ORDER BY seq DESC LIMIT 1"
SAVE_SNAPSHOT = "INSERT OR REPLACE INTO snapshots (seq, body) VALUES (?, ?)"
FORGET_SNAPSHOTS = (
    "DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT 2)"
)
"""The newest is used; one more is kept behind it."""

_ROWS_A_STATEMENT = 500


def version_of(db: sqlite3.Connection) -> int:
    """The layout of a file: 0 when it is still empty. Raises FatalError if it is no journal of ours."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise FatalError("is a database, but not a journal of tstream; move it away or choose another folder")
    if version > VERSION:
        raise FatalError(
            f"was written by a newer tstream (layout {version}, this one knows {VERSION}); update tstream"
        )
    return int(version)


def migrate(db: sqlite3.Connection, to: int = VERSION) -> None:
    """Bring the file to a layout, in one transaction. `db` has to be in autocommit mode."""
    db.execute("BEGIN EXCLUSIVE")
    try:
        for version in range(version_of(db), to):
            for statement in STEPS[version]:
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {to}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def inserts(records: Sequence[bytes], first_seq: int) -> Iterator[tuple[str, list[int | bytes]]]:
    """Statements with their parameters that store the records; one statement where they are not very many."""
    for start in range(0, len(records), _ROWS_A_STATEMENT):
        rows = records[start : start + _ROWS_A_STATEMENT]
        values = ", ".join(["(?, ?)"] * len(rows))
        parameters = [item for seq, body in enumerate(rows, first_seq + start) for item in (seq, body)]
        yield f"INSERT INTO records (seq, body) VALUES {values}", parameters
