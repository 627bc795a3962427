"""What all panes have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, cast

from msgspec.structs import replace

from tui.actions import PANES
from tui.base_app import CockpitApp
from tui.rows.shared import book_chip
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, cell, wrap
from tui.widgets.filtering import filtered
from tui.widgets.grid import Content, LiveGrid


class Pane(LiveGrid):
    """A framed part of the screen, drawn from the ScreenState at most every `PERIOD` seconds."""

    NAME: ClassVar[str]
    PERIOD: ClassVar[float] = 0.0
    FOLLOWS: ClassVar[bool] = False
    """Shows the picked book alone, where one is picked."""
    FILTERS: ClassVar[bool] = True
    """Its rows can be filtered by words."""

    def __init__(self) -> None:
        super().__init__(number=PANES.get(self.NAME, ""), id=self.NAME)
        self._due = 0.0
        self._chip: Row = EMPTY
        self.replaced_at = -1e9
        """When something else came under the cursor by itself, in monotonic seconds."""

    def replaced(self) -> None:
        self.replaced_at = cast("CockpitApp", self.app).clock()

    @abstractmethod
    def build(self, state: ScreenState) -> Content:
        """The content for a state, made for the pane's size."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # A letter that the keymap has given to an action is that action's.
        letter = parameters[-1] if action == "scroll" and len(parameters) > 1 else ""
        return not letter or letter not in cast("CockpitApp", self.app).keys.taken

    def draw(self, state: ScreenState, now: float, force: bool = False) -> int:
        """Show the state if it is time to; gives how many lines changed. `now` is in monotonic seconds."""
        if not self.display or self.inner[0] <= 0 or (now < self._due and not force):
            return 0
        self._due = now + self.PERIOD
        self._chip = ((" ", "text"), *book_chip(state)) if self.FOLLOWS and state.book else EMPTY
        content = self.build(state.own if self.FOLLOWS else state)
        return self.show(filtered(content, state.filters.get(self.NAME, "")))

    def waiting(self, text: str) -> list[Row]:
        """What the pane shows while it has nothing."""
        return [cell(line, "faint") for line in wrap(text, self.inner[0])]

    def show(self, content: Content) -> int:
        """Show a content under the name of the picked book, where it follows one."""
        if self._chip:
            content = replace(content, title=(*content.title, *self._chip))
        return self.set_content(content)


def title(text: str, more: str = "", style: str = "dim") -> Row:
    """A pane's title, with something about its content."""
    return ((text, "text bold"), (f" · {more}", style)) if more else cell(text, "text bold")
