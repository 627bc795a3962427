"""How the cockpit looks, chosen from lists: the theme, which is worn while it is looked at; what charts show
over their bars; and the layout of the panes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.base_app import CockpitApp
from tui.layout_changes import ARRANGEMENTS
from tui.remembered import LONGEST_NAME, Remembered, SavedLayout
from tui.rows.chart_marks import OVERLAYS


class ThemePicker(ModalScreen[None]):
    """The highlighted theme is worn at once; escape puts the one back that was worn before."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", show=False)]

    def __init__(self, themes: list[tuple[str, str]], worn: str) -> None:
        """`themes` are names with what is said of them."""
        super().__init__()
        self._themes, self._worn = themes, worn

    def compose(self) -> ComposeResult:
        with Vertical(classes="card") as card:
            card.border_title = "Theme"
            card.border_subtitle = "↑ ↓ look · ⏎ wear · esc as before"
            yield OptionList(*(Option(self._line(*theme)) for theme in self._themes))

    def _line(self, name: str, about: str) -> Text:
        text = Text(f"{name:<14}", "bold", no_wrap=True, overflow="ellipsis")
        return text.append(about, "dim")

    def on_mount(self) -> None:
        names = [name for name, _ in self._themes]
        options = self.query_one(OptionList)
        options.highlighted = names.index(self._worn) if self._worn in names else 0

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self.app.theme = self._themes[event.option_index][0]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        cast("CockpitApp", self.app).choose_theme(self._themes[event.option_index][0])
        self.dismiss(None)

    def action_leave(self) -> None:
        self.app.theme = self._worn
        self.dismiss(None)


class OverlayPicker(ModalScreen[None]):
    """A letter switches what it stands for on or off, at once and for every chart."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,V,q,enter", "leave", show=False),
        *(Binding(letter, f"switch('{letter}')", show=False) for letter in OVERLAYS),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="card") as card:
            card.border_title = "Over the candles"
            card.border_subtitle = "letter on or off · esc back"
            yield OptionList(*(Option(self._line(letter), id=letter) for letter in OVERLAYS))

    @property
    def _remembered(self) -> Remembered:
        return cast("CockpitApp", self.app).remembered

    def _line(self, letter: str) -> Text:
        shown = letter not in self._remembered.choices.overlays_off
        text = Text(f"{letter} ", "bold", no_wrap=True, overflow="ellipsis")
        return text.append("● " if shown else "○ ").append(OVERLAYS[letter][0], "" if shown else "dim")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.action_switch(event.option.id or "")

    def action_switch(self, letter: str) -> None:
        off = set(self._remembered.choices.overlays_off) ^ {letter}
        self._remembered.change(overlays_off=tuple(one for one in OVERLAYS if one in off))
        self.query_one(OptionList).replace_option_prompt(letter, self._line(letter))
        cast("CockpitApp", self.app).redraw()

    def action_leave(self) -> None:
        self.dismiss(None)


class LayoutPicker(ModalScreen[None]):
    """Layouts by name: worn, kept under a name, forgotten. `placed` is called when another one is worn."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", show=False),
        Binding("s", "name", show=False),
        Binding("x,delete", "forget", show=False),
    ]

    def __init__(self, remembered: Remembered, placed: Callable[[], None]) -> None:
        super().__init__()
        self._remembered, self._placed = remembered, placed

    def compose(self) -> ComposeResult:
        with Vertical(classes="card") as card:
            card.border_title = "Layout"
            card.border_subtitle = "⏎ wear · s save as… · x forget · esc back"
            yield OptionList(*self._options())
            name = Input(placeholder="name of the layout on the screen", max_length=LONGEST_NAME)
            name.display = False
            yield name

    def _options(self) -> list[Option]:
        found = []
        for name in (*ARRANGEMENTS, *self._remembered.choices.layouts):
            mark = "● " if name == shown_layout(self._remembered) else "  "
            text = Text(mark + name, no_wrap=True, overflow="ellipsis")
            found.append(
                Option(text.append("  as it comes", "dim") if name in ARRANGEMENTS else text, id=name)
            )
        return found

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        wear_layout(self._remembered, event.option.id or "")
        self._placed()
        self.dismiss(None)

    def action_name(self) -> None:
        name = self.query_one(Input)
        name.cursor_blink = False
        name.display = True
        self.set_focus(name)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        taken = event.value.strip() in ARRANGEMENTS
        if taken or not self._remembered.keep_layout(event.value):
            cast("CockpitApp", self.app).toast(f"no layout can be called {event.value!r}", "warning")
            return
        self.dismiss(None)

    def action_forget(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is None:
            return
        name = options.get_option_at_index(options.highlighted).id or ""
        if name in self._remembered.choices.layouts:
            self._remembered.forget_layout(name)
            options.clear_options()
            options.add_options(self._options())

    def action_leave(self) -> None:
        self.dismiss(None)


def shown_layout(remembered: Remembered) -> str:
    """The name of the layout on the screen; empty where it is none that is kept."""
    choices = remembered.choices
    return choices.name or (choices.layout.arrangement if not choices.layout.grown else "")


def wear_layout(remembered: Remembered, name: str) -> None:
    """Another layout on the screen."""
    kept = remembered.choices.layouts.get(name)
    if kept is not None:
        remembered.change(layout=kept, name=name)
    elif name in ARRANGEMENTS:
        remembered.change(layout=SavedLayout(arrangement=name), name="")


def next_layout(remembered: Remembered) -> str:
    """Wear the one after that on the screen, round and round; gives its name."""
    names = [*ARRANGEMENTS, *remembered.choices.layouts]
    now = shown_layout(remembered)
    name = names[(names.index(now) + 1) % len(names)] if now in names else names[0]
    wear_layout(remembered, name)
    return name
