"""Which key does what: the registry's own keys, changed by the person's keymap as far as that can be done."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from msgspec import Struct

from tui.actions import ACTIONS
from tui.plain_text import plain

RESERVED = {
    "ctrl+q": "quit",
    "ctrl+c": "quit (twice)",
    "ctrl+p": "palette",
    "escape": "back",
    "tab": "next pane",
}
"""Keys that can't be given away, and what they do."""

_NAMES = {
    "/": "slash",
    "?": "question_mark",
    "!": "exclamation_mark",
    ".": "full_stop",
    ",": "comma",
    "-": "minus",
    "+": "plus",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "@": "at",
    "=": "equals_sign",
    "_": "underscore",
    "|": "vertical_line",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    " ": "space",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "{": "left_curly_bracket",
    "}": "right_curly_bracket",
}
_SHOWN = {name: char for char, name in _NAMES.items() if char != " "} | {"enter": "⏎", "colon": ":"}


def key_text(key: str) -> str:
    """A key as people write it: "question_mark" is "?", "ctrl+t" is "^t"."""
    key = key.split(",")[0].strip()
    return _SHOWN.get(key, key).replace("ctrl+", "^")


class Keys(Struct, frozen=True):
    """Which keys each action has, and what was wrong with the keymap that was asked for."""

    keys: dict[str, str]
    problems: list[str] = []

    def shown(self, action_id: str) -> str:
        """The first key of an action as people write it."""
        return key_text(self.keys[action_id])

    @property
    def taken(self) -> set[str]:
        """All keys that have been given away."""
        return {key for keys in self.keys.values() if keys for key in keys.split(",")}

    @property
    def overrides(self) -> dict[str, str]:
        """Where the keys differ from the defaults."""
        return {id_: keys for id_, keys in self.keys.items() if keys != ACTIONS[id_].keys}


def _normal(keys: str) -> str:
    parts = [_NAMES.get(part.strip(), part.strip()) for part in keys.split(",")] if keys != "," else ["comma"]
    return ",".join(part for part in parts if part)


def resolve_keys(keymap: Mapping[str, str] | None) -> Keys:
    """The keys of all actions. What can't be done is left at its default and reported, never silent."""
    wanted = {action.id: action.keys for action in ACTIONS.values()}
    problems: list[str] = []
    for action_id, keys in (keymap or {}).items():
        if action_id not in ACTIONS:
            near = get_close_matches(action_id, ACTIONS, n=1)
            problems.append(
                f"keys.{plain(action_id)}: no such action" + (f" (did you mean {near[0]}?)" if near else "")
            )
        elif not _normal(keys):
            problems.append(f"keys.{action_id}: needs a key, {ACTIONS[action_id].keys!r} stays")
        else:
            wanted[action_id] = _normal(keys)
    while (clash := _clash(wanted)) is not None:
        key, loser, winner = clash
        problems.append(
            f"keys.{loser}: {key_text(key)} already means {winner}; {key_text(ACTIONS[loser].keys)} stays"
        )
        wanted[loser] = ACTIONS[loser].keys
    return Keys(wanted, problems)


def _clash(wanted: Mapping[str, str]) -> tuple[str, str, str] | None:
    """A key with two meanings, the changed action that gives way, and what keeps the key."""
    owners: dict[str, str] = {}
    for action_id, keys in sorted(wanted.items(), key=lambda item: item[1] != ACTIONS[item[0]].keys):
        for key in keys.split(",") if keys else ():
            if key in RESERVED:
                return key, action_id, RESERVED[key]
            if key in owners and owners[key] != action_id:
                return key, action_id, owners[key]
            owners[key] = action_id
    return None
