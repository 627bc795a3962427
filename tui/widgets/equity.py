"""The equity curve, by plotext, which is imported in the background after the first paint."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from decimal import Decimal
from types import ModuleType

from tui.styled_text import Row

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class EquityCurve:
    """Draws into the one plotext figure of this process; nobody else may use it. Not for several threads."""

    def __init__(self) -> None:
        self._plotext: ModuleType | None = None
        self._loading: threading.Thread | None = None
        self._drawn: tuple[Sequence[Decimal], int, int] | None = None
        self._rows: list[Row] = []

    @property
    def ready(self) -> bool:
        """Whether plotext has been imported; the first call starts that in the background."""
        if self._plotext is None and self._loading is None:
            self._loading = threading.Thread(target=self._load, name="plotext-import", daemon=True)
            self._loading.start()
        return self._plotext is not None

    def load(self) -> None:
        """Import plotext now and wait for it."""
        if not self.ready and self._loading is not None:
            self._loading.join()

    def _load(self) -> None:
        import plotext

        plotext.terminal.limit(False, False)
        self._plotext = plotext

    def draw(self, values: Sequence[Decimal], width: int, height: int) -> list[Row]:
        """The curve in `height` rows of `width` cells: gain above zero, loss below. Kept until it changes."""
        if self._plotext is None or width < 8 or height < 2 or len(values) < 2:
            return []
        if self._drawn is not None and self._drawn == (values, width, height):
            return self._rows
        numbers = [float(value) for value in values]
        low, high = min(0.0, *numbers), max(0.0, *numbers)
        margin = max(1.0, (high - low) * 0.04)
        low, high = low - margin, high + margin
        figure = self._plotext.figure
        figure.clear()
        figure.plot_size(width, height)
        figure.theme("colorless")
        figure.axes(active=False)
        figure.ruler("x").ticks([])
        figure.ruler("y").ticks([])
        figure.ruler("y").lim(low, high)
        figure.draw(figure.signal(list(range(len(numbers))), numbers, marker="braille").lines())
        lines = [_ESCAPES.sub("", line) for line in figure.build().string().split("\n")]
        at = min(height - 1, int(high / (high - low) * height))
        rows: list[Row] = []
        for y, line in enumerate(lines[:height]):
            text = f"{line:<{width}}"[:width]
            style = "flat" if y == at else "gain" if y < at else "loss"
            rows.append(_dotted(text, style) if y == at else ((text, style),))
        self._drawn, self._rows = (values, width, height), rows
        return rows


def _dotted(text: str, style: str) -> Row:
    """A line of the curve with the zero line where the curve is not."""
    spans: list[tuple[str, str]] = []
    for part in re.findall(r"[ \u2800]+|[^ \u2800]+", text):
        blank = part[0] in " \u2800"
        spans.append(("┈" * len(part), "guide") if blank else (part, style))
    return tuple(spans)
