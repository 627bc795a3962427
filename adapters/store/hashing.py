"""The fingerprint of a run: two runs that decided the same have the same."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from adapters.store.errors import port_error
from adapters.store.opening import uri
from adapters.store.schema import VERSION, version_of
from engine.model.errors import FatalError

_LENGTH_BYTES = 8


class RunHash(Struct, frozen=True):
    """SHA-256 over the records of one run, each preceded by its length; their numbers do not count."""

    records: int
    hexdigest: str
    boot: int
    """Which run of the journal it was."""


def run_hash(path: Path) -> RunHash:
    """The fingerprint of the journal's last run, as far as it is written.

    Only reads, so an engine may be at work on the file. Raises FatalError when there is no journal or it
    can't be read.
    """
    if not path.exists():
        raise FatalError(f"there is no journal at {path}; it is made by the first run of tstream")
    try:
        with closing(sqlite3.connect(uri(path, "ro"), uri=True)) as db:
            return _hash(path, db)
    except sqlite3.Error as error:
        raise FatalError(str(port_error(path, error))) from None


def _hash(path: Path, db: sqlite3.Connection) -> RunHash:
    try:
        version = version_of(db)
    except FatalError as error:
        raise FatalError(f"{path} {error}") from None
    run = None
    if version == VERSION:
        run = db.execute("SELECT boot, after_seq FROM runs ORDER BY boot DESC LIMIT 1").fetchone()
    if run is None:
        raise FatalError(f"the journal {path} knows of no run yet; start tstream once")
    digest = hashlib.sha256()
    count = 0
    for (body,) in db.execute("SELECT body FROM records WHERE seq > ? ORDER BY seq", (run[1],)):
        digest.update(len(body).to_bytes(_LENGTH_BYTES))
        digest.update(body)
        count += 1
    return RunHash(count, digest.hexdigest(), run[0])
