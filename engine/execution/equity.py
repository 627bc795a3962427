"""The day's total P&L of one book, at every event that changes it (docs/semantics.md#equity-of-the-day).

What is open counts at what it could be closed for. The journal gets a point a minute, and new extremes a
little oftener: a restart goes on from there.
"""

from __future__ import annotations

from decimal import Decimal

from engine.execution.context import BookContext
from engine.execution.inquiry import NEVER
from engine.model import records as r
from engine.model.market import MINUTE, NANOS
from engine.portfolio.money import day_usd
from engine.state.state import NO_DAY

PAUSE_NS = 10 * NANOS
"""Between two records of new extremes; a crash forgets at most so much."""


class EquityWatch:
    """All in USD; the total of a day begins at 0."""

    def __init__(self, context: BookContext) -> None:
        self.high_usd = self.low_usd = Decimal(0)
        self.drawdown_usd = Decimal(0)
        """Deepest fall of the day's total from its high."""
        self.run_drawdown_usd = Decimal(0)
        """The same over all days that this run has seen."""
        self._book = context
        self._day = (NO_DAY, 0)
        """Trade date, and how often it was counted again."""
        self._days_before = Decimal(0)
        self._peak: Decimal | None = None
        """Of all days together, since this run began."""
        self._total = Decimal(0)
        self._looked = (-1, -1)
        """Commits and marks as of which it was looked."""
        self._held = False
        self._noted_ts = 0

    def look(self) -> None:
        """Take in what marks and records have changed; cheap when nothing is held and nothing happened."""
        state, marks, turn = self._book.state, self._book.marks, self._book.turn
        committed = turn.committed != self._looked[0]
        if not committed and (not self._held or marks.version == self._looked[1]):
            return
        self._looked = turn.committed, marks.version
        if committed:
            self._held = any(position.qty for position in state.positions.values())
            if (turn.state.day_of(state), state.day.recounts) != self._day:
                self._begin()
        if self._held and any(p.qty and marks.mark(p) is None for p in state.positions.values()):
            return  # nobody knows yet what it could be closed for: as after a restart
        self._total = total = day_usd(state, turn.state, marks)
        self.high_usd = max(self.high_usd, total)
        self.low_usd = min(self.low_usd, total)
        self.drawdown_usd = max(self.drawdown_usd, self.high_usd - total)
        sum_usd = self._days_before + total
        self._peak = sum_usd if self._peak is None else max(self._peak, sum_usd)
        self.run_drawdown_usd = max(self.run_drawdown_usd, self._peak - sum_usd)

    def _begin(self) -> None:
        known = self._book.state
        day, self._day = known.day, (self._book.turn.state.day_of(known), known.day.recounts)
        self._days_before = sum((ended.net_usd for ended in known.days), Decimal(0))
        self.high_usd, self.low_usd, self.drawdown_usd = day.high_usd, day.low_usd, day.max_drawdown_usd

    def write_down(self) -> None:
        """Called at every pulse."""
        self.look()
        if self._due() <= self._book.now:
            self._noted_ts = self._book.now
            self._book.turn.commit(
                r.EquityNoted(
                    ts=self._book.now,
                    book=self._book.book,
                    total_usd=self._total,
                    high_usd=self.high_usd,
                    low_usd=self.low_usd,
                    drawdown_usd=self.drawdown_usd,
                )
            )

    def next_due(self) -> int:
        """When something is to be written down next, nanoseconds UTC."""
        return self._due() if self._held else NEVER

    def _due(self) -> int:
        day = self._book.state.day
        noted = day.high_usd, day.low_usd, day.max_drawdown_usd
        news = (self.high_usd, self.low_usd, self.drawdown_usd) != noted
        if not news and self._total == (day.curve[-1].usd if day.curve else Decimal(0)):
            return NEVER
        if not self._held:
            return 0
        return self._noted_ts + (PAUSE_NS if news else MINUTE)
