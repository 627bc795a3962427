"""What is asked of a calendar, whichever market's it is (docs/semantics.md#sessions-and-trade-dates)."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from engine.model.view import SessionPhase


class Calendar(Protocol):
    """Trade dates, sessions and deadlines of one kind of market. All times are nanoseconds UTC.

    Every instant has exactly one trade date, and one date begins where the one before it ends, whether or not
    the market opens for it.
    """

    @property
    def name(self) -> str:
        """As settings and records call it: "cme"."""
        ...

    @property
    def zone(self) -> str:
        """The time zone of its clock: "America/Chicago"."""
        ...

    @property
    def clock_name(self) -> str:
        """How people call that clock: "Chicago time"."""
        ...

    @property
    def clock_mark(self) -> str:
        """What stands behind its times where there is little room: "CT"."""
        ...

    @property
    def regular_opens(self) -> str:
        """HH:MM on its wall: when the regular hours begin; empty where there are none."""
        ...

    @property
    def known_until(self) -> date | None:
        """The last trade date whose holidays are known; None where there are none to know."""
        ...

    def trade_date(self, ts: int) -> date: ...

    def day_bounds(self, day: date) -> tuple[int, int]:
        """[start, end) of a trade date: from roll to roll."""
        ...

    def session_bounds(self, day: date) -> tuple[int, int]:
        """[open, close) of a trade date as on a regular day: holidays and early closes count in
        `session_close` alone.
        """
        ...

    def session_close(self, day: date) -> int:
        """When trading of a trade date really ends; its open where the market does not open at all."""
        ...

    def flat_by(self, day: date) -> int | None:
        """When positions must be flat; None where nothing ever has to be."""
        ...

    def known(self, day: date) -> bool:
        """Whether holidays of that date's year are known. If not, a regular week is assumed."""
        ...

    def phase(self, ts: int) -> SessionPhase: ...

    def is_open(self, ts: int) -> bool: ...

    def next_phase_change(self, ts: int) -> int:
        """The next instant, strictly after `ts`, at which the phase may differ."""
        ...

    def next_roll(self, ts: int) -> int:
        """The next instant, strictly after `ts`, at which the trade date changes."""
        ...

    def next_opening(self, ts: int) -> int | None:
        """When a session begins next, strictly after `ts`; None where none does for weeks, as in a market
        that never closes.
        """
        ...

    def trading_began(self, ts: int) -> int:
        """When trading of the trade date of `ts` opens, which may be later than `ts`."""
        ...

    def clock(self, ts: int) -> str:
        """HH:MM:SS on its wall."""
        ...

    def hhmm(self, ts: int) -> str:
        """HH:MM on its wall."""
        ...
