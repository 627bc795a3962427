"""Make the state agree with a snapshot: orders, then fills, then positions. The venue's word is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.model import events as ev
from engine.model import records as r
from engine.model.market import MINUTE, NANOS
from engine.model.orders import OrderStatus, Slot, VenueStatus
from engine.model.records import OrderEvent as E
from engine.model.view import TradingState
from engine.trading import protection, reports

if TYPE_CHECKING:
    from engine.trading.desk import Desk
    from engine.trading.state import Order

OVERLAP_NS = MINUTE
"""Fills are asked for again from this long before the last one seen."""

NAKED_NS = 3 * NANOS
"""A position is not left longer with a stop that may never have reached the venue."""

LOST_NS = 40 * NANOS
"""A change without any answer by then gets none."""

ABSENCES = 2
"""Snapshots in a row that must agree before an order or a position is taken as different."""


def since(desk: Desk) -> int:
    """From when on orders and fills are asked for, nanoseconds UTC."""
    oldest = min((order.created_ts for order in desk.state.live_orders()), default=desk.turn.now)
    last = desk.state.last_fill_ts or desk.turn.now - 24 * 60 * MINUTE
    return max(0, min(oldest, last) - OVERLAP_NS)


class Mismatch(NamedTuple):
    """A position that differs, as snapshots in a row have shown it."""

    theirs: int
    ours: int
    seen: int


def merge(desk: Desk, snapshot: ev.SnapshotTaken, asked: int) -> None:
    """Take a snapshot in that was asked for at `asked`; 0 if that is not known."""
    for order in snapshot.orders:
        reports.on_order(desk, order, asked)
    for fill in snapshot.fills:
        reports.on_fill(desk, fill)
    _settle_changes(desk, snapshot, asked)
    _absent_orders(desk, snapshot, asked)
    if _positions_agree(desk, snapshot):
        if not desk.reconciled:
            desk.reconciled = True
            live = len(desk.state.live_orders())
            desk.turn.commit(
                r.Reconciled(ts=desk.turn.now, book=desk.book, orders=live, positions=len(snapshot.positions))
            )
    else:
        desk.look(NANOS)


def _settle_changes(desk: Desk, snapshot: ev.SnapshotTaken, asked: int) -> None:
    """A change whose outcome is unknown, and which the venue does not show, did not take place."""
    for shown in snapshot.orders:
        order = desk.state.order_of(shown.venue_id, shown.client_id)
        if order is None or order.status is not OrderStatus.PENDING_MODIFY or not shown.status.live:
            continue
        # A change that a stopped run asked for is not among ours: what the venue shows is how it ended.
        unanswered = desk.unanswered.get(order.client_id)
        since = unanswered if order.client_id in desk.changes else order.changed_ts
        if (since is not None and asked >= since) or asked - order.changed_ts >= LOST_NS:
            reports.not_changed(desk, order, "the venue does not show the change")


def _absent_orders(desk: Desk, snapshot: ev.SnapshotTaken, asked: int) -> None:
    """Orders that we think live and the venue does not show. One absence proves nothing."""
    shown = {order.venue_id for order in snapshot.orders}
    for order in desk.state.live_orders():
        if order.created_ts >= asked or order.venue_id in shown:
            desk.absent.pop(order.client_id, None)
            continue
        count = desk.absent[order.client_id] = desk.absent.get(order.client_id, 0) + 1
        if order.venue_id is not None:
            if count >= ABSENCES:
                desk.moved(order.client_id, E.CANCELED, reason="no longer at the venue")
        elif order.status is not OrderStatus.SENT:
            _never_seen(desk, order, count)
        if order.live:
            desk.look(NANOS)


def _never_seen(desk: Desk, order: Order, count: int) -> None:
    """An order of unknown outcome: lost after enough evidence. A position can't wait so long for its stop."""
    waited = desk.turn.now - order.changed_ts
    if count >= desk.config.unknown_checks and waited >= desk.config.unknown_after_ns:
        # A wanted cancel has nothing left to cancel.
        lost = E.CANCELED if order.status is OrderStatus.PENDING_CANCEL else E.NOT_FOUND
        desk.moved(order.client_id, lost, reason="the venue never got it")
    elif order.slot is Slot.STOP and count >= ABSENCES and waited >= NAKED_NS:
        if order.created_ts < desk.started_ts:
            # The run that meant to send it is over: nobody sends it any more.
            desk.moved(order.client_id, E.NOT_FOUND, reason="the venue never got it")
        elif desk.state.position(order.instrument).qty:
            protection.flatten_naked(desk, order.instrument, "the outcome of its stop is unknown")


def _positions_agree(desk: Desk, snapshot: ev.SnapshotTaken) -> bool:
    """Compare; a difference that two snapshots show is adjusted and restricts the instrument."""
    state = desk.state
    theirs = {p.instrument: p for p in snapshot.positions if desk.knows(p.instrument)}
    agree = True
    for instrument in sorted(set(theirs) | {i for i, p in state.positions.items() if p.qty}):
        known = desk.turn.state.instruments.get(instrument)
        venue_qty = theirs[instrument].qty if instrument in theirs else 0
        ours = state.position(instrument).qty
        if venue_qty == ours:
            desk.mismatches.pop(instrument, None)
            continue
        agree = False
        if any(fill.instrument == instrument for _, fill in desk.orphans):
            continue
        before = desk.mismatches.get(instrument)
        same = before is not None and (before.theirs, before.ours) == (venue_qty, ours)
        seen = before.seen + 1 if before is not None and same else 1
        desk.mismatches[instrument] = Mismatch(venue_qty, ours, seen)
        if seen < ABSENCES or known is None:
            continue
        average = theirs[instrument].average_price if instrument in theirs else None
        fallback = round(state.position(instrument).average)
        price = fallback if average is None else round(average / known.tick_size)
        _adjust(desk, instrument, venue_qty - ours, price)
        _end_filled(desk, snapshot, instrument)
    return agree


def _adjust(desk: Desk, instrument: str, delta: int, price: int) -> None:
    now = desk.turn.now
    desk.turn.commit(
        r.PositionAdjusted(
            ts=now, book=desk.book, instrument=instrument, delta=delta, price=price, reason="external"
        )
    )
    desk.turn.commit(
        r.StateChanged(
            ts=now,
            book=desk.book,
            instrument=instrument,
            state=TradingState.REDUCING,
            reason="position was changed from outside",
        )
    )
    desk.mismatches.pop(instrument, None)


def _end_filled(desk: Desk, snapshot: ev.SnapshotTaken, instrument: str) -> None:
    """Orders that the venue calls filled without telling their fills; the adjustment stands for those."""
    for shown in snapshot.orders:
        order = desk.state.order_of(shown.venue_id, shown.client_id)
        if (
            order is not None
            and order.live
            and order.instrument == instrument
            and shown.status is VenueStatus.FILLED
        ):
            desk.moved(order.client_id, E.EXPIRED, reason="filled, but its fills are not told")
