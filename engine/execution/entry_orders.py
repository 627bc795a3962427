"""The order by which a leg of a plan is entered, and where it rests. Pure."""

from __future__ import annotations

from engine.model.orders import OrderSpec, OrderType
from engine.model.plans import PlanStatus, TradePlan
from engine.state.state import Order, PlanState


def entry(plan: TradePlan, k: int, brackets: bool) -> OrderSpec:
    """The entry of leg `k`, with its native bracket where the account takes one."""
    leg = plan.legs[k]
    limit = leg.entry_limit if leg.added else plan.entry_limit
    added = OrderType.MARKET if limit is None else OrderType.LIMIT
    return OrderSpec(
        plan.side,
        added if leg.added else plan.entry_type,
        leg.qty,
        limit=limit,
        stop=None if leg.added else plan.entry_stop,
        stop_offset=leg.stop_offset if brackets else None,
        target_offset=leg.target_offset if brackets else None,
    )


def alone(state: PlanState, k: int) -> bool:
    """Whether an added leg is all that is left of its trade: what of it still rests is taken back."""
    return state.plan.legs[k].entry_limit is not None and not any(
        done.open_qty > 0 for j, done in enumerate(state.legs) if j != k
    )


def elsewhere(plan: TradePlan, k: int, order: Order) -> bool:
    """Whether an entry rests at another price than its plan's."""
    want = entry(plan, k, brackets=False)
    rests = order.type is want.type is not OrderType.MARKET
    return rests and order.price != want.price and plan.status is PlanStatus.OPEN
