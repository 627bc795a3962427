"""The rows that an account's queries show, and the user events that tell of their changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from adapters.simulator.exchange.accounting import BookedFill, Holdings
from adapters.simulator.exchange.codes import STATUS, TYPE, SideCode, StatusCode, TypeCode
from adapters.simulator.exchange.requests import PlaceRequest
from adapters.simulator.exchange.rows import AccountRow, OrderRow, PositionRow, TradeRow
from adapters.simulator.market.contracts import ContractMonth, Listing
from engine.model.market import Side
from engine.model.orders import Fill, OrderSpec, OrderType, VenueOrder
from engine.venue.orders import VenueEvent

_REJECTION_NS = 2_000_000
"""A rejection is written so long after the order (captured: 2.4 ms)."""


class UserEvent(NamedTuple):
    """Something of an account has changed. The row is the account's own and goes on changing: read it now."""

    account_id: int
    action: int
    """0 create, 1 update, 2 delete."""
    row: OrderRow | TradeRow | PositionRow | AccountRow
    contract: ContractMonth | None = None
    """The row's; None for an account."""


class OrderAsked(NamedTuple):
    """A new order as it was asked for."""

    spec: OrderSpec
    type: int
    """The platform's code, of which the venue knows fewer types."""
    trail: int | None = None
    """Of a trailing stop, ticks."""
    stop_leg: int = TypeCode.STOP


class ChangedRows(NamedTuple):
    """Rows that changed since they were last taken."""

    orders: Sequence[OrderRow]
    trades: Sequence[TradeRow]


class AccountRows:
    """Order and half-turn rows of one account, kept from what its venue and its holdings do.

    Every change is emitted in the platform's order: trade, order, position, account
    (docs/protocols/projectx.md#bracket-life-cycle). `account_row` gives the account row as it then stands.
    """

    def __init__(
        self,
        account_id: int,
        listing: Listing,
        holdings: Holdings,
        emit: Callable[[UserEvent], None],
        account_row: Callable[[], AccountRow],
    ) -> None:
        self.orders: dict[int, OrderRow] = {}
        self.trades: list[TradeRow] = []
        self.tags: set[str] = set()
        """All tags ever used, by rejected orders too."""
        self.holdings = holdings
        self._account_id = account_id
        self._listing = listing
        self._emit = emit
        self._account_row = account_row
        self._dirty: dict[int, OrderRow] = {}
        self._new_trades: list[TradeRow] = []

    def absorb(self, events: Sequence[VenueEvent], asked: OrderAsked | None = None) -> None:
        """Take in what the venue did; `asked` is the order that it did it for, if it is a new one."""
        booked: BookedFill | None = None
        for event in events:
            if isinstance(event, Fill):
                booked = self._on_fill(event)
                continue
            self._on_order(event, booked, asked)
            if booked is not None:
                self._on_booked(booked)
                booked = None

    def reject(self, order: PlaceRequest, order_id: int, contract: ContractMonth, now: int) -> None:
        """Keep a row for an order that the venue never saw; its tag stays taken."""
        if order.custom_tag is not None:
            self.tags.add(order.custom_tag)
        row = OrderRow(
            id=order_id,
            contract_id=contract.id,
            symbol=contract.venue_symbol,
            created=now,
            updated=now + _REJECTION_NS,
            status=StatusCode.REJECTED,
            type=order.type,
            side=order.side,
            size=order.size,
            tag=order.custom_tag,
        )
        self._keep(row)

    def emit_account(self) -> None:
        """Emit how the account stands."""
        self._emit(UserEvent(self._account_id, 1, self._account_row()))

    def changes(self) -> ChangedRows | None:
        """Rows that changed since the last call, or None."""
        if not self._dirty and not self._new_trades:
            return None
        changes = ChangedRows(tuple(self._dirty.values()), self._new_trades)
        self._dirty, self._new_trades = {}, []
        return changes

    def restore(self, orders: Sequence[OrderRow], trades: Sequence[TradeRow]) -> None:
        """Go on with the rows of an earlier run; those of months no longer listed keep their tags only."""
        listed = self._listing.by_id
        self.tags = {row.tag for row in orders if row.tag is not None}
        self.orders = {row.id: row for row in orders if row.contract_id in listed}
        self.trades = [row for row in trades if row.contract_id in listed]

    def _on_fill(self, fill: Fill) -> BookedFill:
        contract = self._listing.by_venue_symbol[fill.instrument]
        booked = self.holdings.apply(fill, contract)
        self.trades.append(booked.trade)
        self._new_trades.append(booked.trade)
        self._tell(0, booked.trade)
        return booked

    def _on_order(self, order: VenueOrder, booked: BookedFill | None, asked: OrderAsked | None) -> None:
        row = self.orders.get(int(order.venue_id)) or self._born(order, asked)
        row.status = STATUS[order.status]
        row.size, row.limit, row.stop = order.qty, order.limit, order.stop
        if booked is None:
            row.updated = order.ts_venue
        else:
            row.filled = order.filled_qty
            row.fill_value += booked.trade.price * booked.trade.size
        self._keep(row)

    def _born(self, order: VenueOrder, asked: OrderAsked | None) -> OrderRow:
        row = OrderRow(
            id=int(order.venue_id),
            contract_id=self._listing.by_venue_symbol[order.instrument].id,
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
        if order.parent_id is None and asked is not None:
            row.type, row.offset = asked.type, asked.trail
        if order.parent_id is not None:
            row.parent = int(order.parent_id)
            target = order.type is OrderType.LIMIT
            if target and row.id - 1 != row.parent:
                row.linked = row.id - 1
            if asked is not None:
                row.offset = asked.spec.target_offset if target else asked.spec.stop_offset
                row.type = row.type if target else asked.stop_leg
        return row

    def _on_booked(self, booked: BookedFill) -> None:
        for position, action in ((booked.closed, 2), (booked.open, 1)):
            if position is not None:
                self._tell(action, position)
        self.emit_account()

    def _keep(self, row: OrderRow) -> None:
        self.orders[row.id] = row
        self._dirty[row.id] = row
        self._tell(1, row)

    def _tell(self, action: int, row: OrderRow | TradeRow | PositionRow) -> None:
        self._emit(UserEvent(self._account_id, action, row, self._listing.by_id[row.contract_id]))
