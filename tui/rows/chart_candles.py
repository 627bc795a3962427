"""Candles in two halves a cell: thin wicks, and bodies that read as bodies where a candle has room for one.

Bodies of up candles are solid (█, thin ┃), those of down candles are not (▓, thin ┇), so that the direction
needs no colour.
"""

from __future__ import annotations

from engine.model.market import Bar
from tui.rows.chart_plot import Plot
from tui.styled_text import Row, cell

_THIN_UP = (" ╷╻", "╵│╽", "╹╿┃")
_THIN_DOWN = (" ╷╻", "╵│╽", "╹╿┇")
_BROAD_UP = (" ╷▄", "╵│▄", "▀▀█")
_BROAD_DOWN = (" ╷▄", "╵│▄", "▀▀▓")
"""Glyph by what stands in the upper and the lower half: nothing, wick, body."""
_SIDES = {(2, 2): "▐▌", (2, 0): "▝▘", (2, 1): "▝▘", (0, 2): "▗▖", (1, 2): "▗▖"}
"""What a body of two cells has left and right of its middle."""
_VOLUME = " ▁▂▃▄▅▆▇█"


def draw_candles(plot: Plot) -> None:
    """All of them, over whatever stands there: thin ones where each has a cell, broad ones where it has two,
    and of two cells where it has three.
    """
    for i, bar in enumerate(plot.bars):
        _draw(plot, bar, plot.x(i))


def _draw(plot: Plot, bar: Bar, x: int) -> None:
    scale, canvas, pitch = plot.scale, plot.canvas, plot.pitch
    up = bar.close >= bar.open
    style = "candle-up" if up else "candle-down"
    glyphs = (_THIN_UP if up else _THIN_DOWN) if pitch == 1 else (_BROAD_UP if up else _BROAD_DOWN)
    high, low = scale.half(bar.high), scale.half(bar.low)
    top, bottom = scale.half(max(bar.open, bar.close)), scale.half(min(bar.open, bar.close))
    chars, styles = canvas.chars, canvas.styles
    for y in range(max(0, high // 2), min(scale.height - 1, low // 2) + 1):
        upper, lower = y * 2, y * 2 + 1
        above = 2 if top <= upper <= bottom else 1 if high <= upper <= low else 0
        below = 2 if top <= lower <= bottom else 1 if high <= lower <= low else 0
        chars[y][x], styles[y][x] = glyphs[above][below], style
        if pitch > 2 and (sides := _SIDES.get((above, below))):
            chars[y][x - 1], chars[y][x + 1] = sides[0], sides[1]
            styles[y][x - 1] = styles[y][x + 1] = style


def volume_rows(plot: Plot, height: int) -> list[Row]:
    """Bars of volume under the candles, the highest in all of `height` rows."""
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
