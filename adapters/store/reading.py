"""Reading a journal that somebody else may be writing: nothing is locked for long, nothing is changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from adapters.store.errors import port_error
from adapters.store.opening import FEW_PAGES, uri
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


class FollowedJournal:
    """A journal that is read on and on while an engine writes it: each look is short, so that the engine's
    checkpoints are never held back for long. For one thread. Every call raises FatalError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stack = ExitStack()
        self._db = self._stack.enter_context(opened(path))
        self._ask(FEW_PAGES, ())

    def close(self) -> None:
        self._stack.close()

    @property
    def install(self) -> str:
        """Name of the journal among all that ever were."""
        found = self._ask("SELECT value FROM meta WHERE key = 'install'", ())
        if not found:
            raise FatalError(f"the journal {self.path} has no name yet; start tstream once")
        return str(found[0][0])

    def bounds(self) -> tuple[int, int]:
        """Numbers of the first and the newest record; (0, 0) where there is none."""
        first, last = self._ask("SELECT min(seq), max(seq) FROM records", ())[0]
        return (first or 0, last or 0)

    def after(self, seq: int, limit: int) -> list[tuple[int, bytes]]:
        """(number, record) of at most `limit` records after `seq`, oldest first."""
        return self._ask(READ, (seq, limit))

    def _ask(self, sql: str, parameters: tuple[int, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise FatalError(str(port_error(self.path, error))) from None
