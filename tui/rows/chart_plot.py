"""Where things stand on a chart: prices to rows, bars to columns, and the cells that are drawn upon."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct

from engine.model.market import Bar
from engine.model.view import ContractView, SessionView
from tui import number_format as figures


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

    def ticks(self, row: int) -> int:
        """The price in the middle of a row."""
        halves = max(1, self.height * 2 - 1)
        return round(self.high - (2 * row + 0.5) * max(1, self.high - self.low) / halves)

    def quarter(self, ticks: int) -> int:
        """The quarter of a cell of a price, for thin lines."""
        quarters = self.height * 4 - 2
        return 1 + round((self.high - ticks) * (quarters - 1) / max(1, self.high - self.low))


class Canvas:
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


class Plot(Struct, frozen=True):
    """A scaled window on the bars, and what is written beside them."""

    contract: ContractView
    bars: Sequence[Bar]
    pitch: int
    """Cells a candle."""
    scale: Scale
    canvas: Canvas
    labels: dict[int, tuple[str, str]]
    """Text and style at the price axis, by row."""
    session: SessionView
    """The wall that its times are read from."""
    left: int = 0
    """Cells before the first candle: the newest stands at the right."""
    ends: int = 0
    """Where somebody looks back, until when; nanoseconds UTC, 0: until now."""
    taken: dict[int, int] = {}
    """Cells of names at the right end of a row."""

    def x(self, i: int) -> int:
        """The column of a bar; of a broad candle that of its wick."""
        return self.left + i * self.pitch + (self.pitch > 2)

    def at(self, ts: int) -> int:
        """The bar in which a time is; below 0 before the first, the newest for whatever came after it."""
        return bisect_right(self.bars, ts, key=lambda bar: bar.open_ts) - 1

    def price(self, ticks: int) -> str:
        return figures.price(self.contract.tick_size * ticks, self.contract.decimals)

    def name(self, row: int, text: str, style: str) -> bool:
        """Write a name at the right end of a row, left of those that stand there; False where they leave no
        room, or where it would hide a candle.
        """
        used, size = self.taken.get(row, 1), len(text) + 2
        start = self.canvas.width - used - size + 1
        under = self.canvas.styles[row][max(0, start) : start + size]
        if used > 1 and (start < self.canvas.width // 2 or {"candle-up", "candle-down"} & set(under)):
            return False
        self.canvas.put(start, row, f" {text} ", style)
        self.taken[row] = used + size - 1
        return True
