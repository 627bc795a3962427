"""What holds a book back, and how far its flatten is, as the View shows it."""

from __future__ import annotations

from msgspec import structs

from engine.books.book import Book
from engine.core import Core
from engine.execution.flatten import reopening
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_in
from engine.model.orders import OrderType, Slot
from engine.model.refusals import Refusal
from engine.model.restrictions import RestrictionEnd, RestrictionView, TradingState
from engine.model.view import ClosingView, FlattenStep, FlattenView
from engine.risk import gate
from engine.state.state import Restriction, State


def restriction_of(book: Book, state: State, hands_off: tuple[Refusal, ...]) -> RestrictionView | None:
    """The strictest restriction on the record, else what the settings (`hands_off`) or the venue forbid.
    Before a pause, which a person could lift, stand the settings, which nobody lifts here.
    """
    found = state.restriction(book.name, "")
    off = bool(hands_off) and book.state.account is not None
    if found is not None and not (off and found.state is TradingState.REDUCING):
        return _recorded(found)
    if off:
        why = hands_off[0]
        return RestrictionView(TradingState.REDUCING, why.sentence, RestrictionEnd.SETTINGS, code=why)
    if not book.orders.can_trade:
        why = Refusal.ACCOUNT_BLOCKED
        return RestrictionView(TradingState.REDUCING, why.sentence, RestrictionEnd.CAUSE, code=why)
    return None


AgainstEntries = dict[str, dict[str, list[gate.Against]]]
"""By book and contract."""


def against_entries(core: Core) -> AgainstEntries:
    """What the gate would say to any idea now."""
    return {
        name: {symbol: core.entries.against(book, symbol) for symbol in core.instruments}
        for name, book in core.books.items()
    }


def restrictions(core: Core, against_entries: AgainstEntries) -> tuple[RestrictionView, ...]:
    """All that holds entries back: what is on the record, and what else the gate would say now."""
    found = []
    for key, one in core.state.restrictions.items():
        book, _, instrument = key.partition("/")
        seen, code = _recorded(one), gate.code_of(one.state, one.guard)
        found.append(structs.replace(seen, book=book, instrument=instrument, code=code))
    recorded = {one.code for one in found}
    for name, against in against_entries.items():
        everywhere = set.intersection(*map(set, against.values())) if against else set()
        rows = [("", one) for one in everywhere]
        rows += [(symbol, one) for symbol, each in against.items() for one in each if one not in everywhere]
        found += [
            RestrictionView(
                TradingState.REDUCING,
                one.words,
                *_ends(one.refusal, core, calendar_in(core.instruments, symbol)),
                book=name,
                instrument=symbol,
                code=one.refusal,
            )
            for symbol, one in sorted(rows)
            if one.refusal not in recorded
        ]
    return tuple(sorted(found, key=lambda one: -one.state.rank))


def _ends(refusal: Refusal, core: Core, calendar: Calendar) -> tuple[RestrictionEnd, int | None]:
    """What ends it, and when, where time does."""
    wall = core.turn.wall
    if refusal is Refusal.BLACKOUT:
        return RestrictionEnd.TIME, core.market.blackouts.until(wall)
    if refusal in (Refusal.OFF, Refusal.NOT_ARMED):
        return RestrictionEnd.SETTINGS, None
    closed = not calendar.is_open(wall)
    if refusal is Refusal.NEAR_CLOSE or (refusal is Refusal.OUTSIDE_HOURS and closed):
        opens = reopening(max(wall, calendar.flat_by(calendar.trade_date(wall)) or 0), calendar)
        return (RestrictionEnd.CAUSE if opens is None else RestrictionEnd.TIME), opens
    return RestrictionEnd.CAUSE, None


def _recorded(one: Restriction) -> RestrictionView:
    until = one.until if one.state is TradingState.LOCKED else None
    return RestrictionView(one.state, one.reason, _end(one), until, one.guard, one.by)


def _end(restriction: Restriction) -> RestrictionEnd:
    if restriction.state is TradingState.HALTED:
        return RestrictionEnd.LIFT
    if restriction.until is not None:
        return RestrictionEnd.TIME
    if restriction.basis:
        return RestrictionEnd.SETTINGS
    return RestrictionEnd.CAUSE if restriction.guard else RestrictionEnd.RESUME


def _closed(book: Book, latched: tuple[str, ...], begun: int) -> tuple[ClosingView, ...]:
    """How many lots of each closes have filled since this run has been flattening."""
    filled = dict.fromkeys(latched, 0)
    for order in book.state.orders.values() if begun else ():
        closes = order.slot in (None, Slot.PART) and order.type is OrderType.MARKET
        if closes and order.instrument in filled and order.changed_ts >= begun:
            filled[order.instrument] += order.filled_qty
    left = {instrument: abs(book.state.position(instrument).qty) for instrument in latched}
    return tuple(
        ClosingView(instrument, done, done + left[instrument])
        for instrument, done in filled.items()
        if done or left[instrument]
    )


def flatten_of(book: Book) -> FlattenView | None:
    """The flatten under way: its step is read off what is known to be left."""
    latched = tuple(book.state.flattening)
    if not latched:
        return None
    left = [order for instrument in latched for order in book.state.live_orders(instrument)]
    closing = any(o.slot in (None, Slot.PART) and o.type is OrderType.MARKET for o in left)
    entries = any(o.slot is Slot.ENTRY or (o.slot is None and o.type is not OrderType.MARKET) for o in left)
    if any(book.state.position(instrument).qty for instrument in latched):
        step = FlattenStep.CANCEL_ENTRIES if entries and not closing else FlattenStep.CLOSE
    else:
        step = FlattenStep.CANCEL_REST if left else FlattenStep.ASK_VENUE
    begun = book.orders.flattener.begun()
    since = begun and begun + book.orders.turn.wall_offset
    return FlattenView(latched, step, since, book.orders.flattener.alarm(), _closed(book, latched, begun))
