"""The day's total P&L of one book, at every event that changes it (docs/semantics.md#equity-of-the-day).

What is open counts at what it could be closed for. The journal gets a point a minute, and new extremes a
little oftener: a restart goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from engine.execution.context import BookContext
from engine.execution.inquiry import NEVER
from engine.model import records as r
from engine.model.market import MINUTE, NANOS
from engine.portfolio.bounds import Bounds, Room, keep_total
from engine.portfolio.money import day_usd, open_usd
from engine.state.position import Position
from engine.state.state import NO_DAY

PAUSE_NS = 10 * NANOS
"""Between two records of new extremes; a crash forgets at most so much."""
_NOTHING = Decimal(0)
_NO_ROOM = _NOTHING, _NOTHING


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
        self._settled: Decimal | None = None
        """What of it no mark changes, as of the same records."""
        self.told: Callable[[int, Decimal], None] | None = None
        """Hears of every total of all days together when it is counted, with the core's now."""
        self._looked_as_of, self._looked_at = (-1, -1), -1
        """Records and marks as of which it was looked."""
        self._as_of = -1
        """All records as of which those of the book were counted."""
        self._held: Sequence[Position] = ()
        self._counted: Sequence[Position] = ()
        """Those whose money is in the book's currency."""
        self._noted_ts = 0

    def on_mark(self, bounds: Mapping[str, Bounds], own: tuple[Position, Room] | None = None) -> bool:
        """Take the marks in, and narrow the bounds, by instrument, to where the total makes no new extreme,
        and one position does not leave its `own` room. True where there is one to be written down now, and
        was none.
        """
        known = self.high_usd, self.low_usd, self.drawdown_usd
        self.look()
        before, peak, total = self._days_before, self._peak, self._total
        lowest, highest = self.low_usd, self.high_usd
        if (fallen := highest - self.drawdown_usd) > lowest:
            lowest = fallen
        if peak is not None:
            if (top := peak - before) < highest:
                highest = top
            if (fallen := top - self.run_drawdown_usd) > lowest:
                lowest = fallen
        room = total - lowest, highest - total
        keep_total(bounds, self._held, self._book.turn.state, self._book.marks, room, own)
        extremes = self.high_usd, self.low_usd, self.drawdown_usd
        return extremes != known and known == self._written()

    def at_rest(self, bounds: Mapping[str, Bounds]) -> None:
        """Narrow the bounds to where no price but a new extreme gives something to write down that is not
        looked for by time.
        """
        if self._held and self.next_due() == NEVER:
            keep_total(bounds, self._book.state.held(), self._book.turn.state, self._book.marks, _NO_ROOM)

    def look(self) -> None:
        """Take in what marks and records have changed; cheap when nothing is held and nothing happened."""
        state, marks, turn = self._book.state, self._book.marks, self._book.turn
        committed = False
        if turn.committed != self._as_of:
            self._as_of, as_of = turn.committed, turn.as_of(self._book.book)
            committed = as_of != self._looked_as_of
            self._looked_as_of = as_of
        if not committed and (not self._held or marks.version == self._looked_at):
            return
        self._looked_at = marks.version
        if committed:
            self._settled = None
            self._held = state.held()
            self._counted = [one for one in self._held if turn.state.counts(state, one.instrument)]
            if (turn.state.day_of(state), state.day.recounts) != self._day:
                self._begin()
        for position in self._held:
            if marks.mark(position) is None:
                self._total = self._told()  # nobody knows yet what it could be closed for: as after a restart
                return
        held = _NOTHING
        for position in self._counted:
            held += open_usd(turn.state, position, marks)
        if self._settled is None:
            self._settled = day_usd(state, turn.state, marks) - held
        self._total = total = self._settled + held
        if total > self.high_usd:
            self.high_usd = total
        if total < self.low_usd:
            self.low_usd = total
        fall = self.high_usd - total
        if fall > self.drawdown_usd:
            self.drawdown_usd = fall
        sum_usd = self._days_before + total
        if self._peak is None or sum_usd > self._peak:
            self._peak = sum_usd
        fall = self._peak - sum_usd
        if fall > self.run_drawdown_usd:
            self.run_drawdown_usd = fall
        if self.told is not None:
            self.told(self._book.now, sum_usd)

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
        """When something may be to be written down next, nanoseconds UTC."""
        if not self._held:
            return NEVER
        due, point = self._due(), self._noted_ts + self._pause_ns(MINUTE)
        # Prices hardly ever stand still for a minute: the next point is looked for then, whatever they do.
        return point if due == NEVER and point > self._book.now else due

    def _due(self) -> int:
        news = self._is_news()
        if not news and self._total == self._told():
            return NEVER
        if not self._held:
            return 0
        return self._noted_ts + self._pause_ns(PAUSE_NS if news else MINUTE)

    def _pause_ns(self, least: int) -> int:
        return max(least, self._book.run.notes_ns)

    def _is_news(self) -> bool:
        """There is an extreme that is not written down."""
        return (self.high_usd, self.low_usd, self.drawdown_usd) != self._written()

    def _written(self) -> tuple[Decimal, Decimal, Decimal]:
        day = self._book.state.day
        return day.high_usd, day.low_usd, day.max_drawdown_usd

    def _told(self) -> Decimal:
        """The newest point of the day that is written down, USD."""
        curve = self._book.state.day.curve
        return curve[-1].usd if curve else Decimal(0)
