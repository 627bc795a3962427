"""What must be true after every event, whatever the venue did (faults: invariants)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.core import Core
from engine.model import effects as fx
from engine.model import records as r
from engine.model.market import NANOS
from engine.model.orders import OrderStatus, Slot
from engine.trading.fold import apply
from engine.trading.position import Position
from engine.trading.state import BookState, State

PROTECTED_WITHIN_NS = 4 * NANOS
"""A stop that is not seen is replaced after a grace and a retry pause; longer than this nothing is naked."""


SETTLED_WITHIN_NS = 5 * NANOS
"""The venue ends a filled leg's sibling by itself; where it does not, we do, and look whether it is done."""


class Invariants:
    """Watches one core from outside: folds its records a second time and counts its fills by itself."""

    def __init__(self, journal: Sequence[r.AnyRecord] = ()) -> None:
        self.state = State()
        self.journal: list[r.AnyRecord] = []
        self._net: Counter[tuple[str, str]] = Counter()
        self._seen: set[str] = set()
        self._intended: set[str] = set()
        self._placed: set[str] = set()
        self._naked_since: dict[tuple[str, str], int] = {}
        self._excess_since: dict[tuple[str, int, Slot], int] = {}
        self.protection_due = True
        """Off in scenarios in which the venue takes no orders at all."""
        for record in journal:
            self._take(record)

    def _take(self, record: r.AnyRecord) -> None:
        apply(self.state, r.decode(r.encode(record)))
        self.journal.append(record)
        match record:
            case r.OrderIntended():
                assert record.client_id not in self._intended, "a client id was given out twice"
                self._intended.add(record.client_id)
            case r.FillApplied():
                assert record.fill.trade_id not in self._seen, "a fill was counted twice"
                self._seen.add(record.fill.trade_id)
                self._net[record.book, record.fill.instrument] += record.fill.side.sign * record.fill.qty
            case r.PositionAdjusted():
                self._net[record.book, record.instrument] += record.delta
            case _:
                pass

    def after(self, core: Core, records: Sequence[r.AnyRecord], effects: Sequence[fx.AnyEffect]) -> None:
        for record in records:
            self._take(record)
        for effect in effects:
            if isinstance(effect, fx.PlaceOrder):
                assert effect.client_id in self._intended, "an order without its intent in the journal"
                assert effect.client_id not in self._placed, "an order was sent twice"
                self._placed.add(effect.client_id)
        _forget_untouched(self.state)
        _forget_untouched(core.state)
        assert self.state == core.state, "the journal folds to another state than the one that ran"
        for name, book in core.state.books.items():
            for instrument, position in book.positions.items():
                assert position.qty == self._net[name, instrument], "fills don't add up to the position"
                self._exits(core, name, instrument)
            for plan in book.plans.values():
                self._legs(core, name, plan.plan.plan_id)
            ids = [order.venue_id for order in book.live_orders() if order.venue_id]
            assert len(ids) == len(set(ids)), "two live orders are the same order at the venue"

    def _exits(self, core: Core, name: str, instrument: str) -> None:
        book = core.state.books[name]
        qty = book.position(instrument).qty
        key = name, instrument
        stops = sum(
            order.open_qty
            for order in book.live_orders(instrument)
            if order.slot is Slot.STOP and not order.suspended and order.status is not OrderStatus.UNKNOWN
        )
        ours = sum(
            found.open_qty * found.plan.side.sign
            for found in book.plans.values()
            if found.plan.instrument == instrument
        )
        covered = not qty or ours != qty or stops >= abs(qty) or instrument in book.flattening
        if covered or not self.protection_due:
            self._naked_since.pop(key, None)
            return
        since = self._naked_since.setdefault(key, core.now)
        assert core.now - since <= PROTECTED_WITHIN_NS, (
            f"{instrument} stands unprotected: {qty} against {stops}"
        )

    def _legs(self, core: Core, name: str, plan_id: str) -> None:
        """In no leg do the exits of one kind sum to more than the leg has open, but for a short while."""
        book = core.state.books[name]
        found = book.plans[plan_id]
        for k, leg in enumerate(found.legs):
            entry = book.orders.get(leg.slots.get(Slot.ENTRY, ""))
            if entry is None or entry.live or found.plan.instrument in book.flattening:
                continue
            for slot in (Slot.STOP, Slot.TARGET):
                working = [
                    order
                    for order in book.live_orders(found.plan.instrument)
                    if (order.plan_id, order.leg, order.slot) == (plan_id, k, slot)
                    and order.status in (OrderStatus.WORKING, OrderStatus.PARTIAL)
                    and not order.suspended
                ]
                assert all(order.side is not found.plan.side for order in working)
                key = plan_id, k, slot
                if sum(order.open_qty for order in working) <= max(0, leg.open_qty):
                    self._excess_since.pop(key, None)
                    continue
                since = self._excess_since.setdefault(key, core.now)
                assert core.now - since <= SETTLED_WITHIN_NS, f"{slot} orders close more than is open"


def _forget_untouched(state: State) -> None:
    """Looking at a position makes an empty one; that is no difference."""
    for name, book in list(state.books.items()):
        book.positions = {i: p for i, p in book.positions.items() if p != Position(i, opened_ts=p.opened_ts)}
        if book == BookState(name):
            del state.books[name]
