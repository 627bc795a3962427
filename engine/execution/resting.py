"""Entries that rest at the venue: what takes them back."""

from __future__ import annotations

from collections.abc import Iterator

from engine.execution.context import BookContext
from engine.execution.order_requests import OrderRequests
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Slot
from engine.state.state import Order, PlanState

NEVER = 1 << 63


class RestingEntries:
    """Of one book. A fill that comes before its cancel is a trade like any other."""

    def __init__(self, context: BookContext, orders: OrderRequests) -> None:
        self._book = context
        self._orders = orders

    def cancel(self, instrument: str | None) -> int:
        """Those of an instrument, or of all; their number. What waits for a close is not entered either."""
        self._book.afresh_ts = self._book.now
        self._book.stay_flat(None if instrument is None else (instrument,), "entries are cancelled")
        entries = [o for o in self._book.state.live_orders(instrument) if o.slot is Slot.ENTRY]
        for order in entries:
            self._orders.cancel(order)
        return len(entries)

    def take_back(self, found: PlanState) -> int:
        """Cancel what of a plan still enters; how many orders that are."""
        self._book.afresh_ts = self._book.now
        return len([self._orders.cancel(order) for _, order in self._of(found)])

    def end(self) -> None:
        """Take back those that have rested for as long as they may."""
        late = [order for ends, order in self._ends() if self._book.turn.wall >= ends]
        fresh = [order.instrument for order in late if self._orders.cancel(order)]
        for symbol in dict.fromkeys(fresh):
            text = f"{symbol}: the entry has rested for as long as it may and is being cancelled"
            self._book.say(NoticeKind.ORDER, Severity.INFO, text, symbol)

    def next_due(self) -> int:
        """When the next has rested for long enough, nanoseconds of the core's time."""
        return min((ends for ends, _ in self._ends()), default=NEVER) - self._book.turn.wall_offset

    def _ends(self) -> Iterator[tuple[int, Order]]:
        """What rests and has an end, by the wall's clock."""
        for found in self._book.state.plans.values():
            for k, order in self._of(found):
                leg = found.plan.legs[k]
                ends = leg.ends_ts if leg.added else found.plan.ends_ts
                if ends is not None:
                    yield ends, order

    def _of(self, found: PlanState) -> Iterator[tuple[int, Order]]:
        for k, leg in enumerate(found.legs):
            order = self._book.state.orders.get(leg.slots.get(Slot.ENTRY, ""))
            if order is not None and order.live and not order.cancel_wanted:
                yield k, order
