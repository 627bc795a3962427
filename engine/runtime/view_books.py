"""What holds a book back, and how far its flatten is, as the View shows it."""

from __future__ import annotations

from engine.books.book import Book
from engine.model.orders import OrderType, Slot
from engine.model.refusals import Refusal
from engine.model.view import (
    FlattenStep,
    FlattenView,
    RestrictionEnd,
    RestrictionView,
    TradingState,
)
from engine.state.state import Restriction, State


def restriction_of(book: Book, state: State, hands_off: tuple[Refusal, ...]) -> RestrictionView | None:
    """The strictest restriction on the record, else what the settings (`hands_off`) or the venue forbid."""
    found = state.restriction(book.name, "")
    if found is not None:
        until = found.until if found.state is TradingState.LOCKED else None
        return RestrictionView(found.state, found.reason, _end(found), until, found.guard, found.by)
    if hands_off and book.state.account is not None:
        return RestrictionView(TradingState.REDUCING, hands_off[0].sentence, RestrictionEnd.SETTINGS)
    if not book.orders.can_trade:
        sentence = Refusal.ACCOUNT_BLOCKED.sentence
        return RestrictionView(TradingState.REDUCING, sentence, RestrictionEnd.CAUSE)
    return None


def _end(restriction: Restriction) -> RestrictionEnd:
    if restriction.state is TradingState.HALTED:
        return RestrictionEnd.LIFT
    if restriction.until is not None:
        return RestrictionEnd.TIME
    if restriction.basis:
        return RestrictionEnd.SETTINGS
    return RestrictionEnd.CAUSE if restriction.guard else RestrictionEnd.RESUME


def flatten_of(book: Book) -> FlattenView | None:
    """The flatten under way: its step is read off what is known to be left."""
    latched = tuple(book.state.flattening)
    if not latched:
        return None
    left = [order for instrument in latched for order in book.state.live_orders(instrument)]
    closing = any(o.slot is None and o.type is OrderType.MARKET for o in left)
    entries = any(o.slot is Slot.ENTRY or (o.slot is None and o.type is not OrderType.MARKET) for o in left)
    if any(book.state.position(instrument).qty for instrument in latched):
        step = FlattenStep.CANCEL_ENTRIES if entries and not closing else FlattenStep.CLOSE
    else:
        step = FlattenStep.CANCEL_REST if left else FlattenStep.ASK_VENUE
    return FlattenView(latched, step, book.orders.flattener.begun(), book.orders.flattener.alarm())
