"""What can be done with a row, and why the rest can't: the entries of the menu that enter opens."""

from __future__ import annotations

from msgspec import Struct

from engine.model.troubles import trouble_of
from tui.actions import ACTIONS, TRADING, Action, Danger, blocked, label_of
from tui.keymap import Keys
from tui.plain_text import plain
from tui.screen_state import ScreenState
from tui.things import Thing, ThingKind, of_notice

_NOT_HERE = frozenset({"row", "filter"})
"""What is about the pane, not the row."""


class MenuEntry(Struct, frozen=True):
    """One line of the menu. With a `reason` it can't be done, and that is why."""

    action: str
    key: str
    label: str
    about: str
    reason: str = ""


def scope_of(state: ScreenState, thing: Thing) -> tuple[str, str | None]:
    """The contract and the book (None: all) that an action means which was chosen for a row."""
    several = len(state.view.books) > 1
    return thing.instrument or state.instrument, thing.book if thing.book and several else state.book or None


def heading(state: ScreenState, thing: Thing) -> str:
    """What the menu is about: "position MNQ in eval-1"."""
    where = f" in {plain(thing.book)}" if thing.book and len(state.view.books) > 1 else ""
    name = plain(thing.book if thing.kind is ThingKind.BOOK else thing.instrument)
    if thing.kind is ThingKind.BOOK:
        where = ""
    return f"{thing.kind.value} {name}{where}".strip()


def entries(state: ScreenState, thing: Thing, keys: Keys) -> list[MenuEntry]:
    """What can be done first, in an order that begins with what only looks; then what can't."""
    instrument, book = scope_of(state, thing)
    known = [a for a in ACTIONS.values() if thing.kind in a.rows and a.id not in _NOT_HERE]
    found = [_entry(state, action, thing, instrument, book, keys) for action in known]
    looks = {one.id for one in known if one.danger is Danger.NONE and one.group != TRADING}
    return sorted(
        found, key=lambda one: (bool(one.reason), one.action not in looks, one.action != "show-row")
    )


def explained(state: ScreenState, thing: Thing) -> tuple[str, ...]:
    """Of an alarm what it means, what tstream does about it, and what a person can do."""
    notice = next((n for n in reversed(state.notices) if of_notice(n).key == thing.key), None)
    trouble = None if notice is None else trouble_of(notice.alarm)
    if trouble is None:
        return ()
    return f"means    {trouble.means}", f"tstream  {trouble.does}", f"you      {trouble.you}"


def _entry(
    state: ScreenState, action: Action, thing: Thing, instrument: str, book: str | None, keys: Keys
) -> MenuEntry:
    reason = blocked(action, state.view, instrument, state.readonly, book)
    if not reason and not thing.instrument and thing.kind is not ThingKind.BOOK and action.id in _OF_CONTRACT:
        reason = "it is about no contract"
    own = book or "" if thing.kind is not ThingKind.BOOK else thing.book
    label = label_of(action, instrument, own if len(state.view.books) > 1 else "")
    return MenuEntry(action.id, keys.shown(action.id), label, action.tooltip, reason)


_OF_CONTRACT = frozenset({"show-row", "detail", "why"})
