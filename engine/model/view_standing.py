"""What can happen now, and what stands against it, as data: whoever shows it makes the words.

It is said of all contracts and of the books whose money is of the View's mode, and once more of each book.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from engine.model.events import LinkState
from engine.model.refusals import Refusal
from engine.model.restrictions import RestrictionEnd


class StandingWord(StrEnum):
    """From what people must see first to what is well."""

    FLATTENING = "FLATTENING"
    HALTED = "HALTED"
    LOCKED = "LOCKED"
    BLOCKED = "BLOCKED"
    """By the venue."""
    OFF = "OFF"
    """By the settings."""
    PAUSED = "PAUSED"
    NO_ENTRIES = "NO ENTRIES"
    """Nobody has forbidden them, and none could pass now."""
    REDUCING = "REDUCING"
    """A part of what is held is being closed, and no more than that."""
    ACTIVE = "ACTIVE"
    """An entry could pass now, in one contract and book at least."""


class CauseKind(StrEnum):
    RESTRICTION = "restriction"
    """Set on the record by a person or a guard, or meant by the settings or the venue."""
    ENGINE = "engine"
    """The engine is in trouble."""
    PRICE = "price"
    """There is none, or it is old."""
    LINK = "link"
    """A connection that trading needs does not work."""
    GATE = "gate"
    """What else the gate would say to any idea."""


class CauseView(Struct, frozen=True):
    """One thing that stands against entries."""

    kind: CauseKind
    word: StandingWord = StandingWord.NO_ENTRIES
    """What it alone would make of entries where it holds."""
    book: str = ""
    """In which book; empty for all that are meant."""
    instruments: tuple[str, ...] = ()
    """In which contracts; empty for all."""
    code: Refusal | None = None
    """What entries are refused for."""
    reason: str = ""
    """Of a restriction, the engine's trouble and the gate: as a sentence; may hold words from outside."""
    by: str = ""
    """Where a person gave the command that set it: "keyboard", "cli"."""
    end: RestrictionEnd = RestrictionEnd.CAUSE
    until: int | None = None
    """When it ends, nanoseconds UTC; None where no time ends it."""
    age_ns: int | None = None
    """Of a price: how old the newest of these contracts is; None where there was none yet."""
    venue: str = ""
    """Of a connection: to which venue, where there are several."""
    link: str = ""
    blind: tuple[str, ...] = ()
    """Of a connection of one venue of several: the books and contracts that nothing is heard of by it."""
    state: LinkState | None = None
    tries: int = 0
    """Of a connection: how often it has been tried again; 0 before the first try, and where nobody counts."""


class StandingView(Struct, frozen=True):
    """What can happen now, in one word, and why."""

    word: StandingWord = StandingWord.ACTIVE
    causes: tuple[CauseView, ...] = ()
    """What stands against entries, the worst first: where `word` is not ACTIVE the first is its reason."""
    books: int = 1
    """Of how many books it is said."""
    held: int = 0
    """In how many of them `word` holds, where it is no word of all."""
    stops_stay: bool = False
    """Nothing is heard of the market or the venue, and everything that is held has its stop there."""
    reconnecting: bool = False
    """A connection that trading needs is being tried again."""
    tries: int = 0
    """How often, the most of them."""
    rooms: tuple[str, ...] = ()
    """Alert rooms of which nothing more is traded today."""
    bots: tuple[str, ...] = ()
    """Bots that are asked no more: stopped, or out."""
