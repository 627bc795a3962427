"""What holds entries back, and where: trading states, what ends a restriction, how people are told."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from engine.model.refusals import Refusal


class TradingState(StrEnum):
    """A lattice: the strictest of (everything, book, instrument) wins."""

    ACTIVE = "active"
    REDUCING = "reducing"
    """Only orders that shrink a position. The user's pause is this."""
    LOCKED = "locked"
    """REDUCING until a time, by a risk limit."""
    HALTED = "halted"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    def said(self, reason: str, guard: str = "") -> str:
        """As people say it, with the reason: a state that a person set and resumes is "paused"."""
        word = self.value
        if self is TradingState.REDUCING:
            word = "no entries" if guard else "paused"
        return reason if reason.startswith(word) else f"{word}, {reason}"


_RANKS = {state: rank for rank, state in enumerate(TradingState)}


class RestrictionEnd(StrEnum):
    """What ends a restriction."""

    TIME = "time"
    RESUME = "resume"
    """A person, by a resume."""
    LIFT = "lift"
    """A person, who lifts the halt on purpose; a plain resume does not."""
    SETTINGS = "settings"
    """Other settings."""
    CAUSE = "cause"
    """Nothing but the end of what set it."""


class RestrictionView(Struct, frozen=True):
    """What holds entries back, where, why and until when."""

    state: TradingState
    reason: str
    """As a sentence; may hold words from outside."""
    end: RestrictionEnd
    until: int | None = None
    """When it ends, nanoseconds UTC; None where no time ends it."""
    guard: str = ""
    """Which guard set it, and ends it; empty where none did."""
    by: str = ""
    """Where a person gave the command that set it: "keyboard", "cli"; empty where no person did."""
    book: str = ""
    """Which book it holds back; empty for all."""
    instrument: str = ""
    """In which contract; empty for all."""
    code: Refusal | None = None
    """What it refuses entries for: by this, words aside, they are told apart."""

    @property
    def word(self) -> str:
        """What it is, in a word: LOCKED, HALTED, OFF (by the settings), PAUSED (a person resumes it), BLOCKED
        (by the venue), NO ENTRIES.
        """
        if self.state in (TradingState.LOCKED, TradingState.HALTED):
            return self.state.value.upper()
        if self.end is RestrictionEnd.SETTINGS:
            return "OFF"
        if self.end is RestrictionEnd.RESUME:
            return "PAUSED"
        of_venue = not self.guard and self.code in (None, Refusal.ACCOUNT_BLOCKED)
        return "BLOCKED" if of_venue else "NO ENTRIES"

    @property
    def why(self) -> str:
        """The reason as it reads behind the word: of a halt or a pause by a person only whose it is."""
        by_person = self.end in (RestrictionEnd.RESUME, RestrictionEnd.LIFT)
        return f"by {self.by}" if self.by and by_person else self.reason
