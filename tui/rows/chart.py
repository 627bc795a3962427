"""Candles by hand: two halves a cell, zones behind them, levels across, prices at the side, time below.

Bodies of up candles are solid (┃), those of down candles dashed (┇), so that the direction needs no colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from engine.model.chart import ChartView
from engine.model.market import Bar
from engine.model.view import ContractView, View
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.styled_text import Row, cell, fit

_UP = (" ╷╻", "╵│╽", "╹╿┃")
_DOWN = (" ╷╻", "╵│╽", "╹╿┇")
"""Glyph by what stands in the upper and the lower half: nothing, wick, body."""

_DASHES = {"entry": "─", "stop": "╌", "target": "┄"}
_SIDES = {-1: "▾", 0: "", 1: "▴"}
_VOLUME = " ▁▂▃▄▅▆▇█"


class Level(Struct, frozen=True):
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


def levels_of(view: View, contract: ContractView) -> list[Level]:
    """Entry, stop and targets of the positions in a contract: those of the badge's kind or, where it holds
    none, the others', each under its word."""
    held = [p for p in view.positions if p.instrument == contract.instrument]
    levels: list[Level] = []
    for position in [p for p in held if p.kind is view.mode] or held:
        word = "" if position.kind is view.mode else f"{position.kind.value} "
        # The later of two levels in the same row is the one that can be read: the stop matters most.
        found: list[tuple[str, str, Decimal | None]]
        found = [(f"T{i}", "target", target) for i, target in enumerate(position.targets, 1)]
        found += [("entry", "entry", position.entry), ("SL", "stop", position.stop)]
        levels += [
            Level(int((at / contract.tick_size).to_integral_value()), f"{word}{label}", style)
            for label, style, at in found
            if at is not None
        ]
    return levels


def _scale(bars: Sequence[Bar], levels: Sequence[Level], last: int | None, height: int) -> Scale:
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
    """Cells of (character, style, background) that are merged into rows at the end."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.chars = [[" "] * width for _ in range(height)]
        self.styles = [["text"] * width for _ in range(height)]
        self.backs = [[""] * width for _ in range(height)]

    def put(self, x: int, y: int, text: str, style: str) -> None:
        chars, styles = self.chars[y], self.styles[y]
        for at, char in enumerate(text, x):
            if 0 <= at < self.width:
                chars[at], styles[at] = char, style

    def rows(self) -> list[list[tuple[str, str]]]:
        lines = []
        for chars, styles, backs in zip(self.chars, self.styles, self.backs, strict=True):
            spans: list[tuple[str, str]] = []
            start, style, back = 0, styles[0], backs[0]
            for x in range(1, self.width):
                if styles[x] != style or backs[x] != back:
                    spans.append(("".join(chars[start:x]), style + back))
                    start, style, back = x, styles[x], backs[x]
            spans.append(("".join(chars[start:]), style + back))
            lines.append(spans)
        return lines


def _zones(plot: _Plot, chart: ChartView) -> None:
    scale, canvas = plot.scale, plot.canvas
    for zone in chart.zones:
        top, bottom = scale.row(zone.high), scale.row(zone.low)
        if bottom < 0 or top >= scale.height:
            continue
        since = zone.known_at or zone.from_ts
        first = next((i for i, b in enumerate(plot.bars) if b.close_ts > since), len(plot.bars))
        start = min(first * plot.pitch, canvas.width)
        name = "zone-up" if zone.direction > 0 else "zone-down" if zone.direction < 0 else "zone-level"
        top, bottom = max(0, top), min(scale.height - 1, bottom)
        for y in range(top, bottom + 1):
            canvas.backs[y][start:] = [f" on:{name}"] * (canvas.width - start)
        label = plain(zone.kind)[:5] + (f"×{zone.touches}" if zone.touches else "")
        canvas.put(canvas.width - len(label) - 2, (top + bottom) // 2, label, "dim")


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


def _volume(bars: Sequence[Bar], pitch: int, width: int, height: int) -> list[Row]:
    most = max((bar.volume for bar in bars), default=0) or 1
    rows: list[Row] = []
    for y in range(height):
        floor = (height - 1 - y) * 8
        chars = [" "] * width
        for i, bar in enumerate(bars):
            eighths = min(8, max(0, bar.volume * height * 8 // most - floor))
            chars[i * pitch] = _VOLUME[eighths]
        rows.append(cell("".join(chars), "volume"))
    return rows


def _time_axis(bars: Sequence[Bar], pitch: int, width: int) -> Row:
    minutes = bars[0].timeframe.minutes
    every = next((m for m in (5, 10, 15, 30, 60, 120, 180, 240, 360, 720) if m * pitch >= 10 * minutes), 1440)
    line = [" "] * width
    free = 0
    for i, bar in enumerate(bars):
        label = times.hour_minute(bar.open_ts)
        x = i * pitch
        if (int(label[:2]) * 60 + int(label[3:])) % every == 0 and x >= free and x + 5 <= width:
            line[x : x + 5] = label
            free = x + 8
    return cell("".join(line), "dim")


class _Plot(Struct, frozen=True):
    """A scaled window on the bars, and what is written at the price axis: text and style by row."""

    contract: ContractView
    bars: Sequence[Bar]
    pitch: int
    scale: Scale
    canvas: _Canvas
    labels: dict[int, tuple[str, str]]

    def price(self, ticks: int) -> str:
        return figures.price(self.contract.tick_size * ticks, self.contract.decimals)


def candles(
    chart: ChartView,
    contract: ContractView,
    levels: Sequence[Level],
    width: int,
    height: int,
    pitch: int = 1,
    back: int = 0,
) -> list[Row]:
    """The chart in `height` rows of `width` cells; `pitch` cells a candle, the last one `back` bars ago."""
    every = [*chart.bars, chart.forming] if chart.forming is not None else list(chart.bars)
    longest = max(
        (len(figures.price(contract.tick_size * b.high, contract.decimals)) for b in every[-1:]), default=0
    )
    axis = max(9, longest + 2)
    plot_width = width - axis
    if not every or plot_width < 8 or height < 4:
        return [fit(cell("no room for a chart" if every else "no bars yet", "dim"), width)]
    end = len(every) - min(back, len(every) - 1)
    margin = 8 if plot_width >= 40 else 1
    bars = every[max(0, end - (plot_width - margin) // pitch) : end]
    under = 3 if height >= 22 else 2 if height >= 13 else 0
    last = None
    if contract.last is not None and not back:
        last = int((contract.last / contract.tick_size).to_integral_value())
    scale = _scale(bars, levels, last, height - 1 - under)
    plot = _Plot(contract, bars, pitch, scale, _Canvas(plot_width, scale.height), {})
    _guides(plot)
    _zones(plot, chart)
    _last(plot, last)
    names = _levels(plot, levels, last)
    for i, bar in enumerate(bars):
        _candle(plot.canvas, scale, bar, i * pitch)
    for y, (text, style) in names.items():
        plot.canvas.put(plot_width - len(text) - 2, y, f" {text} ", style)
    rows: list[Row] = []
    for y, spans in enumerate(plot.canvas.rows()):
        text, style = plot.labels.get(y, ("", "dim"))
        rows.append((*spans, (" ", "text"), (f"{text:>{axis - 2}}", style), (" ", "text")))
    blank = (" " * axis, "text")
    rows += [(*row, blank) for row in _volume(bars, pitch, plot_width, under)]
    rows.append((*_time_axis(bars, pitch, plot_width), blank))
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
    plot.canvas.put(len(plot.bars) * plot.pitch, y, "·" * plot.canvas.width, tone)
    plot.labels[y] = (plot.price(last), f"ink on:{tone} bold")


def _levels(plot: _Plot, levels: Sequence[Level], last: int | None) -> dict[int, tuple[str, str]]:
    """Draw the lines of the levels; gives their names by row, to be written over the candles."""
    names: dict[int, tuple[str, str]] = {}
    width, bottom = plot.canvas.width, plot.scale.height - 1
    for level in levels:
        y, text = plot.scale.row(level.ticks), level.label
        if 0 <= y <= bottom:
            plot.canvas.put(0, y, _DASHES[level.style] * width, level.style)
        else:
            text = f"{'↑' if y < 0 else '↓'} {text}"
            y = 0 if y < 0 else bottom
        if last is not None and y == plot.scale.row(last):
            # The axis shows the last price here; an arrow says on which side of it the level is.
            text += _SIDES[(level.ticks > last) - (level.ticks < last)]
        else:
            plot.labels[y] = (plot.price(level.ticks), f"{level.style} bold")
        names[y] = (text, f"{level.style} bold")
    return names
