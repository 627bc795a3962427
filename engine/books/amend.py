"""What an edited alert does to the trade that was opened for it (docs/alerts.md#edits-and-deletions, F30).

Before a contract is bought or sold the entry can be taken back. After that the stop may only be tightened,
the targets may move, and the size stays as it is; legs that are closed are closed.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import structs

from engine.execution import stops
from engine.execution.order_manager import OrderManager
from engine.model.alerts import Terms
from engine.model.orders import Slot
from engine.model.plans import Leg, PlanStatus
from engine.state.state import BookState, PlanState


class Followed(NamedTuple):
    """What becomes of an open trade."""

    legs: tuple[Leg, ...] | None
    """None where nothing changes."""
    left: tuple[str, ...]
    """What of the edit is not followed, in words."""


def entered(found: PlanState) -> bool:
    """A contract was bought or sold for it."""
    return any(leg.entered for leg in found.legs)


def entering(book: BookState, found: PlanState) -> bool:
    """Whether an order of it still enters."""
    orders = (book.orders.get(leg.slots.get(Slot.ENTRY, "")) for leg in found.legs)
    return any(order is not None and order.live for order in orders)


def followed(orders: OrderManager, found: PlanState, before: Terms | None, after: Terms) -> Followed:
    """The plan's legs as the edit wants them, as far as that may be followed."""
    plan, sign = found.plan, found.plan.side.sign
    if (plan.instrument, plan.side) != (after.instrument, after.side):
        return Followed(None, ("it names another contract or side",))
    if plan.status is not PlanStatus.OPEN:
        return Followed(None, ("the trade is being closed",))
    left: dict[str, None] = {}
    if before is not None and before.qty != after.qty:
        left["its size stays"] = None
    mark = orders.context.marks.reached(plan.instrument, plan.side)
    legs = list(plan.legs)
    for k, done in enumerate(found.legs):
        if done.entered and done.open_qty <= 0:
            continue
        leg = legs[k]
        better = sign * (after.stop - stops.present(orders.state.orders, leg, done, sign))
        if better > 0:
            if mark is not None and (mark - after.stop) * sign > 0:
                legs[k] = leg = structs.replace(leg, stop=after.stop)
            else:
                left["the market has reached the new stop"] = None
        elif better < 0 and (before is None or before.stop != after.stop):
            left["a looser stop is not followed"] = None
        if not done.exited:
            legs[k] = _aim(leg, k, len(legs), after.targets, mark, sign, left)
    changed = tuple(legs)
    return Followed(changed if changed != plan.legs else None, tuple(left))


def _aim(
    leg: Leg, k: int, count: int, targets: tuple[int, ...], mark: int | None, sign: int, left: dict[str, None]
) -> Leg:
    """The leg with its target moved, if the market has not reached the new one."""
    at = k if count > 1 or leg.touch is None else 1
    if at >= len(targets) or leg.target is None:
        return leg
    touch = targets[0] if leg.touch is not None else None
    nearest = targets[at] if touch is None else touch
    if (leg.target, leg.touch) == (targets[at], touch):
        return leg
    if mark is None or (nearest - mark) * sign <= 0:
        left["the market has reached the new target"] = None
        return leg
    return structs.replace(leg, target=targets[at], touch=touch)
