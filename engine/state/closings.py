"""What a fill earns that closes contracts (docs/semantics.md#profit-and-loss)."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from engine.model.records import FillApplied
from engine.state.position import usd
from engine.state.state import State


class Closing(NamedTuple):
    """Contracts that leave a position."""

    net_usd: Decimal
    """Against the average entry, less the costs of both sides as this fill's are, USD."""
    r: float | None
    """The same in units of what they risked at their first stop; None where no plan of ours held them."""


def closing(state: State, record: FillApplied) -> Closing | None:
    """To be asked before the fill is folded; None for one that closes nothing."""
    book, fill = state.book(record.book), record.fill
    position = book.position(fill.instrument)
    if not position.qty or position.side is fill.side or fill.trade_id in book.fills_seen:
        return None
    known, qty = state.instruments[fill.instrument], min(fill.qty, abs(position.qty))
    gross = usd(known, (fill.price - position.average) * qty * position.side.sign)
    net = (gross - 2 * fill.cost_usd * qty / fill.qty).quantize(known.cent)
    return Closing(net, _in_r(state, record, net, qty))


def remembered(state: State, record: FillApplied) -> Closing | None:
    """The same, long after it was folded; None for a fill that did not close all of a trade at once."""
    fill = record.fill
    for trade in reversed(state.book(record.book).trades):
        whole = trade.qty == fill.qty and trade.side is not fill.side
        if whole and (trade.instrument, trade.closed_ts) == (fill.instrument, fill.ts_venue):
            return Closing(trade.net_usd, _in_r(state, record, trade.net_usd, fill.qty, own_only=True))
    return None


def _in_r(
    state: State, record: FillApplied, net: Decimal, qty: int, *, own_only: bool = False
) -> float | None:
    """By the order's plan; where it has none by the contract's, which is another one when time has passed."""
    book, fill = state.book(record.book), record.fill
    order = book.orders.get(record.client_id)
    own = book.plans.get(order.plan_id or "") if order is not None else None
    others = () if own_only else book.plans.values()
    plans = [one.plan for one in ([own] if own is not None else others)]
    plan = next((one for one in plans if one.instrument == fill.instrument), None)
    if plan is None:
        return None
    leg = plan.legs[order.leg if own is not None and order is not None else 0]
    risk = state.instruments[fill.instrument].usd(abs(leg.stop_offset)) * qty
    return float(net / risk) if risk else None
