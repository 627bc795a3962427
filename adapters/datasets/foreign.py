"""Parquet files of other programs: read as rows of text with a header, as tables are, and written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from adapters.datasets.duck import connected, quoted
from engine.model.instrument import Instrument
from engine.model.market import Bar

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


def write_parquet(bars: Iterable[Bar], instrument: Instrument, path: Path) -> int:
    """A file for other programs: time (of the open, with zone), prices and volume as decimals. Gives the
    number of bars. Raises DatasetError, OSError.
    """
    with tempfile.TemporaryDirectory(dir=path.absolute().parent) as work:
        table = Path(work) / "bars.csv"
        count = 0
        with table.open("w", encoding="utf-8") as out:
            for bar in bars:
                count += 1
                prices = ",".join(map(instrument.text, (bar.open, bar.high, bar.low, bar.close)))
                out.write(f"{bar.open_ts},{prices},{instrument.qty_text(bar.volume)}\n")
        price = f"DECIMAL(18, {instrument.decimals})"
        volume = f"DECIMAL(18, {max(0, -int(instrument.lot_size.normalize().as_tuple().exponent))})"
        kinds = {"ns": "BIGINT", **dict.fromkeys(("open", "high", "low", "close"), price), "volume": volume}
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in kinds.items())
        source = f"read_csv({quoted(table)}, header = false, columns = {{{columns}}})"
        with connected() as connection:
            connection.execute(
                f"COPY (SELECT make_timestamp_ns(ns)::TIMESTAMPTZ AS time, * EXCLUDE ns FROM {source} "
                f"ORDER BY ns) TO {quoted(path)} (FORMAT parquet, COMPRESSION zstd)"
            )
    return count
