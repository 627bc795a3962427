"""The fingerprint of a run: two runs that decided the same have the same."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from msgspec import Struct

from adapters.store.reading import opened
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
    with opened(path) as db:
        run = db.execute("SELECT boot, after_seq FROM runs ORDER BY boot DESC LIMIT 1").fetchone()
        if run is None:
            raise FatalError(f"the journal {path} knows of no run yet; start tstream once")
        return _hash(db, *run)


def _hash(db: sqlite3.Connection, boot: int, after_seq: int) -> RunHash:
    digest = hashlib.sha256()
    count = 0
    for (body,) in db.execute("SELECT body FROM records WHERE seq > ? ORDER BY seq", (after_seq,)):
        digest.update(len(body).to_bytes(_LENGTH_BYTES))
        digest.update(body)
        count += 1
    return RunHash(count, digest.hexdigest(), boot)
