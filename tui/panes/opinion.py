"""The second opinion: a model beside the rules, how right it is, and the mood of news and posts."""

from __future__ import annotations

from typing import ClassVar

from tui.panes.base import Pane, title
from tui.rows.opinion import STATES, opinion_rows
from tui.screen_state import ScreenState
from tui.styled_text import cell
from tui.widgets.grid import Content


class OpinionPane(Pane):
    """It has no room of its own on the screen: its key gives it the whole body."""

    NAME = "opinion"
    PERIOD: ClassVar[float] = 1.0

    def build(self, state: ScreenState) -> Content:
        told = state.view.opinion
        if told is None:
            words = 'no second opinion is wanted: opinion.use = "watch" in the settings asks for one'
            return Content(self.waiting(words), title=title("Opinion"))
        note = cell(*STATES[told.state])
        return Content(opinion_rows(state, told, self.inner[0]), title=title("Opinion", told.use), note=note)
