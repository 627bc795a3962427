"""Curves over the bars of a chart: the session's VWAP with its bands, and the indicators of the settings
(docs/signals.md#on-the-chart).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from engine.market.calendars.calendar import Calendar
from engine.model.chart import CurveView
from engine.model.market import Bar
from engine.signals.indicators.averages import Ema, Sma
from engine.signals.indicators.channels import Bollinger, Donchian
from engine.signals.indicators.trend import SuperTrend
from engine.signals.sessions import SessionVwap

TRAIL = 4_000
"""Newest minutes of which the VWAP is kept: nearly three sessions of futures."""
BANDS = (1, -1, 2, -2)
MOST_INDICATORS = 6


class VwapTrail:
    """Where the session's VWAP stood, and how far price was from it, at the close of each of the newest
    minutes."""

    __slots__ = ("_vwap", "ends", "values")

    def __init__(self, calendar: Calendar) -> None:
        self._vwap = SessionVwap(calendar)
        self.ends: list[int] = []
        """Close times, nanoseconds UTC."""
        self.values: list[tuple[float, float]] = []
        """Mean and deviation, ticks."""

    def add(self, bar: Bar) -> None:
        """Take a closed minute."""
        vwap = self._vwap
        vwap.add(bar)
        value, deviation = vwap.value, vwap.deviation
        if value is None or deviation is None:
            return
        self.ends.append(bar.close_ts)
        self.values.append((value, deviation))
        if len(self.ends) >= 2 * TRAIL:
            del self.ends[:TRAIL], self.values[:TRAIL]

    def at_closes(self, bars: Iterable[Bar]) -> list[tuple[float, float] | None]:
        """What it was at the close of each of some bars; None where none of a bar's minutes is known."""
        found: list[tuple[float, float] | None] = []
        for bar in bars:
            i = bisect_right(self.ends, bar.close_ts) - 1
            found.append(self.values[i] if i >= 0 and self.ends[i] > bar.open_ts else None)
        return found


def vwap_curves(trail: VwapTrail, bars: Sequence[Bar]) -> Iterator[CurveView]:
    """The VWAP at the closes of a chart's bars, and one and two deviations on both sides of it."""
    seen = trail.at_closes(bars)
    if not any(seen):
        return
    yield CurveView("VWAP", tuple(None if one is None else round(one[0]) for one in seen))
    for band in BANDS:
        values = tuple(None if one is None else round(one[0] + band * one[1]) for one in seen)
        yield CurveView(f"VWAP{band:+d}", values)


_Lines = tuple[float | None, ...]


class ChartIndicator(Struct, frozen=True):
    """One that a chart shows by the settings: made anew for the bars of each chart."""

    name: str
    """As it was asked for: "ema 20"."""
    make: Callable[[], Any]
    lines: Callable[[Any], _Lines]
    """What is drawn of it."""


def _one(indicator: Any) -> _Lines:
    return (indicator.value,)


def _channel(indicator: Any) -> _Lines:
    return indicator.value or (None, None)


_KINDS: dict[str, tuple[Callable[..., Any], Callable[[Any], _Lines]]] = {
    "ema": (Ema, _one),
    "sma": (Sma, _one),
    "bollinger": (Bollinger, lambda indicator: (indicator.upper, indicator.lower)),
    "donchian": (Donchian, _channel),
    "supertrend": (SuperTrend, _one),
}
INDICATORS = "ema, sma, bollinger, donchian or supertrend with its numbers"


def chart_indicator(words: str) -> ChartIndicator:
    """What "ema 20" or "bollinger 20 2.5" means. Raises ValueError with what is wrong."""
    name, *numbers = words.lower().split() or [""]
    if name not in _KINDS:
        raise ValueError(f'{words!r} is no indicator of charts: {INDICATORS}, as in "ema 20"')
    kind, lines = _KINDS[name]
    try:
        values = [float(number) if "." in number else int(number) for number in numbers]
        if any(not 0 < value <= 1_000 for value in values):
            raise ValueError("numbers are from 1 to 1000")
        kind(*values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{words!r}: {error}") from None
    return ChartIndicator(" ".join((name, *numbers)), lambda: kind(*values), lines)


def indicator_curves(wanted: Iterable[ChartIndicator], bars: Sequence[Bar]) -> Iterator[CurveView]:
    """The lines of each of them at the closes of a chart's bars, which it sees from the first one on."""
    for one in wanted:
        indicator = one.make()
        of = getattr(indicator, "of", None)
        rows: list[_Lines] = []
        for bar in bars:
            indicator.add(bar if of is None else getattr(bar, of))
            rows.append(one.lines(indicator))
        for line in zip(*rows, strict=True):
            values = tuple(None if value is None else round(value) for value in line)
            yield CurveView(one.name, values, indicator=True)
