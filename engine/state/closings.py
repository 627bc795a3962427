"""What a fill earns that closes contracts (docs/semantics.md#profit-and-loss)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from engine.model.records import FillApplied
from engine.state.position import Closing, Position, Ticks, usd
from engine.state.state import BookState, State

CLOSINGS_KEPT = 200
"""So many of a book are remembered: as many as there are notices that a restart says again."""


def note_closing(state: State, record: FillApplied) -> None:
    """Keep what a fill earns that closes contracts; before it is folded, as its trade may end with it."""
    found = _closing(state, record)
    if found is not None:
        kept = state.kept_book(record.book).closings
        kept[record.fill.trade_id] = found
        if len(kept) > CLOSINGS_KEPT:
            del kept[next(iter(kept))]


def _closing(state: State, record: FillApplied) -> Closing | None:
    book, fill = state.book(record.book), record.fill
    position = book.position(fill.instrument)
    if not position.qty or position.side is fill.side:
        return None
    known, qty = state.instruments[fill.instrument], min(fill.qty, abs(position.qty))
    gross = usd(known, (fill.price - _entered(book, record, position)) * qty * position.side.sign)
    net = (gross - 2 * fill.cost_usd * qty / fill.qty).quantize(known.cent)
    return Closing(net, _in_r(state, record, net, qty))


def _entered(book: BookState, record: FillApplied, position: Position) -> Ticks:
    """At what the contracts that leave were entered, ticks."""
    order = book.orders.get(record.client_id)
    own = book.plans.get(order.plan_id or "") if order is not None else None
    if own is None or order is None or not own.shared or not own.legs[order.leg].entered:
        return position.average
    leg = own.legs[order.leg]
    return Fraction(leg.entered_sum, leg.entered)


def _in_r(state: State, record: FillApplied, net: Decimal, qty: int) -> float | None:
    """By the order's plan; where it has none by the contract's, which is another one when time has passed."""
    book, fill = state.book(record.book), record.fill
    order = book.orders.get(record.client_id)
    own = book.plans.get(order.plan_id or "") if order is not None else None
    plans = [one.plan for one in ([own] if own is not None else book.plans.values())]
    plan = next((one for one in plans if one.instrument == fill.instrument), None)
    if plan is None:
        return None
    leg = plan.legs[order.leg if own is not None and order is not None else 0]
    risk = state.instruments[fill.instrument].usd(abs(leg.stop_offset)) * qty
    return float(net / risk) if risk else None
