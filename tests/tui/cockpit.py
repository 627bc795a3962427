"""A cockpit for tests: a fake engine, a clock that only moves when told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from engine.model.notices import LogLine
from engine.model.view import View
from tests.tui import fake
from tests.tui.fake_engine import FakeEngine
from tui.app import TStreamApp
from tui.styled_text import text_of
from tui.widgets.grid import LiveGrid


class Clock:
    """Seconds of a monotonic clock."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Cockpit:
    """The app, its engine and its clock."""

    def __init__(
        self, view: View | None = None, logs: Sequence[LogLine] | None = None, **options: Any
    ) -> None:
        self.clock = Clock()
        self.engine = FakeEngine(view, fake.logs() if logs is None else logs)
        options = {"clock": self.clock, "cpu": lambda: 0.0, "key_age": lambda _: 0.0, **options}
        self.app = TStreamApp(self.engine, self.engine, **options)

    async def press(self, pilot: Pilot[Any], *keys: str) -> None:
        """Press keys one after the other, a second apart."""
        for key in keys:
            self.clock.now += 1
            await pilot.press(key)

    async def later(self, pilot: Pilot[Any], seconds: float = 1) -> None:
        """Let time pass and the next frame be drawn."""
        self.clock.now += seconds
        self.app.redraw()
        await pilot.pause()

    def pane(self, name: str) -> str:
        """The text of a pane's content, head and rows."""
        return grid_text(self.app.main.pane(name))

    def line(self, name: str) -> str:
        """The text of one of the single lines."""
        from tui.widgets.line import Line

        return text_of(self.app.main.query_one(f"#{name}", Line).row)

    def toasts(self) -> list[str]:
        """What the toasts say."""
        return [notification.message for notification in self.app._notifications]


@asynccontextmanager
async def running(cockpit: Cockpit, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[Any]]:
    async with cockpit.app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield pilot


def grid_text(grid: LiveGrid) -> str:
    """Title, note, head, rows and foot of a grid."""
    content = grid.content
    rows = [content.title, content.note, content.head, *content.rows, content.foot]
    return "\n".join(text_of(row) for row in rows)
