"""The order side of Binance spot: orders by REST, what becomes of them by the account's stream."""

from __future__ import annotations

import asyncio

from adapters.binance import mapping
from adapters.binance.access import SpotAccess
from adapters.binance.exits import SpotExits
from adapters.binance.link import SpotLink
from adapters.binance.records import AccountEvent, ExecutionReport
from adapters.binance.requests import CAPABILITIES, split_id
from adapters.binance.socket import SpotSocket
from adapters.binance.user_stream import AccountStream
from adapters.binance.versions import OrderChain, OwnOrders
from adapters.binance.wire import MyTradeRow, SpotAccountRow, SpotOrderRow
from adapters.common.rate_budget import Priority
from engine.model.effects import CancelOrder, ClosePosition, ModifyOrder, PlaceOrder
from engine.model.errors import Cause, PortError, RefusedError, RetryableError
from engine.model.events import (
    AccountAdopted,
    FillReported,
    LinkChanged,
    LinkState,
    OrderReported,
    SnapshotTaken,
)
from engine.model.market import NANOS, Side
from engine.model.orders import Account, Fill, OrderSpec, OrderType
from engine.ports import Sink

_SNAPSHOT_TRIES = 3
_MOST_OTHERS = 10_000
"""Orders of others whose numbers are remembered, so that each is asked about once."""
_OURS = "ts-"
_MOST_TOLD = 50_000
"""Trades of one connection that are remembered."""
_SETTLE_NS = NANOS // 2
"""Clocks of ours and of the venue's may differ by so much though they were compared."""
_AGAIN_S = 0.1
"""Between two tries of a snapshot that a change came into."""


class BinanceBroker:
    """Broker over the REST calls and the account's stream."""

    capabilities = CAPABILITIES

    def __init__(self, venue: SpotAccess, book: str) -> None:
        self.book = book
        self._venue = venue
        self._orders = OwnOrders()
        self._exits = SpotExits(venue, self._orders, self._tell)
        self._sink: Sink | None = None
        self._adopted = False
        self._changes = 0
        """Fills that were heard."""
        self._others: set[tuple[str, int]] = set()
        self._live_ts = 0
        """Since when the stream tells of everything, nanoseconds UTC of the venue's clock."""
        self._told: set[str] = set()
        """Trades that it has told of."""
        self._untold: dict[str, float] = {}
        """Trades of which only queries have told, to the loop's time at which one did."""

    @property
    def busy(self) -> bool:
        """An order is being changed."""
        return self._exits.busy

    async def run(self, sink: Sink) -> None:
        """Adopt the account and stream until cancelled. Raises FatalError if key or symbols need a person."""
        venue = self._venue
        stream = AccountStream(venue, self._hear)

        def report(state: LinkState, detail: str, since: int) -> None:
            sink(
                LinkChanged(
                    ts_recv=venue.clock(),
                    ts_venue=since,
                    link="user",
                    state=state,
                    detail=detail,
                    venue=venue.config.venue,
                    book=self.book,
                )
            )

        async def open_line() -> SpotSocket:
            await venue.symbols.ensure()
            if not self._adopted:
                account = self._account(await venue.rest.account())
                sink(
                    AccountAdopted(
                        ts_recv=venue.clock(), book=self.book, venue=venue.config.venue, account=account
                    )
                )
                self._adopted = True
            line = await stream.open_line()
            self._renewed()
            return line

        async with venue.opened(sink):
            self._sink = sink
            try:
                await SpotLink(
                    "account stream",
                    venue.config.timing,
                    venue.rng,
                    open_line,
                    report,
                    lambda: stream.heard,
                    self._silence,
                ).run()
            finally:
                self._sink = None
                self._adopted = False

    # -- requests ----------------------------------------------------------------------------------------

    async def place(self, order: PlaceOrder) -> str:
        """Send once; the order's id is its client id. Raises the four errors."""
        spec = order.spec
        if spec.stop_offset is not None or spec.target_offset is not None:
            raise RefusedError(
                "Binance keeps no bracket that begins at the fill: stops and targets are our own orders",
                cause=Cause.NO_BRACKETS,
            )
        rank = Priority.PROTECT if spec.reduces else Priority.ENTRY
        await self._exits.place(order.instrument, order.client_id, spec, order.beside, rank)
        return order.client_id

    async def modify(self, change: ModifyOrder) -> None:
        """Put another order in the place of one. Raises the four errors."""
        await self._exits.modify(
            change.instrument, change.client_id or change.venue_id, change.qty, change.limit, change.stop
        )

    async def cancel(self, order: CancelOrder) -> None:
        """Raises RefusedError (cause GONE: no such working order), UnknownOutcomeError, RetryableError."""
        await self._exits.cancel(order.instrument, order.client_id or order.venue_id)

    async def close(self, position: ClosePosition) -> None:
        """Sell what the book holds, and nothing of what else the account has; buy back what is negative."""
        if not position.qty:
            return
        side = Side.SELL if position.qty > 0 else Side.BUY
        spec = OrderSpec(side, OrderType.MARKET, abs(position.qty), reduces=True)
        await self._exits.place(position.instrument, position.client_id, spec, "", Priority.CLOSE)

    # -- what becomes of them ----------------------------------------------------------------------------

    def _hear(self, event: AccountEvent) -> None:
        """An event of the stream. Raises ValueError."""
        if not isinstance(event, ExecutionReport):
            return  # balances are taken with the fills that belong to them, by query
        grid = self._venue.symbols.grids.get(event.s)
        if grid is None or not event.own_id.startswith(_OURS):
            return
        chain = self._orders.take(mapping.row_of(event), grid)
        if event.x == "TRADE":
            self._changes += 1
            fill = mapping.stream_fill(event, grid, chain.venue_id)
            if len(self._told) >= _MOST_TOLD:
                self._renewed()
            self._told.add(fill.trade_id)
            self._untold.pop(fill.trade_id, None)
            if self._sink is not None:
                self._sink(
                    FillReported(
                        ts_recv=self._venue.clock(), ts_venue=fill.ts_venue, book=self.book, fill=fill
                    )
                )
        self._tell(chain)

    def _renewed(self) -> None:
        """Another connection tells of what happens from now on."""
        self._live_ts = self._venue.transport.venue_now()
        self._told.clear()
        self._untold.clear()

    def _count_untold(self, fills: list[Fill]) -> None:
        """Queries have shown these: what the stream has not told of speaks against it."""
        now, since = asyncio.get_running_loop().time(), self._live_ts + _SETTLE_NS
        for fill in fills:
            if fill.ts_venue > since and fill.trade_id not in self._told:
                self._untold.setdefault(fill.trade_id, now)

    async def _silence(self) -> str:
        """Silence of an account is usual; a fill that was not told is none."""
        before = asyncio.get_running_loop().time() - self._venue.config.timing.untold_s
        lost = any(at <= before for at in self._untold.values())
        return "a fill that it ought to have told is known by query" if lost else ""

    def _tell(self, chain: OrderChain) -> None:
        """An order as it stands; while another version of it may follow, the end of one is no end."""
        if self._sink is None or chain.held:
            return
        order = chain.report()
        self._sink(
            OrderReported(ts_recv=self._venue.clock(), ts_venue=order.ts_venue, book=self.book, order=order)
        )

    # -- the venue's truth -------------------------------------------------------------------------------

    async def snapshot(self, since: int, *, urgent: bool = False) -> SnapshotTaken:
        """The account as Binance knows it; `since` in nanoseconds UTC. Whole, or RetryableError.

        The queries are not one transaction: when a fill is heard or an order is changed meanwhile, they are
        asked again, so that fills and balances belong together.
        """
        await self._venue.symbols.ensure()
        for _ in range(_SNAPSHOT_TRIES):
            before, busy = (self._changes, self._exits.changes), self._exits.busy
            taken = await self._snapshot(since, Priority.VERIFY if urgent else Priority.QUERY)
            if (self._changes, self._exits.changes) == before and not busy:
                return taken
            await asyncio.sleep(_AGAIN_S)
        raise RetryableError("the account kept changing while it was queried")

    async def _snapshot(self, since: int, rank: Priority) -> SnapshotTaken:
        venue = self._venue
        now = venue.transport.venue_now()
        try:
            async with asyncio.TaskGroup() as group:
                orders = {
                    name: group.create_task(self._rows(name, since, now, rank))
                    for name in venue.symbols.grids
                }
                trades = {
                    name: group.create_task(venue.rest.trades(name, since, now, rank))
                    for name in venue.symbols.grids
                }
                row = group.create_task(venue.rest.account(rank))
        except ExceptionGroup as errors:
            failed, faults = errors.split(PortError)
            if faults is not None or failed is None:
                raise
            # Nothing about one part of the truth: nothing at all, and certainly not "flat".
            raise RetryableError(f"snapshot: {failed.exceptions[0]}") from None
        chains: dict[str, OrderChain] = {}
        for name, task in orders.items():
            chains |= self._merge(name, task.result())
        fills = [fill for name, task in trades.items() for fill in await self._fills(name, task.result())]
        self._count_untold(fills)
        account = row.result()
        try:
            coins = mapping.balances(account, venue.symbols.coins)
        except ValueError as error:
            raise RetryableError(f"balances: {error}") from None
        return SnapshotTaken(
            ts_recv=venue.clock(),
            book=self.book,
            since=since,
            account=self._account(account),
            orders=tuple(chains[key].report() for key in sorted(chains)),
            fills=tuple(sorted(fills, key=lambda fill: (fill.ts_venue, fill.trade_id))),
            positions=(),
            balances=coins,
        )

    async def _rows(self, name: str, since: int, now: int, rank: Priority) -> list[SpotOrderRow]:
        """Orders of ours that live or were made since a time. What was asked last knows what has ended."""
        live = await self._venue.rest.open_orders(name, rank)
        recent = await self._venue.rest.orders(name, since, now, rank)
        rows = {row.order_id: row for row in live} | {row.order_id: row for row in recent}
        return [row for row in rows.values() if row.own_id.startswith(_OURS)]

    def _merge(self, name: str, rows: list[SpotOrderRow]) -> dict[str, OrderChain]:
        """Orders by client id. Raises RetryableError for one of ours that can't be understood."""
        grid, found = self._venue.symbols.grids[name], {}
        for row in rows:
            try:
                chain = self._orders.take(row, grid)
            except ValueError as error:
                self._venue.anomalies.note("order", error, row.order_id)
                raise RetryableError(f"order {row.order_id}: {error}") from None
            found[chain.client_id] = chain
        return found

    async def _fills(self, name: str, rows: list[MyTradeRow]) -> list[Fill]:
        """Fills of our own orders. Raises RetryableError for one that can't be understood."""
        grid, found = self._venue.symbols.grids[name], []
        for row in rows:
            chain = self._orders.of(name, row.order_id)
            if chain is None and (name, row.order_id) not in self._others:
                chain = await self._whose(name, row.order_id)
            if chain is None:
                continue
            try:
                found.append(mapping.queried_fill(row, grid, chain.venue_id))
            except ValueError as error:
                self._venue.anomalies.note("trade", error, row.id)
                raise RetryableError(f"trade {row.id}: {error}") from None
        return found

    async def _whose(self, name: str, order_id: int) -> OrderChain | None:
        """The order of a trade that no list has named; None where it is not ours."""
        row = await self._venue.rest.order(name, order_id)
        if row is not None and split_id(row.own_id)[0].startswith(_OURS):
            return self._merge(name, [row]).popitem()[1]
        if len(self._others) >= _MOST_OTHERS:
            self._others.clear()
        self._others.add((name, order_id))
        return None

    def _account(self, row: SpotAccountRow) -> Account:
        config = self._venue.config
        try:
            return mapping.account(row, self._venue.kind, config.money, config.api_key.reveal())
        except ValueError as error:
            raise RetryableError(f"account: {error}") from None
