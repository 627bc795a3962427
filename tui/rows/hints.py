"""The key line: what works here, what does not and looks so, and how the last command stands."""

from __future__ import annotations

from tui.actions import ACTIONS, Keys, blocked, label_of
from tui.confirmations import resumes
from tui.layout import Shape
from tui.screen_state import Scene
from tui.spans import EMPTY, Row, cell, fit, width_of

_SWAPS = (Shape.SMALL,)


def hint_ids(shape: Shape) -> list[str]:
    """Actions of the key line in their order."""
    shown = sorted((a for a in ACTIONS.values() if a.hint), key=lambda a: a.hint)
    return [a.id for a in shown if a.id != "swap" or shape in _SWAPS]


def key_line(scene: Scene, keys: Keys, shape: Shape, width: int) -> tuple[Row, list[tuple[int, int, str]]]:
    """The row in `width` cells, and where each action stands: first cell, cell after the last, id."""
    asked: Row = EMPTY
    if scene.asked:
        style = "error bold" if scene.asked_badly else "accent bold"
        asked = fit(cell(f" {scene.asked} ", style), min(width * 45 // 100, len(scene.asked) + 2))
    room = width - width_of(asked)
    spans: list[tuple[str, str]] = []
    places: list[tuple[int, int, str]] = []
    x = 1
    last = [hint for hint in ("help", "quit") if hint in hint_ids(shape)]
    reserve = sum(len(keys.shown(h)) + len(ACTIONS[h].label) + 3 for h in last)
    for action_id in hint_ids(shape):
        action = ACTIONS[action_id]
        off = bool(blocked(action, scene.view, scene.instrument, scene.readonly))
        label = label_of(action, scene.instrument)
        if action_id == "pause" and resumes("pause", scene.view, scene.instrument):
            label = "resume"
        key = keys.shown(action_id)
        size, gap = len(key) + 1 + len(label), 2 if x > 1 else 0
        if x + gap + size + (0 if action_id in last else reserve) > room:
            continue
        spans += [(" " * gap or " ", "text"), (key, "faint" if off else "accent bold")]
        spans += [(f" {label}", "faint" if off else "dim")]
        start = x + gap
        places.append((start, start + size, action_id))
        x = start + size
    return (*fit(tuple(spans), room), *asked), places
