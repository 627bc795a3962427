"""What stands at a venue that tells nobody anything: its side of a core that is tried by hand."""

from __future__ import annotations

from itertools import count
from typing import Any

from engine.model import effects as fx
from engine.model.instrument import CME_FUTURES
from engine.model.orders import Fill, OrderType, VenueOrder, VenueStatus

MNQ = CME_FUTURES["MNQ"]
PRICE = 80_000


class VenueOrders:
    """Orders, fills and positions of MNQ, changed by calls only."""

    def __init__(self, now: int, boot: int) -> None:
        self.now = now
        self.orders: dict[str, VenueOrder] = {}
        """Orders as the venue would show them, by venue id."""
        self.fills: list[Fill] = []
        self._trade_ids = count(1000 * boot)
        self.positions: dict[str, int] = {}
        self._ids = 100 * boot

    def new_id(self) -> str:
        self._ids += 1
        return str(self._ids)

    def lodge(self, order: fx.PlaceOrder, *, legs: bool = True) -> str:
        """The venue takes an order in, with its bracket; nobody is told."""
        venue_id = self.new_id()
        status = VenueStatus.PENDING if order.type is OrderType.MARKET else VenueStatus.WORKING
        self.orders[venue_id] = VenueOrder(
            venue_id, order.client_id, order.instrument, order.side, order.type, order.qty, status,
            order.limit, order.stop, ts_venue=self.now,
        )  # fmt: skip
        offsets = {"-SL": order.stop_offset, "-TP": order.target_offset}
        for suffix, offset in offsets.items():
            if legs and offset is not None:
                leg_id = self.new_id()
                kind = OrderType.STOP if suffix == "-SL" else OrderType.LIMIT
                self.orders[leg_id] = VenueOrder(
                    leg_id, order.client_id + suffix, order.instrument, order.side.opposite, kind, order.qty,
                    VenueStatus.SUSPENDED, parent_id=venue_id, ts_venue=self.now,
                )  # fmt: skip
        return venue_id

    def change(self, venue_id: str, **fields: Any) -> VenueOrder:
        """Change an order at the venue; nobody is told."""
        old = self.orders[venue_id]
        values = {name: getattr(old, name) for name in old.__struct_fields__}
        self.orders[venue_id] = VenueOrder(**(values | {"ts_venue": self.now} | fields))
        return self.orders[venue_id]

    def execute(self, venue_id: str, price: int = PRICE, qty: int | None = None) -> Fill:
        """Fill an order at the venue; nobody is told. A bracket whose entry filled goes to work."""
        order = self.orders[venue_id]
        qty = order.qty - order.filled_qty if qty is None else qty
        done = order.filled_qty + qty
        self.change(
            venue_id, filled_qty=done, status=VenueStatus.FILLED if done == order.qty else order.status
        )
        fill = Fill(
            f"T{next(self._trade_ids)}", venue_id, order.instrument, order.side, price, qty,
            MNQ.cost_usd * qty, self.now,
        )  # fmt: skip
        self.fills.append(fill)
        held = self.positions.get(order.instrument, 0) + order.side.sign * qty
        self.positions[order.instrument] = held
        for leg in [o for o in self.orders.values() if o.parent_id == venue_id and o.status.live]:
            offset = {OrderType.STOP: -40, OrderType.LIMIT: 80}[leg.type] * order.side.sign
            at = {"stop" if leg.type is OrderType.STOP else "limit": price + offset}
            self.change(leg.venue_id, status=VenueStatus.WORKING, qty=done, **at)
        return fill
