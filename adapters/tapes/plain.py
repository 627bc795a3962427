"""Plain CSV with a header: bars or ticks of one contract, columns in any order, known by their names.

Bars have a time, open, high, low, close and volume; ticks have a time, price and size. The time is
ISO-8601 with its offset from UTC, or an epoch number in seconds, milliseconds, microseconds or nanoseconds.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

from adapters.tapes.contents import Contents
from adapters.tapes.fields import TapeError, at_row, shown, timestamp
from adapters.tapes.tables import Stamp, Table, read_bars, read_ticks
from engine.model.instrument import Instrument
from engine.model.market import Timeframe

_TIMES = ("time", "timestamp", "ts", "date")
_BARS = ("open", "high", "low", "close", "volume")
_TICKS = ("price", "size")


def read_plain(
    file: str, text: TextIO, instrument: Instrument, timeframe: Timeframe | None, stamp: Stamp | None
) -> Contents:
    """The contents of the file. Bars need to be told what their stamp means. Raises TapeError."""
    rows = _rows(file, text)
    try:
        number, header = next(rows)
    except StopIteration:
        raise TapeError(f"{file}: is empty") from None
    columns = _columns(file, number, header)
    table = Table(
        file=file, rows=rows, columns=columns, time=timestamp, width=range(len(header), len(header) + 1)
    )
    if "price" in columns:
        return read_ticks(table, instrument)
    if stamp is None:
        raise TapeError(
            f'{file}: say whether a bar\'s time is its open or its close (stamp "open" or "close")'
        )
    return read_bars(table, instrument, timeframe, stamp)


def _rows(file: str, text: TextIO) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise at_row(file, reader.line_num, error) from None


def _columns(file: str, number: int, header: list[str]) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    times = [name for name in names if name in _TIMES]
    if len(times) != 1:
        problem = f"{len(times)} time columns" if times else "no time column"
        raise at_row(file, number, f"{problem}; one of {', '.join(_TIMES)} is needed in the header")
    wanted = next((kind for kind in (_BARS, _TICKS) if set(kind) <= set(names)), None)
    if wanted is None:
        raise at_row(
            file,
            number,
            f"the header {shown(','.join(header))} has neither {', '.join(_BARS)} nor {', '.join(_TICKS)}",
        )
    for name in wanted:
        if names.count(name) > 1:
            raise at_row(file, number, f"the header has {name!r} {names.count(name)} times")
    return {"time": names.index(times[0]), **{name: names.index(name) for name in wanted}}
