"""What the venue says of orders and fills, by stream or in answer to a request, taken into the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import events as ev
from engine.model import records as r
from engine.model.effects import ModifyOrder
from engine.model.market import NANOS
from engine.model.orders import BRACKET_SUFFIXES, Fill, OrderStatus, OrderType, Slot, VenueOrder, VenueStatus
from engine.model.records import OrderEvent as E
from engine.model.view import NoticeKind, Severity
from engine.trading import flatten, protection
from engine.trading.state import Order

if TYPE_CHECKING:
    from engine.trading.desk import Desk

ORPHAN_NS = NANOS
"""A fill whose order is not known by then belongs to an order that somebody else made."""

SETTLE_NS = 2 * NANOS
"""What was acknowledged and has not shown its result by then is looked up."""

LONGEST_PAUSE_S = 60
"""Between two tries of a change that the venue refuses."""

_ENDED: dict[VenueStatus, E] = {
    VenueStatus.CANCELED: E.CANCELED,
    VenueStatus.EXPIRED: E.EXPIRED,
    VenueStatus.REJECTED: E.REJECTED,
}


def on_order(desk: Desk, reported: VenueOrder, asked: int | None = None) -> None:
    """`asked` is given for orders of a snapshot: when it was asked for."""
    state = desk.state
    order = state.order_of(reported.venue_id, reported.client_id)
    if order is None:
        if not reported.status.live or not desk.knows(reported.instrument):
            return
        order = _adopt(desk, reported)
    if order.status.terminal:
        protection.returned(desk, order, reported, asked)
        take_orphans(desk)
        desk.work()
        return
    if reported.ts_venue:
        # Not every report is worth a record, and yet an older one may not undo it.
        newest = max(order.venue_ts, desk.told_ts.get(order.client_id, 0))
        if reported.ts_venue < newest and reported.status.live:
            return
        desk.told_ts[order.client_id] = max(newest, reported.ts_venue)
    ended = _ENDED.get(reported.status)
    if ended is not None:
        desk.moved(order.client_id, ended, venue_id=reported.venue_id, ts_venue=reported.ts_venue)
        if ended is E.REJECTED:
            _stop_rejected(desk, order)
    elif reported.status is not VenueStatus.FILLED:
        _still_working(desk, order, reported)
    elif order.venue_id is None:
        desk.moved(order.client_id, E.ACCEPTED, venue_id=reported.venue_id, ts_venue=reported.ts_venue)
    if order.filled_qty < reported.filled_qty:
        desk.look(SETTLE_NS)
    take_orphans(desk)
    desk.work()


def _still_working(desk: Desk, order: Order, reported: VenueOrder) -> None:
    suspended = reported.status is VenueStatus.SUSPENDED
    change = desk.changes.get(order.client_id)
    if order.status is OrderStatus.PENDING_MODIFY and change is not None:
        arrived = (
            change.stop in (None, reported.stop)
            and change.limit in (None, reported.limit)
            and change.qty in (None, reported.qty)
        )
        if arrived:
            _modified(desk, order, change)
            return
    known = (order.venue_id, order.qty, order.limit, order.stop, order.suspended)
    told = (
        reported.venue_id,
        reported.qty,
        reported.limit if reported.limit is not None else order.limit,
        reported.stop if reported.stop is not None else order.stop,
        suspended,
    )
    if known == told and order.status not in (OrderStatus.SENT, OrderStatus.UNKNOWN):
        return
    desk.moved(
        order.client_id,
        E.ACCEPTED,
        venue_id=reported.venue_id,
        qty=reported.qty,
        limit=reported.limit,
        stop=reported.stop,
        suspended=suspended,
        ts_venue=reported.ts_venue,
    )
    if order.cancel_wanted:
        desk.send_cancel(order)


def _stop_rejected(desk: Desk, order: Order) -> None:
    """A position whose stop the venue won't take is flattened at once rather than left naked."""
    if order.slot is Slot.STOP and desk.state.position(order.instrument).qty:
        flatten.start(desk, (order.instrument,), "risk")


def _parent(desk: Desk, reported: VenueOrder) -> Order | None:
    """The entry that a bracket leg belongs to: by tag, since the leg may be told of before its entry."""
    tag = reported.client_id or ""
    if tag.endswith(BRACKET_SUFFIXES):
        return desk.state.orders.get(tag[:-3])
    return desk.state.order_of(reported.parent_id, None) if reported.parent_id is not None else None


def _adopt(desk: Desk, reported: VenueOrder) -> Order:
    """An order that the venue made: the bracket leg of an entry of ours, or somebody else's."""
    state = desk.state
    parent = _parent(desk, reported)
    slot = None
    if parent is not None and parent.plan_id in state.plans:
        slot = Slot.STOP if reported.type is OrderType.STOP else Slot.TARGET
    client_id = reported.client_id or f"venue-{reported.venue_id}"
    desk.turn.commit(
        r.OrderAdopted(
            ts=desk.turn.now,
            book=desk.book,
            client_id=client_id,
            venue_id=reported.venue_id,
            instrument=reported.instrument,
            side=reported.side,
            type=reported.type,
            qty=reported.qty,
            plan_id=parent.plan_id if parent is not None and slot is not None else None,
            leg=parent.leg if parent is not None else 0,
            slot=slot,
            limit=reported.limit,
            stop=reported.stop,
            suspended=reported.status is VenueStatus.SUSPENDED,
        )
    )
    return state.orders[client_id]


def on_fill(desk: Desk, fill: Fill) -> None:
    if not desk.knows(fill.instrument):
        if fill.instrument not in desk.strangers:
            desk.strangers.add(fill.instrument)
            text = f"a fill in {fill.instrument}, which is not traded here, is left alone"
            desk.turn.say(NoticeKind.FILL, Severity.WARNING, text, book=desk.book)
        return
    if fill.trade_id in desk.state.fills_seen or any(f.trade_id == fill.trade_id for _, f in desk.orphans):
        return
    desk.orphans.append((desk.turn.now, fill))
    take_orphans(desk)
    desk.work()


def take_orphans(desk: Desk) -> None:
    """Apply the fills whose order is known by now, in their order of arrival."""
    waiting = desk.orphans
    desk.orphans = []
    for arrived, fill in waiting:
        if fill.instrument not in desk.turn.state.instruments:
            desk.orphans.append((arrived, fill))  # its contract is not told yet
            continue
        order = desk.state.order_of(fill.venue_order_id, None)
        if order is None and desk.turn.now - arrived >= ORPHAN_NS and not _may_be_ours(desk, fill):
            order = _adopt_filled(desk, fill)
        if order is None:
            desk.orphans.append((arrived, fill))
            continue
        desk.turn.commit(
            r.FillApplied(ts=desk.turn.now, book=desk.book, client_id=order.client_id, fill=fill)
        )
        protection.after_fill(desk, order)


def _may_be_ours(desk: Desk, fill: Fill) -> bool:
    """An order of ours waits for its venue id, and could be the one that was filled."""
    return any(
        order.venue_id is None and order.side is fill.side
        for order in desk.state.live_orders(fill.instrument)
    )


def _adopt_filled(desk: Desk, fill: Fill) -> Order:
    return _adopt(
        desk,
        VenueOrder(
            fill.venue_order_id,
            None,
            fill.instrument,
            fill.side,
            OrderType.MARKET,
            fill.qty,
            VenueStatus.WORKING,
        ),
    )


def on_placed(desk: Desk, reply: ev.PlaceReplied) -> None:
    order = desk.state.orders.get(reply.client_id)
    if order is None or order.status.terminal:
        return
    if reply.outcome is not ev.Outcome.ACCEPTED and order.venue_id is not None:
        desk.look(0)  # the stream has told of it already: it did arrive, whatever the answer says
        return
    match reply.outcome:
        case ev.Outcome.ACCEPTED:
            if order.venue_id is None:
                desk.moved(order.client_id, E.ACCEPTED, venue_id=reply.venue_id)
            if order.cancel_wanted:
                desk.send_cancel(order)
        case ev.Outcome.REFUSED:
            desk.moved(order.client_id, E.REJECTED, venue_id=reply.venue_id, reason=reply.reason)
            _stop_rejected(desk, order)
        case ev.Outcome.UNSENT:
            desk.moved(order.client_id, E.DENIED, reason=reply.reason)
        case ev.Outcome.UNKNOWN:
            desk.moved(order.client_id, E.TIMED_OUT, reason=reply.reason)
            desk.look(0)
    take_orphans(desk)
    desk.work()


def on_modified(desk: Desk, reply: ev.ModifyReplied) -> None:
    order = desk.state.orders.get(reply.client_id)
    change = desk.changes.get(reply.client_id)
    if order is None or order.status is not OrderStatus.PENDING_MODIFY or change is None:
        return
    match reply.outcome:
        case ev.Outcome.ACCEPTED:
            _modified(desk, order, change)
        case ev.Outcome.REFUSED | ev.Outcome.UNSENT:
            not_changed(desk, order, reply.reason or "modify refused")
            desk.look(0)
        case ev.Outcome.UNKNOWN:
            desk.unanswered[order.client_id] = desk.turn.now
            desk.look(0)
    desk.work()


def _modified(desk: Desk, order: Order, change: ModifyOrder) -> None:
    for kept in (desk.changes, desk.unanswered, desk.refused):
        kept.pop(order.client_id, None)
    desk.moved(order.client_id, E.MODIFIED, qty=change.qty, limit=change.limit, stop=change.stop)


def not_changed(desk: Desk, order: Order, reason: str) -> None:
    """The order stands as before. The change is tried again, after ever longer pauses."""
    desk.changes.pop(order.client_id, None)
    desk.unanswered.pop(order.client_id, None)
    times = desk.refused.get(order.client_id, (0, 0))[0] + 1
    desk.refused[order.client_id] = times, desk.turn.now + min(2**times, LONGEST_PAUSE_S) * NANOS
    desk.moved(order.client_id, E.REQUEST_REFUSED, reason=reason)


def on_cancelled(desk: Desk, reply: ev.CancelReplied) -> None:
    order = desk.state.orders.get(reply.client_id)
    if order is None or not order.live:
        return
    if reply.outcome is ev.Outcome.REFUSED and order.status is OrderStatus.PENDING_CANCEL:
        desk.moved(order.client_id, E.REQUEST_REFUSED, reason=reply.reason or "cancel refused")
    desk.look(0 if reply.outcome is not ev.Outcome.ACCEPTED else SETTLE_NS)


def on_account(desk: Desk, reported: ev.AccountReported) -> None:
    desk.balance_usd = reported.balance_usd
    if desk.can_trade and not reported.can_trade:
        desk.turn.say(
            NoticeKind.RISK,
            Severity.CRITICAL,
            "the venue has blocked this account from trading",
            book=desk.book,
        )
    desk.can_trade = reported.can_trade
