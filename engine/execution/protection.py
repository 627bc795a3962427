"""What must never be: a position without its stop, an exit without a position, two exits for one.

Everything here acts on our own orders only. What people do by hand in the account is theirs.
"""

from __future__ import annotations

from engine.execution import flatten
from engine.execution.desired import RETRY_NS, has_bracket, never_arrived, stands
from engine.execution.inquiry import LOOK_AGAIN_NS, UNPROVEN_NS
from engine.execution.ledger import Ledger
from engine.model.effects import CancelOrder
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import OrderStatus, Slot, VenueOrder
from engine.model.records import OrderEvent
from engine.state.state import BookState, LegState, Order, PlanState

VANISHED = 2
"""A stop that vanishes is placed anew once; so many times, and the position is flattened."""

TARGET_TRIES = 3
"""Targets that the venue rejects are given up after so many: the stop stays, a person may close."""


LONGEST_UNSENT_NS = {Slot.STOP: 4 * NANOS, Slot.TARGET: 30 * NANOS}
"""Longest pause between tries of an exit that can't be sent at all: protection waits less."""


def may_place(ledger: Ledger, found: PlanState, leg: int, slot: Slot) -> bool:
    """Whether an exit may be placed, and perhaps placed once more in a slot that has lost earlier ones."""
    if slot is Slot.ENTRY:
        return True
    if not _proven(ledger, found, leg, slot):
        return False
    earlier = [
        order
        for order in ledger.state.orders.values()
        if order.plan_id == found.plan.plan_id and order.leg == leg and order.slot is slot
    ]
    if ledger.turn.now < _not_before(earlier, slot):
        return False
    if slot is Slot.TARGET:
        return sum(order.status is OrderStatus.REJECTED for order in earlier) < TARGET_TRIES
    gone = (OrderStatus.CANCELED, OrderStatus.EXPIRED)
    if sum(order.status in gone and not order.cancel_wanted for order in earlier) < VANISHED:
        return True
    if found.plan.instrument not in ledger.state.flattening:
        flatten_naked(ledger, found.plan.instrument, "its stop was cancelled again")
    return False


def _proven(ledger: Ledger, found: PlanState, leg: int, slot: Slot) -> bool:
    """An exit of ours is placed beside a bracket that the venue keeps by itself. Whatever makes it seem
    missing (a leg not told, a stream that was gone while the other leg filled) is looked up first, or the
    new exit could open a position of its own.
    """
    done = found.legs[leg]
    orders = ledger.state.orders
    last = orders.get(done.slots.get(slot, ""))
    entry = orders.get(done.slots.get(Slot.ENTRY, ""))
    if last is not None and never_arrived(last):
        return True
    if not has_bracket(entry) and last is None and done.entry_ts >= ledger.blind_ts:
        return True  # there is no bracket that could be on its way, and the fill itself was heard
    seemed = max(ledger.blind_ts, done.entry_ts if last is None else last.changed_ts)
    if ledger.inquiry.proven_ts >= seemed:
        return True
    ledger.look(0)
    if last is not None and last.live and not last.suspended:
        return False  # a successor beside a stop that stands may wait for proof
    grace = UNPROVEN_NS + (ledger.config.bracket_grace_ns if last is None else RETRY_NS)
    return slot is Slot.STOP and ledger.turn.now - seemed >= grace


def _not_before(earlier: list[Order], slot: Slot) -> int:
    """When the next try may be made after orders that were never sent: ever later, with a fresh id each."""
    unsent = 0
    for order in reversed(earlier):
        if order.status is not OrderStatus.DENIED:
            break
        unsent += 1
    if not unsent:
        return 0
    return earlier[-1].changed_ts + min(RETRY_NS << (unsent - 1), LONGEST_UNSENT_NS[slot])


def flatten_naked(ledger: Ledger, instrument: str, why: str) -> None:
    """Close a position of ours that nothing protects, rather than hope."""
    if instrument in ledger.state.flattening:
        return
    ledger.turn.say(
        NoticeKind.RISK,
        Severity.CRITICAL,
        f"{instrument} is not protected ({why}): flattening it",
        instrument,
        ledger.book,
    )
    flatten.start(ledger, (instrument,), "risk")


def is_double_exit(ledger: Ledger, order: Order, qty: int) -> bool:
    """Whether a fill closes more of its leg than is open: stop and target filled in a race."""
    found = ledger.state.plans.get(order.plan_id or "")
    if found is None or order.slot not in (Slot.STOP, Slot.TARGET):
        return False
    leg = found.legs[order.leg]
    entry = ledger.state.orders.get(leg.slots.get(Slot.ENTRY, ""))
    return qty > leg.open_qty and (entry is None or entry.status.terminal)


def after_fill(ledger: Ledger, order: Order) -> None:
    """A fill of ours must belong to a trade that is managed: a late one may come when its plan is over,
    and both exits of a bracket may fill in a race. What they leave behind is closed at once.
    """
    ours = order.plan_id is not None or ledger.made(order)
    if not ours or not ledger.state.position(order.instrument).qty:
        return
    found = ledger.state.plans.get(order.plan_id or "")
    if found is None:
        flatten_naked(ledger, order.instrument, "a late fill of a finished trade")
    elif found.legs[order.leg].open_qty < 0:
        flatten_naked(ledger, order.instrument, "more was closed than was open")


def covered(ledger: Ledger) -> bool:
    """Every open leg has a stop at the venue for all of it, or is being flattened."""
    state = ledger.state
    return all(
        found.plan.instrument in state.flattening or leg.open_qty <= 0 or _stopped(state, leg)
        for found in state.plans.values()
        for leg in found.legs
    )


def _stopped(state: BookState, leg: LegState) -> bool:
    stop = state.orders.get(leg.slots.get(Slot.STOP, ""))
    if stop is None or stop.venue_id is None or not stop.live or stop.suspended:
        return False
    return stop.status is not OrderStatus.UNKNOWN and stop.open_qty >= leg.open_qty


def cancel_strays(ledger: Ledger) -> None:
    """Cancel exits of ours that a newer one has replaced, and those whose trade is over."""
    state = ledger.state
    for order in state.live_orders():
        if order.suspended or (order.slot is None and not ledger.made(order)):
            continue
        plan = state.plans.get(order.plan_id or "")
        if plan is None:
            # An exit of ours whose trade is over has nothing to close. Other legs that carry our tag may be
            # all that protects a position whose story we have lost.
            idle = not state.position(order.instrument).qty and order.instrument not in ledger.mismatches
            if ledger.reconciled and (idle or order.slot is not None) and not ledger.orphans:
                ledger.cancel(order)
        elif order.slot in (Slot.STOP, Slot.TARGET):
            holder = state.orders.get(plan.legs[order.leg].slots.get(order.slot, ""))
            if holder is not None and holder is not order and stands(holder):
                ledger.cancel(order)


def returned(ledger: Ledger, order: Order, reported: VenueOrder, asked: int | None) -> None:
    """The venue tells of an order that is over for us. If it lives there, it is called back.

    By the stream an order may be told of late, so its word counts only for orders whose id we never learnt
    (the lost ones). A snapshot's counts if it was `asked` for after the order ended here.
    """
    lost = order.venue_id is None
    if lost:
        ledger.moved(order.client_id, OrderEvent.ACCEPTED, venue_id=reported.venue_id)
    if not reported.status.live or reported.venue_id != order.venue_id:
        return
    if not lost and (asked is None or asked < order.changed_ts + LOOK_AGAIN_NS):
        return
    sent = ledger.cancel_sent.get(order.client_id)
    if sent is None:
        ledger.turn.say(
            NoticeKind.ORDER,
            Severity.WARNING,
            f"order {order.side.value} {order.qty} {order.instrument} was over here and lives at the venue: "
            "cancelling it",
            order.instrument,
            ledger.book,
        )
    if sent is None or ledger.turn.now - sent >= LOOK_AGAIN_NS:
        ledger.cancel_sent[order.client_id] = ledger.turn.now
        ledger.turn.request(CancelOrder(ledger.book, order.client_id, reported.venue_id, order.instrument))
        ledger.look(LOOK_AGAIN_NS)
