"""The fields of a recording's rows: text to ticks, contracts and nanoseconds, or a plain complaint."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from engine.model.datasets import Flaw
from engine.model.errors import FatalError
from engine.model.instrument import Instrument, OffGridError
from engine.model.market import NANOS

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_WHOLE = re.compile(r"([+-]?[0-9]+)(\.0*)?")
_FRACTION = re.compile(r"(?P<head>.*:\d\d)[.,](?P<digits>\d{1,9})(?P<tail>\D.*)?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_WITH_COMMA = re.compile(r"[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]*)?")
_UNCLEAR = re.compile(r"[+-]?[0-9]{1,3}\.[0-9]{3}")
_YEAR_FIRST = re.compile(r"(?P<y>\d{4})[/.](?P<m>\d{1,2})[/.](?P<d>\d{1,2})(?P<rest>.*)")
_MONTH_FIRST = re.compile(r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})(?P<rest>.*)")
_DAY_SLASHED = re.compile(r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})(?P<rest>.*)")
_DAY_FIRST = re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})(?P<rest>.*)")
_TWELVE = re.compile(
    r"(?P<day>.*\d)[ T](?P<h>1[0-2]|0?[1-9])(?::(?P<m>\d\d)(?P<rest>:\d\d(?:[.,]\d+)?)?)?"
    r"[ -]?(?P<half>[AP])M",
    re.IGNORECASE,
)
"""A clock of twelve hours, as in 9:30 AM or 09-PM."""
_SHORT_HOUR = re.compile(r"(?<=[ T])\d(?=:)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UNITS = ((10**11, NANOS), (10**14, 10**6), (10**17, 10**3))
"""Bound below which an epoch number is in seconds, milliseconds, microseconds; nanoseconds above."""
_EARLIEST = 10**8
"""Smaller numbers are no epoch but, most likely, a date such as 20240308."""
_MAX_WIDTH = 40
_MAX_DIGITS = 20
_MAX_TICKS = 10**12
_MAX_SIZE = 10**12
_MAX_TS = 2**63


class TapeError(FatalError):
    """A recording that can't be read: which file, which row, and what is wrong with it."""


class FieldError(ValueError):
    """One field of a row is wrong; the reader adds file and row."""

    def __init__(self, problem: str, flaw: Flaw = Flaw.NUMBER) -> None:
        super().__init__(problem)
        self.flaw = flaw
        """What kind of thing is wrong with it."""


def at_row(file: str, row: int, problem: object) -> TapeError:
    """The error of one row; rows count from 1, a header line included."""
    return TapeError(f"{file}, row {row}: {problem}")


def shown(text: str) -> str:
    """Foreign text for an error line: quoted, escaped, cut."""
    return repr(text if len(text) <= _MAX_WIDTH else text[: _MAX_WIDTH - 1] + "...")


def number(text: str, *, decimal_comma: bool = False) -> str:
    """A number without its thousands' marks and with a decimal point: of 5,150.25, or of 5.150,25 where the
    comma is the decimal mark. Raises FieldError where it may be either.
    """
    plain = text.strip()
    if not decimal_comma:
        return plain.replace(",", "") if _GROUPED.fullmatch(plain) else plain
    if _UNCLEAR.fullmatch(plain):
        raise FieldError(f"{shown(text)} may have thousands or decimals behind its point")
    return plain.replace(".", "").replace(",", ".") if _WITH_COMMA.fullmatch(plain) else plain


class PriceColumn(dict[str, int]):
    """Price texts to ticks, exactly. Remembers what it has seen: a tape has few different prices."""

    def __init__(self, instrument: Instrument, *, decimal_comma: bool = False) -> None:
        super().__init__()
        self._instrument = instrument
        self._decimal_comma = decimal_comma

    def __missing__(self, text: str) -> int:
        """Raises FieldError for what is no positive price on the instrument's grid."""
        plain = number(text, decimal_comma=self._decimal_comma)
        if not _NUMBER.fullmatch(plain):
            raise FieldError(f"price {shown(text)} is not a number")
        if len(plain) > _MAX_DIGITS:
            raise FieldError(f"price {shown(text)} is out of range")
        try:
            ticks = self._instrument.ticks(plain)
        except OffGridError as error:
            raise FieldError(f"price {error}", Flaw.OFF_GRID) from None
        if not 0 < ticks < _MAX_TICKS:
            raise FieldError(
                f"price {shown(text)} is out of range", Flaw.NOT_POSITIVE if ticks <= 0 else Flaw.NUMBER
            )
        self[text] = ticks
        return ticks


def size(text: str, name: str = "size", *, decimal_comma: bool = False) -> int:
    """Contracts, zero or more."""
    plain = number(text, decimal_comma=decimal_comma)
    match = _WHOLE.fullmatch(plain)
    if match is None:
        what = "whole" if _NUMBER.fullmatch(plain) else "a number"
        raise FieldError(f"{name} {shown(text)} is not {what}")
    if len(match[1]) > _MAX_WIDTH or int(match[1]) > _MAX_SIZE:
        raise FieldError(f"{name} {shown(text)} is out of range")
    if int(match[1]) < 0:
        raise FieldError(f"{name} {match[1]} is negative")
    return int(match[1])


def millis_of_day(text: str) -> int:
    """Milliseconds since midnight."""
    if not (text.isascii() and text.isdigit()):
        raise FieldError(f"time {shown(text)} is not whole milliseconds since midnight")
    if len(text) > 8 or int(text) >= 86_400_000:
        raise FieldError(f"time {shown(text)} is later than the end of the day, 86399999 ms")
    return int(text)


def timestamp(
    text: str, zone: ZoneInfo | None = None, *, month_first: bool = False, day_first: bool = False
) -> int:
    """Nanoseconds UTC of an ISO-8601 time with offset, or of an epoch number in s, ms, us or ns.

    The unit of an epoch number follows from its size, which is unambiguous from 1973 to 5138. A time without
    offset is one of the `zone`. Dates may also be written as 2024/3/8, 8.3.2024 or, with `month_first`, as
    3/8/2024, with `day_first` as 8/3/2024.
    """
    plain = text.strip()
    if len(plain) > _MAX_WIDTH:
        raise FieldError(f"time {shown(text)} is not a time", Flaw.TIME)
    ts = (
        _epoch(plain)
        if _NUMBER.fullmatch(plain)
        else _iso(_iso_date(plain, month_first, day_first), text, zone)
    )
    if not 0 <= ts < _MAX_TS:
        raise FieldError(f"time {shown(text)} is out of range", Flaw.TIME)
    return ts


def _epoch(text: str) -> int:
    whole, _, fraction = text.partition(".")
    number = int(whole)
    if abs(number) < _EARLIEST:
        raise FieldError(f"time {text} is too small for an epoch number", Flaw.TIME)
    unit = next((unit for bound, unit in _EPOCH_UNITS if abs(number) < bound), 1)
    return number * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


def _iso_date(text: str, month_first: bool, day_first: bool) -> str:
    """The text with its date as ISO-8601 writes it."""
    either = (_MONTH_FIRST,) if month_first else (_DAY_SLASHED,) if day_first else ()
    for layout in (_YEAR_FIRST, _DAY_FIRST, *either):
        if match := layout.fullmatch(text):
            text = f"{match['y']}-{match['m']:0>2}-{match['d']:0>2}{match['rest']}"
            break
    if match := _TWELVE.fullmatch(text):
        hour = int(match["h"]) % 12 + (12 if match["half"] in "Pp" else 0)
        text = f"{match['day']} {hour:02}:{match['m'] or '00'}{match['rest'] or ''}"
    return _SHORT_HOUR.sub(lambda hour: f"0{hour[0]}", text)


def _iso(text: str, given: str, zone: ZoneInfo | None) -> int:
    nanos = 0
    if match := _FRACTION.fullmatch(text):
        nanos = int(match["digits"].ljust(9, "0"))
        text = match["head"] + (match["tail"] or "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FieldError(f"time {shown(given)} is neither ISO-8601 nor an epoch number", Flaw.TIME) from None
    if moment.tzinfo is None:
        if zone is None:
            raise FieldError(
                f"time {shown(given)} has no offset from UTC (as in 2024-03-08T08:30:00-06:00): "
                "name its zone, as in --zone America/Chicago",
                Flaw.ZONE,
            )
        moment = moment.replace(tzinfo=zone)
        if moment.utcoffset() != moment.replace(fold=1).utcoffset():
            raise FieldError(
                f"time {shown(given)} comes twice or not at all in {zone.key}", Flaw.CLOCK_CHANGE
            )
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * NANOS + nanos
