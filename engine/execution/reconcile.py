"""Make the state agree with a snapshot: orders, then fills, then positions. The venue's word is the truth."""

from __future__ import annotations

from hashlib import blake2s

from engine.execution import adoption, foreign, protection, reports
from engine.execution import fills as executions
from engine.execution.ledger import Ledger, Mismatch
from engine.model import events as ev
from engine.model import records as r
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS
from engine.model.notices import Severity
from engine.model.orders import Fill, OrderStatus, Slot, VenueOrder, VenueStatus
from engine.model.records import OrderEvent as E
from engine.state.state import Order

OVERLAP_NS = MINUTE
"""Fills are asked for again from this long before the last one seen."""

NAKED_NS = 3 * NANOS
"""A position is not left longer with a stop that may never have reached the venue."""

ARRIVED_NS = NANOS
"""A stop that a stopped run sent shows at the venue by then, or it never arrived. One that does so even later
is called back.
"""

LOST_NS = 40 * NANOS
"""A change without any answer by then gets none."""

ABSENCES = 2
"""Snapshots in a row that must agree before an order or a position is taken as different."""


def since(ledger: Ledger) -> int:
    """From when on orders and fills are asked for, nanoseconds UTC."""
    oldest = min((order.created_ts for order in ledger.state.live_orders()), default=ledger.turn.now)
    last = ledger.state.last_fill_ts or ledger.turn.now - 24 * 60 * MINUTE
    return max(0, min(oldest, last) - OVERLAP_NS)


def merge(ledger: Ledger, snapshot: ev.SnapshotTaken, asked: int) -> None:
    """Take a snapshot in that was asked for at `asked`; 0 if that is not known."""
    for order in snapshot.orders:
        reports.on_order(ledger, order, asked)
    for fill in snapshot.fills:
        executions.on_fill(ledger, fill, asked)
    _explain_orphans(ledger, snapshot)
    _settle_changes(ledger, snapshot, asked)
    _absent_orders(ledger, snapshot, asked)
    _untold_fills(ledger, snapshot, asked)
    if _positions_agree(ledger, snapshot):
        if not ledger.reconciled:
            ledger.reconciled = True
            live = len(ledger.state.live_orders())
            ledger.turn.commit(
                r.Reconciled(
                    ts=ledger.turn.now, book=ledger.book, orders=live, positions=len(snapshot.positions)
                )
            )
    else:
        ledger.look(NANOS)


def _explain_orphans(ledger: Ledger, snapshot: ev.SnapshotTaken) -> None:
    """Fills that wait for their order, which was over before it was told of: the snapshot says whose it was.

    While they wait, a position seems to be there that is not, and exits would be placed for it.
    """
    waiting = {fill.venue_order_id for _, fill in ledger.orphans}
    for shown in snapshot.orders:
        unheard = shown.venue_id in waiting and ledger.knows(shown.instrument)
        if unheard and ledger.state.order_of(shown.venue_id, shown.client_id) is None:
            adoption.adopt(ledger, shown)
    if waiting:
        executions.take_orphans(ledger)


def _settle_changes(ledger: Ledger, snapshot: ev.SnapshotTaken, asked: int) -> None:
    """A change whose outcome is unknown, and which the venue does not show, did not take place."""
    for shown in snapshot.orders:
        order = ledger.state.order_of(shown.venue_id, shown.client_id)
        if order is None or order.status is not OrderStatus.PENDING_MODIFY or not shown.status.live:
            continue
        # A change that a stopped run asked for is not among ours: what the venue shows is how it ended.
        unanswered = ledger.unanswered.get(order.client_id)
        since = unanswered if order.client_id in ledger.changes else order.changed_ts
        if (since is not None and asked >= since) or asked - order.changed_ts >= LOST_NS:
            reports.not_changed(ledger, order, "the venue does not show the change")


def _absent_orders(ledger: Ledger, snapshot: ev.SnapshotTaken, asked: int) -> None:
    """Orders that we think live and the venue does not show. One absence proves nothing."""
    shown = {order.venue_id for order in snapshot.orders}
    for order in ledger.state.live_orders():
        if order.created_ts >= asked or order.venue_id in shown:
            ledger.absent.pop(order.client_id, None)
            continue
        count = ledger.absent[order.client_id] = ledger.absent.get(order.client_id, 0) + 1
        if order.venue_id is not None:
            if count >= ABSENCES:
                ledger.moved(order.client_id, E.CANCELED, reason="no longer at the venue")
        elif order.status is not OrderStatus.SENT:
            _never_seen(ledger, order, count)
        if order.live:
            ledger.look(NANOS)


def _never_seen(ledger: Ledger, order: Order, count: int) -> None:
    """An order of unknown outcome: lost after enough evidence. A position can't wait so long for its stop."""
    waited = ledger.turn.now - order.changed_ts
    if count >= ledger.config.unknown_checks and waited >= ledger.config.unknown_after_ns:
        # A wanted cancel has nothing left to cancel.
        lost = E.CANCELED if order.status is OrderStatus.PENDING_CANCEL else E.NOT_FOUND
        ledger.moved(order.client_id, lost, reason="the venue never got it")
    elif order.slot is not Slot.STOP or count < ABSENCES:
        return
    elif order.created_ts < ledger.started_ts:
        # The run that meant to send it is over: nobody sends it any more, and what it had sent has arrived.
        if ledger.turn.now - order.created_ts >= ARRIVED_NS:
            ledger.moved(order.client_id, E.NOT_FOUND, reason="the venue never got it")
    elif waited >= NAKED_NS and ledger.state.position(order.instrument).qty:
        protection.flatten_naked(ledger, order.instrument, "the outcome of its stop is unknown")


def _positions_agree(ledger: Ledger, snapshot: ev.SnapshotTaken) -> bool:
    """Compare; a difference that two snapshots show is taken over."""
    state = ledger.state
    theirs = {p.instrument: p for p in snapshot.positions if ledger.knows(p.instrument)}
    for stranger in snapshot.positions:
        if stranger.instrument not in theirs:
            adoption.leave(ledger, "a position", stranger.instrument)
    agree = True
    held = set(theirs) | {i for i, p in state.positions.items() if p.qty}
    for settled in ledger.mismatches.keys() - held:
        del ledger.mismatches[settled]
    for instrument in sorted(held):
        known = ledger.turn.state.instruments.get(instrument)
        venue_qty = theirs[instrument].qty if instrument in theirs else 0
        ours = state.position(instrument).qty
        if venue_qty == ours:
            ledger.mismatches.pop(instrument, None)
            continue
        agree = False
        if any(fill.instrument == instrument for _, fill in ledger.orphans):
            continue
        before = ledger.mismatches.get(instrument)
        same = before is not None and (before.theirs, before.ours) == (venue_qty, ours)
        seen = before.seen + 1 if before is not None and same else 1
        ledger.mismatches[instrument] = Mismatch(venue_qty, ours, seen)
        if seen < ABSENCES or known is None:
            continue
        average = theirs[instrument].average_price if instrument in theirs else None
        if average is not None:
            price = round(average / known.tick_size)
        else:  # of a position that is gone the venue has no average: it was closed near the mark
            mark = ledger.marks.mark(state.position(instrument))
            price = round(state.position(instrument).average) if mark is None else mark
        ledger.mismatches.pop(instrument)
        if not _infer(ledger, snapshot, known, venue_qty - ours, price):
            _adjust(ledger, instrument, venue_qty - ours, price)
            _end_filled(ledger, snapshot, instrument)
    return agree


def _untold_fills(ledger: Ledger, snapshot: ev.SnapshotTaken, asked: int) -> None:
    """Orders that the venue calls filled while positions agree: no difference will ever ask for their fills,
    and as long as they count as alive no flatten ends. After the evidence that a lost order needs, fills that
    cancel each other out are concluded, and others stay untold.
    """
    ended = {
        order.client_id: order
        for shown in snapshot.orders
        if shown.status is VenueStatus.FILLED
        and (order := ledger.state.order_of(shown.venue_id, shown.client_id)) is not None
        and order.live
        and order.created_ts < asked
        and order.instrument not in ledger.mismatches
    }
    for client_id in ledger.untold.keys() - ended.keys():
        del ledger.untold[client_id]
    due = set()
    for client_id, order in ended.items():
        since, count = ledger.untold.get(client_id, (ledger.turn.now, 0))
        ledger.untold[client_id] = since, count + 1
        enough = count + 1 >= ledger.config.unknown_checks
        if enough and ledger.turn.now - since >= ledger.config.unknown_after_ns:
            due.add(order.instrument)
    for symbol in sorted(due):
        plans = [p.plan for p in ledger.state.plans.values() if p.plan.instrument == symbol]
        known = ledger.turn.state.instruments[symbol]
        if not plans or not _infer(ledger, snapshot, known, 0, plans[0].reference):
            _end_filled(ledger, snapshot, symbol)


def _infer(
    ledger: Ledger, snapshot: ev.SnapshotTaken, instrument: Instrument, delta: int, price: int
) -> bool:
    """The difference is exactly what the venue says our orders have filled, and only the fills are not told:
    they are concluded, at the order's own price (`price` where it has none), under an id that is a hash of
    what is known of them (docs/semantics.md#concluded-fills). Told later, they are known already.
    """
    missing: list[tuple[Order, VenueOrder, int]] = []
    for shown in snapshot.orders:
        order = ledger.state.order_of(shown.venue_id, shown.client_id)
        if (
            order is not None
            and order.instrument == instrument.symbol
            and shown.filled_qty > order.filled_qty
        ):
            missing.append((order, shown, shown.filled_qty - order.filled_qty))
    if sum(order.side.sign * qty for order, _, qty in missing) != delta:
        return False
    for order, shown, qty in missing:
        at = order.price if order.price is not None else price
        ts = shown.ts_venue or ledger.turn.now
        facts = (snapshot.account.id, instrument.symbol, shown.venue_id, order.side.value, qty, at, ts)
        digest = blake2s("|".join(map(str, facts)).encode(), digest_size=8).hexdigest()
        fill = Fill(
            f"inferred-{digest}",
            shown.venue_id,
            instrument.symbol,
            order.side,
            at,
            qty,
            instrument.cost_usd * qty,
            ts,
        )
        what = f"{order.side.value} {qty} {instrument.symbol}"
        text = f"the venue calls {what} filled and tells no fill: it is concluded"
        ledger.odd("inferred fills", text, Severity.WARNING, instrument.symbol)
        executions.apply_fill(ledger, order, fill, inferred=True)
    return bool(missing)


def _adjust(ledger: Ledger, instrument: str, delta: int, price: int) -> None:
    ledger.turn.commit(
        r.PositionAdjusted(
            ts=ledger.turn.now,
            book=ledger.book,
            instrument=instrument,
            delta=delta,
            price=price,
            reason="external",
        )
    )
    foreign.restricted(ledger, instrument, "position was changed from outside")


def _end_filled(ledger: Ledger, snapshot: ev.SnapshotTaken, instrument: str) -> None:
    """Orders that the venue calls filled without telling their fills; the adjustment stands for those."""
    for shown in snapshot.orders:
        order = ledger.state.order_of(shown.venue_id, shown.client_id)
        if (
            order is not None
            and order.live
            and order.instrument == instrument
            and shown.status is VenueStatus.FILLED
        ):
            ledger.moved(order.client_id, E.EXPIRED, reason="filled, but its fills are not told")
