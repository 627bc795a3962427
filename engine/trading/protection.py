"""What must never be: a position without its stop, an exit without a position, two exits for one.

Everything here acts on our own orders only. What people do by hand in the account is theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.effects import CancelOrder
from engine.model.market import NANOS
from engine.model.orders import OrderStatus, Slot, VenueOrder
from engine.model.records import OrderEvent
from engine.model.view import NoticeKind, Severity
from engine.trading import flatten
from engine.trading.desired import RETRY_NS
from engine.trading.inquiry import LOOK_AGAIN_NS
from engine.trading.state import Order, PlanState

if TYPE_CHECKING:
    from engine.trading.desk import Desk

VANISHED = 2
"""A stop that vanishes is placed anew once; so many times, and the position is flattened."""

TARGET_TRIES = 3
"""Targets that the venue rejects are given up after so many: the stop stays, a person may close."""


UNPROVEN_NS = 3 * NANOS
"""A stop waits no longer than this for a look at the venue that fails or is not answered."""


def may_place(desk: Desk, found: PlanState, leg: int, slot: Slot) -> bool:
    """Whether an exit may be placed, and perhaps placed once more in a slot that has lost earlier ones."""
    if slot is Slot.ENTRY:
        return True
    if not _proven(desk, found, leg, slot):
        return False
    earlier = [
        order
        for order in desk.state.orders.values()
        if order.plan_id == found.plan.plan_id and order.leg == leg and order.slot is slot
    ]
    if slot is Slot.TARGET:
        return sum(order.status is OrderStatus.REJECTED for order in earlier) < TARGET_TRIES
    gone = (OrderStatus.CANCELED, OrderStatus.EXPIRED)
    if sum(order.status in gone and not order.cancel_wanted for order in earlier) < VANISHED:
        return True
    if found.plan.instrument not in desk.state.flattening:
        flatten_naked(desk, found.plan.instrument, "its stop was cancelled again")
    return False


def _proven(desk: Desk, found: PlanState, leg: int, slot: Slot) -> bool:
    """An exit of ours is placed beside a bracket that the venue keeps by itself. Whatever makes it seem
    missing (a leg not told, a stream that was gone while the other leg filled) is looked up first, or the
    new exit could open a position of its own.
    """
    done = found.legs[leg]
    last = desk.state.orders.get(done.slots.get(slot, ""))
    seemed = max(desk.blind_ts, done.entry_ts if last is None else last.changed_ts)
    if desk.inquiry.proven_ts >= seemed:
        return True
    desk.look(0)
    grace = UNPROVEN_NS + (desk.config.bracket_grace_ns if last is None else RETRY_NS)
    return slot is Slot.STOP and desk.turn.now - seemed >= grace


def flatten_naked(desk: Desk, instrument: str, why: str) -> None:
    """Close a position of ours that nothing protects, rather than hope."""
    if instrument in desk.state.flattening:
        return
    desk.turn.say(
        NoticeKind.RISK,
        Severity.CRITICAL,
        f"{instrument} is not protected ({why}): flattening it",
        instrument,
        desk.book,
    )
    flatten.start(desk, (instrument,), "risk")


def after_fill(desk: Desk, order: Order) -> None:
    """A fill of ours must belong to a trade that is managed: a late one may come when its plan is over,
    and both exits of a bracket may fill in a race. What they leave behind is closed at once.
    """
    if order.plan_id is None or not desk.state.position(order.instrument).qty:
        return
    found = desk.state.plans.get(order.plan_id)
    if found is None:
        flatten_naked(desk, order.instrument, "a late fill of a finished trade")
    elif found.legs[order.leg].open_qty < 0:
        flatten_naked(desk, order.instrument, "more was closed than was open")


def cancel_strays(desk: Desk) -> None:
    """Cancel exits of ours that a newer one has replaced, and those whose trade is over."""
    state = desk.state
    ours = f"ts-{desk.turn.state.install}-"
    for order in state.live_orders():
        if order.suspended or (order.slot is None and not order.client_id.startswith(ours)):
            continue
        plan = state.plans.get(order.plan_id or "")
        if plan is None:
            idle = not state.position(order.instrument).qty and order.instrument not in desk.mismatches
            if desk.reconciled and idle and not desk.orphans:
                desk.cancel(order)
        elif order.slot in (Slot.STOP, Slot.TARGET):
            holder = state.orders.get(plan.legs[order.leg].slots.get(order.slot, ""))
            if holder is not None and holder is not order and _stands(holder):
                desk.cancel(order)


def _stands(order: Order) -> bool:
    return order.status in (OrderStatus.WORKING, OrderStatus.PARTIAL) and not order.suspended


def returned(desk: Desk, order: Order, reported: VenueOrder, asked: int | None) -> None:
    """The venue tells of an order that is over for us. If it lives there, it is called back.

    By the stream an order may be told of late, so its word counts only for orders whose id we never learnt
    (the lost ones). A snapshot's counts if it was `asked` for after the order ended here.
    """
    lost = order.venue_id is None
    if lost:
        desk.moved(order.client_id, OrderEvent.ACCEPTED, venue_id=reported.venue_id)
    if not reported.status.live or reported.venue_id != order.venue_id:
        return
    if not lost and (asked is None or asked < order.changed_ts + LOOK_AGAIN_NS):
        return
    sent = desk.cancel_sent.get(order.client_id)
    if sent is None:
        desk.turn.say(
            NoticeKind.ORDER,
            Severity.WARNING,
            f"order {order.side.value} {order.qty} {order.instrument} was over here and lives at the venue: "
            "cancelling it",
            order.instrument,
            desk.book,
        )
    if sent is None or desk.turn.now - sent >= LOOK_AGAIN_NS:
        desk.cancel_sent[order.client_id] = desk.turn.now
        desk.turn.request(CancelOrder(desk.book, order.client_id, reported.venue_id, order.instrument))
        desk.look(LOOK_AGAIN_NS)
