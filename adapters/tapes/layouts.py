"""Which layout a table has: what its columns mean, and how its numbers and times are written.

A header names the columns, in any order; without one a row is a time (or a date and a time), open, high, low,
close, volume, as NinjaTrader, Kibot and FirstRate write it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from adapters.tapes.fields import at_row, shown

_TIMES = ("time", "timestamp", "ts", "date", "datetime", "date time")
_BARS = {
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close", "last", "latest"),
    "volume": ("volume", "vol", "vol."),
}
_TICKS = {"price": ("price",), "size": ("size", "qty", "quantity", "volume", "vol")}
_NAMED_BY = (
    *("symbol", "raw symbol", "contract symbol", "ticker", "instrument", "instrument name", "contract"),
    *("#ric", "ric", "expiry", "expiration", "contract month", "month", "instrument id"),
)
_ACTIONS = ("action", "type", "event", "event type", "tick type", "record type", "msg type")
_BOOK = "bid_px_00"
"""Databento's best bid: a table with it tells of every change of the book, or what stood at some instants."""
_DATE = re.compile(r"\d{8}(?: \d{6})?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d\d\S*)?")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?")


class Layout(Struct, frozen=True):
    """What stands where."""

    columns: Mapping[str, int]
    """Places of the fields; always has "time", and "clock" where the time of day stands by itself."""
    width: int
    named_by: tuple[int, ...] = ()
    """Places of what tells the contract of a row."""
    action: int | None = None
    """Place of what tells whether a row is a trade."""
    month_first: bool = False
    """03/08/2024 is a day in March."""
    headed: bool = True

    @property
    def ticks(self) -> bool:
        return "price" in self.columns


def delimiter_of(line: str) -> str:
    """What parts the fields of a table, told from its first line."""
    return next((one for one in ";\t" if line.count(one) > 1), ",")


def layout_of(file: str, number: int, row: Sequence[str]) -> Layout:
    """The layout of a table whose first row this is. Raises TapeError."""
    return _bare(file, number, row) if _DATE.fullmatch(row[0].strip()) else _headed(file, number, row)


def _bare(file: str, number: int, row: Sequence[str]) -> Layout:
    dated = len(row) > 1 and _CLOCK.fullmatch(row[1].strip())
    names = ("time", "clock", *_BARS) if dated else ("time", *_BARS)
    if len(row) != len(names):
        raise at_row(file, number, f"no header, and {len(row)} columns instead of {', '.join(names)}")
    places = {name: place for place, name in enumerate(names)}
    return Layout(places, len(row), month_first=True, headed=False)


def _headed(file: str, number: int, row: Sequence[str]) -> Layout:
    names = [name.strip().lower() for name in row]
    times = [name for name in names if name in _TIMES]
    columns = {}
    if "ts_event" in names:  # the exchange's own time, whatever else a Databento file has
        columns["time"] = names.index("ts_event")
    elif sorted(times) == ["date", "time"]:
        columns["time"], columns["clock"] = names.index("date"), names.index("time")
    elif len(times) == 1:
        columns["time"] = names.index(times[0])
    else:
        problem = f"{len(times)} time columns" if times else "no time column"
        raise at_row(file, number, f"{problem}; one of {', '.join(_TIMES)} is needed in the header")
    found = _fields(_BARS, names) or _fields(_TICKS, names)
    if found is None:
        raise at_row(
            file,
            number,
            f"the header {shown(','.join(row))} has neither {', '.join(_BARS)} nor {', '.join(_TICKS)}",
        )
    for name in found.values():
        if names.count(name) > 1:
            raise at_row(file, number, f"the header has {name!r} {names.count(name)} times")
    columns |= {field: names.index(name) for field, name in found.items()}
    plain = [name.replace("_", " ") for name in names]
    action = next((plain.index(name) for name in _ACTIONS if name in plain), None)
    if "price" not in columns:
        action = None
    elif action is None and _BOOK in names:
        raise at_row(file, number, "tells quotes, and has no column that says which rows are trades")
    named_by = tuple(plain.index(name) for name in _NAMED_BY if name in plain)
    return Layout(columns, len(row), named_by=named_by, action=action)


def _fields(kind: Mapping[str, tuple[str, ...]], names: Sequence[str]) -> dict[str, str] | None:
    """The name that each field has here, or None where one has none."""
    found = {}
    for field, known in kind.items():
        name = next((one for one in known if one in names), None)
        if name is None:
            return None
        found[field] = name
    return found
