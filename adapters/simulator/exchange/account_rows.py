"""The rows that an account's queries show, and the user events that tell of their changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from adapters.simulator.exchange.accounting import Booked, Ledger
from adapters.simulator.exchange.contracts import Contract, Listing
from adapters.simulator.exchange.rows import OrderRow, TradeRow
from adapters.simulator.wire import rows as wire
from adapters.simulator.wire.codes import STATUS, TYPE, SideCode, StatusCode
from adapters.simulator.wire.requests import PlaceOrder
from engine.model.market import Side
from engine.model.orders import Fill, OrderSpec, OrderType, VenueOrder
from engine.venue.orders import VenueEvent

_REJECTION_NS = 2_000_000
"""A rejection is written so long after the order (captured: 2.4 ms)."""


class UserEvent(NamedTuple):
    """One record for the user hub. `action` 0 create, 1 update, 2 delete."""

    target: str
    account_id: int
    action: int
    data: wire.Json
    bare: bool = False
    """Sent without its envelope, as some servers do."""


class Changes(NamedTuple):
    """Rows that changed since they were last taken."""

    orders: Sequence[OrderRow]
    trades: Sequence[TradeRow]


class Blotter:
    """Order and half-turn rows of one account, kept from what its venue and its ledger do.

    Every change is emitted in the platform's order: trade, order, position, account
    (docs/protocols/projectx.md#bracket-life-cycle). `account_json` gives the account row as it then stands.
    """

    def __init__(
        self,
        account_id: int,
        listing: Listing,
        ledger: Ledger,
        emit: Callable[[UserEvent], None],
        account_json: Callable[[], wire.Json],
    ) -> None:
        self.orders: dict[int, OrderRow] = {}
        self.trades: list[TradeRow] = []
        self.tags: set[str] = set()
        """All tags ever used, by rejected orders too."""
        self.ledger = ledger
        self._account_id = account_id
        self._listing = listing
        self._emit = emit
        self._account_json = account_json
        self._dirty: dict[int, OrderRow] = {}
        self._new_trades: list[TradeRow] = []

    def absorb(self, events: Sequence[VenueEvent], spec: OrderSpec | None = None) -> None:
        """Take in what the venue did; `spec` is of the order that it did it for, if it is a new one."""
        booked: Booked | None = None
        for event in events:
            if isinstance(event, Fill):
                booked = self._on_fill(event)
                continue
            self._on_order(event, booked, spec)
            if booked is not None:
                self._on_booked(booked)
                booked = None

    def reject(self, order: PlaceOrder, order_id: int, contract: Contract, now: int) -> None:
        """Keep a row for an order that the venue never saw; its tag stays taken."""
        if order.custom_tag is not None:
            self.tags.add(order.custom_tag)
        row = OrderRow(
            id=order_id,
            contract_id=contract.id,
            symbol=contract.book,
            created=now,
            updated=now + _REJECTION_NS,
            status=StatusCode.REJECTED,
            type=order.type,
            side=order.side,
            size=order.size,
            tag=order.custom_tag,
        )
        self._keep(row)

    def tell_account(self) -> None:
        """Tell how the account stands."""
        self._tell("GatewayUserAccount", 1, self._account_json())

    def changes(self) -> Changes | None:
        """Rows that changed since the last call, or None."""
        if not self._dirty and not self._new_trades:
            return None
        changes = Changes(tuple(self._dirty.values()), self._new_trades)
        self._dirty, self._new_trades = {}, []
        return changes

    def restore(self, orders: Sequence[OrderRow], trades: Sequence[TradeRow]) -> None:
        """Go on with the rows of an earlier run; those of months no longer listed keep their tags only."""
        listed = self._listing.by_id
        self.tags = {row.tag for row in orders if row.tag is not None}
        self.orders = {row.id: row for row in orders if row.contract_id in listed}
        self.trades = [row for row in trades if row.contract_id in listed]

    def _on_fill(self, fill: Fill) -> Booked:
        contract = self._listing.books[fill.instrument]
        booked = self.ledger.apply(fill, contract)
        self.trades.append(booked.trade)
        self._new_trades.append(booked.trade)
        row = wire.trade_json(booked.trade, self._account_id, contract, stream=True)
        self._tell("GatewayUserTrade", 0, row)
        return booked

    def _on_order(self, order: VenueOrder, booked: Booked | None, spec: OrderSpec | None) -> None:
        row = self.orders.get(int(order.venue_id)) or self._born(order, spec)
        row.status = STATUS[order.status]
        row.size, row.limit, row.stop = order.qty, order.limit, order.stop
        if booked is None:
            row.updated = order.ts_venue
        else:
            row.filled = order.filled_qty
            row.fill_value += booked.trade.price * booked.trade.size
        self._keep(row)

    def _born(self, order: VenueOrder, spec: OrderSpec | None) -> OrderRow:
        row = OrderRow(
            id=int(order.venue_id),
            contract_id=self._listing.books[order.instrument].id,
            symbol=order.instrument,
            created=order.ts_venue,
            updated=order.ts_venue,
            status=STATUS[order.status],
            type=TYPE[order.type],
            side=SideCode.BUY if order.side is Side.BUY else SideCode.SELL,
            size=order.qty,
            tag=order.client_id,
        )
        if order.client_id is not None:
            self.tags.add(order.client_id)
        if order.parent_id is not None:
            row.parent = int(order.parent_id)
            target = order.type is OrderType.LIMIT
            if target and row.id - 1 != row.parent:
                row.linked = row.id - 1
            if spec is not None:
                row.offset = spec.target_offset if target else spec.stop_offset
        return row

    def _on_booked(self, booked: Booked) -> None:
        contract = self._listing.books[booked.trade.symbol]
        for position, action in ((booked.closed, 2), (booked.open, 1)):
            if position is not None:
                row = wire.position_json(position, self._account_id, contract, stream=True)
                self._tell("GatewayUserPosition", action, row)
        self.tell_account()

    def _keep(self, row: OrderRow) -> None:
        self.orders[row.id] = row
        self._dirty[row.id] = row
        contract = self._listing.by_id[row.contract_id]
        self._tell("GatewayUserOrder", 1, wire.order_json(row, self._account_id, contract, stream=True))

    def _tell(self, target: str, action: int, data: wire.Json) -> None:
        self._emit(UserEvent(target, self._account_id, action, data))
