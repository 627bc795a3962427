"""What is odd about the time."""

from __future__ import annotations

from enum import StrEnum


class ClockFault(StrEnum):
    """What is odd about the time (engine.books.clocks)."""

    SET = "set"
    """The machine's clock was set, by so much; negative is back."""
    JOURNAL_AHEAD = "journal_ahead"
    """The journal's last record was written so much later than it is now."""
    STOOD_STILL = "stood_still"
    """The machine slept, or this program was stopped, for so long."""
    CONFIRMED = "confirmed"
    """The venue's own times agree with a machine's clock that was doubted."""
    LATER_DAY = "later_day"
    """By the machine's clock a run begins on a later trade date than the last one ended on, so much later."""
    VENUE = "venue"
    """The venue's clock, or what it sends, differs by so much; negative is behind, 0 is the end of it."""
