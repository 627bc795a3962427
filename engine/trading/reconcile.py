"""Make the state agree with a snapshot: orders, then fills, then positions. The venue's word is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import events as ev
from engine.model import records as r
from engine.model.market import MINUTE, NANOS
from engine.model.orders import OrderStatus
from engine.model.records import OrderEvent as E
from engine.model.view import TradingState
from engine.trading import reports

if TYPE_CHECKING:
    from engine.trading.desk import Desk

OVERLAP_NS = MINUTE
"""Fills are asked for again from this long before the last one seen."""

ABSENCES = 2
"""Snapshots in a row that must agree before an order or a position is taken as different."""


def since(desk: Desk) -> int:
    """From when on orders and fills are asked for, nanoseconds UTC."""
    oldest = min((order.created_ts for order in desk.state.live_orders()), default=desk.turn.now)
    last = desk.state.last_fill_ts or desk.turn.now - 24 * 60 * MINUTE
    return max(0, min(oldest, last) - OVERLAP_NS)


def merge(desk: Desk, snapshot: ev.SnapshotTaken) -> None:
    asked_before = {order.client_id for order in desk.state.live_orders()}
    for order in snapshot.orders:
        reports.on_order(desk, order)
    for fill in snapshot.fills:
        reports.on_fill(desk, fill)
    _absent_orders(desk, snapshot, asked_before)
    if _positions_agree(desk, snapshot):
        if not desk.reconciled:
            desk.reconciled = True
            live = len(desk.state.live_orders())
            desk.turn.commit(
                r.Reconciled(ts=desk.turn.now, book=desk.book, orders=live, positions=len(snapshot.positions))
            )
    else:
        desk.look(NANOS)


def _absent_orders(desk: Desk, snapshot: ev.SnapshotTaken, asked_before: set[str]) -> None:
    """Orders that we think live and the venue does not show. One absence proves nothing."""
    shown = {order.venue_id for order in snapshot.orders}
    for order in desk.state.live_orders():
        if order.client_id not in asked_before or order.venue_id in shown:
            desk.absent.pop(order.client_id, None)
            continue
        count = desk.absent[order.client_id] = desk.absent.get(order.client_id, 0) + 1
        if order.status is OrderStatus.UNKNOWN and order.venue_id is None:
            enough = desk.turn.now - order.changed_ts >= desk.config.unknown_after_ns
            if count >= desk.config.unknown_checks and enough:
                desk.moved(order.client_id, E.NOT_FOUND, reason="the venue never got it")
        elif order.venue_id is not None and count >= ABSENCES:
            desk.moved(order.client_id, E.CANCELED, reason="no longer at the venue")
        if order.live:
            desk.look(NANOS)


def _positions_agree(desk: Desk, snapshot: ev.SnapshotTaken) -> bool:
    """Compare; a difference that two snapshots show is adjusted and restricts the instrument."""
    state = desk.state
    theirs = {position.instrument: position for position in snapshot.positions}
    agree = True
    for instrument in sorted(set(theirs) | {i for i, p in state.positions.items() if p.qty}):
        known = desk.turn.state.instruments.get(instrument)
        venue_qty = theirs[instrument].qty if instrument in theirs else 0
        delta = venue_qty - state.position(instrument).qty
        if not delta:
            desk.mismatches.pop(instrument, None)
            continue
        agree = False
        seen = desk.mismatches[instrument] = desk.mismatches.get(instrument, 0) + 1
        if seen < ABSENCES or known is None:
            continue
        average = theirs[instrument].average_price if instrument in theirs else None
        fallback = round(state.position(instrument).average)
        price = fallback if average is None else round(average / known.tick_size)
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
    return agree
