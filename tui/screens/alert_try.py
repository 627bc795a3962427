"""The dry run of alerts: a text is typed or pasted, and it is shown how a room reads it. It can't trade."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from engine.model.alert_tries import LONGEST_TRY, AlertTried, TryAlert
from engine.model.errors import PortError
from engine.model.questions import Reply
from tui.plain_text import plain
from tui.rows.alert_try import NOTHING, tried_rows
from tui.screen_state import ScreenState
from tui.screens.page import Page
from tui.styled_text import cell, wrap
from tui.widgets.grid import Content

_AGAIN_S = 2.0
"""The market moves: what is shown is asked for anew so often."""


class TryText(TextArea):
    """Where the text goes; pasting is meant here, and nowhere else."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "screen.leave", show=False)]


class AlertTryScreen(Page):
    """Ask how a room would read a text now, and what would come of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "room(1)", show=False, priority=True),
        Binding("shift+tab", "room(-1)", show=False, priority=True),
        Binding("ctrl+x", "clear", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._text = TryText("", tab_behavior="focus", id="try-text")
        self._text.cursor_blink = False
        self._room = ""
        self._told: AlertTried | None = None
        self._trouble = ""
        self._asked: Future[Reply] | None = None
        self._asked_at = -1e9
        self._sign: tuple[str, str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._safety
        yield self._text
        yield self._grid

    @property
    def typed_into(self) -> TextArea:
        """Where keys go, also before it is shown."""
        return self._text

    def on_mount(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._text.border_title = "Dry run of an alert: type or paste it here"
        self._text.border_subtitle = "tab next room · ^x clear · esc back"
        self._grid.can_focus = False
        self._text.focus()

    def on_text_area_changed(self) -> None:
        self.cockpit.redraw()

    def draw(self, state: ScreenState, now: float, force: bool = False) -> None:
        """Show the state, and ask for what is not known of it."""
        self._take()
        sign = self._room, self._text.text[:LONGEST_TRY]
        due = sign != self._sign or now - self._asked_at >= _AGAIN_S
        if due and (self._asked is None or now - self._asked_at >= _AGAIN_S):
            self._sign, self._asked_at = sign, now
            self._asked = self.cockpit.presenter.look_up(TryAlert(sign[1], sign[0]))
            self._asked.add_done_callback(self._answered)
            self._take()
        super().draw(state, now, force)

    def _take(self) -> None:
        asked = self._asked
        if asked is None or not asked.done():
            return
        self._asked = None
        try:
            reply = asked.result()
        except (PortError, CancelledError) as error:
            self._told, self._trouble = None, f"the engine does not tell: {error}"
            return
        if isinstance(reply, AlertTried):
            self._told, self._trouble = reply, ""

    def _answered(self, _answer: Future[Reply]) -> None:
        """On whatever thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the screen is gone
                self._loop.call_soon_threadsafe(self.cockpit.redraw)

    def build(self, state: ScreenState, width: int) -> Content:
        told = self._told
        foot = cell(NOTHING, "dim")
        if told is None:
            words = wrap(self._trouble or "asking the engine", width)
            return Content(
                [cell(line, "faint") for line in words], title=cell("Reading", "text bold"), foot=foot
            )
        rooms = tuple(
            (f" {plain(name)} ", "ink on:accent bold" if name == told.room else "dim") for name in told.rooms
        )
        if not self._text.text.strip() and told.rooms:
            rows = [cell("nothing is written yet", "faint")]
        else:
            rows = tried_rows(told, state.view, width)
        return Content(rows, title=(("Reading ", "text bold"), *rooms), foot=foot)

    def action_room(self, by: int) -> None:
        rooms = self._told.rooms if self._told is not None else ()
        if rooms:
            at = rooms.index(self._told.room) if self._told is not None and self._told.room in rooms else 0
            self._room = rooms[(at + by) % len(rooms)]
            self.cockpit.redraw()

    def action_clear(self) -> None:
        self._text.clear()
