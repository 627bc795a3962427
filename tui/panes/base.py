"""What all panes have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from tui.actions import PANES
from tui.screen_state import Scene
from tui.spans import Row, cell
from tui.styles import Palette
from tui.widgets.grid import Content, LiveGrid


class Pane(LiveGrid):
    """A framed part of the screen, drawn from the Scene at most every `PERIOD` seconds."""

    NAME: ClassVar[str]
    PERIOD: ClassVar[float] = 0.0

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, number=PANES.get(self.NAME, ""), id=self.NAME)
        self._due = 0.0

    @abstractmethod
    def build(self, scene: Scene) -> Content:
        """The content for a scene, made for the pane's size."""

    def draw(self, scene: Scene, now: float, force: bool = False) -> int:
        """Show the scene if it is time to; gives how many lines changed. `now` is in monotonic seconds."""
        if not self.display or self.inner[0] <= 0 or (now < self._due and not force):
            return 0
        self._due = now + self.PERIOD
        return self.set_content(self.build(scene))


def title(text: str, more: str = "", style: str = "dim") -> Row:
    """A pane's title, with something about its content."""
    return ((text, "text bold"), (f" · {more}", style)) if more else cell(text, "text bold")


def waiting(text: str) -> list[Row]:
    """What a pane shows while it has nothing."""
    return [cell(text, "faint")]
