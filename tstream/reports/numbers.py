"""How figures of a report look: money, shares, ratios, times. What is not known is a dash."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from math import floor, log10
from zoneinfo import ZoneInfo

from engine.model.market import NANOS
from tui import number_format as figures
from tui.number_format import MINUS, NONE, signed

_THOUSANDS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))


def compact(value: Decimal | float) -> str:
    """Three digits: "1.24k", "−340", "12.5"."""
    amount = float(value)
    for size, mark in _THOUSANDS:
        if abs(amount) >= size * 0.9995:
            return f"{amount / size:.3g}{mark}".replace("-", MINUS)
    return f"{amount:.3g}".replace("-", MINUS) if abs(amount) >= 0.005 else "0"


def level(value: float, step: float) -> str:
    """A value on an axis whose levels are `step` apart, with the digits that tell them apart."""
    if step >= 1000 and abs(value) >= 1000:
        size, mark = next(one for one in _THOUSANDS if abs(value) >= one[0])
        return f"{value / size:.4g}{mark}".replace("-", MINUS)
    digits = 0 if step >= 1 and step == int(step) else max(1, 1 - floor(log10(step)))
    return f"{value:,.{digits}f}".replace("-", MINUS)


def money(value: Decimal | None) -> str:
    """With its sign: "+1,184.20"; what is less than one of a coin with more digits: "−0.00031"."""
    if value is None or abs(value) >= 1:
        return signed(value)
    return signed(value, min(8, max(2, -int(value.normalize().as_tuple().exponent))))


def percent(share: float | None, decimals: int = 1) -> str:
    return figures.percent(share, decimals)


def ratio(value: float | None, unit: str = "") -> str:
    return NONE if value is None else f"{value:.2f}{unit}".replace("-", MINUS)


def in_r(value: float | None) -> str:
    return NONE if value is None else f"{value:+.2f} R".replace("-", MINUS)


def lasted(nanos: int | None) -> str:
    """A length of time in its two largest units: "3 d 4 h", "12 m 5 s"."""
    if nanos is None:
        return NONE
    seconds = nanos // NANOS
    for size, unit, small, lesser in ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            rest = seconds % size // small
            return f"{seconds // size} {unit} {rest} {lesser}" if rest else f"{seconds // size} {unit}"
    return f"{seconds} s"


def clock(ts: int, zone: str) -> str:
    """Date and time of a zone: "2026-03-02 14:25"."""
    return f"{datetime.fromtimestamp(ts // NANOS, ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def times(count: int, noun: str, several: str = "") -> str:
    """ "1 trade", "12 trades"; `several` where that is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"
