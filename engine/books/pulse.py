"""When time alone makes something due, and what is done then."""

from __future__ import annotations

from collections.abc import Mapping

from engine.books import months
from engine.books.book import Book
from engine.model import events as ev
from engine.model.market import NANOS
from engine.portfolio import day_roll
from engine.portfolio.money import Marks
from engine.state.turn import Turn

PULSE_NS = NANOS
HELD_PULSE_NS = NANOS // 4
"""While a position is held and prices come, its limits are looked at this often."""

BUSY_PULSE_NS = NANOS // 10
"""While something is due soon (a flatten, an answer, a missing stop) time is looked at this often."""

_TICKS = (ev.Quote, ev.Print)


class Pulse:
    """`due` is the core's now by which `beat` is to be called, nanoseconds UTC."""

    def __init__(self, turn: Turn, books: Mapping[str, Book], marks: Marks) -> None:
        self.due = 0
        self._turn = turn
        self._books = books
        self._marks = marks

    def beat(self) -> None:
        now = self._turn.now
        self.due = now + BUSY_PULSE_NS  # also where something below fails
        day_roll.roll(self._turn, self._marks)
        months.forget(self._books, self._marks)
        for book in self._books.values():
            book.pulse()
        busy = any(book.orders.busy for book in self._books.values())
        self.due = now + (BUSY_PULSE_NS if busy else PULSE_NS)

    def hasten(self, event: ev.AnyEvent) -> None:
        """What an event has set going is seen to with the next busy pulse, not with the next idle one; and
        what a price does to an open position soon enough.
        """
        tick = type(event) in _TICKS and not self._turn.records
        soon = self._turn.now + (HELD_PULSE_NS if tick else BUSY_PULSE_NS)
        if self.due <= soon:
            return
        if any(book.orders.holding if tick else book.orders.busy for book in self._books.values()):
            self.due = soon
