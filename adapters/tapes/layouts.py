"""Which layout a table has: what its columns mean, and how its numbers and times are written.

A header names the columns, in any order; without one a row is a time (or a date and a time), open, high, low,
close, volume, as NinjaTrader, Kibot and FirstRate write it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from adapters.tapes.fields import at_row, shown

_TIMES = ("time", "timestamp", "ts", "date", "datetime", "date time", "open time", "local time", "unix", "t")
_UTC_TIMES = ("timestamp utc", "time utc", "datetime utc", "date utc", "gmt time", "utc time", "utc")
"""These tell their zone themselves."""
_CORNERS = {
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "last", "latest", "c"),
}
_VOLUME = ("volume", "vol", "vol.", "v", "tickvol", "tick volume")
_BARS = (*_CORNERS, "volume")
_TICKS = {"price": ("price",), "size": ("size", "qty", "quantity", "volume", "vol")}
_NAMED_BY = (
    *("symbol", "raw symbol", "contract symbol", "ticker", "instrument", "instrument name", "contract"),
    *("#ric", "ric", "expiry", "expiration", "contract month", "month", "instrument id"),
)
_ACTIONS = ("action", "type", "event", "event type", "tick type", "record type", "msg type")
_BOOK = "bid px 00"
"""Databento's best bid: a table with it tells of every change of the book, or what stood at some instants."""
_DATE = re.compile(r"\d{8}(?: \d{6})?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d\d\S*)?")
_EPOCH = re.compile(r"1\d{9}(?:\d{3}){0,3}(?:\.\d+)?")
_EPOCH_WIDTHS = (6, 7, 12)
"""Columns of the tables without header that exchanges give: Kraken's have a count behind, Binance's more."""
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
    utc: bool = False
    """Times that tell no zone are UTC: the header says so."""

    @property
    def ticks(self) -> bool:
        return "price" in self.columns


def delimiter_of(line: str) -> str:
    """What parts the fields of a table, told from its first line."""
    return next((one for one in ";\t|" if line.count(one) > 1), ",")


def layout_of(file: str, number: int, row: Sequence[str], base: str = "") -> Layout:
    """The layout of a table whose first row this is; `base` is the coin that its volumes are wanted in.
    Raises TapeError.
    """
    first = row[0].strip()
    if _DATE.fullmatch(first) or (_EPOCH.fullmatch(first) and len(row) in _EPOCH_WIDTHS):
        return _bare(file, number, row)
    return _headed(file, number, row, base)


def _bare(file: str, number: int, row: Sequence[str]) -> Layout:
    dated = len(row) > 1 and _CLOCK.fullmatch(row[1].strip())
    names = ("time", "clock", *_BARS) if dated else ("time", *_BARS)
    if _EPOCH.fullmatch(row[0].strip()):
        return Layout({name: place for place, name in enumerate(names)}, len(row), headed=False)
    if len(row) != len(names):
        raise at_row(file, number, f"no header, and {len(row)} columns instead of {', '.join(names)}")
    places = {name: place for place, name in enumerate(names)}
    return Layout(places, len(row), month_first=True, headed=False)


def _headed(file: str, number: int, row: Sequence[str], base: str) -> Layout:
    names = [_name(text) for text in row]
    columns, utc = _time_columns(file, number, names)
    corners = _fields(_CORNERS, names)
    found = corners or _fields(_TICKS, names)
    if found is None:
        raise at_row(
            file,
            number,
            f"the header {shown(','.join(row))} has neither {', '.join(_BARS)} nor {', '.join(_TICKS)}",
        )
    if corners is not None:
        volume = next((one for one in (f"volume {base.lower()}", *_VOLUME) if one in names), None)
        found |= {} if volume is None else {"volume": volume}
    for name in found.values():
        if names.count(name) > 1:
            raise at_row(file, number, f"the header has {name!r} {names.count(name)} times")
    columns |= {field: names.index(name) for field, name in found.items()}
    action = next((names.index(name) for name in _ACTIONS if name in names), None)
    if "price" not in columns:
        action = None
    elif action is None and _BOOK in names:
        raise at_row(file, number, "tells quotes, and has no column that says which rows are trades")
    named_by = tuple(names.index(name) for name in _NAMED_BY if name in names)
    return Layout(columns, len(row), named_by=named_by, action=action, utc=utc)


def _name(text: str) -> str:
    """A heading as the tables here have it: of "<OPEN>", "Open_time" or "Time (UTC)" too."""
    plain = text.strip().lower().strip("<>").replace("_", " ").replace("(utc)", "utc")
    return " ".join(plain.split())


def _time_columns(file: str, number: int, names: Sequence[str]) -> tuple[dict[str, int], bool]:
    """Where the time stands, and whether its heading says that it is UTC."""
    times = [name for name in names if name in _TIMES or name in _UTC_TIMES]
    if "ts event" in names:  # the exchange's own time, whatever else a Databento file has
        return {"time": names.index("ts event")}, False
    if sorted(times) == ["date", "time"]:
        return {"time": names.index("date"), "clock": names.index("time")}, False
    telling = [name for name in times if name == "unix" or name in _UTC_TIMES]
    if len(telling) == 1:  # more than any other beside it says
        times = telling
    if len(times) == 1:
        return {"time": names.index(times[0])}, times[0] in _UTC_TIMES
    problem = f"{len(times)} time columns" if times else "no time column"
    raise at_row(file, number, f"{problem}; one of {', '.join(_TIMES)} is needed in the header")


def _fields(kind: Mapping[str, tuple[str, ...]], names: Sequence[str]) -> dict[str, str] | None:
    """The name that each field has here, or None where one has none."""
    found = {}
    for field, known in kind.items():
        name = next((one for one in known if one in names), None)
        if name is None:
            return None
        found[field] = name
    return found
