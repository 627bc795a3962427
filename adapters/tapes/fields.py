"""The fields of a recording's rows: text to ticks, contracts and nanoseconds, or a plain complaint."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from engine.model.errors import FatalError
from engine.model.instrument import Instrument, OffGridError
from engine.model.market import NANOS

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_WHOLE = re.compile(r"([+-]?[0-9]+)(\.0*)?")
_FRACTION = re.compile(r"(?P<head>.*:\d\d)[.,](?P<digits>\d{1,9})(?P<tail>\D.*)?")
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


def at_row(file: str, row: int, problem: object) -> TapeError:
    """The error of one row; rows count from 1, a header line included."""
    return TapeError(f"{file}, row {row}: {problem}")


def shown(text: str) -> str:
    """Foreign text for an error line: quoted, escaped, cut."""
    return repr(text if len(text) <= _MAX_WIDTH else text[: _MAX_WIDTH - 1] + "...")


class PriceColumn(dict[str, int]):
    """Price texts to ticks, exactly. Remembers what it has seen: a tape has few different prices."""

    def __init__(self, instrument: Instrument) -> None:
        super().__init__()
        self._instrument = instrument

    def __missing__(self, text: str) -> int:
        """Raises FieldError for what is no positive price on the instrument's grid."""
        plain = text.strip()
        if not _NUMBER.fullmatch(plain):
            raise FieldError(f"price {shown(text)} is not a number")
        if len(plain) > _MAX_DIGITS:
            raise FieldError(f"price {shown(text)} is out of range")
        try:
            ticks = self._instrument.ticks(plain)
        except OffGridError as error:
            raise FieldError(f"price {error}") from None
        if not 0 < ticks < _MAX_TICKS:
            raise FieldError(f"price {shown(text)} is out of range")
        self[text] = ticks
        return ticks


def size(text: str, name: str = "size") -> int:
    """Contracts, zero or more."""
    match = _WHOLE.fullmatch(text.strip())
    if match is None:
        what = "whole" if _NUMBER.fullmatch(text.strip()) else "a number"
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


def timestamp(text: str) -> int:
    """Nanoseconds UTC of an ISO-8601 time with offset, or of an epoch number in s, ms, us or ns.

    The unit of an epoch number follows from its size, which is unambiguous from 1973 to 5138.
    """
    plain = text.strip()
    if len(plain) > _MAX_WIDTH:
        raise FieldError(f"time {shown(text)} is not a time")
    ts = _epoch(plain) if _NUMBER.fullmatch(plain) else _iso(plain)
    if not 0 <= ts < _MAX_TS:
        raise FieldError(f"time {shown(text)} is out of range")
    return ts


def _epoch(text: str) -> int:
    whole, _, fraction = text.partition(".")
    number = int(whole)
    if abs(number) < _EARLIEST:
        raise FieldError(f"time {text} is too small for an epoch number")
    unit = next((unit for bound, unit in _EPOCH_UNITS if abs(number) < bound), 1)
    return number * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


def _iso(text: str) -> int:
    nanos = 0
    if match := _FRACTION.fullmatch(text):
        nanos = int(match["digits"].ljust(9, "0"))
        text = match["head"] + (match["tail"] or "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FieldError(f"time {shown(text)} is neither ISO-8601 nor an epoch number") from None
    if moment.tzinfo is None:
        raise FieldError(f"time {shown(text)} has no offset from UTC (as in 2024-03-08T08:30:00-06:00)")
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * NANOS + nanos
