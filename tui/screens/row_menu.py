"""The menu of a row: what can be done with it, each with its key, and why the rest can't be done now."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.row_menu import MenuEntry
from tui.theme_styles import ThemeStyles

_HINT = "⏎ or its key does it · esc back"


class RowMenu(ModalScreen[str | None]):
    """Dismissed with an action's id, or None. Fulfils tui.base_app.Question: what is chosen was read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", show=False),
        Binding("j", "step(1)", show=False),
        Binding("k", "step(-1)", show=False),
    ]
    LOOKS = frozenset({"j", "k", "up", "down", "home", "end", "pageup", "pagedown", "escape", "q"})

    def __init__(
        self,
        about: str,
        found: list[MenuEntry],
        styles: ThemeStyles,
        readable: Callable[[float | None], bool],
        explained: tuple[str, ...] = (),
    ) -> None:
        """`readable` says whether a menu that can be read since then (monotonic seconds) could be read."""
        super().__init__()
        self._about, self._entries, self._styles, self._readable = about, found, styles, readable
        self._explained = explained
        self.readable_since: float | None = None
        self.painted: int | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="card") as card:
            card.border_title = self._about.replace("[", "\\[")
            card.border_subtitle = _HINT
            if self._explained:
                yield Static("\n".join(self._explained) + "\n", markup=False)
            yield OptionList(
                *(Option(self._line(one), id=one.action, disabled=bool(one.reason)) for one in self._entries)
            )

    def _line(self, one: MenuEntry) -> Text:
        """The key, what it does; of what can't be done the reason."""
        color = self._styles.style("dim" if one.reason else "accent").color
        tone = color.name if color is not None else ""
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{one.key:<3} ", tone)
        text.append(f"{one.label:<24} ", tone if one.reason else "bold")
        text.append(f"not now: {one.reason}" if one.reason else one.about, "dim")
        return text

    @property
    def laid_out(self) -> bool:
        return any(options.size for options in self.query(OptionList))

    def hears(self, event: Key) -> bool:
        """Looking around is heard at once."""
        return event.key in self.LOOKS

    def too_soon(self) -> None:
        self.query_one(".card", Vertical).border_subtitle = "too soon: read it, wait a moment"

    def on_key(self, event: Key) -> None:
        """The key of an action does it, as it does outside."""
        for one in self._entries:
            if event.character == one.key and not one.reason:
                event.stop()
                self.dismiss(one.action)
                return

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if self._readable(self.readable_since):
            self.dismiss(event.option_id)
        else:
            self.too_soon()

    def action_step(self, by: int) -> None:
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_leave(self) -> None:
        self.dismiss(None)
