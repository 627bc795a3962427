"""What the venue says of orders, by stream or in answer to a request, taken into the state."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.execution.adoption import Adoption
from engine.execution.brackets import NativeBrackets
from engine.execution.context import BookContext
from engine.execution.fills import Fills
from engine.execution.flatten import Flattener
from engine.execution.inquiry import Inquiry
from engine.execution.order_requests import OrderRequests
from engine.execution.protection import Protection
from engine.model import events as ev
from engine.model.errors import Cause
from engine.model.market import NANOS
from engine.model.orders import OrderStatus, Slot, VenueOrder, VenueStatus
from engine.model.records import OrderEvent as E
from engine.state.state import Order

STAMP_NS = 1_000
"""The stream stamps to 100 ns, queries to the microsecond: within this it is the same time."""

SETTLE_NS = 2 * NANOS
"""What was acknowledged and has not shown its result by then is looked up."""

_FINAL = (None, Cause.OTHER)
"""Why a change is refused for good: not because the market is closed, nor because the order is gone."""

_ENDED: dict[VenueStatus, E] = {
    VenueStatus.CANCELED: E.CANCELED,
    VenueStatus.EXPIRED: E.EXPIRED,
    VenueStatus.REJECTED: E.REJECTED,
}


@dataclass(eq=False)
class OrderReports:
    """The orders of one book as the venue tells of them."""

    _book: BookContext
    _orders: OrderRequests
    _inquiry: Inquiry
    _adoption: Adoption
    _fills: Fills
    _brackets: NativeBrackets
    _protection: Protection
    _flattener: Flattener
    _told_ts: dict[str, int] = field(default_factory=dict, init=False)
    """Client id to the venue's time of the newest report of the order."""

    def on_order(self, reported: VenueOrder, asked: int | None = None) -> None:
        """`asked` is given for orders of a snapshot: when it was asked for."""
        state = self._book.state
        order = state.order_of(reported.venue_id, reported.client_id)
        if order is None:
            if not reported.status.live:
                return
            if not self._book.knows(reported.instrument):
                self._adoption.leave("an order", reported.instrument)
                return
            if self._adoption.others(reported):
                return
            order = self._adoption.adopt(reported)
        if order.status.terminal:
            self._protection.returned(order, reported, asked)
            self._fills.take_waiting()
            return
        if reported.ts_venue:
            # Not every report is worth a record, and yet an older one may not undo it.
            newest = max(order.venue_ts, self._told_ts.get(order.client_id, 0))
            if reported.ts_venue + STAMP_NS <= newest and reported.status.live:
                self._book.turn.counts["stale reports"] += 1
                return
            self._told_ts[order.client_id] = max(newest, reported.ts_venue)
        more = reported.qty > order.spec.qty
        if more and asked is None and order.slot is not None and reported.qty > self._fills.most(order):
            self._book.turn.counts["absurd reports"] += 1
            self._inquiry.want(0)  # the venue's word, when it is asked, may be so; the stream's alone is not
            return
        ended = _ENDED.get(reported.status)
        if ended is E.REJECTED and asked is None and _awaits_its_reason(order):
            self._inquiry.want(SETTLE_NS)
        elif ended is not None:
            self._orders.moved(order.client_id, ended, venue_id=reported.venue_id, ts_venue=reported.ts_venue)
            if ended is E.REJECTED:
                self._stop_rejected(order)
        elif reported.status is not VenueStatus.FILLED:
            self._still_working(order, reported)
        elif order.venue_id is None or order.qty != reported.qty:
            # A change whose answer was lost may have made it smaller: what it was filled for is its size.
            self._orders.moved(
                order.client_id,
                E.ACCEPTED,
                venue_id=reported.venue_id,
                qty=reported.qty,
                ts_venue=reported.ts_venue,
            )
        if order.filled_qty < reported.filled_qty:
            self._inquiry.want(SETTLE_NS)
        self._fills.take_waiting()

    def _still_working(self, order: Order, reported: VenueOrder) -> None:
        suspended = reported.status is VenueStatus.SUSPENDED
        change = self._orders.change_of(order)
        if order.status is OrderStatus.PENDING_MODIFY and change is not None:
            arrived = (
                change.stop in (None, reported.stop)
                and change.limit in (None, reported.limit)
                and change.qty in (None, reported.qty)
            )
            if arrived:
                self._orders.changed(order, change)
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
        self._orders.moved(
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
            self._orders.send_cancel(order)

    def _stop_rejected(self, order: Order) -> None:
        """A position whose stop the venue won't take is flattened at once rather than left naked."""
        found = self._book.state.plans.get(order.plan_id or "")
        if found is not None and found.shared and not found.open_qty:
            return  # what is open is another trade's, with a stop of its own
        if order.slot is Slot.STOP and self._book.state.position(order.instrument).qty:
            self._flattener.start((order.instrument,), "risk")

    def on_placed(self, reply: ev.Replied) -> None:
        order = self._book.state.orders.get(reply.client_id)
        if order is None:
            return
        arrived = order.venue_id is not None and order.status is not OrderStatus.REJECTED
        if reply.outcome is ev.Outcome.REFUSED and reply.cause is Cause.NO_BRACKETS and not arrived:
            if not order.status.terminal:
                self._orders.moved(order.client_id, E.REJECTED, venue_id=reply.venue_id, reason=reply.reason)
            self._brackets.refused(order, reply.reason)
            return
        if order.status.terminal:
            return
        if reply.outcome is not ev.Outcome.ACCEPTED and arrived:
            self._inquiry.want(
                0
            )  # the stream has told of it already: it did arrive, whatever the answer says
            return
        match reply.outcome:
            case ev.Outcome.ACCEPTED:
                if order.venue_id is None:
                    self._orders.moved(order.client_id, E.ACCEPTED, venue_id=reply.venue_id)
                if order.cancel_wanted:
                    self._orders.send_cancel(order)
            case ev.Outcome.REFUSED if reply.cause is Cause.TAKEN:
                # An order with this id is there, or was: it can only be this one, so it is looked up.
                self._orders.moved(order.client_id, E.TIMED_OUT, reason=reply.reason)
                self._inquiry.want(0)
            case ev.Outcome.REFUSED:
                self._orders.moved(order.client_id, E.REJECTED, venue_id=reply.venue_id, reason=reply.reason)
                self._stop_rejected(order)
            case ev.Outcome.UNSENT:
                self._orders.moved(order.client_id, E.DENIED, reason=reply.reason)
            case ev.Outcome.UNKNOWN:
                self._orders.moved(order.client_id, E.TIMED_OUT, reason=reply.reason)
                self._inquiry.want(0)
        self._fills.take_waiting()

    def on_modified(self, reply: ev.Replied) -> None:
        order = self._book.state.orders.get(reply.client_id)
        change = None if order is None else self._orders.change_of(order)
        if order is None or order.status is not OrderStatus.PENDING_MODIFY or change is None:
            return
        match reply.outcome:
            case ev.Outcome.ACCEPTED:
                self._orders.changed(order, change)
            case ev.Outcome.REFUSED | ev.Outcome.UNSENT:
                if reply.outcome is ev.Outcome.REFUSED and change.qty is not None and reply.cause in _FINAL:
                    self._orders.rigid.add(order.client_id)
                unheard = reply.outcome is ev.Outcome.UNSENT
                self._orders.not_changed(order, reply.reason or "modify refused", unheard=unheard)
                self._inquiry.want(0)
            case ev.Outcome.UNKNOWN:
                self._orders.change_unanswered(order)
                self._inquiry.want(0)

    def on_cancelled(self, reply: ev.Replied) -> None:
        order = self._book.state.orders.get(reply.client_id)
        if order is None or not order.live:
            return
        unheard = reply.outcome in (ev.Outcome.UNSENT, ev.Outcome.UNKNOWN)
        self._orders.cancel_answered(order, unheard=unheard)
        if reply.outcome is ev.Outcome.REFUSED and order.status is OrderStatus.PENDING_CANCEL:
            self._orders.not_cancelled(order, reply.reason or "cancel refused")
        self._inquiry.want(0 if reply.outcome is not ev.Outcome.ACCEPTED else SETTLE_NS)


def _awaits_its_reason(order: Order) -> bool:
    """The stream tells of a rejection without saying why, and often before the answer that does: what
    becomes of an entry depends on it. A stop's rejection never waits.
    """
    return order.slot is Slot.ENTRY and order.status is OrderStatus.SENT
