"""What a book knows of its orders at Coinbase: the stream tells totals, and what is missing is asked for.

An order whose prices nobody has told yet, and the fills behind a grown total, are looked up one after
another; balances after each fill, as no stream tells them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from msgspec.structs import replace

from adapters.coinbase import mapping
from adapters.coinbase.access import CoinbaseAccess
from adapters.coinbase.wire import (
    CoinbaseFill,
    CoinbaseKey,
    CoinbaseOrder,
    CoinbaseUserOrder,
    CoinbaseWireError,
)
from adapters.common.rate_budget import Priority
from engine.model.effects import ModifyOrder, PlaceOrder
from engine.model.errors import PortError, RetryableError
from engine.model.events import AccountReported, FillReported, OrderReported
from engine.model.orders import Fill, VenueOrder, VenueStatus
from engine.ports import Sink

_log = logging.getLogger(__name__)
_MOST_WANTED = 500
"""Orders that are looked up at a time: a stream can't make us ask without end. A snapshot has them all."""
_MOST_KNOWN = 5_000
_MOST_TOLD = 50_000
_TRIES = 20


class CoinbaseReports:
    """`changes` counts the totals that grew and the fills that were told."""

    def __init__(self, access: CoinbaseAccess) -> None:
        self.changes = 0
        self.key: CoinbaseKey | None = None
        self._access = access
        self._sink: Sink | None = None
        self._known: dict[str, VenueOrder] = {}
        """By venue id, as they were told last."""
        self._placed: dict[str, PlaceOrder] = {}
        """What was sent, by client id, until the venue's id is known."""
        self._filled: dict[str, int] = {}
        """Lots of each order whose fills have been told."""
        self._told: set[str] = set()
        self._wanted: dict[str, int] = {}
        """Orders to look up, and how often that has been tried."""
        self._work = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    def open(self, sink: Sink) -> None:
        self._sink = sink
        self._worker = asyncio.create_task(self._look_up(), name="coinbase-fills")

    async def close(self) -> None:
        """Report no more."""
        self._sink = None
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    def sent(self, order: PlaceOrder) -> None:
        """It goes out now: the stream may tell of it before its answer comes."""
        if len(self._placed) >= _MOST_KNOWN:
            self._placed.pop(next(iter(self._placed)))
        self._placed[order.client_id] = order

    def order(self, venue_id: str) -> VenueOrder | None:
        """As it was told last."""
        return self._known.get(venue_id)

    def changed(self, change: ModifyOrder) -> None:
        """The venue has taken a change, of which the stream says nothing."""
        known = self._known.get(change.venue_id)
        if known is not None and known.status.live:
            qty = known.qty if change.qty is None else change.qty
            self._tell(replace(known, qty=qty, limit=known.limit if change.limit is None else change.limit))

    def told_as(self, client_id: str) -> VenueOrder | None:
        """The order with an id of ours as the stream has told of it, which knows it before the lists do."""
        return next((one for one in reversed(self._known.values()) if one.client_id == client_id), None)

    def deliver(self, row: CoinbaseUserOrder) -> None:
        """Report an order of the stream. Raises CoinbaseWireError."""
        coin = self._access.products.get(row.product_id) or self._access.told().get(row.product_id)
        if self._sink is None or coin is None:
            return
        status = mapping.STATUSES.get(row.status)
        with mapping.making_sense():
            if status is None:
                raise ValueError(f"order with status {row.status!r}")
            filled = coin.lots[row.cumulative_quantity] if row.cumulative_quantity else 0
        known = self._known.get(row.order_id) or self._as_sent(row)
        if known is None:
            self._want(row.order_id)
            return
        if not known.status.live and status.live:
            return  # an old word, told again
        filled = max(filled, known.filled_qty)
        self._tell(replace(known, status=status, filled_qty=filled, ts_venue=self._access.rest.clock.now()))
        if filled > self._filled.get(row.order_id, 0):
            self.changes += 1
            self._want(row.order_id)

    def orders(self, rows: Iterable[CoinbaseOrder], since: int) -> tuple[VenueOrder, ...]:
        """Our products' orders that live or have changed since a time. Raises RetryableError."""
        found: dict[str, VenueOrder] = {}
        for row in rows:
            coin = self._access.products.get(row.product_id)
            if coin is None:
                continue
            try:
                order = mapping.order(row, coin)
            except CoinbaseWireError as error:
                self._access.anomalies.note("order", error)
                raise RetryableError(f"order: {error}") from None
            before = found.get(order.venue_id)
            if before is None or _progress(order) > _progress(before):
                found[order.venue_id] = order
                self._keep(order)
        return tuple(one for one in found.values() if one.status.live or one.ts_venue >= since)

    def fills(self, rows: Iterable[CoinbaseFill]) -> tuple[Fill, ...]:
        """Our products' fills, oldest first, each once. Raises RetryableError."""
        found: dict[str, Fill] = {}
        for row in rows:
            coin = self._access.products.get(row.product_id)
            if coin is None:
                continue
            try:
                fill = mapping.fill(row, coin)
            except CoinbaseWireError as error:
                self._access.anomalies.note("fill", error)
                raise RetryableError(f"fill: {error}") from None
            if fill is None:
                self._access.anomalies.note("fill", f"of type {row.trade_type}: look at the account")
            else:
                found[fill.trade_id] = fill
        return tuple(sorted(found.values(), key=lambda one: one.ts_venue))

    def _as_sent(self, row: CoinbaseUserOrder) -> VenueOrder | None:
        order = self._placed.pop(row.client_order_id, None)
        if order is None:
            return None
        return VenueOrder(
            venue_id=row.order_id,
            client_id=order.client_id,
            instrument=order.instrument,
            side=order.side,
            type=order.type,
            qty=order.qty,
            status=VenueStatus.PENDING,
            limit=order.limit,
            stop=order.stop,
        )

    def _keep(self, order: VenueOrder) -> None:
        if order.venue_id not in self._known and len(self._known) >= _MOST_KNOWN:
            ended = next((one.venue_id for one in self._known.values() if not one.status.live), None)
            self._known.pop(ended or next(iter(self._known)))
        self._known[order.venue_id] = order
        if order.client_id is not None:
            self._placed.pop(order.client_id, None)

    def _tell(self, order: VenueOrder) -> None:
        self._keep(order)
        if self._sink is not None:
            book = self._access.config.book
            self._sink(
                OrderReported(ts_recv=self._access.clock(), ts_venue=order.ts_venue, book=book, order=order)
            )

    def _want(self, order_id: str) -> None:
        if len(self._wanted) < _MOST_WANTED:
            self._wanted.setdefault(order_id, 0)
            self._work.set()

    async def _look_up(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            for order_id in list(self._wanted):
                try:
                    done = await self._catch_up(order_id)
                except (PortError, CoinbaseWireError) as error:
                    _log.warning("%s: order %s: %s", self._access.config.venue, order_id, error)
                    done = False
                tries = self._wanted.pop(order_id) + 1
                if not done and tries < _TRIES:
                    self._wanted[order_id] = tries
            if self._wanted:
                await asyncio.sleep(self._access.config.timing.fills_s)
                self._work.set()

    async def _catch_up(self, order_id: str) -> bool:
        """Tell what is not told yet of an order. False where the venue's lists are behind its stream."""
        queries, known = self._access.queries, self._known.get(order_id)
        if known is None:
            row = await queries.order(order_id, Priority.VERIFY)
            coin = self._access.products.get(row.product_id)
            if coin is None:
                return True
            known = mapping.order(row, coin)
            self._tell(known)
        if known.filled_qty <= self._filled.get(order_id, 0):
            return True
        fills = self.fills(await queries.fills(Priority.VERIFY, order_ids=[order_id]))
        book, sink = self._access.config.book, self._sink
        for fill in fills:
            if fill.trade_id not in self._told and sink is not None:
                if len(self._told) >= _MOST_TOLD:
                    self._told.clear()  # told twice is counted once
                self._told.add(fill.trade_id)
                self.changes += 1
                sink(FillReported(ts_recv=self._access.clock(), ts_venue=fill.ts_venue, book=book, fill=fill))
        self._filled[order_id] = sum(fill.qty for fill in fills)
        await self._tell_balance()
        return self._filled[order_id] >= self._known[order_id].filled_qty

    async def _tell_balance(self) -> None:
        if self.key is None or self._sink is None:
            return
        wallets = await self._access.queries.wallets(Priority.VERIFY)
        account = mapping.account(self.key, wallets, self._access.config)
        if self._sink is not None:
            self._sink(
                AccountReported(
                    ts_recv=self._access.clock(),
                    book=self._access.config.book,
                    balance_usd=account.balance_usd,
                    can_trade=account.can_trade,
                )
            )


def _progress(order: VenueOrder) -> tuple[bool, int, int]:
    """Of two words on one order: an end is never taken back, and what has filled never shrinks."""
    return not order.status.live, order.filled_qty, order.ts_venue
