"""Candles by hand: two halves a cell, outlines of zones, levels across, prices at the side, time below.

Bodies of up candles are solid (┃), those of down candles dashed (┇), so that the direction needs no colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from engine.model.chart import ChartView, ZoneView
from engine.model.market import Bar, Timeframe
from engine.model.view import ContractView, SessionPhase, SessionView, View
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.styled_text import Row, cell, fit

_UP = (" ╷╻", "╵│╽", "╹╿┃")
_DOWN = (" ╷╻", "╵│╽", "╹╿┇")
"""Glyph by what stands in the upper and the lower half: nothing, wick, body."""

_DASHES = {"entry": "─", "stop": "╌", "target": "┄"}
_SIDES = {-1: " ▾", 0: "", 1: " ▴"}
_VOLUME = " ▁▂▃▄▅▆▇█"
FUTURES_DAY = SessionView("", SessionPhase.CLOSED, "", "")
"""Where nobody says another day than Chicago's."""
_ZONES = 4
"""Most order blocks and levels that are drawn."""
_MAIN = ("OB", "BRK", "S/R")
_USE = {"PDH": 0, "PDL": 0, "PWH": 0, "PWL": 0, "FVG": 2, "IFVG": 2, "EQ": 3}
"""Of what is drawn beside these, where there is room, the least comes first; what is not named is 1."""
_ROWS_A_ZONE = 6
"""One of those in so many rows."""


class PriceLine(Struct, frozen=True):
    """A price across the chart, in ticks: an entry, a stop, a target."""

    ticks: int
    label: str
    style: str


class Scale(Struct, frozen=True):
    """Prices (ticks) to half cells, counted from the top of a plot of `height` rows."""

    low: int
    high: int
    height: int

    def half(self, ticks: int) -> int:
        """The half cell of a price; outside the plot when the price is."""
        halves = self.height * 2 - 1
        return round((self.high - ticks) * halves / max(1, self.high - self.low))

    def row(self, ticks: int) -> int:
        return self.half(ticks) // 2


def levels_of(view: View, contract: ContractView) -> list[PriceLine]:
    """Entry, stop and targets of the positions in a contract: those of the badge's kind or, where it holds
    none, the others', each under its word."""
    held = [p for p in view.positions if p.instrument == contract.instrument]
    levels: list[PriceLine] = []
    for position in [p for p in held if p.kind is view.mode] or held:
        word = "" if position.kind is view.mode else f"{position.kind.value} "
        # The later of two levels in the same row is the one that can be read: the stop matters most.
        found: list[tuple[str, str, Decimal | None]]
        found = [(f"T{i}", "target", target) for i, target in enumerate(position.targets, 1)]
        found += [("entry", "entry", position.entry), ("SL", "stop", position.stop)]
        levels += [
            PriceLine(int((at / contract.tick_size).to_integral_value()), f"{word}{label}", style)
            for label, style, at in found
            if at is not None
        ]
    # Books that hold the same at the same price are one line.
    return list(dict.fromkeys(levels))


def _scale(bars: Sequence[Bar], levels: Sequence[PriceLine], last: int | None, height: int) -> Scale:
    low, high = min(b.low for b in bars), max(b.high for b in bars)
    if last is not None:
        low, high = min(low, last), max(high, last)
    reach = max(4, int((high - low) * 0.8))
    for level in levels:
        if low - reach <= level.ticks <= high + reach:
            low, high = min(low, level.ticks), max(high, level.ticks)
    margin = max(1, (high - low) // (height * 2))
    return Scale(low - margin, high + margin, height)


def _steps(scale: Scale, tick_size: Decimal) -> range:
    """The prices (ticks) of the guide lines: round numbers, at least four rows apart."""
    least = max(1, -(-(scale.high - scale.low) * 4 // max(1, scale.height)))
    for power in range(-3, 6):
        for digit in ("1", "2", "2.5", "5"):
            step = Decimal(digit).scaleb(power) / tick_size
            if step >= least and step == step.to_integral_value():
                size = int(step)
                return range(-(-scale.low // size) * size, scale.high + 1, size)
    return range(0)


class _Canvas:
    """Cells of (character, style) that are merged into rows at the end."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.chars = [[" "] * width for _ in range(height)]
        self.styles = [["text"] * width for _ in range(height)]

    def put(self, x: int, y: int, text: str, style: str) -> None:
        chars, styles = self.chars[y], self.styles[y]
        for at, char in enumerate(text, x):
            if 0 <= at < self.width:
                chars[at], styles[at] = char, style

    def rows(self) -> list[list[tuple[str, str]]]:
        lines = []
        for chars, styles in zip(self.chars, self.styles, strict=True):
            spans: list[tuple[str, str]] = []
            start, style = 0, styles[0]
            for x in range(1, self.width):
                if styles[x] != style:
                    spans.append(("".join(chars[start:x]), style))
                    start, style = x, styles[x]
            spans.append(("".join(chars[start:]), style))
            lines.append(spans)
        return lines


def _zones(plot: _Plot, chart: ChartView, last: int) -> None:
    """The few zones that matter most, as outlines from when they were known: blocks and levels nearest to the
    price, behind them as many of the others as there is quiet room for; each with its name on its own row."""
    near = sorted(chart.zones, key=lambda zone: max(zone.low - last, last - zone.high, 0))
    main = [zone for zone in near if zone.kind in _MAIN][:_ZONES]
    taken = {y for zone in main for y in _rows_of(plot.scale, zone)} | {plot.scale.row(last)}
    named: set[int] = set()
    for zone in (*_beside(plot.scale, near, taken), *main):
        _outline(plot, zone, named)


def _beside(scale: Scale, near: Sequence[ZoneView], taken: set[int]) -> list[ZoneView]:
    """What else there is quiet room for, the most useful and then the nearest first."""
    chosen: list[ZoneView] = []
    for zone in sorted(near, key=lambda zone: _USE.get(zone.kind, 1)):
        rows = _rows_of(scale, zone)
        within = rows[0] >= 0 and rows[-1] < scale.height
        if zone.kind in _MAIN or not within or taken & {*rows, rows[0] - 1, rows[-1] + 1}:
            continue
        if len(chosen) == scale.height // _ROWS_A_ZONE:
            break
        chosen.append(zone)
        taken |= {*rows}
    return chosen


def _rows_of(scale: Scale, zone: ZoneView) -> range:
    return range(scale.row(zone.high), scale.row(zone.low) + 1)


def _outline(plot: _Plot, zone: ZoneView, named: set[int]) -> None:
    scale, canvas = plot.scale, plot.canvas
    top, bottom = scale.row(zone.high), scale.row(zone.low)
    if bottom < 0 or top >= scale.height:
        return
    since = zone.known_at or zone.from_ts
    first = next((i for i, bar in enumerate(plot.bars) if bar.close_ts > since), len(plot.bars))
    start = min(plot.x(first), canvas.width)
    style = {1: "zone-up", -1: "zone-down"}.get(zone.direction, "zone-level")
    edge = "▔" if top != bottom else "═" if zone.kind in _MAIN else "─"
    for y, glyph in ((top, edge), (bottom, "▁" if top != bottom else edge)):
        if 0 <= y < scale.height:
            canvas.put(start, y, glyph * (canvas.width - start), style)
    for y in range(max(0, top + 1), min(scale.height, bottom)):
        canvas.put(start, y, "▏", style)
    label = plain(zone.kind)[:5] + (f"×{zone.touches}" if zone.touches else "")
    row = min(max((top + bottom) // 2, 0), scale.height - 1)
    if row not in named:
        named.add(row)
        canvas.put(canvas.width - len(label) - 2, row, f" {label} ", style)


def _candle(canvas: _Canvas, scale: Scale, bar: Bar, x: int) -> None:
    up = bar.close >= bar.open
    style, glyphs = ("candle-up", _UP) if up else ("candle-down", _DOWN)
    high, low = scale.half(bar.high), scale.half(bar.low)
    top, bottom = scale.half(max(bar.open, bar.close)), scale.half(min(bar.open, bar.close))
    chars, styles = canvas.chars, canvas.styles
    for y in range(max(0, high // 2), min(scale.height - 1, low // 2) + 1):
        upper, lower = y * 2, y * 2 + 1
        above = 2 if top <= upper <= bottom else 1 if high <= upper <= low else 0
        below = 2 if top <= lower <= bottom else 1 if high <= lower <= low else 0
        chars[y][x], styles[y][x] = glyphs[above][below], style


def _volume(plot: _Plot, height: int) -> list[Row]:
    most = max((bar.volume for bar in plot.bars), default=0) or 1
    rows: list[Row] = []
    for y in range(height):
        floor = (height - 1 - y) * 8
        chars = [" "] * plot.canvas.width
        for i, bar in enumerate(plot.bars):
            eighths = min(8, max(0, bar.volume * height * 8 // most - floor))
            chars[plot.x(i)] = _VOLUME[eighths]
        rows.append(cell("".join(chars), "volume"))
    return rows


def _days(plot: _Plot) -> list[int]:
    """The bars with which another trade date begins."""
    dates = [times.trade_day(bar.open_ts, plot.session) for bar in plot.bars]
    return [i for i in range(1, len(dates)) if dates[i] != dates[i - 1]]


def _sessions(plot: _Plot) -> None:
    """A thin line where a trade date begins, and where the cash session does."""
    bars, session = plot.bars, plot.session
    if bars[0].timeframe is Timeframe.D1:
        return
    at = [times.hour_minute(bar.open_ts, session.zone) for bar in bars] if session.opens else []
    for i in {*_days(plot), *(i for i, time in enumerate(at) if i and time == session.opens)}:
        for y in range(plot.scale.height):
            plot.canvas.put(plot.x(i), y, "┊", "guide")


def _time_axis(plot: _Plot) -> Row:
    """Times, and the date where a trade date begins."""
    bars, pitch, width = plot.bars, plot.pitch, plot.canvas.width
    minutes = bars[0].timeframe.minutes
    every = next((m for m in (5, 10, 15, 30, 60, 120, 180, 240, 360, 720) if m * pitch >= 10 * minutes), 1440)
    labels, taken = dict[int, str](), set[int]()
    for i in _days(plot):
        x = plot.x(i)
        if x not in taken:
            labels[x] = times.trade_day(bars[i].open_ts, plot.session)
            taken |= set(range(x - 7, x + 8))
    for i, bar in enumerate(bars):
        label, x = times.hour_minute(bar.open_ts, plot.session.zone), plot.x(i)
        if (int(label[:2]) * 60 + int(label[3:])) % every == 0 and not {x, x + 5} & taken and x + 5 <= width:
            labels[x] = label
            taken |= set(range(x - 7, x + 8))
    line = [" "] * (width + 6)
    for x, label in labels.items():
        line[x : x + len(label)] = label
    return cell("".join(line[:width]), "dim")


class _Plot(Struct, frozen=True):
    """A scaled window on the bars, and what is written at the price axis: text and style by row."""

    contract: ContractView
    bars: Sequence[Bar]
    pitch: int
    scale: Scale
    canvas: _Canvas
    labels: dict[int, tuple[str, str]]
    session: SessionView
    """The wall that its times are read from."""
    left: int = 0
    """Cells before the first candle: the newest stands at the right."""

    def x(self, i: int) -> int:
        """The column of a bar."""
        return self.left + i * self.pitch

    def price(self, ticks: int) -> str:
        return figures.price(self.contract.tick_size * ticks, self.contract.decimals)


def candles(
    chart: ChartView,
    contract: ContractView,
    levels: Sequence[PriceLine],
    width: int,
    height: int,
    pitch: int = 1,
    back: int = 0,
    session: SessionView = FUTURES_DAY,
) -> list[Row]:
    """The chart in `height` rows of `width` cells; `pitch` cells a candle, the last one `back` bars ago. Its
    times and days are those of the contract's `session`."""
    every = [*chart.bars, chart.forming] if chart.forming is not None else list(chart.bars)
    longest = max(
        (len(figures.price(contract.tick_size * b.high, contract.decimals)) for b in every[-1:]), default=0
    )
    axis = max(9, longest + 2)
    plot_width = width - axis
    if not every or plot_width < 8 or height < 4:
        return [fit(cell("no room for a chart" if every else "no bars yet", "dim"), width)]
    end = len(every) - min(back, len(every) - 1)
    room = plot_width - (8 if plot_width >= 40 else 1)
    bars = every[max(0, end - room // pitch) : end]
    under = 3 if height >= 22 else 2 if height >= 13 else 0
    last = None
    if contract.last is not None and not back:
        last = int((contract.last / contract.tick_size).to_integral_value())
    scale = _scale(bars, levels, last, height - 1 - under)
    left = max(0, room - len(bars) * pitch)
    plot = _Plot(contract, bars, pitch, scale, _Canvas(plot_width, scale.height), {}, session, left)
    _guides(plot)
    _sessions(plot)
    _last(plot, last)
    _zones(plot, chart, bars[-1].close if last is None else last)
    names = _levels(plot, levels, last)
    for i, bar in enumerate(bars):
        _candle(plot.canvas, scale, bar, plot.x(i))
    for y, (text, style) in names.items():
        plot.canvas.put(plot_width - len(text) - 2, y, f" {text} ", style)
    rows: list[Row] = []
    for y, spans in enumerate(plot.canvas.rows()):
        text, style = plot.labels.get(y, ("", "dim"))
        rows.append((*spans, (" ", "text"), (f"{text:>{axis - 2}}", style), (" ", "text")))
    blank = (" " * axis, "text")
    rows += [(*row, blank) for row in _volume(plot, under)]
    rows.append((*_time_axis(plot), blank))
    return rows


def _guides(plot: _Plot) -> None:
    for ticks in _steps(plot.scale, plot.contract.tick_size):
        y = plot.scale.row(ticks)
        if 0 <= y < plot.scale.height:
            plot.canvas.put(0, y, "┈" * plot.canvas.width, "guide")
            plot.labels[y] = (plot.price(ticks), "dim")


def _last(plot: _Plot, last: int | None) -> None:
    if last is None:
        return
    y = plot.scale.row(last)
    tone = "stale" if plot.contract.stale else figures.trend(plot.contract.change or 0)
    plot.canvas.put(plot.x(len(plot.bars)), y, "·" * plot.canvas.width, tone)
    plot.labels[y] = (plot.price(last), f"ink on:{tone} bold")


def _by_label(levels: Sequence[PriceLine]) -> dict[str, list[int]]:
    """The prices (ticks) of each label, lowest first: several books have entered at prices of their own."""
    found: dict[str, list[int]] = {}
    for level in levels:
        found.setdefault(level.label, []).append(level.ticks)
    return {label: sorted(ticks) for label, ticks in found.items()}


def _levels(plot: _Plot, levels: Sequence[PriceLine], last: int | None) -> dict[int, tuple[str, str]]:
    """Draw the lines of the levels; gives their names by row, to be written over the candles."""
    found: dict[int, list[PriceLine]] = {}
    for level in levels:
        y = min(max(plot.scale.row(level.ticks), -1), plot.scale.height)
        found.setdefault(y, []).append(level)
    names: dict[int, tuple[str, str]] = {}
    for y, here in found.items():
        style, row = here[-1].style, min(max(y, 0), plot.scale.height - 1)
        beyond = "↑ " if y < 0 else "↓ " if y >= plot.scale.height else ""
        if not beyond:
            plot.canvas.put(0, y, _DASHES[style] * plot.canvas.width, style)
        shared = last is not None and row == plot.scale.row(last)
        if not shared:
            plot.labels[row] = (plot.price(here[-1].ticks), f"{style} bold")
        # The axis has room for one price: the others stand with their names.
        texts = [names[row][0]] if row in names else []
        for label, alike in _by_label(here).items():
            low, high = alike[0], alike[-1]
            sides = (
                {_SIDES[(at > last) - (at < last)] for at in alike} if shared and last is not None else {""}
            )
            price = plot.price(low) if low == high else f"{plot.price(low)}–{plot.price(high)}"
            own = f" {price}{min(sides) if len(sides) == 1 else ''}"
            alone = label == here[-1].label and low == high and not shared
            texts.append(label if alone else f"{label}{own}")
        names[row] = (beyond + " · ".join(texts), f"{style} bold")
    return names
