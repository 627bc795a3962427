"""Candles by hand: two halves a cell, outlines of zones, levels across, prices at the side, time below."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from engine.model.chart import ChartView, ZoneView
from engine.model.market import Bar, Timeframe
from engine.model.view import ContractView, SessionPhase, SessionView, View
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows.chart_candles import draw_candles, volume_rows
from tui.rows.chart_marks import (
    BAND,
    PriceLine,
    TradeMark,
    draw_crosshair,
    draw_curves,
    draw_fills,
    draw_lives,
    hidden_kinds,
)
from tui.rows.chart_plot import Canvas, Plot, Scale
from tui.styled_text import Row, cell, fit

_DASHES = {"entry": "─", "stop": "╌", "target": "┄", "buy": "┅", "sell": "┅"}
_SIDES = {-1: " ▾", 0: "", 1: " ▴"}
FUTURES_DAY = SessionView("", SessionPhase.CLOSED, "", "")
"""Where nobody says another day than Chicago's."""
_ZONES = 4
"""Most order blocks and levels that are drawn."""
_MAIN = ("OB", "BRK", "S/R")
_USE = {
    **dict.fromkeys(("PDH", "PDL", "PWH", "PWL", "PC", "ONH", "ONL"), 0),
    **dict.fromkeys(("FVG", "IFVG"), 2),
    "EQ": 3,
}
"""Of what is drawn beside these, where there is room, the least comes first; what is not named is 1."""
_ROWS_A_ZONE = 6
"""One of those in so many rows."""


class Extras(Struct, frozen=True):
    """What a chart shows beside its bars, zones and levels."""

    off: frozenset[str] = frozenset()
    """Letters of the overlays that are switched off."""
    trades: Sequence[TradeMark] = ()
    cross: int | None = None
    """Open time of the bar under the crosshair, nanoseconds UTC."""


PLAIN = Extras()


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
    """The prices (ticks) of the guide lines: round numbers, at least four rows apart, or two where the plot
    would have a single one, which tells nothing of how far anything is.
    """
    found = range(0)
    for apart in (4, 2):
        least = max(1, -(-(scale.high - scale.low) * apart // max(1, scale.height)))
        found = _round_prices(scale, tick_size, least)
        if len(found) > 1:
            break
    return found


def _round_prices(scale: Scale, tick_size: Decimal, least: int) -> range:
    """Those (ticks) of the finest step of at least so many ticks."""
    for power in range(-3, 6):
        for digit in ("1", "2", "2.5", "5"):
            step = Decimal(digit).scaleb(power) / tick_size
            if step >= least and step == step.to_integral_value():
                size = int(step)
                return range(-(-scale.low // size) * size, scale.high + 1, size)
    return range(0)


def _zones(plot: Plot, chart: ChartView, last: int, off: frozenset[str]) -> list[tuple[int, str, str]]:
    """The few zones that matter most, as outlines from when they were known: blocks and levels nearest to the
    price, behind them as many of the others as there is quiet room for; each with its name on its own row."""
    hidden = hidden_kinds(off) | {curve.kind for curve in chart.curves}
    shown = [zone for zone in chart.zones if zone.kind not in hidden]
    near = sorted(shown, key=lambda zone: max(zone.low - last, last - zone.high, 0))
    main = [zone for zone in near if zone.kind in _MAIN][:_ZONES]
    taken = {y for zone in main for y in _rows_of(plot.scale, zone)} | {plot.scale.row(last)}
    names: list[tuple[int, str, str]] = []
    for zone in (*_beside(plot.scale, near, taken), *main):
        _outline(plot, zone, names)
    return names


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


def _outline(plot: Plot, zone: ZoneView, names: list[tuple[int, str, str]]) -> None:
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
    names.append((min(max((top + bottom) // 2, 0), scale.height - 1), label, "dim"))


def _days(plot: Plot) -> list[int]:
    """The bars with which another trade date begins."""
    dates = [times.trade_day(bar.open_ts, plot.session) for bar in plot.bars]
    return [i for i in range(1, len(dates)) if dates[i] != dates[i - 1]]


def _sessions(plot: Plot) -> None:
    """A thin line where a trade date begins, and where the cash session does."""
    bars, session = plot.bars, plot.session
    if bars[0].timeframe is Timeframe.D1:
        return
    at = [times.hour_minute(bar.open_ts, session.zone) for bar in bars] if session.opens else []
    for i in {*_days(plot), *(i for i, time in enumerate(at) if i and time == session.opens)}:
        for y in range(plot.scale.height):
            plot.canvas.put(plot.x(i), y, "┊", "guide")


def _time_axis(plot: Plot) -> Row:
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


class Framed(NamedTuple):
    """What of a chart there is room for."""

    bars: Sequence[Bar]
    axis: int
    """Cells of the prices at the side."""
    under: int
    """Rows of the volume."""
    room: int
    """Cells of the candles."""
    last: int | None
    """The last price, ticks; None where one looks back."""
    scale: Scale


def framed_in(
    chart: ChartView,
    contract: ContractView,
    levels: Sequence[PriceLine],
    width: int,
    height: int,
    pitch: int,
    back: int,
) -> Framed | str:
    """As of `candles`; in words why there is nothing to be drawn."""
    every = [*chart.bars, chart.forming] if chart.forming is not None else list(chart.bars)
    longest = max(
        (len(figures.price(contract.tick_size * b.high, contract.decimals)) for b in every[-1:]), default=0
    )
    axis = max(9, longest + 2)
    plot_width = width - axis
    if not every or plot_width < 8 or height < 4:
        return "no room for a chart" if every else "no bars yet"
    end = len(every) - min(back, len(every) - 1)
    room = plot_width - (8 if plot_width >= 40 else 1)
    bars = every[max(0, end - room // pitch) : end]
    under = 3 if height >= 22 else 2 if height >= 13 else 0
    last = None
    if contract.last is not None and not back:
        last = int((contract.last / contract.tick_size).to_integral_value())
    return Framed(bars, axis, under, room, last, _scale(bars, levels, last, height - 1 - under))


def candles(
    chart: ChartView,
    contract: ContractView,
    levels: Sequence[PriceLine],
    width: int,
    height: int,
    pitch: int = 1,
    back: int = 0,
    session: SessionView = FUTURES_DAY,
    extras: Extras = PLAIN,
) -> list[Row]:
    """The chart in `height` rows of `width` cells; `pitch` cells a candle, the last one `back` bars ago. Its
    times and days are those of the contract's `session`."""
    framed = framed_in(chart, contract, levels, width, height, pitch, back)
    if isinstance(framed, str):
        return [fit(cell(framed, "dim"), width)]
    bars, axis, under, room, last, scale = framed
    plot_width = width - axis
    left = max(0, room - len(bars) * pitch)
    canvas = Canvas(plot_width, scale.height)
    plot = Plot(contract, bars, pitch, scale, canvas, {}, session, left, bars[-1].close_ts if back else 0, {})
    _guides(plot)
    if "d" not in extras.off:
        _sessions(plot)
    _last(plot, last)
    zones = _zones(plot, chart, bars[-1].close if last is None else last, extras.off)
    curves = draw_curves(plot, chart, extras.off)
    names = _levels(plot, levels, last)
    trades = () if "f" in extras.off else extras.trades
    draw_lives(plot, trades)
    cross = None if extras.cross is None else plot.at(extras.cross)
    draw_candles(plot)
    draw_fills(plot, trades)
    for y, (text, style) in names.items():
        plot.name(y, text, style)
    # A band is told by its place beside the VWAP, should its name find no room.
    bands = [name for name in curves if name[2] == BAND]
    for y, text, style in (*(name for name in curves if name[2] != BAND), *zones, *bands):
        plot.name(y, text, style)
    if cross is not None and cross >= 0:
        draw_crosshair(plot, cross)
    rows: list[Row] = []
    for y, spans in enumerate(plot.canvas.rows()):
        text, style = plot.labels.get(y, ("", "dim"))
        rows.append((*spans, (" ", "text"), (f"{text:>{axis - 2}}", style), (" ", "text")))
    blank = (" " * axis, "text")
    rows += [(*row, blank) for row in volume_rows(plot, under)]
    rows.append((*_time_axis(plot), blank))
    return rows


def _guides(plot: Plot) -> None:
    for ticks in _steps(plot.scale, plot.contract.tick_size):
        y = plot.scale.row(ticks)
        if 0 <= y < plot.scale.height:
            plot.canvas.put(0, y, "┈" * plot.canvas.width, "guide")
            plot.labels[y] = (plot.price(ticks), "dim")


def _last(plot: Plot, last: int | None) -> None:
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


def _levels(plot: Plot, levels: Sequence[PriceLine], last: int | None) -> dict[int, tuple[str, str]]:
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
