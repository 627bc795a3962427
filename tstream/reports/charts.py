"""The pictures of a report, as SVG: equity over drawdown, results by month or day, results in R."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import groupby
from math import ceil, floor

from engine.market.calendars.calendar import Calendar
from engine.portfolio.daily import Day, Equity
from engine.state.position import Trade
from tstream.reports.markup import Markup, tag
from tstream.reports.numbers import compact, level, money, times
from tstream.reports.scales import Axis, round_steps, time_steps

_WIDTH, _LEFT, _RIGHT = 960.0, 64.0, 12.0
_COLUMNS = 900
"""Points that a curve is drawn with, at most two a column: its lowest and its highest."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_BY_DAY = 100
"""Days up to which results are shown day by day."""

Cell = tuple[int, int, Decimal, str]
"""Row, column, amount and what it is of."""


def equity_chart(equity: Equity, start_usd: Decimal, calendar: Calendar) -> Markup:
    """The curve from `start_usd` on, and below it how far it is under its highest point."""
    points = [(ts, float(usd)) for ts, usd in equity]
    if len(points) < 2:
        points = [(points[0][0] - 1, float(start_usd)), *points] if points else [(0, 0.0), (1, 0.0)]
    begin, end = points[0][0], points[-1][0]
    across = Axis(begin, end, _LEFT, _WIDTH - _RIGHT)
    falls, peak = [], float(start_usd)
    for ts, usd in points:
        peak = max(peak, usd)
        falls.append((ts, usd - peak))
    start, last = float(start_usd), points[-1][1]
    values = [usd for _, usd in points]
    money = round_steps(min(start, *values), max(start, *values), 5)
    depth = round_steps(min(0.0, *(fall for _, fall in falls)), 0.0, 2)
    top = Axis(money[0], money[-1], 232, 14)
    below = Axis(depth[0], depth[-1], 340, 262)
    parts = [
        *levels(money, top),
        *levels(depth, below),
        *(
            tag("text", label, x=across(ts), y=358, class_="axis middle")
            for ts, label in time_steps(begin, end, calendar.zone)
        ),
        tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=top(start), y2=top(start), class_="base"),
    ]
    curve = _thinned(points, across)
    tone = "gain" if last >= start else "loss"
    parts += [
        tag("path", d=_area(curve, across, top, start), class_=f"area {tone}"),
        tag("path", d=_line(curve, across, top), class_=f"curve {tone}"),
        tag("circle", cx=across(end), cy=top(last), r=3.2, class_=f"dot {tone}"),
        tag("path", d=_area(_thinned(falls, across), across, below, 0.0), class_="area loss deep"),
        tag("path", d=_line(_thinned(falls, across), across, below), class_="curve loss thin"),
        tag("text", "drawdown", x=_LEFT + 6, y=below(depth[0]) - 5, class_="axis"),
    ]
    return drawing(366, "Equity and drawdown over time", parts)


def result_map(days: Sequence[Day]) -> Markup:
    """Net results by month, a row a year; of few days by day, a column a week."""
    if not days:
        return Markup("")
    first, last = days[0].date, days[-1].date
    if (last - first).days <= _BY_DAY:
        monday = first - timedelta(days=first.weekday())
        weeks = (last - monday).days // 7 + 1
        used = 7 if any(day.date.weekday() > 4 for day in days) else 5
        cells = [
            (
                (day.date - monday).days % 7,
                (day.date - monday).days // 7,
                day.net_usd,
                f"{day.date:%a %d %b %Y}",
            )
            for day in days
        ]
        heads = [(monday + timedelta(days=7 * n)) for n in range(weeks)]
        return _grid(
            _WEEKDAYS[:used], [f"{head.day} {head:%b}" for head in heads], cells, "Net result by day"
        )
    years = list(range(first.year, last.year + 1))
    sums: dict[tuple[int, int], Decimal] = {}
    for day in days:
        for column in (day.date.month - 1, 12):
            key = day.date.year - first.year, column
            sums[key] = sums.get(key, Decimal(0)) + day.net_usd
    cells = [
        (row, column, usd, f"{date(years[row], column + 1, 1):%B %Y}" if column < 12 else str(years[row]))
        for (row, column), usd in sums.items()
    ]
    return _grid([str(year) for year in years], [*_MONTHS, "Year"], cells, "Net result by month")


def r_histogram(trades: Iterable[Trade]) -> Markup:
    """How many trades ended with which result: in R where that is known of all of them, else in money."""
    ended = list(trades)
    rs = [trade.r for trade in ended]
    known = [r for r in rs if r is not None]
    in_r = len(known) == len(rs)
    values = known if in_r else [float(trade.net_usd) for trade in ended]
    if not values:
        return Markup("")
    width = _bin_width(values, in_r)
    lowest, highest = _bulk(values)
    first, last = floor(lowest / width), max(floor(lowest / width), ceil(highest / width) - 1)
    counts = [0] * (last - first + 1)
    for value in values:
        counts[min(max(floor(value / width), first), last) - first] += 1
    across = Axis(first * width, (last + 1) * width, _LEFT - 20, _WIDTH / 2)
    steps = [n for n in round_steps(0, max(counts), 4) if n == int(n)]
    up = Axis(0, steps[-1], 190, 14)
    parts = levels(steps, up, lambda n: f"{n:.0f}", _LEFT - 20, _WIDTH / 2)
    for n, count in enumerate(counts):
        low, high = (first + n) * width, (first + n + 1) * width
        parts.append(
            tag(
                "rect",
                tag(
                    "title",
                    f"{_span(low, high, in_r, n == 0, n == len(counts) - 1)}: {times(count, 'trade')}",
                ),
                x=across(low) + 1,
                y=up(count),
                width=max(1.0, across(high) - across(low) - 2),
                height=up(0) - up(count),
                class_=f"bar {'gain' if low >= 0 else 'loss'}",
            )
        )
    labels = [
        n
        for n in round_steps(first * width, (last + 1) * width, 7)
        if first * width <= n <= (last + 1) * width
    ]
    parts += [
        tag("text", f"{compact(n)} R" if in_r else compact(n), x=across(n), y=208, class_="axis middle")
        for n in labels
    ]
    if first < 0 <= last:
        parts.append(tag("line", x1=across(0), x2=across(0), y1=10, y2=190, class_="base"))
    return drawing(214, "Trades by result", parts, _WIDTH / 2 + 12)


def excursion_bar(trade: Trade, widest_usd: Decimal) -> Markup:
    """From a trade's worst to its best open result, with a mark where it ended; zero is in the middle."""
    if not widest_usd:
        return Markup("")
    across = Axis(float(-widest_usd), float(widest_usd), 1, 99)
    worst, best, end = (across(float(usd)) for usd in (trade.mae_usd, trade.mfe_usd, trade.gross_usd))
    middle = across(0)
    return tag(
        "svg",
        tag("line", x1=middle, x2=middle, y1=0, y2=14, class_="base"),
        tag("rect", x=worst, y=5, width=middle - worst, height=4, class_="bar loss"),
        tag("rect", x=middle, y=5, width=best - middle, height=4, class_="bar gain"),
        tag("rect", x=end - 1, y=1, width=2, height=12, class_="mark"),
        viewBox="0 0 100 14",
        class_="spark",
        role="img",
        aria_label=f"MAE {money(trade.mae_usd)}, MFE {money(trade.mfe_usd)}",
    )


def _grid(rows: Sequence[str], columns: Sequence[str], cells: Iterable[Cell], label: str) -> Markup:
    """Cells coloured by their amounts, the deeper the larger."""
    told = list(cells)
    largest = max((abs(usd) for _, column, usd, _ in told if columns[column] != "Year"), default=Decimal(0))
    wide = min(72.0, (_WIDTH - 56) / len(columns))
    every = max(1, ceil(46 / wide))
    parts: list[Markup] = [
        tag("text", name, x=52 + n * wide + wide / 2, y=12, class_="axis middle")
        for n, name in enumerate(columns)
        if n % every == 0
    ]
    parts += [tag("text", name, x=44, y=18 + 30 * n + 19, class_="axis end") for n, name in enumerate(rows)]
    for row, column, usd, what in told:
        x, y = 52 + column * wide, 18 + row * 30.0
        depth = min(1.0, float(abs(usd) / largest)) if largest else 0.0
        tone = "gain" if usd > 0 else "loss" if usd < 0 else "flat"
        parts.append(
            tag(
                "g",
                tag("title", f"{what}: {money(usd)}"),
                tag(
                    "rect",
                    x=x + 1,
                    y=y + 1,
                    width=wide - 2,
                    height=28,
                    rx=3,
                    class_=f"cell {tone}",
                    fill_opacity=f"{0.14 + 0.6 * depth:.2f}" if usd else "1",
                ),
                tag("text", compact(usd), x=x + wide / 2, y=y + 19, class_="value middle")
                if wide >= 40
                else "",
            )
        )
    return drawing(22 + 30 * len(rows), label, parts)


def drawing(height: float, label: str, parts: Iterable[Markup | str], width: float = _WIDTH) -> Markup:
    """A picture of that height; `label` tells those who can't see it what it shows."""
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        role="img",
        aria_label=label,
        class_="chart" if width < _WIDTH else "chart wide",
    )


def levels(
    steps: Sequence[float],
    up: Axis,
    name: Callable[[float], str] | None = None,
    left: float = _LEFT,
    right: float = _WIDTH - _RIGHT,
) -> list[Markup]:
    """Level lines with their names on the left."""
    lines = [tag("line", x1=left, x2=right, y1=up(step), y2=up(step), class_="grid") for step in steps]
    name = name or partial(level, step=abs(steps[1] - steps[0]))
    return lines + [tag("text", name(step), x=left - 8, y=up(step) + 4, class_="axis end") for step in steps]


def _thinned(points: Sequence[tuple[int, float]], across: Axis) -> Sequence[tuple[int, float]]:
    """So many points as can be told apart: of each column its first, lowest, highest and last."""
    if len(points) <= 2 * _COLUMNS:
        return points
    width = (across.high - across.low) / _COLUMNS
    kept: list[tuple[int, float]] = []
    for _, group in groupby(points, lambda point: int((point[0] - across.low) / width)):
        column = list(group)
        ends = {column[0], column[-1], min(column, key=_value), max(column, key=_value)}
        kept += sorted(ends)
    return kept


def thinned_line(points: Sequence[tuple[int, float]], across: Axis, up: Axis) -> str:
    """The path of a curve, with no more points than can be told apart."""
    return _line(_thinned(points, across), across, up)


def _value(point: tuple[int, float]) -> float:
    return point[1]


def _line(points: Sequence[tuple[int, float]], across: Axis, up: Axis) -> str:
    return "M" + "L".join(f"{across(ts):.1f} {up(usd):.1f}" for ts, usd in points)


def _area(points: Sequence[tuple[int, float]], across: Axis, up: Axis, floor_usd: float) -> str:
    end, begin = across(points[-1][0]), across(points[0][0])
    return f"{_line(points, across, up)}L{end:.1f} {up(floor_usd):.1f}L{begin:.1f} {up(floor_usd):.1f}Z"


def _bin_width(values: Sequence[float], in_r: bool) -> float:
    """Half an R; of wide results more, so that there are no more than twenty bars or so."""
    lowest, highest = _bulk(values)
    steps = round_steps(lowest, highest, 16)
    return max(0.5, steps[1] - steps[0]) if in_r else steps[1] - steps[0]


def _bulk(values: Sequence[float]) -> tuple[float, float]:
    """Between which all but the farthest results lie: what is beyond is counted in the outermost bars."""
    ordered = sorted(values)
    cut = len(ordered) // 100
    return ordered[cut], ordered[-1 - cut]


def _span(low: float, high: float, in_r: bool, lowest: bool, highest: bool) -> str:
    """What a bar holds, the outermost ones without an end."""
    one, other = (f"{compact(n)} R" if in_r else compact(n) for n in (low, high))
    return f"below {other}" if lowest else f"{one} and more" if highest else f"{one} to {other}"
