"""Profit and loss: numbers, the distance to each limit, and the equity curve of the day."""

from __future__ import annotations

from tui import number_format as figures
from tui.panes.base import Pane, title
from tui.rows import pnl as money
from tui.rows.status import beside
from tui.screen_state import Scene, day_usd, main_books, side_days
from tui.spans import EMPTY, Row, cell
from tui.styles import Palette
from tui.widgets.equity import EquityCurve
from tui.widgets.grid import Content

_CURVE = 3
"""Rows below which a curve says nothing."""
_AT_LEAST = 3
"""Limits that are shown before the curve gets its rows."""


def _limits_shown(scene: Scene, room: int) -> int:
    """Rows for the limits: all of them where the curve still fits below, else the nearest few."""
    books = scene.view.books
    wanted = sum(max(1, len(book.limits)) + (len(books) > 1) for book in books)
    if wanted + _CURVE <= room:
        return wanted
    return max(min(wanted, room, _AT_LEAST), min(wanted, room - _CURVE))


class PnlPane(Pane):
    """The curve is drawn once a second at most, by plotext."""

    NAME = "pnl"

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette)
        self.curve = EquityCurve()
        self._drawn: list[Row] = []
        self._drawn_at: tuple[float, int, int] = (-1e9, 0, 0)
        self._now = 0.0

    def draw(self, scene: Scene, now: float, force: bool = False) -> int:
        self._now = now
        return super().draw(scene, now, force)

    def build(self, scene: Scene) -> Content:
        width, height = self.inner
        rows = money.numbers(scene, width)
        if scene.view.books:
            rows += money.limit_rows(scene, width, _limits_shown(scene, height - len(rows)))
        room = height - len(rows)
        if room >= 3 and scene.view.books and self.curve.ready:
            at, *size = self._drawn_at
            if self._now - at >= 1.0 or size != [width, room]:
                self._drawn = self.curve.draw(money.equity(scene), width, room)
                self._drawn_at = (self._now, width, room)
            rows = [*rows, *self._drawn]
        elif not scene.view.books:
            rows = [cell("no account yet", "faint")]
        note: Row = EMPTY
        if main_books(scene.view):
            day = day_usd(scene.view)
            side = beside(scene.view, side_days(scene.view))
            note = (
                ("day ", "dim"),
                (figures.signed(day), f"{figures.tone(day)} bold"),
                (" USD", "dim"),
                *side,
            )
        return Content(rows, title=title("P&L"), note=note)
