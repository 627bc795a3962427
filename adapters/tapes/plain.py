"""Plain tables: bars or ticks of one contract, in the layouts that traders have."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import TextIO
from zoneinfo import ZoneInfo

from adapters.tapes.contents import Contents
from adapters.tapes.contracts import NumberedRow, rows_of
from adapters.tapes.fields import TapeError, at_row, timestamp
from adapters.tapes.layouts import delimiter_of, layout_of
from adapters.tapes.tables import Stamp, Table, read_bars, read_ticks
from engine.model.instrument import Instrument
from engine.model.market import Timeframe

UTC = ZoneInfo("UTC")
_FOOTER = "downloaded from barchart.com"


def read_plain(
    file: str,
    text: TextIO,
    instrument: Instrument,
    timeframe: Timeframe | None = None,
    stamp: Stamp | None = None,
    *,
    month: str | None = None,
    symbol: str | None = None,
    zone: ZoneInfo | None = None,
) -> Contents:
    """The contents of the file. Bars need to be told what their stamp means. Raises TapeError."""
    first = text.readline()
    delimiter = delimiter_of(first)
    rows = _rows(file, chain((first,), text), delimiter)
    try:
        head = next(rows)
    except StopIteration:
        raise TapeError(f"{file}: is empty") from None
    layout = layout_of(file, *head)
    wanted = rows if layout.headed else chain((head,), rows)
    table = Table(
        file=file,
        rows=rows_of(file, wanted, layout, instrument, month, symbol),
        columns=layout.columns,
        time=partial(timestamp, zone=UTC if layout.utc else zone, month_first=layout.month_first),
        width=range(layout.width, layout.width + 1),
        decimal_comma=delimiter != ",",
    )
    if not layout.ticks and "volume" not in layout.columns:
        raise TapeError(f"{file}: has no column of volumes, without which no bar can be played")
    if layout.ticks:
        return read_ticks(table, instrument)
    if stamp is None:
        raise TapeError(f"{file}: say whether a bar's time is its open or its close, as in --stamp close")
    return read_bars(table, instrument, timeframe, stamp)


def _rows(file: str, lines: Iterator[str], delimiter: str) -> Iterator[NumberedRow]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for row in reader:
            if any(row) and not row[0].lower().startswith(_FOOTER):
                yield reader.line_num, row
    except csv.Error as error:
        raise at_row(file, reader.line_num, error) from None
