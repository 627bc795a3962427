"""What the venue says of orders, by stream or in answer to a request, taken into the state."""

from __future__ import annotations

from engine.execution import brackets, flatten, protection
from engine.execution.adoption import adopt, leave
from engine.execution.fills import take_orphans
from engine.execution.ledger import Ledger
from engine.model import events as ev
from engine.model.effects import ModifyOrder
from engine.model.errors import Cause
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import OrderStatus, Slot, VenueOrder, VenueStatus
from engine.model.records import OrderEvent as E
from engine.state.state import Order

STAMP_NS = 1_000
"""The stream stamps to 100 ns, queries to the microsecond: within this it is the same time."""

SETTLE_NS = 2 * NANOS
"""What was acknowledged and has not shown its result by then is looked up."""

LONGEST_PAUSE_S = 60
"""Between two tries of a change that the venue refuses."""

_FINAL = (None, Cause.OTHER)
"""Why a change is refused for good: not because the market is closed, nor because the order is gone."""

_ENDED: dict[VenueStatus, E] = {
    VenueStatus.CANCELED: E.CANCELED,
    VenueStatus.EXPIRED: E.EXPIRED,
    VenueStatus.REJECTED: E.REJECTED,
}


def on_order(ledger: Ledger, reported: VenueOrder, asked: int | None = None) -> None:
    """`asked` is given for orders of a snapshot: when it was asked for."""
    state = ledger.state
    order = state.order_of(reported.venue_id, reported.client_id)
    if order is None:
        if not reported.status.live:
            return
        if not ledger.knows(reported.instrument):
            leave(ledger, "an order", reported.instrument)
            return
        order = adopt(ledger, reported)
    if order.status.terminal:
        protection.returned(ledger, order, reported, asked)
        take_orphans(ledger)
        return
    if reported.ts_venue:
        # Not every report is worth a record, and yet an older one may not undo it.
        newest = max(order.venue_ts, ledger.told_ts.get(order.client_id, 0))
        if reported.ts_venue + STAMP_NS <= newest and reported.status.live:
            ledger.turn.counts["stale reports"] += 1
            return
        ledger.told_ts[order.client_id] = max(newest, reported.ts_venue)
    ended = _ENDED.get(reported.status)
    if ended is E.REJECTED and asked is None and _awaits_its_reason(order):
        ledger.look(SETTLE_NS)
    elif ended is not None:
        ledger.moved(order.client_id, ended, venue_id=reported.venue_id, ts_venue=reported.ts_venue)
        if ended is E.REJECTED:
            _stop_rejected(ledger, order)
    elif reported.status is not VenueStatus.FILLED:
        _still_working(ledger, order, reported)
    elif order.venue_id is None or order.qty != reported.qty:
        # A change whose answer was lost may have made it smaller: what it was filled for is its size.
        ledger.moved(
            order.client_id,
            E.ACCEPTED,
            venue_id=reported.venue_id,
            qty=reported.qty,
            ts_venue=reported.ts_venue,
        )
    if order.filled_qty < reported.filled_qty:
        ledger.look(SETTLE_NS)
    take_orphans(ledger)


def _still_working(ledger: Ledger, order: Order, reported: VenueOrder) -> None:
    suspended = reported.status is VenueStatus.SUSPENDED
    change = ledger.changes.get(order.client_id)
    if order.status is OrderStatus.PENDING_MODIFY and change is not None:
        arrived = (
            change.stop in (None, reported.stop)
            and change.limit in (None, reported.limit)
            and change.qty in (None, reported.qty)
        )
        if arrived:
            _modified(ledger, order, change)
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
    ledger.moved(
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
        ledger.send_cancel(order)


def _awaits_its_reason(order: Order) -> bool:
    """The stream tells of a rejection without saying why, and often before the answer that does: what
    becomes of an entry depends on it. A stop's rejection never waits.
    """
    return order.slot is Slot.ENTRY and order.status is OrderStatus.SENT


def _stop_rejected(ledger: Ledger, order: Order) -> None:
    """A position whose stop the venue won't take is flattened at once rather than left naked."""
    if order.slot is Slot.STOP and ledger.state.position(order.instrument).qty:
        flatten.start(ledger, (order.instrument,), "risk")


def on_placed(ledger: Ledger, reply: ev.Replied) -> None:
    order = ledger.state.orders.get(reply.client_id)
    if order is None:
        return
    arrived = order.venue_id is not None and order.status is not OrderStatus.REJECTED
    if reply.outcome is ev.Outcome.REFUSED and reply.cause is Cause.NO_BRACKETS and not arrived:
        if not order.status.terminal:
            ledger.moved(order.client_id, E.REJECTED, venue_id=reply.venue_id, reason=reply.reason)
        brackets.refused(ledger, order, reply.reason)
        return
    if order.status.terminal:
        return
    if reply.outcome is not ev.Outcome.ACCEPTED and arrived:
        ledger.look(0)  # the stream has told of it already: it did arrive, whatever the answer says
        return
    match reply.outcome:
        case ev.Outcome.ACCEPTED:
            if order.venue_id is None:
                ledger.moved(order.client_id, E.ACCEPTED, venue_id=reply.venue_id)
            if order.cancel_wanted:
                ledger.send_cancel(order)
        case ev.Outcome.REFUSED if reply.cause is Cause.TAKEN:
            # An order with this id is there, or was: it can only be this one, so it is looked up.
            ledger.moved(order.client_id, E.TIMED_OUT, reason=reply.reason)
            ledger.look(0)
        case ev.Outcome.REFUSED:
            ledger.moved(order.client_id, E.REJECTED, venue_id=reply.venue_id, reason=reply.reason)
            _stop_rejected(ledger, order)
        case ev.Outcome.UNSENT:
            ledger.moved(order.client_id, E.DENIED, reason=reply.reason)
        case ev.Outcome.UNKNOWN:
            ledger.moved(order.client_id, E.TIMED_OUT, reason=reply.reason)
            ledger.look(0)
    take_orphans(ledger)


def on_modified(ledger: Ledger, reply: ev.Replied) -> None:
    order = ledger.state.orders.get(reply.client_id)
    change = ledger.changes.get(reply.client_id)
    if order is None or order.status is not OrderStatus.PENDING_MODIFY or change is None:
        return
    match reply.outcome:
        case ev.Outcome.ACCEPTED:
            _modified(ledger, order, change)
        case ev.Outcome.REFUSED | ev.Outcome.UNSENT:
            if reply.outcome is ev.Outcome.REFUSED and change.qty is not None and reply.cause in _FINAL:
                ledger.rigid.add(order.client_id)
            not_changed(ledger, order, reply.reason or "modify refused")
            ledger.look(0)
        case ev.Outcome.UNKNOWN:
            ledger.unanswered[order.client_id] = ledger.turn.now
            ledger.look(0)


def _modified(ledger: Ledger, order: Order, change: ModifyOrder) -> None:
    for kept in (ledger.changes, ledger.unanswered, ledger.refused):
        kept.pop(order.client_id, None)
    ledger.rigid.discard(order.client_id)
    ledger.moved(order.client_id, E.MODIFIED, qty=change.qty, limit=change.limit, stop=change.stop)


def not_changed(ledger: Ledger, order: Order, reason: str) -> None:
    """The order stands as before. The change is tried again, a price after ever longer pauses, a size soon:
    an exit that is too large could open a position.
    """
    change = ledger.changes.pop(order.client_id, None)
    ledger.unanswered.pop(order.client_id, None)
    times = ledger.refused.get(order.client_id, (0, 0))[0] + 1
    sized = change is not None and change.qty is not None
    pause = min(2**times, 2 if sized else LONGEST_PAUSE_S) * NANOS
    ledger.refused[order.client_id] = times, ledger.turn.now + pause
    ledger.moved(order.client_id, E.REQUEST_REFUSED, reason=reason)


def on_cancelled(ledger: Ledger, reply: ev.Replied) -> None:
    order = ledger.state.orders.get(reply.client_id)
    if order is None or not order.live:
        return
    if reply.outcome is ev.Outcome.REFUSED and order.status is OrderStatus.PENDING_CANCEL:
        ledger.moved(order.client_id, E.REQUEST_REFUSED, reason=reply.reason or "cancel refused")
    ledger.look(0 if reply.outcome is not ev.Outcome.ACCEPTED else SETTLE_NS)


def on_account(ledger: Ledger, reported: ev.AccountReported) -> None:
    ledger.balance_usd = reported.balance_usd
    if ledger.can_trade and not reported.can_trade:
        ledger.turn.say(
            NoticeKind.RISK,
            Severity.CRITICAL,
            "the venue has blocked this account from trading",
            book=ledger.book,
        )
    ledger.can_trade = reported.can_trade
