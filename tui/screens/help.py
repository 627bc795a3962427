"""All keys and what they do, from the action registry, with what is wrong in the keymap."""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tui.actions import ACTIONS, RESERVED, Action, Danger, Keys, blocked, key_text, label_of
from tui.plain_text import plain
from tui.screen_state import Scene
from tui.spans import EMPTY, Row, cell, fit, wrap
from tui.styles import Palette
from tui.widgets.grid import Content, LiveGrid


def help_rows(scene: Scene, keys: Keys, width: int) -> list[Row]:
    """The list of keys by group; reasons where an action can't be done now."""
    rows: list[Row] = []
    for problem in keys.problems:
        rows += [cell(f"! {line}", "warn") for line in wrap(plain(problem), width - 2)]
    if rows:
        rows.append(EMPTY)
    for group, actions in groupby(ACTIONS.values(), key=lambda a: a.group):
        rows.append(cell(group, "accent bold"))
        rows += [fit(_help_row(scene, keys, action, width), width) for action in actions]
        rows.append(EMPTY)
    rows.append(cell("Always", "accent bold"))
    rows += [((f"  {key_text(key):<6}", "text bold"), (words, "dim")) for key, words in RESERVED.items()]
    rows.append(
        (("  ← → + −", "text bold"), ("  with the chart focused: look back, wider or slimmer candles", "dim"))
    )
    rows.append((("  ↑ ↓ pgup pgdn", "text bold"), ("  scroll the focused pane", "dim")))
    return rows


def _help_row(scene: Scene, keys: Keys, action: Action, width: int) -> Row:
    reason = blocked(action, scene.view, scene.instrument, scene.readonly)
    style = "faint" if reason else "text"
    key: Row = (
        (f"  {keys.shown(action.id):<6}", f"{style} bold"),
        (f"{label_of(action, scene.instrument):<22}", style),
    )
    about = f"not now: {reason}" if reason else action.tooltip
    step = ", asks first" if action.danger is Danger.CONFIRMED and not reason else ""
    row: Row = (*key, (f"{about}{step}", "warn" if reason else "dim"))
    ident = f"  {action.id}"
    return (*fit(row, width - len(ident)), (ident, "faint")) if width >= 96 else row


class HelpScreen(ModalScreen[None]):
    """Escape, q or ? goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "leave", show=False)]

    def __init__(self, scene: Scene, keys: Keys, palette: Palette) -> None:
        super().__init__()
        self._scene, self._keys = scene, keys
        self._grid = LiveGrid(palette)

    def compose(self) -> ComposeResult:
        yield self._grid

    def on_mount(self) -> None:
        self._grid.focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        rows = help_rows(self._scene, self._keys, self._grid.inner[0])
        self._grid.set_content(
            Content(rows, title=cell("Keys", "text bold"), foot=cell("↑ ↓ scroll · esc back", "dim"))
        )

    def action_leave(self) -> None:
        self.dismiss(None)
