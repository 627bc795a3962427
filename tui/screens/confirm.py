"""The second step before anything that trades: says exactly what will happen, with No preselected."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.base_app import CockpitApp
from tui.confirmations import Confirmation, stakes
from tui.screen_state import ScreenState
from tui.typing_pace import could_be_read


class ConfirmScreen(ModalScreen[bool]):
    """Dismissed with True for yes. `ask` is called again at each frame, so the words follow the market.

    Fulfils tui.base_app.Question: keys that are no answer do not get here.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", show=False),
        Binding("n,escape", "no", show=False),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, ask: Callable[[], Confirmation], clock: Callable[[], float]) -> None:
        super().__init__()
        self._ask = ask
        self._clock = clock
        self._shown = ask()
        self.readable_since: float | None = None
        self.painted: int | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="card serious" if self._shown.serious else "card"):
            yield Static(id="words", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("No (n)", id="no")
                yield Button(id="yes", classes="danger")

    def on_mount(self) -> None:
        self._show("y yes · n or esc no")
        self.query_one("#no", Button).focus()

    def _show(self, hint: str) -> None:
        shown, card = self._shown, self.query_one(".card")
        view = cast("CockpitApp", self.app).presenter.view
        card.border_title = f"{stakes(view)} · {shown.title}".replace("[", "\\[")
        card.border_subtitle = hint
        self.query_one("#words", Static).update(_words(shown))
        self.query_one("#yes", Button).label = f"Yes (y): {shown.yes}".replace("[", "\\[")

    @property
    def laid_out(self) -> bool:
        return any(words.size for words in self.query("#words"))

    def hears(self, _event: Key) -> bool:
        """Every key may be an answer."""
        return False

    def too_soon(self) -> None:
        self._show("too soon: read it, wait a moment, then y, n or esc")

    def draw(self, _state: ScreenState, _now: float, _force: bool = False) -> None:
        """Ask again what would happen, and show it if it has changed."""
        before, self._shown = self._shown, self._ask()
        if (before.title, before.yes) != (self._shown.title, self._shown.yes):
            self.readable_since = self.painted = None  # another question
        if before != self._shown:
            self._show("y yes · n or esc no")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if not could_be_read(self.readable_since, self._clock()):
            self.too_soon()
        else:
            self.dismiss(event.button.id == "yes")

    def action_yes(self) -> None:
        self.dismiss(True)

    def action_no(self) -> None:
        self.dismiss(False)


def _words(confirmation: Confirmation) -> str:
    warning = "REAL MONEY: this is a live account\n\n" if confirmation.serious else ""
    return warning + "\n".join(f"• {line}" for line in confirmation.lines)
