"""Rows of text to the contents of a tape. Every row is checked before anything plays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from adapters.tapes.contents import BarContents, Corners, QuoteContents, QuoteMinute, TickContents
from adapters.tapes.fields import FieldError, PriceColumn, TapeError, at_row, shown, size
from adapters.tapes.walk import Point
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Bar, Timeframe

Row = tuple[int, int, list[str]]
"""Row number, time in nanoseconds UTC, all fields."""

FRAMES = {frame.nanos: frame for frame in Timeframe if not frame.by_calendar}
_CORNERS = ("open", "high", "low", "close")


class Stamp(StrEnum):
    """Which end of a bar its time names."""

    OPEN = "open"
    CLOSE = "close"


class Table(Struct, frozen=True):
    """A file's rows and where in them things are."""

    file: str
    """For error lines."""
    rows: Iterable[tuple[int, list[str]]]
    """Numbered as in the file, from 1."""
    columns: Mapping[str, int]
    """Name of a field to its place; always has "time"."""
    time: Callable[[str], int]
    """Text to nanoseconds UTC; raises FieldError."""
    width: range
    """Allowed numbers of fields."""
    decimal_comma: bool = False
    """Numbers are written as 5.150,25."""

    def timed(self) -> Iterator[Row]:
        """The rows that are not blank, their width checked."""
        for number, row in self.rows:
            if not any(row):
                continue
            if len(row) not in self.width:
                raise at_row(self.file, number, f"{len(row)} columns instead of {self.width.start}")
            try:
                yield number, self.time(self.when(row)), row
            except FieldError as error:
                raise at_row(self.file, number, error) from None

    def ordered(self, rows: Iterable[Row], *, strictly: bool) -> Iterator[Row]:
        """The rows, their order checked: time grows or, if not strictly, stays."""
        least = 1 if strictly else 0
        before = -1
        for number, ts, row in rows:
            if ts < before + least:
                problem = "repeats the time of" if ts == before else "is earlier than"
                raise at_row(self.file, number, f"time {shown(self.when(row))} {problem} the row before")
            before = ts
            yield number, ts, row
        if before < 0:
            raise TapeError(f"{self.file}: has no rows")

    def when(self, row: list[str]) -> str:
        """The text of a row's time."""
        text, clock = row[self.columns["time"]], self.columns.get("clock")
        return text if clock is None else f"{text.strip()} {row[clock].strip()}"

    def prices(self, instrument: Instrument) -> PriceColumn:
        return PriceColumn(instrument, decimal_comma=self.decimal_comma)

    def places(self, *names: str) -> list[int]:
        return [self.columns[name] for name in names]


def read_ticks(table: Table, instrument: Instrument) -> TickContents:
    """Trades. Several of one instant keep the order of their rows. Raises TapeError."""
    return TickContents(instrument.symbol, _points(table, instrument))


def _points(table: Table, instrument: Instrument) -> Iterator[Point]:
    prices = table.prices(instrument)
    price, contracts = table.places("price", "size")
    for number, ts, row in table.ordered(table.timed(), strictly=False):
        try:
            yield ts, prices[row[price]], size(row[contracts], decimal_comma=table.decimal_comma)
        except FieldError as error:
            raise at_row(table.file, number, error) from None


def read_bars(table: Table, instrument: Instrument, timeframe: Timeframe | None, stamp: Stamp) -> BarContents:
    """Bars, the oldest or the newest first; their timeframe is the smallest step between two of them unless
    given. Raises TapeError.
    """
    rows = list(table.timed())
    if rows and rows[0][1] > rows[-1][1]:
        rows.reverse()
    rows = list(table.ordered(rows, strictly=True))
    frame = timeframe or _smallest_step(table.file, rows)
    if frame not in FRAMES.values():
        raise TapeError(f"{table.file}: bars of {frame} are too long to be played: at most 1h")
    return BarContents(_bars(table, rows, instrument, frame, stamp))


def _smallest_step(file: str, rows: list[Row]) -> Timeframe:
    if len(rows) < 2:
        raise TapeError(f"{file}: one bar does not tell its timeframe: two are needed")
    step = min(b[1] - a[1] for a, b in pairwise(rows))
    if step not in FRAMES:
        allowed = ", ".join(FRAMES.values())
        raise TapeError(f"{file}: bars {step / NANOS:g} s apart are none of {allowed}")
    return FRAMES[step]


def _bars(
    table: Table, rows: list[Row], instrument: Instrument, frame: Timeframe, stamp: Stamp
) -> Iterator[Bar]:
    prices = table.prices(instrument)
    corners = table.places(*_CORNERS)
    (volume,) = table.places("volume")
    shift = frame.nanos if stamp is Stamp.CLOSE else 0
    for number, ts, row in rows:
        try:
            if ts % frame.nanos:
                raise FieldError(f"time {shown(table.when(row))} is not the {stamp} of a {frame} bar")
            o, h, l, c = _ordered(prices, row, corners)  # noqa: E741
            contracts = size(row[volume], "volume", decimal_comma=table.decimal_comma)
        except FieldError as error:
            raise at_row(table.file, number, error) from None
        yield Bar(instrument.symbol, frame, ts - shift, o, h, l, c, contracts)


def _ordered(prices: PriceColumn, row: list[str], places: list[int]) -> Corners:
    """Open, high, low, close in ticks. Raises FieldError when high or low isn't."""
    o, h, l, c = (prices[row[place]] for place in places)  # noqa: E741
    if h < max(o, l, c):
        raise FieldError(f"high {shown(row[places[1]])} is below another price of its bar")
    if l > min(o, c):
        raise FieldError(f"low {shown(row[places[2]])} is above another price of its bar")
    return o, h, l, c


def read_quotes(table: Table, instrument: Instrument) -> QuoteContents:
    """Minutes of bid and ask, stamped by their open. Raises TapeError."""
    return QuoteContents(instrument.symbol, _quote_minutes(table, instrument))


def _quote_minutes(table: Table, instrument: Instrument) -> Iterator[QuoteMinute]:
    prices = table.prices(instrument)
    bid = table.places(*(f"bid {corner}" for corner in _CORNERS))
    ask = table.places(*(f"ask {corner}" for corner in _CORNERS))
    for number, ts, row in table.ordered(table.timed(), strictly=True):
        try:
            if ts % MINUTE:
                raise FieldError("time is not the open of a minute")
            yield QuoteMinute(ts, _side(prices, row, bid), _side(prices, row, ask))
        except FieldError as error:
            raise at_row(table.file, number, error) from None


def _side(prices: PriceColumn, row: list[str], places: list[int]) -> Corners | None:
    return _ordered(prices, row, places) if any(row[place] for place in places) else None
