"""What a book knows of its Bybit account across connections, and how the venue's rows become events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

from adapters.bybit import mapping
from adapters.bybit.access import BybitAccess
from adapters.bybit.config import BybitCategory
from adapters.bybit.mapping import BybitProduct
from adapters.bybit.user_stream import UserRow
from adapters.bybit.wire import BybitExecution, BybitOrder, BybitPosition, BybitWallet, BybitWireError
from engine.model.errors import RetryableError
from engine.model.events import AccountReported, FillReported, OrderReported, PositionReported
from engine.model.market import NANOS
from engine.model.orders import Account, Fill, VenueOrder, VenuePosition
from engine.ports import Sink

_MOST_ORDERS = 500
_MOST_TOLD = 50_000

R = TypeVar("R", BybitOrder, BybitExecution, BybitPosition)
T = TypeVar("T")


class BybitReports:
    """`changes` counts the fills and position changes that the stream has told."""

    def __init__(self, access: BybitAccess) -> None:
        self.changes = 0
        self.held: dict[str, int] = {}
        """Lots by symbol, signed, as far as anybody has told."""
        self.account: Account | None = None
        self._access = access
        self._spot = access.config.category is BybitCategory.SPOT
        self._sink: Sink | None = None
        self._live_ts = 0
        self._orders: dict[str, VenueOrder] = {}
        """The newest that the stream has told of, by client id, as they stand."""
        self._told: set[str] = set()
        self._untold: dict[str, float] = {}
        """Fills that only queries have told, since when by the loop's clock."""

    def open(self, sink: Sink) -> None:
        self._sink = sink

    def close(self) -> None:
        """Report no more."""
        self._sink = None

    def renewed(self) -> None:
        """Another connection tells from now on, of what happens from now on: the clocks may differ a bit."""
        self._live_ts = self._access.rest.clock.now() + NANOS
        self._told.clear()
        self._untold.clear()

    def untold(self, now: float) -> str:
        """Why the stream can't be trusted at a loop time."""
        late = any(now - at > self._access.config.timing.untold_s for at in self._untold.values())
        return "a fill that it ought to have told is known by query" if late else ""

    def deliver(self, row: UserRow) -> None:
        """Report a row of the stream. Raises BybitWireError."""
        sink, access = self._sink, self._access
        if sink is None:
            return
        now = access.clock()
        if isinstance(row, BybitWallet):
            self._wallet(row, sink, now)
            return
        product = self._ours(row)
        if product is None:
            return
        if isinstance(row, BybitOrder):
            order = mapping.order(row, product)
            self._remember(order)
            sink(OrderReported(ts_recv=now, ts_venue=order.ts_venue, book=access.config.book, order=order))
        elif isinstance(row, BybitExecution):
            fill = mapping.fill(row, product, self._spot)
            if fill is not None:
                self.changes += 1
                if len(self._told) >= _MOST_TOLD:
                    self._told.clear()
                    self._live_ts = self._access.rest.clock.now() + NANOS
                self._told.add(fill.trade_id)
                self._untold.pop(fill.trade_id, None)
                sink(FillReported(ts_recv=now, ts_venue=fill.ts_venue, book=access.config.book, fill=fill))
        else:
            position = mapping.position(row, product)
            if self.held.get(position.instrument, 0) != position.qty:
                self.changes += 1
                self.held[position.instrument] = position.qty
            sink(PositionReported(ts_recv=now, book=access.config.book, position=position))

    def order(self, client_id: str) -> VenueOrder | None:
        """As the stream has told of it, which knows an order before the lists do."""
        return self._orders.get(client_id)

    def _remember(self, order: VenueOrder) -> None:
        if order.client_id is None:
            return
        before = self._orders.pop(order.client_id, None)
        if len(self._orders) >= _MOST_ORDERS:
            self._orders.pop(next(iter(self._orders)))
        later = before is None or _progress(order) >= _progress(before)
        self._orders[order.client_id] = order if later or before is None else before

    def orders(self, rows: Iterable[BybitOrder], since: int) -> tuple[VenueOrder, ...]:
        """Our instruments' orders that live or have changed since a time. Raises RetryableError if any row
        can't be understood.
        """
        found: dict[str, VenueOrder] = {}
        for order in self._all("order", rows, mapping.order):
            before = found.get(order.venue_id)
            if before is None or _newer(order, before):
                found[order.venue_id] = order
        return tuple(one for one in found.values() if one.status.live or one.ts_venue >= since)

    def fills(self, rows: Iterable[BybitExecution]) -> tuple[Fill, ...]:
        """Our instruments' fills, oldest first, each once. Raises RetryableError."""
        at = asyncio.get_running_loop().time()
        mapped = self._all("execution", rows, lambda row, product: mapping.fill(row, product, self._spot))
        found = {fill.trade_id: fill for fill in mapped if fill is not None}
        for fill in found.values():
            if fill.ts_venue > self._live_ts > 0 and fill.trade_id not in self._told:
                self._untold.setdefault(fill.trade_id, at)
        return tuple(sorted(found.values(), key=lambda fill: fill.ts_venue))

    def positions(self, rows: Iterable[BybitPosition]) -> tuple[VenuePosition, ...]:
        """Our instruments' positions, and the word on what is held from now on. Raises RetryableError."""
        told = self._all("position", rows, mapping.position)
        self.held = {one.instrument: one.qty for one in told}
        return tuple(one for one in told if one.qty)

    def _wallet(self, row: BybitWallet, sink: Sink, now: int) -> None:
        known = self.account
        if known is None or not any(one.coin == self._access.config.currency for one in row.coin):
            return
        account = mapping.with_wallet(known, row, self._access.config)
        self.account = account
        sink(
            AccountReported(
                ts_recv=now,
                book=self._access.config.book,
                balance_usd=account.balance_usd,
                can_trade=account.can_trade,
                margin=account.margin,
            )
        )

    def _ours(self, row: BybitOrder | BybitExecution | BybitPosition) -> BybitProduct | None:
        """The stream mixes the categories, in which one name may stand for two things."""
        if row.category and row.category != self._access.config.category:
            return None
        return self._access.products.get(row.symbol)

    def _all(self, what: str, rows: Iterable[R], mapped: Callable[[R, BybitProduct], T]) -> list[T]:
        found = []
        for row in rows:
            product = self._access.products.get(row.symbol)
            if product is not None:
                try:
                    found.append(mapped(row, product))
                except BybitWireError as error:
                    self._access.anomalies.note(what, error)
                    raise RetryableError(f"{what}: {error}") from None
        return found


def _newer(order: VenueOrder, than: VenueOrder) -> bool:
    """Of two words on one order: an end is never taken back, and what has filled never shrinks."""
    return _progress(order) > _progress(than)


def _progress(order: VenueOrder) -> tuple[bool, int, int]:
    return not order.status.live, order.filled_qty, order.ts_venue
