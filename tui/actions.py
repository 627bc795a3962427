"""The one registry of what a person can do: keys, key line, help, palette and confirmations come from it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from enum import Enum

from msgspec import Struct

from engine.model.orders import AccountKind
from engine.model.view import TradingState, View
from tui.plain_text import plain
from tui.screen_state import contract_of, standing


class Danger(Enum):
    """What an action can do to money."""

    NONE = "looks only"
    GUARDED = "trades; asks first on a live account"
    CONFIRMED = "trades; always asks first"


class Action(Struct, frozen=True):
    """One thing that can be done. `label` may hold {contract}; `method` is a do_ method and its arguments."""

    id: str
    keys: str
    label: str
    tooltip: str
    method: str
    group: str
    danger: Danger = Danger.NONE
    hint: int = 0
    """Place in the key line, 1 first; 0 is not shown there."""
    scoped: bool = False
    """Acts on the shown contract."""


_TRADE, _LOOK, _PANES, _COCKPIT = "Trading", "Market", "Panes", "Cockpit"
CONFIRMED, GUARDED = Danger.CONFIRMED, Danger.GUARDED

PANES: dict[str, str] = {
    "chart": "1",
    "positions": "2",
    "orders": "3",
    "alignment": "4",
    "pnl": "5",
    "alerts": "6",
    "log": "7",
    "quotes": "8",
    "system": "9",
    "trades": "0",
}
"""Panes and their numbers."""

_TITLES = {"pnl": "P&L"}

ACTIONS: dict[str, Action] = {
    a.id: a
    for a in (
        Action("flatten", "f", "flatten {contract}", "Close the position, cancel all orders of this contract",
               "trade", _TRADE, CONFIRMED, 1, True),
        Action("flatten-all", "F", "flatten all", "Close every position and cancel every order",
               "trade", _TRADE, CONFIRMED, 2),
        Action("pause", "p", "pause", "No new entries anywhere, or allow them again",
               "trade", _TRADE, GUARDED, 3),
        Action("pause-contract", "P", "pause {contract}", "No new entries in this contract, or allow them",
               "trade", _TRADE, GUARDED, 0, True),
        Action("halt", "exclamation_mark", "halt", "No entries until this key lifts it; nothing else does",
               "trade", _TRADE, CONFIRMED),
        Action("cancel-entries", "x", "cancel entries", "Cancel resting entries here; stops stay",
               "trade", _TRADE, CONFIRMED, 7, True),
        Action("cancel-all-entries", "X", "cancel all entries", "Cancel resting entries anywhere; stops stay",
               "trade", _TRADE, CONFIRMED),
        Action("break-even", "b", "break-even", "Move the stop to where the trade loses nothing",
               "trade", _TRADE, CONFIRMED, 6, True),
        Action("next-contract", "n", "contract", "Show the next contract", "contract(1)", _LOOK, hint=4),
        Action("previous-contract", "N", "previous contract", "Show the previous contract",
               "contract(-1)", _LOOK),
        Action("pick-contract", "c", "pick contract", "Choose from a list", "pick", _LOOK, hint=12),
        Action("next-timeframe", "t", "timeframe", "Chart of the next longer timeframe",
               "timeframe(1)", _LOOK, hint=5),
        Action("previous-timeframe", "T", "previous timeframe", "Chart of the next shorter timeframe",
               "timeframe(-1)", _LOOK),
        Action("detail", "d", "detail", "Everything about this contract", "detail", _LOOK, hint=13),
        *(
            Action(f"focus-{name}", key, _TITLES.get(name, name), "Go to this pane",
                   f"focus_pane('{name}')", _PANES)
            for name, key in PANES.items()
        ),
        Action("zoom", "z", "zoom", "The whole screen for one pane, and back", "zoom", _PANES, hint=9),
        Action("swap", "a", "swap chart/alignment", "On small screens, one or the other", "swap", _PANES,
               hint=8),
        Action("full-log", "l", "log", "The whole log on a page of its own", "full_log", _PANES, hint=11),
        Action("filter", "slash", "filter log", "Show only log lines with some words", "filter", _PANES),
        Action("log-level", "v", "log level", "Least level of the log lines shown", "level", _PANES),
        Action("acknowledge", "k", "acknowledge", "Mark all alerts as seen", "acknowledge", _PANES, hint=10),
        Action("help", "question_mark", "help", "All keys and what they do", "help", _COCKPIT, hint=14),
        Action("theme", "ctrl+t", "next theme", "Other colours", "theme", _COCKPIT),
        Action("readonly", "r", "read-only", "Switch the keys that trade off or on", "readonly", _COCKPIT),
        Action("quit", "q", "quit", "Leave the cockpit", "leave", _COCKPIT, hint=15),
    )
}  # fmt: skip
"""All actions by id, in the order of help and palette."""

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
    " ": "space",
}
_SHOWN = {name: char for char, name in _NAMES.items() if char != " "}


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
        for key in keys.split(","):
            if key in RESERVED:
                return key, action_id, RESERVED[key]
            if key in owners and owners[key] != action_id:
                return key, action_id, owners[key]
            owners[key] = action_id
    return None


def label_of(action: Action, instrument: str) -> str:
    """The action's name for the shown contract."""
    return action.label.format(contract=plain(instrument) or "contract")


def blocked(action: Action, view: View, instrument: str, readonly: bool) -> str:
    """Why the action can't be done now; empty when it can."""
    if action.danger is Danger.NONE:
        return ""
    if readonly:
        return "this cockpit is read-only"
    if view.health.stopped:
        return f"the engine is down: {plain(view.health.detail) or 'no reason given'}"
    if action.scoped and contract_of(view, instrument) is None:
        return "no contract is known yet"
    if action.id == "break-even" and not any(p.instrument == instrument for p in view.positions):
        return f"no open position in {plain(instrument)}"
    if action.id == "pause":
        return _locked(view)
    return ""


def _locked(view: View) -> str:
    """Why a pause could neither be set nor lifted: something stricter holds until it ends."""
    at = standing(view, "")
    if at.state is TradingState.LOCKED:
        return f"locked: {plain(at.reason) or 'no reason given'}; only time ends it"
    if at.state is TradingState.HALTED:
        return f"halted: {plain(at.reason) or 'no reason given'}; the halt key lifts it"
    return ""


def asks_first(action: Action, view: View) -> bool:
    """Whether the action takes two steps."""
    return action.danger is Danger.CONFIRMED or (
        action.danger is Danger.GUARDED and view.mode is AccountKind.LIVE
    )
