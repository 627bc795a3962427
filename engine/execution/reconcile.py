"""Make the state agree with a snapshot: orders, then fills, then positions. The venue's word is the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2s
from typing import NamedTuple

from engine.execution.adoption import Adoption
from engine.execution.coins import owned
from engine.execution.context import BookContext
from engine.execution.fills import Fills
from engine.execution.foreign import ForeignContracts
from engine.execution.inquiry import Inquiry
from engine.execution.order_requests import OrderRequests
from engine.execution.protection import Protection
from engine.execution.reports import OrderReports
from engine.model import events as ev
from engine.model import records as r
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Side
from engine.model.notices import Severity
from engine.model.orders import Fill, OrderStatus, Slot, VenueOrder, VenueStatus
from engine.model.records import OrderEvent as E
from engine.state.position import nearest_tick
from engine.state.state import Order

OVERLAP_NS = MINUTE
"""Fills are asked for again from this long before the last one seen."""

ARRIVED_NS = NANOS
"""A stop that a stopped run sent shows at the venue by then, or it never arrived. One that does so even later
is called back.
"""

LOST_NS = 40 * NANOS
"""A change without any answer by then gets none."""

ABSENCES = 2
"""Snapshots in a row that must agree before an order or a position is taken as different."""


class Absence(NamedTuple):
    """An order that snapshots in a row have not shown."""

    since: int
    """When the first of them was asked for, nanoseconds UTC: no record of ours makes it younger."""
    looks: int


class Mismatch(NamedTuple):
    """A position that differs, as snapshots in a row have shown it."""

    theirs: int
    ours: int
    seen: int


@dataclass(eq=False)
class Reconciler:
    """What differs between one book and its venue, and how often that was seen."""

    _book: BookContext
    _orders: OrderRequests
    _inquiry: Inquiry
    _adoption: Adoption
    _fills: Fills
    _reports: OrderReports
    _protection: Protection
    _foreign: ForeignContracts
    mismatches: dict[str, Mismatch] = field(default_factory=dict, init=False)
    """Positions that differ, by instrument."""
    _absent: dict[str, Absence] = field(default_factory=dict, init=False)
    """Orders that we think live and the venue does not show, by client id."""
    _untold: dict[str, tuple[int, int]] = field(default_factory=dict, init=False)
    """Client id of an order that is called filled and told no fill of: since when, and looks so far."""

    def since(self) -> int:
        """From when on orders and fills are asked for, by the venue's clock, nanoseconds UTC."""
        turn = self._book.turn
        behind = max(0, -turn.wall_offset) + max(0, turn.venue_lag)
        oldest = min((order.created_ts for order in self._book.state.live_orders()), default=self._book.now)
        last = self._book.state.last_fill_ts or self._book.now - 24 * 60 * MINUTE
        return max(0, min(oldest, last) - behind - OVERLAP_NS)

    def merge(self, snapshot: ev.SnapshotTaken, asked: int) -> None:
        """Take a snapshot in that was asked for at `asked`; 0 if that is not known."""
        for order in snapshot.orders:
            self._reports.on_order(order, asked)
        for fill in snapshot.fills:
            self._fills.on_fill(fill, asked)
        self._explain_orphans(snapshot)
        self._fills.leave_others()
        self._settle_changes(snapshot, asked)
        self._absent_orders(snapshot, asked)
        self._untold_fills(snapshot, asked)
        if self._positions_agree(snapshot):
            if not self._inquiry.reconciled:
                self._inquiry.reconciled = True
                live = len(self._book.state.live_orders())
                self._book.turn.commit(
                    r.Reconciled(
                        ts=self._book.now,
                        book=self._book.book,
                        orders=live,
                        positions=len(snapshot.positions),
                    )
                )
        else:
            self._inquiry.insist("positions")

    def _explain_orphans(self, snapshot: ev.SnapshotTaken) -> None:
        """Fills that wait for their order, which was over before it was told of: the snapshot says whose it
        was.

        While they wait, a position seems to be there that is not, and exits would be placed for it.
        """
        waiting = {one.fill.venue_order_id for one in self._fills.waiting if one.sure}
        for shown in snapshot.orders:
            unheard = shown.venue_id in waiting and self._book.knows(shown.instrument)
            if unheard and self._book.state.order_of(shown.venue_id, shown.client_id) is None:
                self._adoption.adopt(shown)
        if waiting:
            self._fills.take_waiting()

    def _settle_changes(self, snapshot: ev.SnapshotTaken, asked: int) -> None:
        """A change whose outcome is unknown, and which the venue does not show, did not take place."""
        for shown in snapshot.orders:
            order = self._book.state.order_of(shown.venue_id, shown.client_id)
            if order is None or order.status is not OrderStatus.PENDING_MODIFY or not shown.status.live:
                continue
            since = self._orders.change_lost_ts(order)
            if (since is not None and asked >= since) or asked - order.changed_ts >= LOST_NS:
                self._orders.not_changed(order, "the venue does not show the change")

    def _absent_orders(self, snapshot: ev.SnapshotTaken, asked: int) -> None:
        """Orders that we think live and the venue does not show. One absence proves nothing."""
        shown = {order.venue_id for order in snapshot.orders}
        for order in self._book.state.live_orders():
            if order.created_ts >= asked or order.venue_id in shown:
                self._absent.pop(order.client_id, None)
                continue
            before = self._absent.get(order.client_id, Absence(asked, 0))
            absence = self._absent[order.client_id] = Absence(before.since, before.looks + 1)
            if order.venue_id is not None:
                if absence.looks >= ABSENCES:
                    self._orders.moved(order.client_id, E.CANCELED, reason="no longer at the venue")
            elif order.status is not OrderStatus.SENT:
                self._never_seen(order, absence)
            if order.live:
                self._inquiry.insist(order.client_id)

    def _never_seen(self, order: Order, absence: Absence) -> None:
        """An order of unknown outcome: lost after enough evidence, whatever was wanted of it."""
        waited = self._book.now - absence.since
        lost = absence.looks >= self._book.run.unknown_checks and waited >= self._book.run.unknown_after_ns
        if order.slot is Slot.STOP and absence.looks >= ABSENCES and order.created_ts < self._book.started_ts:
            # The run that meant to send it is over: nobody sends it any more, and what it had sent has
            # arrived.
            lost = lost or self._book.now - order.created_ts >= ARRIVED_NS
        if lost:
            # A wanted cancel has nothing left to cancel.
            event = E.CANCELED if order.status is OrderStatus.PENDING_CANCEL else E.NOT_FOUND
            self._orders.moved(order.client_id, event, reason="the venue never got it")

    def _positions_agree(self, snapshot: ev.SnapshotTaken) -> bool:
        """Compare; a difference that two snapshots show is taken over."""
        state = self._book.state
        theirs = {p.instrument: p for p in snapshot.positions if self._book.knows(p.instrument)}
        coins = owned(self._book, snapshot)
        for stranger in snapshot.positions:
            if stranger.instrument not in theirs:
                self._adoption.leave("a position", stranger.instrument)
        agree = True
        held = set(theirs) | set(coins) | {i for i, p in state.positions.items() if p.qty}
        for settled in self.mismatches.keys() - held:
            del self.mismatches[settled]
        for instrument in sorted(held):
            known = self._book.turn.state.instruments.get(instrument)
            venue_qty = theirs[instrument].qty if instrument in theirs else coins.get(instrument, 0)
            ours = state.position(instrument).qty
            if venue_qty == ours:
                self.mismatches.pop(instrument, None)
                continue
            agree = False
            if self._fills.awaits(instrument):
                continue
            before = self.mismatches.get(instrument)
            same = before is not None and (before.theirs, before.ours) == (venue_qty, ours)
            seen = before.seen + 1 if before is not None and same else 1
            self.mismatches[instrument] = Mismatch(venue_qty, ours, seen)
            if seen < ABSENCES or known is None:
                continue
            average = theirs[instrument].average_price if instrument in theirs else None
            if average is not None:
                price = nearest_tick(*(average / known.tick_size).as_integer_ratio())
            else:  # of a position that is gone the venue has no average: it was closed near the mark
                price = self._book.price_of(state.position(instrument))
            self.mismatches.pop(instrument)
            if not self._infer(snapshot, known, venue_qty - ours, price):
                self._adjust(instrument, venue_qty - ours, price)
                self._end_filled(snapshot, instrument)
        return agree

    def _untold_fills(self, snapshot: ev.SnapshotTaken, asked: int) -> None:
        """Orders that the venue calls filled while positions agree: no difference will ever ask for their
        fills, and as long as they count as alive no flatten ends. After the evidence that a lost order needs,
        fills that cancel each other out are concluded, and others stay untold.
        """
        ended = {
            order.client_id: order
            for shown in snapshot.orders
            if shown.status is VenueStatus.FILLED
            and (order := self._book.state.order_of(shown.venue_id, shown.client_id)) is not None
            and order.live
            and order.created_ts < asked
            and order.instrument not in self.mismatches
        }
        for client_id in self._untold.keys() - ended.keys():
            del self._untold[client_id]
        due = set()
        for client_id, order in ended.items():
            since, count = self._untold.get(client_id, (self._book.now, 0))
            self._untold[client_id] = since, count + 1
            enough = count + 1 >= self._book.run.unknown_checks
            if enough and self._book.now - since >= self._book.run.unknown_after_ns:
                due.add(order.instrument)
        for symbol in sorted(due):
            plans = [p.plan for p in self._book.state.plans.values() if p.plan.instrument == symbol]
            known = self._book.turn.state.instruments[symbol]
            if not plans or not self._infer(snapshot, known, 0, plans[0].reference):
                self._end_filled(snapshot, symbol)

    def _infer(self, snapshot: ev.SnapshotTaken, instrument: Instrument, delta: int, price: int) -> bool:
        """The difference is exactly what the venue says our orders have filled, and only the fills are not
        told: they are concluded, at the order's own price (`price` where it has none), under an id that is a
        hash of what is known of them (docs/semantics.md#concluded-fills). Told later, they are known already.
        """
        missing: list[tuple[Order, VenueOrder, int]] = []
        for shown in snapshot.orders:
            order = self._book.state.order_of(shown.venue_id, shown.client_id)
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
            ts = shown.ts_venue or self._book.now
            facts = (snapshot.account.id, instrument.symbol, shown.venue_id, order.side.value, qty, at, ts)
            digest = blake2s("|".join(map(str, facts)).encode(), digest_size=8).hexdigest()
            cost, fee = instrument.fees(at, qty, buys=order.side is Side.BUY)
            fill = Fill(
                f"inferred-{digest}",
                shown.venue_id,
                instrument.symbol,
                order.side,
                at,
                qty,
                cost,
                ts,
                fee_base=fee,
            )
            what = f"{order.side.value} {instrument.qty_text(qty)} {instrument.symbol}"
            text = f"the venue calls {what} filled and tells no fill: it is concluded"
            self._book.odd("inferred fills", text, Severity.WARNING, instrument.symbol)
            self._fills.apply_fill(order, fill, inferred=True)
        return bool(missing)

    def _adjust(self, instrument: str, delta: int, price: int) -> None:
        self._book.turn.commit(
            r.PositionAdjusted(
                ts=self._book.now,
                book=self._book.book,
                instrument=instrument,
                delta=delta,
                price=price,
                reason="external",
            )
        )
        self._foreign.restricted(instrument, "position was changed from outside")

    def _end_filled(self, snapshot: ev.SnapshotTaken, instrument: str) -> None:
        """Orders that the venue calls filled without telling their fills; the adjustment stands for those."""
        for shown in snapshot.orders:
            order = self._book.state.order_of(shown.venue_id, shown.client_id)
            if (
                order is not None
                and order.live
                and order.instrument == instrument
                and shown.status is VenueStatus.FILLED
            ):
                self._orders.moved(order.client_id, E.EXPIRED, reason="filled, but its fills are not told")
