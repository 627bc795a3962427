"""Which alarm a piece of news raises, and which ones it ends. Names are for comparing, never for showing."""

from __future__ import annotations

from typing import NamedTuple

from engine.model import records as r
from engine.model.events import ClockFault
from engine.model.orders import Slot
from engine.model.restrictions import TradingState
from engine.state.state import State

JOURNAL = "journal"
_VENUE_CLOCK = "clock of the venue"


class Alarm(NamedTuple):
    """What becomes of alarms."""

    raised: str = ""
    """Empty where nothing ends what is told but that somebody has seen it."""
    ended: tuple[str, ...] = ()


NONE = Alarm()
_LOST = (r.OrderEvent.REJECTED, r.OrderEvent.DENIED, r.OrderEvent.NOT_FOUND)


def link(name: str, book: str | None = None, venue: str = "") -> str:
    return " ".join(part for part in ("link", venue, name, book) if part)


def lookup(book: str) -> str:
    """Positions can't be looked up."""
    return f"lookup {book}"


def blocked(book: str) -> str:
    """The venue lets the account not trade."""
    return f"blocked {book}"


def naked(book: str, instrument: str) -> str:
    """Something is held that nothing, or not enough, protects."""
    return f"naked {book} {instrument}"


def flatten(book: str) -> str:
    return f"flatten {book}"


def limits(book: str) -> str:
    """Most of a limit is used up: until the trade date ends."""
    return f"limits {book}"


def paused(book: str | None, instrument: str | None) -> str:
    return f"paused {book or '*'} {instrument or '*'}"


def alarm_of(state: State, record: r.AnyRecord) -> Alarm:
    """What a record raises and ends; `state` is the state after it."""
    match record:
        case r.StateChanged():
            scope = paused(record.book, record.instrument)
            return Alarm(ended=(scope,)) if record.state is TradingState.ACTIVE else Alarm(scope)
        case r.PositionAdjusted():
            return Alarm(paused(record.book, record.instrument))
        case r.FlattenStarted():
            return Alarm(flatten(record.book))
        case r.FlattenEnded():
            over = () if state.books[record.book].flattening else (flatten(record.book),)
            return Alarm(ended=(naked(record.book, record.instrument), *over))
        case r.BracketsKnown():
            name = f"brackets {record.book}"
            return Alarm(ended=(name,)) if record.native else Alarm(name)
        case r.ClockFound(fault=ClockFault.VENUE):
            return Alarm(_VENUE_CLOCK) if record.by_ns else Alarm(ended=(_VENUE_CLOCK,))
        case r.DayRolled():
            whose = (name for name, book in state.books.items() if book.calendar == record.calendar)
            return Alarm(ended=tuple(map(limits, whose)))
        case r.FillApplied() | r.OrderMoved():
            return _of_order(state, record)
    return NONE


def _of_order(state: State, record: r.FillApplied | r.OrderMoved) -> Alarm:
    name = f"order {record.client_id}"
    event = record.event if isinstance(record, r.OrderMoved) else None
    if event is r.OrderEvent.TIMED_OUT:
        return Alarm(name)
    order = state.books[record.book].orders.get(record.client_id or "")
    if order is None or order.slot is not Slot.STOP:
        return Alarm(ended=(name,))
    bare = naked(record.book, order.instrument)
    if event in _LOST:
        return Alarm(bare, (name,))
    return Alarm(ended=(name, bare) if event is r.OrderEvent.ACCEPTED else (name,))
