"""Fills, told once or more, early or late: each is counted once, in whatever state its order is."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.execution.adoption import Adoption
from engine.execution.context import BookContext
from engine.execution.desired import native
from engine.execution.excursions import Excursions
from engine.execution.foreign import ForeignContracts
from engine.execution.inquiry import UNPROVEN_NS, Inquiry
from engine.execution.order_requests import OrderRequests
from engine.execution.protection import Protection
from engine.model import records as r
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Fill
from engine.portfolio.money import near
from engine.state.fold_late_fills import is_told_late
from engine.state.state import Order

ORPHAN_NS = NANOS
"""A fill whose order is not known by then is somebody else's, or of an order given up as lost."""


DEAR = 20
"""So many times the usual costs are looked up too."""


@dataclass(slots=True)
class Uncounted:
    """A fill that is not counted yet."""

    arrived: int
    """The core's now, nanoseconds UTC."""
    fill: Fill
    sure: bool
    """A query has told it, not the stream alone."""
    doubted: str = ""
    """Why it is in quarantine."""
    told: bool = False


@dataclass(eq=False)
class Fills:
    """The fills of one book."""

    _book: BookContext
    _orders: OrderRequests
    _inquiry: Inquiry
    _adoption: Adoption
    _excursions: Excursions
    _foreign: ForeignContracts
    _protection: Protection
    waiting: list[Uncounted] = field(default_factory=list, init=False)
    """Fills whose order is not known yet, and those in quarantine."""

    def on_fill(self, fill: Fill, asked: int | None = None) -> None:
        """`asked` as in `on_order`: a snapshot repeats what is known, so its copies are not oddities."""
        if not self._book.knows(fill.instrument):
            self._adoption.leave("a fill", fill.instrument)
            return
        before = next((one for one in self.waiting if one.fill.trade_id == fill.trade_id), None)
        if asked is None and (before is not None or fill.trade_id in self._book.state.fills_seen):
            self._book.turn.counts["duplicate fills"] += 1
        elif fill.trade_id not in self._book.state.fills_seen:
            if before is None:
                self.waiting.append(Uncounted(self._book.now, fill, sure=asked is not None))
            else:  # whatever the stream said of it: this is the venue's word
                before.fill, before.sure = fill, True
            self.take_waiting()

    def awaits(self, instrument: str | None = None) -> bool:
        """Whether a fill that may be true waits to be counted."""
        return any(
            instrument in (None, one.fill.instrument) and (one.sure or not one.doubted)
            for one in self.waiting
        )

    def take_waiting(self) -> None:
        """Apply the fills whose order is known, and that may be believed, in their order of arrival."""
        waiting = self.waiting
        if not waiting:
            return
        self.waiting = []
        for one in waiting:
            fill = one.fill
            order = self._book.state.order_of(fill.venue_order_id, None)
            if fill.instrument not in self._book.turn.state.instruments:  # its contract is not told yet
                self.waiting.append(one)
            elif order is None and self._book.by_balance(fill.instrument) and not self._awaited(one):
                continue  # somebody else's coins
            elif not one.sure and (why := self._doubt(order, one)):
                if self._keep(one, why):
                    self.waiting.append(one)
            elif order is None and (self._book.now - one.arrived < ORPHAN_NS or self._may_be_ours(fill)):
                self.waiting.append(one)
            else:
                self._take(self._adoption.adopt_filled(fill) if order is None else order, fill)

    def _awaited(self, one: Uncounted) -> bool:
        """Whether the order of a fill may yet be told of."""
        return self._book.now - one.arrived < ORPHAN_NS or self._may_be_ours(one.fill)

    def leave_others(self) -> None:
        """A query has shown no order of ours for these fills of coins: they are somebody else's."""
        self.waiting = [
            one
            for one in self.waiting
            if not one.sure
            or not self._book.by_balance(one.fill.instrument)
            or self._book.state.order_of(one.fill.venue_order_id, None) is not None
            or self._may_be_ours(one.fill)
        ]

    def _take(self, order: Order, fill: Fill) -> None:
        if is_told_late(order, fill):
            self._book.turn.commit(
                r.FillSettled(
                    ts=self._book.now,
                    book=self._book.book,
                    trade_id=fill.trade_id,
                    client_id=order.client_id,
                    fill=fill,
                )
            )
        else:
            self.apply_fill(order, fill)

    def _doubt(self, order: Order | None, one: Uncounted) -> str:
        """Why the stream alone is not believed; empty where it is, and while the order may yet be told."""
        fill, state = one.fill, self._book.state
        bid = self._book.marks.bid(fill.instrument)
        cost_usd = self._book.turn.state.instruments[fill.instrument].charged(fill.price, fill.qty)
        if bid is not None and not near(fill.price, bid):
            return "at a price far from the market"
        if fill.cost_usd > DEAR * cost_usd:
            return "at costs out of all reason"
        if order is None:
            patient = self._book.now - one.arrived < ORPHAN_NS or self._may_be_ours(fill)
            return "" if patient else "of an order that nobody knows"
        if order.filled_qty - order.inferred_qty + fill.qty > self.most(order):
            return f"more than its order of {self._book.quantity(fill.instrument, order.qty)} asked for"
        held = state.position(fill.instrument).qty
        closes = fill.instrument in state.flattening and 0 < -fill.side.sign * held >= fill.qty
        ours = order.slot is not None or self._book.made(order)
        return "" if ours or closes else "of an order that is not tstream's"

    def _keep(self, one: Uncounted, why: str) -> bool:
        """Quarantine: it counts when a query tells the same, and until then nothing is done on its word.
        False once it has had its time.
        """
        fill = one.fill
        known = self._book.turn.state.instruments[fill.instrument]
        what = f"fill {self._book.fill_text(fill)} at {known.text(fill.price)}, {why}"
        if not one.doubted:
            one.doubted = why
            self._book.turn.counts["quarantined fills"] += 1
        self._inquiry.insist(fill.trade_id, urgent=True)
        if not one.told and self._book.now - one.arrived >= UNPROVEN_NS + ORPHAN_NS:  # two looks
            one.told = True
            text = f"{what}: the venue does not say so when it is asked; it is not counted"
            self._book.say(NoticeKind.FILL, Severity.CRITICAL, text, fill.instrument)
        if self._inquiry.proven_ts - one.arrived < self._book.run.unknown_after_ns:
            return True
        self._book.say(NoticeKind.FILL, Severity.WARNING, f"{what}: forgotten", fill.instrument)
        return False

    def apply_fill(self, order: Order, fill: Fill, *, inferred: bool = False) -> None:
        """Count a fill that was not counted before. Money has moved: it is taken in whatever state its order
        is (docs/semantics.md#fills-in-any-state); what is odd about it is counted and told.
        """
        self._excursions.before_fill(fill.instrument)
        if order.slot is not None and order.filled_qty + fill.qty > self.most(order):
            what, asked = self._book.fill_text(fill), self._book.quantity(fill.instrument, order.qty)
            text = f"fill {what} is more than its order of {asked} asked for: the venue's word is taken"
            self._book.odd("overfills", text, Severity.CRITICAL, fill.instrument)
        if self._protection.is_double_exit(order, fill.qty):
            text = f"stop and target of {fill.instrument} have both filled"
            self._book.odd("double exits", text, Severity.CRITICAL, fill.instrument)
        self._book.turn.commit(
            r.FillApplied(
                ts=self._book.now,
                book=self._book.book,
                client_id=order.client_id,
                fill=fill,
                inferred=inferred,
            )
        )
        if order.plan_id is None and not self._book.made(order):
            self._foreign.traded(fill)
        self._protection.after_fill(order)

    def most(self, order: Order) -> int:
        """Contracts that an order may fill: the venue sizes the legs of its brackets with their entry, and a
        change that is under way may have taken place.
        """
        parent = self._book.state.orders.get(order.client_id[:-3]) if native(order) else None
        change = self._orders.change_of(order)
        return max(
            order.qty,
            parent.qty if parent is not None else 0,
            (change.qty or 0) if change is not None else 0,
        )

    def _may_be_ours(self, fill: Fill) -> bool:
        """An order of ours waits for its venue id, and could be the one that was filled."""
        return any(
            order.venue_id is None and order.side is fill.side
            for order in self._book.state.live_orders(fill.instrument)
        )
