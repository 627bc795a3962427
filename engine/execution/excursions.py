"""How far the running trade has been against us and for us (MAE, MFE), written down for restarts and trades.

The marks know every quote; the journal gets a record when the worst or best has changed, seldom while the
trade runs and once more before each fill that could end it (docs/semantics.md#excursions).
"""

from __future__ import annotations

from decimal import Decimal

from engine.execution.context import BookContext
from engine.execution.inquiry import NEVER
from engine.model import records as r
from engine.model.market import NANOS
from engine.portfolio.bounds import Room
from engine.state.position import Position

PAUSE_NS = 10 * NANOS
"""Between two records of one running trade; a crash forgets at most so much."""


class Excursions:
    """Excursions of one book."""

    def __init__(self, context: BookContext) -> None:
        self._book = context
        self._pause_ns = max(PAUSE_NS, context.run.notes_ns)
        self._noted_ts: dict[str, int] = {}
        """Instrument to the time at which its excursion was last written down."""

    def on_mark(self, position: Position) -> tuple[bool, Room]:
        """Take the mark of what is held in. Whether there is a worst or best to be written down now, and was
        none, and how far the position is from the next.
        """
        marks, state = self._book.marks, self._book.turn.state
        known = marks.excursions(self._book.book, position)
        now, worst, best = marks.excursion(self._book.book, state, position, known)
        found = worst, best
        news = found != known and not _is_more(known, position) and _is_more(found, position)
        return news, (now - worst, best - now)

    def write_down(self) -> None:
        """Called at every pulse."""
        for position in self._book.state.positions.values():
            if position.qty and self._book.now - self._noted_ts.get(position.instrument, 0) >= self._pause_ns:
                self._note(position)

    def next_due(self) -> int:
        """When something is to be written down next, nanoseconds UTC."""
        due = NEVER
        for position in self._book.state.positions.values():
            if position.qty and self._is_news(position):
                due = min(due, self._noted_ts.get(position.instrument, 0) + self._pause_ns)
        return due

    def _is_news(self, position: Position) -> bool:
        return _is_more(self._book.marks.excursions(self._book.book, position), position)

    def before_fill(self, instrument: str) -> None:
        """The fill may end the trade, and the trade carries what its position has."""
        position = self._book.state.positions.get(instrument)
        if position is not None and position.qty:
            self._note(position)

    def _note(self, position: Position) -> None:
        if self._is_news(position):
            worst, best = self._book.marks.excursions(self._book.book, position)
            self._noted_ts[position.instrument] = self._book.now
            self._book.turn.commit(
                r.ExcursionNoted(
                    ts=self._book.now,
                    book=self._book.book,
                    instrument=position.instrument,
                    worst_usd=worst,
                    best_usd=best,
                )
            )


def _is_more(usd: tuple[Decimal, Decimal], position: Position) -> bool:
    """Whether the worst, or the best, is more so than what is written down."""
    return usd[0] < position.mae_usd or usd[1] > position.mfe_usd
