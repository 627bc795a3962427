"""Whether one key of the ladder trades: only after a question, and while nothing speaks against it."""

from __future__ import annotations

from engine.model.orders import AccountKind
from tui.confirmations import Confirmation
from tui.ladder_orders import LadderTerms
from tui.plain_text import plain
from tui.screen_state import ScreenState
from tui.view_facts import kind_of

IDLE_S = 300.0
"""Without a key for so long it is disarmed."""


class LadderArms:
    """Times are seconds of the cockpit's clock."""

    def __init__(self) -> None:
        self.until: float | None = None
        """None while it is not armed."""
        self._for = ("", "")
        """Contract and book."""

    def take_up(self, state: ScreenState, now: float) -> None:
        self.until = now + IDLE_S
        self._for = state.instrument, state.book

    def lay_down(self) -> None:
        self.until = None

    def stir(self, now: float) -> None:
        """A key was pressed."""
        if self.until is not None:
            self.until = now + IDLE_S

    def against(self, state: ScreenState, now: float) -> str:
        """Why it is armed no longer, in words; empty while it may be, or is not."""
        if self.until is None:
            return ""
        if why := unarmable(state):
            return why
        if (state.instrument, state.book) != self._for:
            return "another contract or book is shown"
        return "five minutes without a key" if now >= self.until else ""


def unarmable(state: ScreenState) -> str:
    """Why it can't be armed; empty where it can."""
    view = state.view
    if state.readonly:
        return "this cockpit is read-only"
    if view.health.stopped:
        return f"the engine is down: {plain(view.health.detail) or 'no reason given'}"
    if state.contract is None:
        return "no contract is known yet"
    if not view.books:
        return "no account is connected yet"
    if len(view.books) > 1 and not state.book:
        return "there are several books: w picks one"
    return ""


def arming(state: ScreenState, terms: LadderTerms) -> Confirmation:
    """The question before it."""
    name = "" if state.contract is None else plain(state.contract.name)
    book = state.book or (state.view.books[0].book if state.view.books else "")
    lines = (
        f"b and s place a limit at the cursor, B and S trade {name} at market, x cancels, m moves: each at "
        "once, by one key",
        f"every entry has a stop of {terms.stop_ticks} ticks",
        "it is disarmed by a or esc, on leaving, with another contract, and after five idle minutes",
    )
    real = kind_of(state.view, book or None) is AccountKind.LIVE
    return Confirmation(f"Arm the ladder of {name}", lines, "arm", real)
