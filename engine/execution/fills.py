"""Fills, told once or more, early or late: each is counted once, in whatever state its order is."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.execution.adoption import Adoption
from engine.execution.context import BookContext
from engine.execution.desired import native
from engine.execution.excursions import Excursions
from engine.execution.foreign import ForeignContracts
from engine.execution.inquiry import UNPROVEN_NS, Inquiry
from engine.execution.protection import Protection
from engine.model import records as r
from engine.model.market import NANOS
from engine.model.notices import Severity
from engine.model.orders import Fill
from engine.state.fold_late_fills import is_told_late
from engine.state.state import Order

ORPHAN_NS = NANOS
"""A fill whose order is not known by then is looked up: somebody else's, or of an order given up as lost."""


@dataclass(eq=False)
class Fills:
    """The fills of one book."""

    _book: BookContext
    _inquiry: Inquiry
    _adoption: Adoption
    _excursions: Excursions
    _foreign: ForeignContracts
    _protection: Protection
    waiting: list[tuple[int, Fill]] = field(default_factory=list, init=False)
    """Fills whose order is not known yet, with the time of their arrival."""

    def on_fill(self, fill: Fill, asked: int | None = None) -> None:
        """`asked` as in `on_order`: a snapshot repeats what is known, so its copies are not oddities."""
        if not self._book.knows(fill.instrument):
            self._adoption.leave("a fill", fill.instrument)
            return
        if fill.trade_id in self._book.state.fills_seen or any(
            f.trade_id == fill.trade_id for _, f in self.waiting
        ):
            if asked is None:
                self._book.turn.counts["duplicate fills"] += 1
            return
        self.waiting.append((self._book.now, fill))
        self.take_waiting()

    def take_waiting(self) -> None:
        """Apply the fills whose order is known by now, in their order of arrival."""
        waiting = self.waiting
        self.waiting = []
        for arrived, fill in waiting:
            if fill.instrument not in self._book.turn.state.instruments:
                self.waiting.append((arrived, fill))  # its contract is not told yet
                continue
            order = self._book.state.order_of(fill.venue_order_id, None)
            if order is None and self._book.now - arrived >= ORPHAN_NS and not self._may_be_ours(fill):
                if self._inquiry.proven_ts >= arrived or self._book.now - arrived >= UNPROVEN_NS:
                    order = self._adoption.adopt_filled(fill)
                else:
                    self._inquiry.insist(fill.trade_id)
            if order is None:
                self.waiting.append((arrived, fill))
                continue
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

    def apply_fill(self, order: Order, fill: Fill, *, inferred: bool = False) -> None:
        """Count a fill that was not counted before. Money has moved: it is taken in whatever state its order
        is (docs/semantics.md#fills-in-any-state); what is odd about it is counted and told.
        """
        self._excursions.before_fill(fill.instrument)
        what = f"{fill.side.value} {fill.qty} {fill.instrument}"
        if order.slot is not None and order.filled_qty + fill.qty > self._most(order):
            text = f"fill {what} is more than its order of {order.qty} asked for: the venue's word is taken"
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

    def _most(self, order: Order) -> int:
        """Contracts that an order may fill: the venue sizes the legs of its brackets with their entry."""
        parent = self._book.state.orders.get(order.client_id[:-3]) if native(order) else None
        return max(order.qty, parent.qty) if parent is not None else order.qty

    def _may_be_ours(self, fill: Fill) -> bool:
        """An order of ours waits for its venue id, and could be the one that was filled."""
        return any(
            order.venue_id is None and order.side is fill.side
            for order in self._book.state.live_orders(fill.instrument)
        )
