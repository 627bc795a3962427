"""An order that came to nothing, in words: what was asked for, where, why it is not, what comes of it."""

from __future__ import annotations

from engine.model.orders import Slot
from engine.model.records import OrderEvent
from engine.state.state import Order

_HOW = {
    OrderEvent.REJECTED: "rejected by the venue",
    OrderEvent.DENIED: "rejected here and never sent",
    OrderEvent.NOT_FOUND: "rejected, as the venue has none",
}
_THEN = {
    Slot.ENTRY: "nothing was entered by it",
    Slot.STOP: "contracts that stay without a stop are closed",
    Slot.TARGET: "the stop stays",
    Slot.PART: "what is held keeps its stop",
}


def rejected(order: Order, event: OrderEvent, reason: str, price: str, qty: str) -> str:
    """`price` is where it was to rest, as people write it, and `qty` how much."""
    slot = f"{order.slot} " if order.slot is not None else ""
    at = "at market" if order.price is None else f"{order.type} {price}"
    what = f"{slot}order {order.side.value} {qty} {order.instrument} {at} in {order.book}"
    then = _THEN[order.slot] if order.slot is not None else "look at the account"
    return f"{what} {_HOW[event]}: {reason or 'no reason given'}; {then}"
