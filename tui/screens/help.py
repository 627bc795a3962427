"""All keys and what they do, from the action registry, with what is wrong in the keymap."""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tui.actions import ACTIONS, Action, Danger, blocked, label_of
from tui.keymap import RESERVED, Keys, key_text
from tui.plain_text import plain
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, Span, cell, fit, width_of, wrap
from tui.widgets.grid import Content, LiveGrid


def help_rows(state: ScreenState, keys: Keys, width: int) -> list[Row]:
    """The list of keys by group; reasons where an action can't be done now."""
    rows: list[Row] = []
    for problem in keys.problems:
        rows += [cell(f"! {line}", "warn") for line in wrap(plain(problem), width - 2)]
    if rows:
        rows.append(EMPTY)
    known = [a for a in ACTIONS.values() if a.meant(state.view)]
    for group, actions in groupby(known, key=lambda a: a.group):
        rows.append(cell(group, "accent bold"))
        for action in actions:
            rows += _help_row(state, keys, action, width)
        rows.append(EMPTY)
    rows.append(cell("Always", "accent bold"))
    always = [(key_text(key), words) for key, words in RESERVED.items()]
    always.append(("← → ( )", "with the chart focused: look back, slimmer or wider candles"))
    always.append(("↑ ↓ j k g G", "and pgup pgdn: move the cursor of the focused pane, or scroll it"))
    return rows + [row for key, words in always for row in _told((_key(key, "text"),), words, "dim", width)]


def _key(key: str, style: str) -> Span:
    """A key with a gap behind it, however long it is."""
    return (f"  {key:<6} ", f"{style} bold")


def _help_row(state: ScreenState, keys: Keys, action: Action, width: int) -> list[Row]:
    """A line, and more of them where its words take them."""
    reason = blocked(action, state.view, state.instrument, state.readonly, state.book or None)
    style = "faint" if reason else "text"
    key: Row = (
        _key(keys.shown(action.id), style),
        (f"{label_of(action, state.instrument):<22}", style),
    )
    about = f"not now: {reason}" if reason else action.tooltip
    step = ", asks first" if action.danger is Danger.CONFIRMED and not reason else ""
    ident = f"  {action.id}" if width >= 96 else ""
    first, *more = _told(key, f"{about}{step}", "warn" if reason else "dim", width - len(ident))
    return [(*fit(first, width - len(ident)), (ident, "faint")), *more]


def _told(key: Row, words: str, style: str, width: int) -> list[Row]:
    """Words behind a key, in as many lines as they take."""
    first, *more = wrap(words, width - width_of(key))
    indent = " " * width_of(key)
    return [(*key, (first, style)), *(((indent, "dim"), (line, style)) for line in more)]


class HelpScreen(ModalScreen[None]):
    """Escape, q or ? goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "leave", show=False)]

    def __init__(self, state: ScreenState, keys: Keys) -> None:
        super().__init__()
        self._state, self._keys = state, keys
        self._grid = LiveGrid()

    def compose(self) -> ComposeResult:
        yield self._grid

    def on_mount(self) -> None:
        self._grid.focus()

    def on_live_grid_sized(self) -> None:
        rows = help_rows(self._state, self._keys, self._grid.inner[0])
        self._grid.set_content(
            Content(rows, title=cell("Keys", "text bold"), foot=cell("↑ ↓ scroll · esc back", "dim"))
        )

    def action_leave(self) -> None:
        self.dismiss(None)
