"""What must never be: a position without its stop, an exit without a position, two exits for one.

Everything here acts on our own orders only. What people do by hand in the account is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.execution.context import BookContext
from engine.execution.desired import RETRY_NS, has_bracket, never_arrived
from engine.execution.flatten import Flattener
from engine.execution.inquiry import LOOK_AGAIN_NS, UNPROVEN_NS, Inquiry
from engine.execution.order_requests import OrderRequests
from engine.execution.trying_again import pause_ns, unsent_pause_ns
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import OrderStatus, Slot, VenueOrder
from engine.model.records import OrderEvent
from engine.state import alarms
from engine.state.alarms import Alarm
from engine.state.legs import LegState
from engine.state.state import BookState, Order, PlanState

VANISHED = 2
"""A stop that vanishes is placed anew once; so many times, and the position is flattened."""

TARGET_TRIES = 3
"""Targets that the venue rejects are given up after so many: the stop stays, a person may close."""


@dataclass(eq=False)
class Protection:
    """What the order manager asks before it places an exit and after every fill."""

    _book: BookContext
    _orders: OrderRequests
    _inquiry: Inquiry
    _flattener: Flattener
    _naked_since: dict[str, int] = field(default_factory=dict, init=False)
    """Since when contracts of ours in an instrument are known to have no stop at the venue."""

    def may_place(self, found: PlanState, leg: int, slot: Slot) -> bool:
        """Whether an exit may be placed, perhaps once more in a slot that has lost earlier ones."""
        if slot in (Slot.ENTRY, Slot.PART):
            return True
        instrument = found.plan.instrument
        if self._book.is_dust(instrument):
            return False  # the venue takes no order for so little
        if instrument in self._book.state.flattening:
            held = abs(self._book.state.position(instrument).qty)
            filling = 0 < held <= self._flattener.filling(instrument)
            if slot is Slot.TARGET or filling or not self._flattener.stop_may_stand(instrument):
                return False
        if not self._proven(found, leg, slot):
            return False
        earlier = [
            order
            for order in self._book.state.orders.values()
            if order.plan_id == found.plan.plan_id and order.leg == leg and order.slot is slot
        ]
        if self._book.now < _not_before(earlier, slot, self._book.afresh_ts):
            return False
        if slot is Slot.TARGET:
            return sum(order.status is OrderStatus.REJECTED for order in earlier) < TARGET_TRIES
        gone = (OrderStatus.CANCELED, OrderStatus.EXPIRED)
        if sum(order.status in gone and not order.cancel_wanted for order in earlier) < VANISHED:
            return True
        if instrument not in self._book.state.flattening:
            self.flatten_naked(instrument, "its stop was cancelled again")
        return False

    def _proven(self, found: PlanState, leg: int, slot: Slot) -> bool:
        """An exit of ours is placed beside a bracket that the venue keeps by itself. Whatever makes it seem
        missing (a leg not told, a stream that was gone while the other leg filled) is looked up first, or the
        new exit could open a position of its own.
        """
        done = found.legs[leg]
        orders = self._book.state.orders
        last = orders.get(done.slots.get(slot, ""))
        entry = orders.get(done.slots.get(Slot.ENTRY, ""))
        if last is not None and never_arrived(last):
            return True
        if not has_bracket(entry) and last is None and done.entry_ts >= self._inquiry.blind_ts:
            return True  # there is no bracket that could be on its way, and the fill itself was heard
        seemed = max(self._inquiry.blind_ts, done.entry_ts if last is None else last.changed_ts)
        if self._inquiry.proven_ts >= seemed:
            return True
        before = "" if last is None else last.client_id
        self._inquiry.insist(f"missing {found.plan.plan_id} {leg} {slot} {before}", urgent=True)
        if last is not None and last.live and not last.suspended:
            return False  # a successor beside a stop that stands may wait for proof
        grace = UNPROVEN_NS + (self._book.run.bracket_grace_ns if last is None else RETRY_NS)
        return slot is Slot.STOP and self._book.now - seemed >= grace

    def watch(self) -> None:
        """Close what has stood without its stop for as long as it may, however its requests hang: a close
        of nothing does no harm, where one more stop might. Called after every event of the book.
        """
        state, now = self._book.state, self._book.now
        naked: dict[str, int] = {}
        for found in state.plans.values():
            legs = [leg for leg in found.legs if leg.open_qty > 0 and not _stopped(state, leg)]
            instrument = found.plan.instrument
            if not legs or instrument in state.flattening:
                continue
            legs = [leg for leg in found.legs if leg.open_qty > 0]
            bare = sum([leg.open_qty for leg in legs])
            for order in state.live_orders(instrument):
                if order.plan_id == found.plan.plan_id and (_protects(order) or _sells_part(order)):
                    bare -= order.open_qty
            if bare <= 0 or self._book.is_dust(instrument):
                continue
            # A stop of our own comes only after the grace in which the venue's bracket may show.
            awaited = any(has_bracket(state.orders.get(leg.slots.get(Slot.ENTRY, ""))) for leg in legs)
            naked[instrument] = max(naked.get(instrument, 0), NANOS if awaited else 0)
        if not naked:
            self._naked_since.clear()
            return
        self._naked_since = {one: self._naked_since.get(one, now) for one in naked}
        for instrument, grace in naked.items():
            if now - self._naked_since[instrument] >= self._book.config.risk.unprotected_ns + grace:
                self.flatten_naked(instrument, "no stop is known to stand at the venue")

    def stood_still(self, by_ns: int) -> None:
        """The answer that proves a stop may have come in a time in which nobody listened."""
        self._naked_since = {one: since + by_ns for one, since in self._naked_since.items()}

    def flatten_naked(self, instrument: str, why: str) -> None:
        """Close a position of ours that nothing protects, rather than hope."""
        if instrument in self._book.state.flattening:
            return
        self._book.say(
            NoticeKind.RISK,
            Severity.CRITICAL,
            f"{instrument} is not protected ({why}): flattening it",
            instrument,
            Alarm(alarms.naked(self._book.book, instrument)),
        )
        self._flattener.start((instrument,), "risk")

    def is_double_exit(self, order: Order, qty: int) -> bool:
        """Whether a fill closes more of its leg than is open: stop and target filled in a race."""
        found = self._book.state.plans.get(order.plan_id or "")
        if found is None or order.slot in (Slot.ENTRY, None):
            return False
        leg = found.legs[order.leg]
        entry = self._book.state.orders.get(leg.slots.get(Slot.ENTRY, ""))
        return qty > leg.open_qty and (entry is None or entry.status.terminal)

    def after_fill(self, order: Order) -> None:
        """A fill of ours must belong to a trade that is managed: a late one may come when its plan is over,
        and both exits of a bracket may fill in a race. What they leave behind is closed at once.
        """
        ours = order.plan_id is not None or self._book.made(order)
        state, symbol = self._book.state, order.instrument
        held = state.position(symbol).qty
        if not ours or not held:
            return
        found = state.plans.get(order.plan_id or "")
        if found is None:
            beside = any(one.shared for one in state.plans.values() if one.plan.instrument == symbol)
            if beside and held == state.shares(symbol):
                return  # it closed contracts of the trade beside it, whose exits shrink
            self.flatten_naked(order.instrument, "a late fill of a finished trade")
        elif found.legs[order.leg].open_qty < 0:
            self.flatten_naked(order.instrument, "more was closed than was open")

    def covered(self) -> bool:
        """Every open leg has a stop at the venue for all of it, or is being flattened."""
        state = self._book.state
        return all(
            found.plan.instrument in state.flattening
            or leg.open_qty <= 0
            or _stopped(state, leg)
            or self._book.is_dust(found.plan.instrument)
            for found in state.plans.values()
            for leg in found.legs
        )

    def returned(self, order: Order, reported: VenueOrder, asked: int | None) -> None:
        """The venue tells of an order that is over for us. If it lives there, it is called back.

        By the stream an order may be told of late, so its word counts only for orders whose id we never
        learnt (the lost ones). A snapshot's counts if it was `asked` for after the order ended here.
        """
        lost = order.venue_id is None
        if lost:
            self._orders.moved(order.client_id, OrderEvent.ACCEPTED, venue_id=reported.venue_id)
        if not reported.status.live or reported.venue_id != order.venue_id:
            return
        if not lost and (asked is None or asked < order.changed_ts + LOOK_AGAIN_NS):
            return
        if not self._orders.called_back(order):
            what = self._book.order_text(order)
            text = f"order {what} was over here and lives at the venue: cancelling it"
            self._book.say(NoticeKind.ORDER, Severity.WARNING, text, order.instrument)
        if self._orders.call_back(order, reported.venue_id):
            self._inquiry.want(LOOK_AGAIN_NS)


def _not_before(earlier: list[Order], slot: Slot, afresh_ts: int) -> int:
    """When the next try may be made after orders that were not sent, never arrived or were refused: ever
    later, with a fresh id each; at once where the last was before `afresh_ts`, or has only just been lost.
    """
    failed = 0
    for order in reversed(earlier):
        if order.status not in (OrderStatus.DENIED, OrderStatus.REJECTED):
            break
        failed += 1
    if not failed or earlier[-1].changed_ts < afresh_ts or (failed == 1 and never_arrived(earlier[-1])):
        return 0
    unsent = slot is Slot.STOP and earlier[-1].status is OrderStatus.DENIED
    return earlier[-1].changed_ts + (unsent_pause_ns if unsent else pause_ns)(failed, RETRY_NS)


def _stopped(state: BookState, leg: LegState) -> bool:
    """Whether all that is open of a leg has its stop at the venue, or is being closed."""
    stop, part = (state.orders.get(leg.slots.get(slot, "")) for slot in (Slot.STOP, Slot.PART))
    stopped = stop.open_qty if stop is not None and _protects(stop) else 0
    closing = part.open_qty if part is not None and _sells_part(part) else 0
    return stopped + closing >= leg.open_qty


def _protects(order: Order) -> bool:
    return order.slot is Slot.STOP and order.stands


def _sells_part(order: Order) -> bool:
    """A part is being closed by it, as far as is known."""
    return order.slot is Slot.PART and order.live and order.status is not OrderStatus.UNKNOWN
