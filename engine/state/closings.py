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
    net = (gross - 2 * fill.cost_usd * qty / fill.qty).quantize(Decimal("0.01"))
    order = book.orders.get(record.client_id)
    own = book.plans.get(order.plan_id or "") if order is not None else None
    plans = [one.plan for one in ([own] if own is not None else book.plans.values())]
    plan = next((one for one in plans if one.instrument == fill.instrument), None)
    if plan is None:
        return Closing(net, None)
    leg = plan.legs[order.leg if own is not None and order is not None else 0]
    risk = known.usd(abs(leg.stop_offset)) * qty
    return Closing(net, float(net / risk) if risk else None)
