"""Reading a journal that somebody else may be writing: nothing is locked for long, nothing is changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from adapters.store.errors import port_error
from adapters.store.opening import uri
from adapters.store.schema import READ, VERSION, version_of
from engine.model.errors import FatalError

_BATCH = 1000


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can't write, to a journal of this layout. Raises FatalError when there is none, or
    it can't be read.
    """
    if not path.exists():
        raise FatalError(f"there is no journal at {path}; it is made by the first run of tstream")
    try:
        with closing(sqlite3.connect(uri(path, "ro"), uri=True)) as db:
            try:
                version = version_of(db)
            except FatalError as error:
                raise FatalError(f"{path} {error}") from None
            if version != VERSION:
                raise FatalError(f"the journal {path} knows of no run yet; start tstream once")
            yield db
    except sqlite3.Error as error:
        raise FatalError(str(port_error(path, error))) from None


def stored(path: Path, after_seq: int = 0) -> Iterator[tuple[int, bytes]]:
    """(number, record) of all records after `after_seq` that are durable now, oldest first. An engine may be
    at work on the file. Raises FatalError.
    """
    with opened(path) as db:
        while rows := db.execute(READ, (after_seq, _BATCH)).fetchall():
            yield from rows
            after_seq = rows[-1][0]
