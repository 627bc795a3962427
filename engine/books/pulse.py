"""When time alone makes something due, and what is done then.

Time is asked for, not polled: nothing is looked at between two instants at which something could become due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine.books import months
from engine.books.book import Book
from engine.books.day_rolls import DayRolls
from engine.model import events as ev
from engine.model.market import NANOS
from engine.portfolio.bounds import Bounds
from engine.portfolio.money import Marks
from engine.signals.market_data import MarketData
from engine.state.turn import Turn

HELD_NS = NANOS // 4
"""What a price does to an open position is seen to within this time."""

BUSY_NS = NANOS // 10
"""While something is under way (an answer, a missing stop, a flatten) it is looked at this often, and
whatever an event has set going is seen to within this time.
"""

STILL_NS = NANOS
"""So much later than it was due a look shows that nothing ran in between: the machine slept, or hung."""

_TICKS = (ev.Quote, ev.Print, ev.BarReported, ev.HeldPriced)


class Pulse:
    """`due` is the core's now by which `beat` is to be called, nanoseconds UTC."""

    def __init__(
        self,
        turn: Turn,
        books: Mapping[str, Book],
        market: MarketData,
        marks: Marks,
        days: DayRolls,
        guarded: Callable[..., bool],
    ) -> None:
        """`guarded` does one part of a step, and says whether it could: a bug in one book leaves the others
        alone.
        """
        self.due = 0
        self._turn = turn
        self._books = books
        self._market = market
        self._marks = marks
        self._days = days
        self._guarded = guarded
        self._as_of = -1
        """Records as of which it was looked whether a position is held."""
        self._held = False
        self._marked = 0
        """Marks as of the last price that mattered."""
        self._rests: dict[str, _Rest] = {}
        """Books in which a pulse would find nothing to do: as of which records and clock, until when, and
        between which prices.
        """
        self._calm: _Rest | None = None
        """The same of all books together, where all of them rest: however many they are, a price costs the
        same.
        """

    def beat(self) -> None:
        """Whatever has become due by now, in every book."""
        now = self._turn.now
        if self.due and now - self.due >= STILL_NS:
            for book in self._books.values():
                book.orders.stood_still(now - self.due)
            self.happened()
        if self._calm and (due := self._calm_until()):
            self.due = max(due, now + BUSY_NS)
            return
        self.due = now + BUSY_NS  # also where something below fails
        self._calm = None
        due, rest = self._days.roll(), True
        months.forget(self._books, self._market, self._marks)
        for name, book in self._books.items():
            known, again = self._rest_of(name), 0
            if known is not None and now < known.note_due and not book.orders.stirred:
                again = known.due
            else:
                rest = False
                self._rests.pop(name, None)
                if self._guarded(book.pulse if known is None else book.orders.note):
                    again = self._rest(book, book.next_due() if known is None else known.look_due)
            due = min(due, max(again, now + BUSY_NS))
        self.due = due
        if rest and len(self._books) > 1 and len(self._rests) == len(self._books):
            self._calm = _together(self._rests.values(), due)

    def _calm_until(self) -> int:
        """When the first of books that all rest is due; 0 where each is to be looked at by itself."""
        calm, turn = self._calm, self._turn
        if calm is None or turn.now >= calm.due or turn.committed != calm.committed:
            return 0
        if turn.wall_offset != calm.wall_offset:
            return 0
        for book in self._books.values():  # at every price that may matter
            if book.orders.stirred:
                return 0
        for symbol, bound in calm.bounds.items():
            if not bound.hold(self._marks, symbol, turn.now):
                return 0
        return calm.due

    def happened(self, event: ev.AnyEvent | None = None) -> None:
        """Something other than prices and time was heard: the book that it is of, or every book, is looked at
        by the next pulse.
        """
        self._calm = None
        book = getattr(event, "book", None)
        if book:
            self._rests.pop(book, None)
        else:
            self._rests.clear()

    def _rest(self, book: Book, look: int) -> int:
        """Leave a book alone until it is due to be looked at or to write something down, unless something
        happens or a price matters to it; gives when that is, nanoseconds UTC.
        """
        turn, note = self._turn, book.orders.note_due()
        due = min(look, note)
        if due > turn.now and book.recovered:
            as_of, offset = turn.as_of(book.name), turn.wall_offset
            self._rests[book.name] = _Rest(turn.committed, as_of, offset, look, note, book.at_rest())
        return due

    def _rest_of(self, name: str) -> _Rest | None:
        """What holds for a book that a pulse would find as it left it, but for what it writes down; None for
        one that is to be looked at.
        """
        rest, turn = self._rests.get(name), self._turn
        now = turn.now
        if rest is None or now >= rest.look_due or turn.wall_offset != rest.wall_offset:
            return None
        if turn.committed != rest.committed:
            if turn.as_of(name) != rest.as_of:
                return None
            rest.committed = turn.committed  # of other books alone
        for symbol, bound in rest.bounds.items():
            if not bound.hold(self._marks, symbol, now):
                return None
        return rest

    def _at_rest(self, name: str) -> bool:
        rest = self._rest_of(name)
        return rest is not None and self._turn.now < rest.note_due

    def wake(self) -> None:
        """Something has happened: what it has set going is seen to soon."""
        self.due = min(self.due, self._turn.now + BUSY_NS)

    def hasten(self, event: ev.AnyEvent) -> None:
        """An event may have set something going, and a price may matter to an open position."""
        turn = self._turn
        quiet = type(event) in _QUIET
        if not quiet:
            self.happened(event)
        if turn.records or turn.effects or not quiet:
            for effect in turn.effects:
                self._calm = None
                self._rests.pop(effect.book, None)
            self.wake()
        elif turn.now + HELD_NS < self.due and type(event) in _TICKS and self.matters():
            self.due = turn.now + HELD_NS

    def concerned(self) -> bool:
        """A bar is over, and its close gives some book something to do."""
        return self.matters() and not (self._calm_until() or all(map(self._at_rest, self._books)))

    def matters(self) -> bool:
        """Marks have changed while a position is held; asked at every price."""
        if self._turn.committed != self._as_of:
            self._as_of = self._turn.committed
            self._held = any(book.orders.holding for book in self._books.values())
        if not self._held or self._marks.version == self._marked:
            return False
        self._marked = self._marks.version
        return True


@dataclass(slots=True)
class _Rest:
    committed: int
    """All records as of which the book's own are these."""
    as_of: tuple[int, int]
    wall_offset: int
    look_due: int
    """When time gives a pulse something to do, nanoseconds UTC."""
    note_due: int
    """When what prices have made is to be written down."""
    bounds: dict[str, Bounds]

    @property
    def due(self) -> int:
        return min(self.look_due, self.note_due)


def _together(rests: Iterable[_Rest], due: int) -> _Rest | None:
    """What holds for all of them; None where they are not of the same records."""
    first, *others = rests
    if any(one.committed != first.committed or one.wall_offset != first.wall_offset for one in others):
        return None
    bounds: dict[str, Bounds] = {}
    for one in (first, *others):
        for symbol, bound in one.bounds.items():
            bounds.setdefault(symbol, Bounds()).keep_all(bound)
    return _Rest(first.committed, first.as_of, first.wall_offset, due, due, bounds)


_QUIET = frozenset((*_TICKS, ev.TimeAdvanced, ev.Depth))
"""Events that set nothing going unless records come of them."""
