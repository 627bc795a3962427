"""Parquet files of other programs, as rows of text with a header: what reads tables reads them too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapters.datasets.duck import connected, quoted

_AT_ONCE = 8192


def rows_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The header, then the rows, numbered from 1. Times with a zone come as epochs in nanoseconds, those
    without as ISO-8601; what is null is empty. Raises DatasetError.
    """
    with connected() as connection:
        source = f"read_parquet({quoted(path)})"
        columns = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        names, kinds = [str(one[0]) for one in columns], [str(one[1]) for one in columns]
        times = [place for place, kind in enumerate(kinds) if kind.startswith("TIMESTAMP")]
        headings = ["time" if [place] == times else name for place, name in enumerate(names)]
        yield 1, headings
        wanted = ", ".join(_text(name, kind) for name, kind in zip(names, kinds, strict=True))
        asked = connection.execute(f"SELECT {wanted} FROM {source}")
        number = 1
        while rows := asked.fetchmany(_AT_ONCE):
            for row in rows:
                number += 1
                yield number, list(row)


def _text(name: str, kind: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    if kind == "TIMESTAMP WITH TIME ZONE":
        text = f"CAST(epoch_ns({column}) AS VARCHAR)"
    elif kind.startswith("TIMESTAMP"):
        text = f"strftime(CAST({column} AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%f')"
    else:
        text = f"CAST({column} AS VARCHAR)"
    return f"coalesce({text}, '')"
