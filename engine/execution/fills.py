"""Fills, told once or more, early or late: each is counted once, in whatever state its order is."""

from __future__ import annotations

from engine.execution import excursions, foreign, protection
from engine.execution.adoption import adopt_filled, leave
from engine.execution.desired import native
from engine.execution.inquiry import UNPROVEN_NS
from engine.execution.ledger import Ledger
from engine.model import records as r
from engine.model.market import NANOS
from engine.model.notices import Severity
from engine.model.orders import Fill
from engine.state.fold_late_fills import is_told_late
from engine.state.state import Order

ORPHAN_NS = NANOS
"""A fill whose order is not known by then is looked up: somebody else's, or of an order given up as lost."""


def on_fill(ledger: Ledger, fill: Fill, asked: int | None = None) -> None:
    """`asked` as in `on_order`: a snapshot repeats what is known, so its copies are not oddities."""
    if not ledger.knows(fill.instrument):
        leave(ledger, "a fill", fill.instrument)
        return
    if fill.trade_id in ledger.state.fills_seen or any(
        f.trade_id == fill.trade_id for _, f in ledger.orphans
    ):
        if asked is None:
            ledger.turn.counts["duplicate fills"] += 1
        return
    ledger.orphans.append((ledger.turn.now, fill))
    take_orphans(ledger)


def take_orphans(ledger: Ledger) -> None:
    """Apply the fills whose order is known by now, in their order of arrival."""
    waiting = ledger.orphans
    ledger.orphans = []
    for arrived, fill in waiting:
        if fill.instrument not in ledger.turn.state.instruments:
            ledger.orphans.append((arrived, fill))  # its contract is not told yet
            continue
        order = ledger.state.order_of(fill.venue_order_id, None)
        if order is None and ledger.turn.now - arrived >= ORPHAN_NS and not _may_be_ours(ledger, fill):
            if ledger.inquiry.proven_ts >= arrived or ledger.turn.now - arrived >= UNPROVEN_NS:
                order = adopt_filled(ledger, fill)
            else:
                ledger.look(0)
        if order is None:
            ledger.orphans.append((arrived, fill))
            continue
        if is_told_late(order, fill):
            ledger.turn.commit(
                r.FillSettled(
                    ts=ledger.turn.now,
                    book=ledger.book,
                    trade_id=fill.trade_id,
                    client_id=order.client_id,
                    fill=fill,
                )
            )
        else:
            apply_fill(ledger, order, fill)


def apply_fill(ledger: Ledger, order: Order, fill: Fill, *, inferred: bool = False) -> None:
    """Count a fill that was not counted before. Money has moved: it is taken in whatever state its order is
    (docs/semantics.md#fills-in-any-state); what is odd about it is counted and told.
    """
    excursions.before_fill(ledger, fill.instrument)
    what = f"{fill.side.value} {fill.qty} {fill.instrument}"
    if order.slot is not None and order.filled_qty + fill.qty > _most(ledger, order):
        text = f"fill {what} is more than its order of {order.qty} asked for: the venue's word is taken"
        ledger.odd("overfills", text, Severity.CRITICAL, fill.instrument)
    if protection.is_double_exit(ledger, order, fill.qty):
        text = f"stop and target of {fill.instrument} have both filled"
        ledger.odd("double exits", text, Severity.CRITICAL, fill.instrument)
    ledger.turn.commit(
        r.FillApplied(
            ts=ledger.turn.now, book=ledger.book, client_id=order.client_id, fill=fill, inferred=inferred
        )
    )
    if order.plan_id is None and not ledger.made(order):
        foreign.traded(ledger, fill)
    protection.after_fill(ledger, order)


def _most(ledger: Ledger, order: Order) -> int:
    """Contracts that an order may fill: the venue sizes the legs of its brackets with their entry."""
    parent = ledger.state.orders.get(order.client_id[:-3]) if native(order) else None
    return max(order.qty, parent.qty) if parent is not None else order.qty


def _may_be_ours(ledger: Ledger, fill: Fill) -> bool:
    """An order of ours waits for its venue id, and could be the one that was filled."""
    return any(
        order.venue_id is None and order.side is fill.side
        for order in ledger.state.live_orders(fill.instrument)
    )
