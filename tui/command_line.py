"""The command line: any action by its name, and some that take a name of their own. Pure: text in, what is
meant out.

What trades needs its whole name; of the rest a beginning will do that nothing else has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from msgspec import Struct

from engine.model.view import View
from tui.actions import ACTIONS, PANES
from tui.books import ordered_books
from tui.plain_text import plain
from tui.things import Thing, ThingKind

MOST = 200
"""Characters of a line that are read."""

CHOICES = {
    "contract": "Show a contract",
    "book": "Pick the book that commands mean; all for all",
    "timeframe": "Show the chart of a timeframe",
    "theme": "Wear a theme",
    "pane": "Go to a pane",
    "filter": "Show only rows of the focused pane with these words",
}
"""What takes a name, and what it does."""


class Names(Struct, frozen=True):
    """What may be named."""

    contracts: tuple[str, ...] = ()
    books: tuple[str, ...] = ()
    timeframes: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()

    @classmethod
    def of(cls, view: View, timeframes: Iterable[str], themes: Iterable[str]) -> Names:
        books = tuple(book.book for book in ordered_books(view))
        return cls(tuple(c.instrument for c in view.contracts), books, tuple(timeframes), tuple(themes))

    def after(self, word: str) -> tuple[str, ...]:
        """What may stand behind a first word."""
        if word in CHOICES:
            return {
                "contract": self.contracts,
                "book": ("all", *self.books),
                "timeframe": self.timeframes,
                "theme": self.themes,
                "pane": tuple(PANES),
            }.get(word, ())
        action = ACTIONS.get(word)
        if action is None or action.trade is None:
            return ()
        return self.contracts if action.scoped else self.books


class TypedCommand(Struct, frozen=True):
    """What a line means: an action, for a row where one is named; or a choice with its name."""

    action: str = ""
    row: Thing | None = None
    choice: str = ""
    name: str = ""


def understood(line: str, names: Names) -> TypedCommand | str:
    """What a line means; in words why it means nothing."""
    words = line[:MOST].split()
    if not words:
        return "type the name of an action, such as flatten; tab completes"
    action_id, rest = _named(words)
    if action_id in CHOICES and (rest or action_id not in ACTIONS):
        return _choice(action_id, rest, names)
    if action_id not in ACTIONS:
        return action_id  # the words why
    action = ACTIONS[action_id]
    if not rest:
        return TypedCommand(action_id)
    if action.trade is None:
        return f"{action_id} takes no name"
    contract = rest.pop(0) if action.scoped else ""
    book = rest.pop(0) if rest else ""
    for name, known, what in ((contract, names.contracts, "contract"), (book, names.books, "book")):
        if name and name not in known:
            return f"no such {what}: {plain(name)}{_meant(name, known)}"
    if rest:
        return f"too many words: {plain(' '.join(rest))}"
    kind = ThingKind.CONTRACT if contract else ThingKind.BOOK
    return TypedCommand(action_id, Thing(kind, f"typed {contract}/{book}", contract, book))


def _named(words: Sequence[str]) -> tuple[str, list[str]]:
    """The id of the action that the first words name, and the words behind it; or why there is none."""
    for count in (3, 2, 1):
        name = "-".join(words[:count]).lower()
        if count <= len(words) and (name in ACTIONS or name in CHOICES):
            return name, list(words[count:])
    first = words[0].lower()
    known = (*ACTIONS, *CHOICES)
    begin = [one for one in known if one.startswith(first)]
    if len(begin) == 1 and (begin[0] in CHOICES or ACTIONS[begin[0]].trade is None):
        return begin[0], list(words[1:])
    if len(begin) == 1:
        return f"what trades needs its whole name: {begin[0]}", []
    if begin:
        return f"{plain(first)} may be {', '.join(begin[:5])}{' …' * (len(begin) > 5)}", []
    return f"no such command: {plain(first)}{_meant(first, known)}", []


def _choice(choice: str, rest: list[str], names: Names) -> TypedCommand | str:
    known = names.after(choice)
    if choice == "filter":
        return TypedCommand(choice=choice, name=" ".join(rest))
    if len(rest) != 1:
        return f"{choice}: one of {', '.join(map(plain, known))}"
    if rest[0] not in known:
        return f"no such {choice}: {plain(rest[0])}{_meant(rest[0], known)}"
    return TypedCommand(choice=choice, name=rest[0])


def _meant(name: str, known: Iterable[str]) -> str:
    by_case = {one.casefold(): one for one in known}
    near = get_close_matches(name.casefold(), by_case, n=1, cutoff=0.5)
    return f" (did you mean {plain(by_case[near[0]])}?)" if near else ""


def completions(line: str, names: Names) -> list[str]:
    """The lines that this one may become."""
    head, _, last = line.rpartition(" ")
    words = head.split()
    if not words:
        known: Iterable[str] = (*ACTIONS, *CHOICES)
    elif len(words) == 1:
        known = names.after(words[0])
    else:
        action = ACTIONS.get(words[0])
        known = names.books if action is not None and action.scoped and len(words) == 2 else ()
    before = f"{head} " if head else ""
    return [f"{before}{one}" for one in known if one.casefold().startswith(last.casefold())]


def completed(line: str, names: Names) -> str:
    """The line as far as all that it may become agree; with a blank behind what is whole and takes a name."""
    found = completions(line, names)
    if not found:
        return line
    if len(found) == 1:
        (whole,) = found
        return f"{whole} " if " " not in whole and names.after(whole) else whole
    common = found[0]
    for other in found[1:]:
        while not other.startswith(common):
            common = common[:-1]
    return common if len(common) > len(line) else line


def hint(line: str, names: Names) -> str:
    """What stands beside the line while it is typed: what it would do, or what it may become."""
    found = completions(line, names)
    word = line.strip()
    if word in ACTIONS:
        beside = f" · {' '.join(found[1:6])}" if len(found) > 1 else ""
        return f"{ACTIONS[word].tooltip}{beside}"
    if word in CHOICES:
        return f"{CHOICES[word]}: {' '.join(map(plain, names.after(word)))}"
    if found:
        return "  ".join(plain(one.rpartition(" ")[2]) for one in found[:12])
    meant = understood(line, names)
    return meant if isinstance(meant, str) and word else ""
