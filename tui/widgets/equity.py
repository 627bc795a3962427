"""The equity curve, by plotext, which is imported in the background after the first paint."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from types import ModuleType

from engine.model.market import NANOS
from engine.model.view import EquityPoint
from tui import clock_times as times
from tui import number_format as figures
from tui.styled_text import Row, fit

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class EquityCurve:
    """Draws into the one plotext figure of this process; nobody else may use it. Not for several threads."""

    def __init__(self) -> None:
        self._plotext: ModuleType | None = None
        self._loading: threading.Thread | None = None
        self._drawn: tuple[Sequence[EquityPoint], int, int] | None = None
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

    def draw(self, points: Sequence[EquityPoint], width: int, height: int, zone: str) -> list[Row]:
        """The curve in `height` rows of `width` cells: gain above zero, loss below, with the scale at its
        right and times of a zone below. Kept until it changes."""
        if self._plotext is None or width < 24 or height < 3 or len(points) < 2:
            return []
        if self._drawn == (points, width, height):
            return self._rows
        usd = [float(point.usd) for point in points]
        low, high = min(0.0, *usd), max(0.0, *usd)
        names = {0: high, height - 2: low}
        axis = max(len(figures.signed(int(value), 0)) for value in names.values()) + 1
        plot_width, plot_height = width - axis, height - 1
        margin = max(1.0, (high - low) * 0.04)
        figure = self._plotext.figure
        figure.clear()
        figure.plot_size(plot_width, plot_height)
        figure.theme("colorless")
        figure.axes(active=False)
        figure.ruler("x").ticks([])
        figure.ruler("y").ticks([])
        figure.ruler("y").lim(low - margin, high + margin)
        since = points[0].ts
        seconds = [(point.ts - since) / NANOS for point in points]
        figure.draw(figure.signal(seconds, usd, marker="braille").lines())
        lines = [_ESCAPES.sub("", line) for line in figure.build().string().split("\n")]
        at = min(plot_height - 1, int((high + margin) / (high - low + 2 * margin) * plot_height))
        names = {at: 0.0} | names if high > 0 > low else names
        rows: list[Row] = []
        for y, line in enumerate(lines[:plot_height]):
            text = f"{line:<{plot_width}}"[:plot_width]
            row = _dotted(text, "flat") if y == at else ((text, "gain" if y < at else "loss"),)
            name = figures.signed(int(names[y]), 0) if y in names else ""
            rows.append((*row, (f"{name:>{axis}}", "dim")))
        rows.append(_times(points, plot_width, width, zone))
        self._drawn, self._rows = (points, width, height), rows
        return rows


def _times(points: Sequence[EquityPoint], plot_width: int, width: int, zone: str) -> Row:
    """The time at the beginning, in the middle and at the end; no minute twice, while the curve is young."""
    first, last = points[0].ts, points[-1].ts
    begin, middle, end = (times.hour_minute(ts, zone) for ts in (first, (first + last) // 2, last))
    middle = "" if middle in (begin, end) else middle
    end = "" if end == begin else end
    return fit(((f"{begin}{middle:^{plot_width - 10}}{end}", "dim"),), width)


def _dotted(text: str, style: str) -> Row:
    """A line of the curve with the zero line where the curve is not."""
    spans: list[tuple[str, str]] = []
    for part in re.findall(r"[ \u2800]+|[^ \u2800]+", text):
        blank = part[0] in " \u2800"
        spans.append(("┈" * len(part), "guide") if blank else (part, style))
    return tuple(spans)
