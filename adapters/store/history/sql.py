"""The same tables and statements for both databases: numbered files of SQL, and upserts of what rows have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, NamedTuple, get_args, get_type_hints

from engine.model.errors import FatalError
from engine.model.history import TABLES, HistoryRow, When

MARKS = "journals"
"""The table that says how far each journal is told."""
CHECKPOINTS = "checkpoints"
VERSIONS = "history_migrations"
"""The table of the steps that have been carried out; a database without it is none of ours."""

CREATE_VERSIONS = f"CREATE TABLE IF NOT EXISTS {VERSIONS} (number BIGINT PRIMARY KEY, name TEXT NOT NULL)"


class Migration(NamedTuple):
    """One step from each layout to the next. A released one is never changed, only followed by another."""

    number: int
    name: str
    statements: tuple[str, ...]


@cache
def migrations() -> tuple[Migration, ...]:
    """All of them in order."""
    folder = resources.files("adapters.store.history") / "migrations"
    files = sorted((file.name, file) for file in folder.iterdir() if file.name.endswith(".sql"))
    found = []
    for name, file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        text = "\n".join(line for line in lines if not line.startswith("--"))
        statements = tuple(one.strip() for one in text.split(";") if one.strip())
        found.append(Migration(int(name.partition("_")[0]), name.removesuffix(".sql"), statements))
    if [one.number for one in found] != list(range(1, len(found) + 1)):
        raise FatalError("the steps of the history's layout are not whole: install tstream anew")
    return tuple(found)


def missing(done: int) -> tuple[Migration, ...]:
    """The steps that a database still needs, which has `done` of them. Raises FatalError for a newer one."""
    steps = migrations()
    if done > len(steps):
        raise FatalError(
            f"was written by a newer tstream (layout {done}, this one knows {len(steps)}); update tstream"
        )
    return steps[done:]


def taken(tables: Iterable[str]) -> FatalError | None:
    """Why a database in which nothing of ours was done yet, and which has these tables, is left alone."""
    ours = {MARKS, CHECKPOINTS, *(table.name for table in TABLES.values())}
    found = sorted(ours & set(tables))
    if not found:
        return None
    return FatalError(
        f"has tables of somebody else by the names of ours ({', '.join(found)}): give tstream a database or a"
        " schema of its own"
    )


@cache
def upsert(kind: type[HistoryRow], place: Callable[[int], str]) -> str:
    """A row in, or in place of what is known of it, unless that goes by newer records. `place` makes the
    placeholder of the nth value, from 1.
    """
    table, columns = TABLES[kind], kind.__struct_fields__
    places = ", ".join(place(n) for n in range(1, len(columns) + 1))
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in table.key)
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})"
        f" ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changed}"
        f" WHERE {table.name}.seq <= excluded.seq"
    )


@cache
def whens(kind: type[HistoryRow]) -> frozenset[str]:
    """The columns that hold a time."""
    hints = get_type_hints(kind)
    return frozenset(
        name for name in kind.__struct_fields__ if hints[name] is When or When in get_args(hints[name])
    )


def moment(ts: int) -> datetime:
    """Nanoseconds UTC as a datetime, cut to microseconds."""
    return datetime.fromtimestamp(ts // 1_000_000_000, UTC).replace(microsecond=ts // 1_000 % 1_000_000)


def by_table(rows: Iterable[HistoryRow]) -> Iterator[tuple[type[HistoryRow], list[HistoryRow]]]:
    """The rows of each kind, in their order."""
    found: dict[type[HistoryRow], list[HistoryRow]] = {}
    for row in rows:
        found.setdefault(type(row), []).append(row)
    yield from found.items()


def values(row: HistoryRow, time: Callable[[int], Any], number: Callable[[Any], Any]) -> list[Any]:
    """The row's values in the order of its columns; `time` and `number` make of times and Decimals what a
    database takes.
    """
    stamps = whens(type(row))
    found = []
    for name in type(row).__struct_fields__:
        value = getattr(row, name)
        if isinstance(value, str):
            value = value.replace("\0", "")  # PostgreSQL has no such text
        elif value is not None and name in stamps:
            value = time(value)
        else:
            value = number(value)
        found.append(value)
    return found
