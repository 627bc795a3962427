"""The second step before anything that trades: says exactly what will happen, with No preselected."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.confirmations import Confirmation
from tui.screen_state import ScreenState

DEBOUNCE = 0.3
"""Seconds in which a Yes does not count, so that a key held down or struck twice confirms nothing."""


class ConfirmScreen(ModalScreen[bool]):
    """Dismissed with True for yes. `ask` is called again at each frame, so the words follow the market."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", show=False),
        Binding("n,escape", "no", show=False),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, ask: Callable[[], Confirmation], clock: Callable[[], float]) -> None:
        super().__init__()
        self._ask = ask
        self._clock = clock
        self._opened = clock()
        self._shown = ask()

    def compose(self) -> ComposeResult:
        confirmation = self._shown
        with Vertical(classes="card serious" if confirmation.serious else "card") as card:
            card.border_title = confirmation.title.replace("[", "\\[")
            card.border_subtitle = "y yes · n or esc no"
            yield Static(_words(confirmation), id="words", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("No (n)", id="no")
                yield Button(f"Yes (y): {confirmation.yes}".replace("[", "\\["), id="yes", classes="danger")

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    def draw(self, _state: ScreenState, _now: float, _force: bool = False) -> None:
        """Ask again what would happen, and show it if it has changed."""
        confirmation = self._ask()
        if confirmation != self._shown:
            self._shown = confirmation
            self.query_one("#words", Static).update(_words(confirmation))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self.action_yes()
        else:
            self.action_no()

    def action_yes(self) -> None:
        if self._clock() - self._opened >= DEBOUNCE:
            self.dismiss(True)

    def action_no(self) -> None:
        self.dismiss(False)


def _words(confirmation: Confirmation) -> str:
    warning = "REAL MONEY: this is a live account\n\n" if confirmation.serious else ""
    return warning + "\n".join(f"• {line}" for line in confirmation.lines)
