"""duckdb, loaded when it is needed: it is an extra, and large."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.model.errors import FatalError

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection


class DatasetError(FatalError):
    """A dataset that is not there, can't be read or can't be written: which one, and what to do."""


@contextmanager
def connected() -> Iterator[DuckDBPyConnection]:
    """A database in memory. Raises DatasetError where duckdb is missing, and for what it complains about."""
    try:
        import duckdb
    except ImportError:
        raise DatasetError("datasets need duckdb: pip install 'tstream[lab]'") from None
    try:
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            yield connection
    except duckdb.Error as error:
        raise DatasetError(str(error).splitlines()[0]) from None


def quoted(path: Path) -> str:
    """A path as a literal of SQL, for statements that take no parameters."""
    return "'" + str(path).replace("'", "''") + "'"
