"""What lies over a chart and can be switched off: curves, own trades, resting orders; and the crosshair."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

from msgspec import Struct

from engine.model.chart import ChartView, CurveView
from engine.model.market import Side
from engine.model.orders import Slot
from engine.model.view import ContractView, View
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows.chart_plot import Plot

OVERLAYS: dict[str, tuple[str, frozenset[str]]] = {
    "z": ("zones, levels, gaps and pools", frozenset({"OB", "BRK", "S/R", "FVG", "IFVG", "LIQ", "EQ"})),
    "p": ("prior day and week, prior close", frozenset({"PDH", "PDL", "PWH", "PWL", "PC"})),
    "s": ("session's open, high and low", frozenset({"OPEN", "HI", "LO"})),
    "o": ("overnight high and low", frozenset({"ONH", "ONL"})),
    "v": ("VWAP", frozenset({"VWAP"})),
    "b": ("bands around the VWAP", frozenset({"VWAP+1", "VWAP-1", "VWAP+2", "VWAP-2"})),
    "i": ("indicators of the settings", frozenset()),
    "f": ("own trades: ▲ bought, ▼ sold", frozenset()),
    "r": ("resting orders", frozenset()),
    "d": ("dates and sessions", frozenset()),
}
"""What can be switched off, by its letter: in words, and the kinds of zones and curves that belong to it."""

_DOTS = "⠉⠒⠤⣀"
"""A quarter of a cell each, the highest first."""
BAND = "faint"
"""Style of the bands of the VWAP, and of their names."""
_CURVES = ("warn", "entry", "target", "flat")
"""Styles of indicators, one after the other."""


def hidden_kinds(off: Collection[str]) -> frozenset[str]:
    """Kinds of zones and curves that are not drawn where the overlays of these letters are off."""
    return frozenset().union(*(OVERLAYS[letter][1] for letter in off if letter in OVERLAYS))


class PriceLine(Struct, frozen=True):
    """A price across the chart, in ticks: an entry, a stop, a target."""

    ticks: int
    label: str
    style: str


class TradeMark(Struct, frozen=True):
    """A trade of one's own: where it was opened and closed. Ticks, nanoseconds UTC."""

    side: Side
    opened_ts: int
    entry: int
    closed_ts: int = 0
    """0 while it is open."""
    exit: int = 0
    net_usd: Decimal = Decimal(0)


def trades_of(view: View, contract: ContractView) -> list[TradeMark]:
    """The trades of a contract that are known, of the badge's kind, the open ones last."""

    def ticks(price: Decimal) -> int:
        return int((price / contract.tick_size).to_integral_value())

    marks = [
        TradeMark(t.side, t.opened_ts, ticks(t.entry), t.closed_ts, ticks(t.exit), t.net_usd)
        for t in view.trades
        if t.instrument == contract.instrument and t.kind is view.mode
    ]
    return marks + [
        TradeMark(Side.BUY if p.qty > 0 else Side.SELL, p.opened_ts, ticks(p.entry), net_usd=p.open_usd)
        for p in view.positions
        if p.instrument == contract.instrument and p.kind is view.mode
    ]


def resting_of(view: View, contract: ContractView) -> list[PriceLine]:
    """Entries that rest in a contract, of the badge's kind: exits stand with their positions already."""
    found = []
    for order in view.orders:
        resting = order.instrument == contract.instrument and order.kind is view.mode and order.status.live
        if not resting or order.slot is not Slot.ENTRY or order.price is None:
            continue
        size = figures.quantity(order.qty - order.filled_qty, contract.lot_size)
        ticks = int((order.price / contract.tick_size).to_integral_value())
        found.append(PriceLine(ticks, f"{order.side.value} {size} {order.type.value}", order.side.value))
    return list(dict.fromkeys(found))


def draw_curves(plot: Plot, chart: ChartView, off: Collection[str]) -> list[tuple[int, str, str]]:
    """The VWAP with its bands, and indicators; gives row, text and style of their names, where they end."""
    hidden, styles = hidden_kinds(off), 0
    names: list[tuple[int, str, str]] = []
    for curve in chart.curves:
        if curve.kind in hidden or (curve.indicator and "i" in off):
            continue
        band = len(curve.kind) > 4 and curve.kind.startswith("VWAP")
        style = BAND if band else "accent"
        if curve.indicator:
            style, styles = _CURVES[styles % len(_CURVES)], styles + 1
        row = _curve(plot, chart, curve, style)
        if row is not None:
            names.append((row, plain(curve.kind), style))
    return names


def _curve(plot: Plot, chart: ChartView, curve: CurveView, style: str) -> int | None:
    """Draw it; gives the row in which it ends, None outside the plot."""
    values = dict(zip((bar.open_ts for bar in chart.bars[-len(curve.values) :]), curve.values, strict=False))
    last: int | None = None
    for i, bar in enumerate(plot.bars):
        ticks = values.get(bar.open_ts)
        if ticks is None:
            continue
        quarter = plot.scale.quarter(ticks)
        y = quarter // 4
        if not 0 <= y < plot.scale.height:
            last = None
            continue
        last = y
        plot.canvas.put(plot.left + i * plot.pitch, y, _DOTS[quarter % 4] * plot.pitch, style)
    return last


def draw_lives(plot: Plot, trades: Sequence[TradeMark]) -> None:
    """From where a trade was opened to where it was closed, or to the newest bar; below the candles."""
    for trade in trades:
        first, last = plot.at(trade.opened_ts), len(plot.bars) - 1
        if trade.closed_ts:
            last = plot.at(trade.closed_ts)
        if last < 0 or (trade.closed_ts and first == last) or 0 < plot.ends <= trade.opened_ts:
            continue
        end = trade.exit if trade.closed_ts else trade.entry
        from_x, to_x = (plot.x(i) if i >= 0 else plot.left for i in (first, last))
        style = figures.tone(trade.net_usd)
        for x in range(from_x, to_x + 1):
            share = 0.0 if from_x == to_x else (x - from_x) / (to_x - from_x)
            y = plot.scale.row(round(trade.entry + (end - trade.entry) * share))
            if 0 <= y < plot.scale.height:
                plot.canvas.put(x, y, "⠒", style)


def draw_fills(plot: Plot, trades: Sequence[TradeMark]) -> None:
    """▲ where it was bought and ▼ where it was sold, in the bar of the fill, over the candles."""
    for trade in trades:
        _fill(plot, trade.opened_ts, trade.entry, trade.side)
        if trade.closed_ts:
            _fill(plot, trade.closed_ts, trade.exit, trade.side.opposite)


def _fill(plot: Plot, ts: int, ticks: int, side: Side) -> None:
    i, y = plot.at(ts), plot.scale.row(ticks)
    if i >= 0 and 0 <= y < plot.scale.height and not 0 < plot.ends <= ts:
        plot.canvas.put(plot.x(i), y, "▲" if side is Side.BUY else "▼", f"{side.value} bold")


def draw_crosshair(plot: Plot, cross: int) -> None:
    """A line down through the bar that is looked at, and one across at its close with its price beside."""
    x, bar = plot.x(cross), plot.bars[cross]
    y = plot.scale.row(bar.close)
    for row in range(plot.scale.height):
        char = plot.canvas.chars[row][x]
        plot.canvas.put(x, row, "│" if char in " ┈┊·" else char, "accent")
    if 0 <= y < plot.scale.height:
        for at, char in enumerate(plot.canvas.chars[y][: plot.canvas.width - plot.taken.get(y, 0)]):
            if char in " ┈·":
                plot.canvas.put(at, y, "─", "accent")
        plot.labels[y] = (plot.price(bar.close), "ink on:accent bold")
