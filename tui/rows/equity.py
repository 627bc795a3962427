"""Equity by time: a curve in dots, four to a cell's height and two to its width, with scale and times; and
what it came to. Asked of the engine book by book, like a chart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.equity import EquityDay, EquityHistory
from engine.model.view import EquityPoint
from tui import number_format as figures
from tui.styled_text import Row, Span, cell, fit, join

WEEK = 7
"""Trade dates of it, today's included."""

_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Braille by column and, from the top, row of a dot."""
_LEAST = 24, 3
"""Cells below which a curve says nothing."""


class SpanOfTime(StrEnum):
    DAY = "day"
    WEEK = "week"
    ALL = "all"


class TotalByTime(Struct, frozen=True):
    """A total over time, in one currency, and its extremes at every event."""

    points: tuple[EquityPoint, ...] = ()
    high: Decimal = Decimal(0)
    low: Decimal = Decimal(0)
    fall: Decimal = Decimal(0)
    """Deepest fall from a high before it."""

    @property
    def now(self) -> Decimal:
        return self.points[-1].usd if self.points else Decimal(0)

    @property
    def below(self) -> Decimal:
        """How far it is below its high now."""
        return max(Decimal(0), self.high - self.now)


def curve_of(history: EquityHistory, span: SpanOfTime) -> TotalByTime:
    """A book's total over the days of a span: each day goes on where the one before ended. Days of which no
    points are kept are one point, at their end.
    """
    count = {SpanOfTime.DAY: 1, SpanOfTime.WEEK: WEEK, SpanOfTime.ALL: len(history.days)}[span]
    base = high = low = fall = Decimal(0)
    points: list[EquityPoint] = []
    for day in history.days[-count:]:
        fall = max(fall, day.drawdown_usd, high - (base + day.low_usd))  # the high of a day before
        high, low = max(high, base + day.high_usd), min(low, base + day.low_usd)
        points += _points(day, base)
        base += day.net_usd
    return TotalByTime(tuple(points), max(high, base), min(low, base), fall)


def _points(day: EquityDay, base: Decimal) -> Iterable[EquityPoint]:
    told = [EquityPoint(point.ts, base + point.usd) for point in day.points]
    if not told or told[-1].ts < day.ends_ts:
        told.append(EquityPoint(day.ends_ts, base + day.net_usd))
    return told


def together(curves: Sequence[TotalByTime]) -> TotalByTime:
    """Several books as one: what all had come to whenever one of them changed. Its extremes are those that
    these points show.
    """
    if len(curves) == 1:
        return curves[0]
    latest = [Decimal(0)] * len(curves)
    changes = sorted((p.ts, i, p.usd) for i, curve in enumerate(curves) for p in curve.points)
    points: list[EquityPoint] = []
    high = low = fall = Decimal(0)
    for ts, i, usd in changes:
        latest[i] = usd
        total = sum(latest, Decimal(0))
        high, low = max(high, total), min(low, total)
        fall = max(fall, high - total)
        points.append(EquityPoint(ts, total))
    return TotalByTime(tuple(points), high, low, fall)


def figures_row(curve: TotalByTime, width: int) -> Row:
    """ "now +152.20  high +184.20  low −12.00  below high −32.00  deepest fall −61.00"."""
    pairs = (
        ("now", curve.now),
        ("high", curve.high),
        ("low", curve.low),
        ("below high", -curve.below),
        ("deepest fall", -curve.fall),
    )
    parts: list[Row] = [
        ((f"{name} ", "dim"), (figures.signed(usd), f"{figures.tone(usd)} bold" if name == "now" else "text"))
        for name, usd in pairs
    ]
    while len(parts) > 3 and sum(len(text) for part in parts for text, _ in part) + 3 * len(parts) > width:
        parts.pop()
    return fit(join(parts, ("   ", "text")), width)


def curve_rows(
    points: Sequence[EquityPoint], width: int, height: int, when: Callable[[int], str]
) -> list[Row]:
    """The curve in `height` rows of `width` cells: gain above zero, loss below, the scale at its right and
    times below, in `when`'s words. Nothing where there is too little room, or nothing happened yet.
    """
    if width < _LEAST[0] or height < _LEAST[1] or len(points) < 2 or points[-1].ts <= points[0].ts:
        return []
    usd = [float(point.usd) for point in points]
    low, high = min(0.0, *usd), max(0.0, *usd)
    plot_height = height - 1
    labels = _labels(low, high, plot_height)
    axis = max(len(text) for text in labels.values()) + 1
    plot_width = width - axis
    spread = (high - low) or 1.0

    def dot(value: float) -> int:
        return round((high - value) / spread * (plot_height * 4 - 1))

    cells = [[0] * plot_width for _ in range(plot_height)]
    before: int | None = None
    for x, value in enumerate(_sampled(points, usd, plot_width * 2)):
        y = dot(value)
        top, bottom = (y, y) if before is None else (min(before, y), max(before, y))
        for at in range(top, bottom + 1):
            if at != before or at == y:
                cells[at // 4][x // 2] |= _BITS[x % 2][at % 4]
        before = y
    zero = dot(0.0) // 4
    rows: list[Row] = []
    for y, line in enumerate(cells):
        spans = _dotted(line, "flat" if y == zero else "gain" if y < zero else "loss", zero=y == zero)
        rows.append((*spans, (f"{labels.get(y, ''):>{axis}}", "dim")))
    rows.append(_times(points, plot_width, width, when))
    return rows


def _labels(low: float, high: float, height: int) -> dict[int, str]:
    """Amounts by row: the ends, zero, and one about every fourth row between them."""
    spread = (high - low) or 1.0
    found: dict[int, str] = {}
    wanted = [high, low, 0.0]
    if height >= 8:
        parts = height // 4
        wanted += [high - spread * part / parts for part in range(1, parts)]
    for value in wanted:
        row = min(height - 1, int(round((high - value) / spread * (height * 4 - 1)) // 4))
        if not found.keys() & {row - 1, row, row + 1} or (value in (high, low) and row not in found):
            found[row] = figures.signed(int(value), 0)
    return found


def _sampled(points: Sequence[EquityPoint], usd: Sequence[float], count: int) -> Iterable[float]:
    """The total at so many equal steps of time, on straight lines between the points."""
    begin, length, i = points[0].ts, points[-1].ts - points[0].ts, 0
    for step in range(count):
        ts = begin + length * step // max(1, count - 1)
        while i < len(points) - 2 and points[i + 1].ts <= ts:
            i += 1
        one, other = points[i].ts, points[i + 1].ts
        share = 1.0 if other <= one else min(1.0, max(0.0, (ts - one) / (other - one)))
        yield usd[i] + (usd[i + 1] - usd[i]) * share


def _dotted(line: Sequence[int], style: str, *, zero: bool) -> list[Span]:
    spans: list[Span] = []
    for bits in line:
        text, worn = (chr(0x2800 + bits), style) if bits else ("┈", "guide") if zero else (" ", style)
        if spans and spans[-1][1] == worn:
            spans[-1] = spans[-1][0] + text, worn
        else:
            spans.append((text, worn))
    return spans


def _times(points: Sequence[EquityPoint], plot_width: int, width: int, when: Callable[[int], str]) -> Row:
    """The time at the beginning, in the middle and at the end; none twice, while the curve is young."""
    first, last = points[0].ts, points[-1].ts
    begin, middle, end = (when(ts) for ts in (first, (first + last) // 2, last))
    middle = "" if middle in (begin, end) else middle
    end = "" if end == begin else end
    between = plot_width - len(begin) - len(end)
    return fit(cell(f"{begin}{middle:^{max(0, between)}}{end}", "dim"), width)
