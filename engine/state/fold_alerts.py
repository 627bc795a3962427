"""The part of `apply` that is about alert rooms: messages taken, and what their trades came to."""

from __future__ import annotations

from decimal import Decimal

from engine.model import records as r
from engine.model.alerts import Reason, room_of
from engine.model.alerts import origin as origin_of
from engine.model.events import AlertKind
from engine.model.orders import Slot
from engine.model.plans import TradePlan
from engine.state.alerts import MESSAGES_KEPT, REVISIONS_KEPT, AlertState
from engine.state.position import Trade
from engine.state.state import BookState, Order, State
from engine.state.track_record import TrackRecord


def alert_taken(state: State, record: r.AlertTaken) -> None:
    key = origin_of(record.room, record.message_id)
    known = state.alerts.get(key)
    if known is None:
        known = state.alerts[key] = AlertState(
            record.room,
            record.message_id,
            record.ts,
            record.posted_ts,
            record.revised_ts,
            record.kind,
            record.verdict,
            copy=record.reason is Reason.SEEN,
        )
        _forget(state)
    known.revisions.append(record.revision)
    del known.revisions[:-REVISIONS_KEPT]
    known.deleted = known.deleted or record.kind is AlertKind.DELETED
    if record.revised_ts < known.revised_ts and record.kind is not AlertKind.DELETED:
        return  # overtaken by a newer one: only not to be read again
    known.revised_ts = max(known.revised_ts, record.revised_ts)
    known.kind, known.verdict = record.kind, record.verdict
    known.reason, known.detail = record.reason, record.detail
    known.excerpt = record.excerpt or known.excerpt
    known.terms = record.terms or known.terms


def _forget(state: State) -> None:
    """The oldest messages go; those whose trade is open stay."""
    if len(state.alerts) <= MESSAGES_KEPT:
        return
    open_ones = {found.plan.origin for book in state.books.values() for found in book.plans.values()}
    for key in list(state.alerts)[: len(state.alerts) - MESSAGES_KEPT]:
        if key not in open_ones:
            del state.alerts[key]


def plan_opened(state: State, plan: TradePlan) -> None:
    known = state.alerts.get(plan.origin)
    if known is None:
        return
    if not known.traded:
        state.room_trades[known.room] = state.room_trades.get(known.room, 0) + 1
    book = known.kept_book(plan.book)
    book.plan_id, book.qty, book.closed, book.refusals = plan.plan_id, plan.qty, False, ()


def plan_closed(state: State, plan: TradePlan) -> None:
    known = state.alerts.get(plan.origin)
    if known is not None and plan.book in known.books:
        known.books[plan.book].closed = True


def idea_refused(state: State, record: r.IdeaRefused) -> None:
    known = state.alerts.get(record.idea.origin)
    if known is not None:
        words = record.words or tuple(refusal.sentence for refusal in record.refusals)
        known.kept_book(record.book).refusals = words


def order_intended(state: State, plan: TradePlan, ts: int) -> None:
    known = state.alerts.get(plan.origin)
    if known is not None:
        book = known.kept_book(plan.book)
        book.intended_ts = book.intended_ts or ts


def order_accepted(state: State, book: BookState, order: Order, ts: int) -> None:
    """The venue has given one of its orders an id."""
    known = _message(state, book, order)
    if known is not None:
        kept = known.kept_book(book.book)
        kept.accepted_ts = kept.accepted_ts or ts


def order_filled(state: State, book: BookState, order: Order, qty: int) -> None:
    known = _message(state, book, order) if order.slot is Slot.ENTRY else None
    if known is not None:
        known.filled = True
        known.kept_book(book.book).entered += qty


def _message(state: State, book: BookState, order: Order) -> AlertState | None:
    found = book.plans.get(order.plan_id or "")
    return state.alerts.get(found.plan.origin) if found is not None and found.plan.origin else None


def trade_closed(book: BookState, trade: Trade, today_usd: Decimal) -> None:
    """Credit a finished trade to whoever had the idea. `today_usd` is what of it belongs to this day, net."""
    plans = (one for one in book.plans.values() if one.plan.instrument == trade.instrument)
    found = next((one for one in plans if not (one.shared and one.credited)), None)
    if found is not None and not found.shared:  # shared ones are credited one by one, as they end
        found.credited = True
        found.credited_usd += trade.net_usd
        found.credited_today_usd += today_usd
        credit(book, found.plan, trade.net_usd, today_usd)


def credit(book: BookState, owner: TradePlan, net: Decimal, today_usd: Decimal) -> None:
    """Count the result of a plan for its bot, room or strategy. `today_usd` is this day's part, net."""
    if not owner.strategy:
        return
    book.records[owner.owner] = book.records.get(owner.owner, TrackRecord()).with_trade(net)
    if owner.bot:
        book.bot_usd[owner.bot] = book.bot_usd.get(owner.bot, Decimal(0)) + today_usd
    room = room_of(owner.origin)
    if room:
        book.room_usd[room] = book.room_usd.get(room, Decimal(0)) + today_usd


def day_rolled(state: State, record: r.DayRolled) -> None:
    if record.main:
        state.room_trades = {}
    for book in state.books.values():
        if book.calendar == record.calendar:
            book.room_usd, book.bot_usd, book.bot_entries = {}, {}, {}
