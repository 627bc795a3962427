"""Zip recordings: one CSV a contract month, without header, named `20131007_es_minute_trade_201312.csv`.

Times are milliseconds since midnight UTC of the date in the name; minutes are stamped by their open.

- minute trade: time, open, high, low, close, volume
- tick trade: time, price, size, ... (further columns are not read)
- minute quote: time, then open, high, low, close, size of the bid and the same of the ask, or nothing
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

from adapters.tapes.contents import Contents
from adapters.tapes.fields import TapeError, millis_of_day, shown
from adapters.tapes.tables import Stamp, Table, read_bars, read_quotes, read_ticks
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Timeframe

_NAME = re.compile(
    r"(?P<date>\d{8})_(?P<symbol>[a-z0-9]+)_(?P<step>minute|tick)_(?P<what>trade|quote)_(?P<month>\d{6})\.csv"
)
_MILLI = NANOS // 1000
_MANY = 1000


class _Layout(Struct, frozen=True):
    columns: dict[str, int]
    width: range
    volume: tuple[int, ...]
    """Where the contracts are counted that make a month the active one."""


def _named(text: str) -> dict[str, int]:
    return {name: place for place, name in enumerate(text.split(","))}


_LAYOUTS = {
    "tick trade": _Layout(_named("time,price,size"), range(3, _MANY), (2,)),
    "minute trade": _Layout(_named("time,open,high,low,close,volume"), range(6, 7), (5,)),
    "minute quote": _Layout(
        _named(
            "time,bid open,bid high,bid low,bid close,bid size,ask open,ask high,ask low,ask close,ask size"
        ),
        range(11, 12),
        (5, 10),
    ),
}
"""The most telling first: it is taken when an archive has several for one contract."""


class _Member(Struct, frozen=True):
    """One contract month of one day."""

    name: str
    symbol: str
    kind: str
    month: str
    midnight: int


def is_archive(archive: zipfile.ZipFile) -> bool:
    """Whether a zip holds contract months by their names."""
    return any(_NAME.fullmatch(name.lower()) for name in archive.namelist())


def read_archive(
    file: str, archive: zipfile.ZipFile, instrument: Instrument, month: str | None
) -> tuple[Contents, str]:
    """The contents of one contract month, and which month it is: the asked one or that with most volume.

    Raises TapeError.
    """
    chosen = _choose(file, archive, _members(file, archive, instrument), month)
    layout = _LAYOUTS[chosen.kind]
    table = Table(
        file=f"{file}:{chosen.name}",
        rows=enumerate(_rows(archive, chosen), 1),
        columns=layout.columns,
        time=lambda text: chosen.midnight + millis_of_day(text) * _MILLI,
        width=layout.width,
    )
    if chosen.kind == "tick trade":
        return read_ticks(table, instrument), chosen.month
    if chosen.kind == "minute trade":
        return read_bars(table, instrument, Timeframe.M1, Stamp.OPEN), chosen.month
    return read_quotes(table, instrument), chosen.month


def _members(file: str, archive: zipfile.ZipFile, instrument: Instrument) -> list[_Member]:
    """The months of the instrument, of one day and one kind."""
    found = []
    for name in archive.namelist():
        match = _NAME.fullmatch(name.lower())
        kind = f"{match['step']} {match['what']}" if match else ""
        if match and kind in _LAYOUTS:
            midnight = _midnight(file, match["date"])
            found.append(_Member(name, match["symbol"].upper(), kind, match["month"], midnight))
    if not found:
        raise TapeError(f"{file}: no file in it is named as 20131007_es_minute_trade_201312.csv is")
    # A micro trades at the mini's prices on the mini's grid: its recording plays for both.
    suitable = [member for member in found if instrument.symbol in (member.symbol, f"M{member.symbol}")]
    if not suitable:
        held = ", ".join(sorted({member.symbol for member in found}))
        raise TapeError(f"{file}: holds {held}, not {instrument.symbol}")
    kinds = list(_LAYOUTS)
    first = min(suitable, key=lambda member: (kinds.index(member.kind), member.midnight))
    return [member for member in suitable if (member.kind, member.midnight) == (first.kind, first.midnight)]


def _midnight(file: str, date: str) -> int:
    try:
        day = datetime(int(date[:4]), int(date[4:6]), int(date[6:]), tzinfo=UTC)
    except ValueError:
        raise TapeError(f"{file}: {date} in a file name is no date") from None
    return int(day.timestamp()) * NANOS


def _choose(file: str, archive: zipfile.ZipFile, members: list[_Member], month: str | None) -> _Member:
    for member in members:
        if member.month == month:
            return member
    volumes = {member: _volume(archive, member) for member in members}
    if month is not None:
        present = ", ".join(
            f"{member.month} (volume {volumes[member]:,})"
            for member in sorted(members, key=lambda m: m.month)
        )
        raise TapeError(f"{file}: has no contract month {shown(month)}; it has {present}")
    return max(members, key=lambda member: (volumes[member], -int(member.month)))


def _rows(archive: zipfile.ZipFile, member: _Member) -> Iterator[list[str]]:
    with io.TextIOWrapper(archive.open(member.name), encoding="utf-8", errors="replace") as text:
        for line in text:
            yield line.rstrip("\r\n").split(",")


def _volume(archive: zipfile.ZipFile, member: _Member) -> int:
    """Contracts traded (or quoted). What is no number counts nothing: reading the rows will report it."""
    places = _LAYOUTS[member.kind].volume
    return sum(
        int(row[place])
        for row in _rows(archive, member)
        for place in places
        if place < len(row) and row[place].isdecimal()
    )
