"""The key line: what works here, what does not and looks so, and how the last command stands."""

from __future__ import annotations

from engine.model.view import View
from tui.actions import ACTIONS, blocked, label_of
from tui.confirmations import resumes_all
from tui.keymap import Keys
from tui.layout import Shape
from tui.rows.messages import unacknowledged
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, cell, fit, width_of
from tui.things import AIMED, ThingKind

_SWAPS = (Shape.SMALL,)


def hint_ids(shape: Shape, view: View, row: ThingKind | None = None) -> list[str]:
    """Actions of the key line in their order: first those of the row under the cursor, if there is one.
    Several books, and a replay, have some of their own."""
    usual = sorted((a for a in ACTIONS.values() if a.hint and a.meant(view)), key=lambda a: a.hint)
    own = [a for a in ACTIONS.values() if row in a.rows]
    own.sort(key=lambda a: (a.id != "row", a.trade is None, a.hint or 50))
    shown = dict.fromkeys(a.id for a in (*own, *usual))
    return [one for one in shown if one != "swap" or shape in _SWAPS]


def key_row(
    state: ScreenState, keys: Keys, shape: Shape, width: int
) -> tuple[Row, list[tuple[int, int, str]]]:
    """The row in `width` cells, and where each action stands: first cell, cell after the last, id."""
    note: Row = EMPTY
    if state.command_note:
        style = "error bold" if state.command_failed else "accent bold"
        note = fit(
            cell(f" {state.command_note} ", style), min(width * 45 // 100, len(state.command_note) + 2)
        )
    room = width - width_of(note)
    spans: list[tuple[str, str]] = []
    places: list[tuple[int, int, str]] = []
    x = 1
    thing = state.selected
    last = ["acknowledge"] * bool(unacknowledged(state)) + ["help", "quit"]
    several, kind = len(state.view.books) > 1, None if thing is None else thing.kind
    for action_id in hint_ids(shape, state.view, kind):
        action = ACTIONS[action_id]
        instrument, book = state.aim if action.scoped else (state.instrument, state.book or None)
        off = bool(blocked(action, state.view, instrument, state.readonly, book))
        said = thing is not None and several and kind in AIMED and action_id == "flatten"
        own = thing.book if thing is not None and said else ""  # once is enough
        label = label_of(action, instrument, own)
        if action_id == "pause" and resumes_all(state.view, state.book or None):
            label = "resume"
        key = keys.shown(action_id)
        reserve = sum(len(keys.shown(h)) + len(ACTIONS[h].label) + 3 for h in last)
        size, gap = len(key) + 1 + len(label), 2 if x > 1 else 0
        if x + gap + size + (0 if action_id in last else reserve) > room:
            continue
        spans += [(" " * gap or " ", "text"), (key, "faint" if off else "accent bold")]
        spans += [(f" {label}", "faint" if off else "dim")]
        start = x + gap
        places.append((start, start + size, action_id))
        last = [h for h in last if h != action_id]
        x = start + size
    return (*fit(tuple(spans), room), *note), places
