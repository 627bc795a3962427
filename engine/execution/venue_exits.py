"""How the exits of an instrument can rest at a venue, and what of a leg is being closed beside them
(docs/semantics.md#closing-a-part-of-coins).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.model.orders import OrderStatus, Slot
from engine.model.plans import PlanStatus
from engine.state.legs import LegState
from engine.state.state import Order, PlanState


class VenueExits(NamedTuple):
    """What a venue lets rest of one instrument's exits."""

    targets: bool = True
    """Orders rest for targets; without, the market is watched for them."""
    coins: bool = False
    """An exit has what it sells: nothing else can sell that beside it."""
    stops_move: bool = True
    """A stop that rests can be changed; without, it is cancelled and placed anew."""
    proven_ts: int = 0
    """Up to when the venue's truth is known, nanoseconds UTC."""

    def covers(self, found: PlanState, k: int, orders: Mapping[str, Order]) -> int:
        """Lots that stop and target of an open leg should be for. Of coins what is being closed is in none
        of them, else it could not be sold.
        """
        open_qty = found.legs[k].open_qty
        return open_qty - going(found, k, orders, self) if self.coins else open_qty

    def have_room(self, done: LegState, orders: Mapping[str, Order], qty: int) -> bool:
        """Whether so many lots of a leg can be sold beside what its exits have."""
        if not self.coins:
            return True
        exits = (orders.get(done.slots.get(slot, "")) for slot in (Slot.STOP, Slot.TARGET))
        live = [one for one in exits if one is not None and one.status.live]
        standing = (OrderStatus.WORKING, OrderStatus.PARTIAL)
        return all(one.status in standing and one.open_qty + qty <= done.open_qty for one in live)


USUAL = VenueExits()
"""Of what is no coin."""


def going(found: PlanState, k: int, orders: Mapping[str, Order], exits: VenueExits) -> int:
    """Lots of a leg that are being closed as a part of it, or are yet to be."""
    leg, done = found.plan.legs[k], found.legs[k]
    newest = done.slots.get(Slot.PART, "")
    if leg.keep is not None and newest == leg.keep_after:
        return max(0, done.open_qty - leg.keep) if found.plan.status is PlanStatus.OPEN else 0
    order = orders.get(newest)
    if order is None or not order.live or (exits.coins and unseen(order, exits.proven_ts)):
        return 0
    return min(order.open_qty, max(0, done.open_qty))


def unseen(order: Order, proven_ts: int) -> bool:
    """Whether nobody knows what became of an order, and a look since then has not shown it: what it would
    sell is protected again. One that arrives after that is taken as it comes.
    """
    return order.status is OrderStatus.UNKNOWN and proven_ts > order.changed_ts
