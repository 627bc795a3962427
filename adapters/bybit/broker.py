"""The account side of Bybit: orders, what becomes of them, and the account as a whole."""

from __future__ import annotations

import asyncio

from adapters.bybit import codes, mapping, requests
from adapters.bybit.access import BybitAccess
from adapters.bybit.config import BybitCategory
from adapters.bybit.mapping import BybitProduct
from adapters.bybit.reports import BybitReports
from adapters.bybit.user_stream import BybitUserStream
from adapters.bybit.wire import BybitCreated, BybitKey, BybitOrder, BybitWireError, read
from adapters.common.json_link import JsonLink, SocketStream
from adapters.common.rate_budget import Priority
from adapters.common.sent_orders import SentOrders, not_yet
from engine.model.effects import CancelOrder, ClosePosition, ModifyOrder, PlaceOrder
from engine.model.errors import (
    Cause,
    FatalError,
    PortError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from engine.model.events import AccountAdopted, LinkChanged, LinkState, SnapshotTaken
from engine.model.market import NANOS
from engine.model.orders import Account, Capabilities, OrderType, VenueOrder
from engine.ports import Sink

_SNAPSHOT_TRIES = 3
_AHEAD_NS = 5 * NANOS
"""What is asked about ends so far ahead: the venue's own clock may be a little before what we think of it."""
_LOOKS, _LOOK_S = 40, 0.025
"""How often and how far apart it is looked for the size of a changed order."""
_CREATE, _AMEND, _CANCEL = "/v5/order/create", "/v5/order/amend", "/v5/order/cancel"


class BybitBroker:
    """A Broker of one unified account, for one category of products."""

    def __init__(self, access: BybitAccess) -> None:
        config = access.config
        self.book = config.book
        spot = config.category is BybitCategory.SPOT
        self.capabilities = Capabilities(native_brackets=False, balances=spot, paired_exits=not spot)
        self._spot = spot
        self._access = access
        self._queries = access.queries
        self._key: BybitKey | None = None
        self._reports = BybitReports(access)
        self._sent = SentOrders(config.timing.settle_s)
        self._stops: dict[str, str] = {}
        """Of stops on spot that this run has placed: which kind of order each is."""

    async def run(self, sink: Sink) -> None:
        """Until cancelled. Raises FatalError when key or account need a person."""
        access = self._access
        config = access.config
        adopted = False

        async def make_stream() -> SocketStream:
            nonlocal adopted
            await access.ensure()
            if not adopted:
                account = await self._adopt()
                sink(
                    AccountAdopted(
                        ts_recv=access.clock(), book=self.book, account=account, venue=config.venue
                    )
                )
                adopted = True
            return BybitUserStream(
                config, access.rest.clock, access.anomalies, self._reports.deliver, self._reports.untold
            )

        def report(state: LinkState, detail: str) -> None:
            if state is LinkState.LIVE:
                self._reports.renewed()
            sink(
                LinkChanged(
                    ts_recv=access.clock(),
                    link="user",
                    state=state,
                    detail=detail,
                    venue=config.venue,
                    book=self.book,
                )
            )

        access.hear(sink)
        self._reports.open(sink)
        try:
            link = JsonLink(
                "user", config.hosts.private_url, make_stream, report, config.timing.socket, access.rng
            )
            await link.run()
        finally:
            self._reports.close()
            await access.leave(sink)

    async def place(self, order: PlaceOrder) -> str:
        """Send once; gives the venue's order id. That it was received is all that the answer says: what
        becomes of it comes by the stream. Raises RefusedError, UnknownOutcomeError, RetryableError.
        """
        product = self._access.product(order.instrument)
        self._check(order, product)
        body = requests.place_body(order, product.instrument, self._access.config.category)
        priority = Priority.PROTECT if order.reduces else Priority.ENTRY
        placed = await self._create(body, order.client_id, priority)
        if self._spot and order.type is OrderType.STOP:
            self._stops[placed] = requests.EXIT if order.reduces else requests.ENTRY
        return placed

    async def modify(self, change: ModifyOrder) -> None:
        """Move a working order. Raises RefusedError, UnknownOutcomeError, RetryableError."""
        product = self._access.product(change.instrument)
        body = requests.amend_body(change, product.instrument, self._access.config.category)
        await self._access.rest.act("change", _AMEND, body, Priority.PROTECT)
        if self._spot and change.qty is not None:
            await self._shown(change)

    async def _shown(self, change: ModifyOrder) -> None:
        """Wait a moment for the stream to show another size: an answer says that it was received, and what
        coins an order gives up can be sold only then.
        """
        for _ in range(_LOOKS):
            told = self._reports.order(change.client_id)
            if told is None or not told.status.live or told.qty == change.qty:
                return
            await asyncio.sleep(_LOOK_S)

    async def cancel(self, order: CancelOrder) -> None:
        """Raises RefusedError (GONE: no such working order), UnknownOutcomeError, RetryableError."""
        category = self._access.config.category
        body = requests.cancel_body(order, self._access.product(order.instrument).instrument, category)
        if not self._spot:
            await self._access.rest.act("cancel", _CANCEL, body, Priority.CLOSE)
            return
        # On spot the venue looks among one kind of orders only.
        likely = self._stops.get(order.venue_id, requests.PLAIN)
        gone: RefusedError | None = None
        for kind in sorted((requests.EXIT, requests.ENTRY, requests.PLAIN), key=lambda one: one != likely):
            try:
                await self._access.rest.act("cancel", _CANCEL, {**body, "orderFilter": kind}, Priority.CLOSE)
                return
            except RefusedError as error:
                if error.cause is not Cause.GONE:
                    raise
                gone = gone or error
        assert gone is not None
        raise gone

    async def close(self, position: ClosePosition) -> None:
        """Close the net position at market, by an order that can only reduce it; none there is success. Of
        coins no more is sold than is asked for and there. More than one order may have is closed in parts,
        one each time that this is asked.
        """
        product = self._access.product(position.instrument)
        root = product.instrument.root
        held = await (self._coins(position, product) if self._spot else self._held(product))
        if not held:
            return
        most = self._access.most_at_market(root)
        if most and abs(held) > most:
            held = most if held > 0 else -most
        category = self._access.config.category
        body = requests.close_body(product.instrument, held, category, position.client_id)
        try:
            await self._create(body, position.client_id, Priority.CLOSE)
        except RefusedError as error:
            if error.code not in codes.NO_POSITION:
                raise

    async def snapshot(self, since: int, *, urgent: bool = False) -> SnapshotTaken:
        """The account as the venue knows it; `since` in nanoseconds UTC. Whole, or RetryableError.

        The queries are not one transaction: when a fill or a position change is heard meanwhile, they are
        asked again, so that fills and positions belong together.
        """
        priority = Priority.VERIFY if urgent else Priority.QUERY
        for _ in range(_SNAPSHOT_TRIES):
            before = self._reports.changes
            taken = await self._take(since, priority)
            if self._reports.changes == before:
                return taken
        raise RetryableError("the account kept changing while it was queried")

    async def _take(self, since: int, priority: Priority) -> SnapshotTaken:
        access, queries, key = self._access, self._queries, self._key
        if key is None:
            raise RetryableError("no account is adopted yet")
        until = access.rest.clock.now() + _AHEAD_NS
        try:
            async with asyncio.TaskGroup() as group:
                wallet = group.create_task(queries.wallet(priority))
                live = group.create_task(queries.open_orders(priority))
                ended = group.create_task(queries.closed_orders(since, priority))
                past = group.create_task(queries.past_orders(since, until, priority))
                executions = group.create_task(queries.executions(since, until, priority))
                held = None if self._spot else group.create_task(queries.positions(priority))
        except ExceptionGroup as errors:
            failed, faults = errors.split(PortError)
            if faults is not None or failed is None:
                raise
            # Nothing about one part of the truth: nothing at all, and certainly not "flat".
            raise RetryableError(f"snapshot: {failed.exceptions[0]}") from None
        rows = [*live.result(), *ended.result(), *past.result()]
        young, more = await self._looked_up({row.order_link_id for row in rows}, priority)
        orders = (*self._reports.orders([*rows, *more], since), *young)
        lives = {one.venue_id for one in orders if one.status.live}
        self._stops = {stop: kind for stop, kind in self._stops.items() if stop in lives}
        try:
            self._reports.account = account = mapping.account(key, wallet.result(), access.config)
            balances = mapping.balances(wallet.result()) if self._spot else ()
        except BybitWireError as error:
            raise RetryableError(f"snapshot: {error}") from None
        return SnapshotTaken(
            ts_recv=access.clock(),
            book=self.book,
            since=since,
            account=account,
            orders=orders,
            fills=self._reports.fills(executions.result()),
            positions=() if held is None else self._reports.positions(held.result()),
            balances=balances,
        )

    async def _looked_up(
        self, listed: set[str], priority: Priority
    ) -> tuple[list[VenueOrder], list[BybitOrder]]:
        """Orders that went out just now and are in no list yet: as the stream has told of them, else each
        asked for by its own id.

        Raises RetryableError where nobody knows one: a little later the venue will, or it never came.
        """
        told: list[VenueOrder] = []
        asked: list[BybitOrder] = []
        for client_id in self._sent.missing(listed):
            if (order := self._reports.order(client_id)) is not None:
                told.append(order)
            elif (row := await self._queries.order(client_id, priority)) is not None:
                asked.append(row)
            else:
                raise not_yet([client_id])
        return told, asked

    async def _create(self, body: requests.Body, client_id: str, priority: Priority) -> str:
        if client_id:
            self._sent.sent(client_id)
        try:
            raw = await self._access.rest.act("place", _CREATE, body, priority)
        except (RefusedError, RetryableError, FatalError):
            self._sent.refused(client_id)
            raise
        try:
            return read(raw, BybitCreated).order_id
        except BybitWireError as error:
            raise UnknownOutcomeError(f"place: {error}") from None

    def _check(self, order: PlaceOrder, product: BybitProduct) -> None:
        """Raises RefusedError for what the venue would refuse, before it is sent."""
        known = product.instrument
        if order.reduces:
            return
        if state := self._access.paused(known.root):
            raise RefusedError(f"{known.symbol} does not trade now ({state})", cause=Cause.CLOSED)
        least = self._access.least_notional(known.root)
        if order.price is not None and known.notional(order.price, order.qty) < least:
            raise RefusedError(f"{known.counted(order.qty)} are worth less than {least} {known.currency}")

    async def _held(self, product: BybitProduct) -> int:
        """Lots of a position, signed; where the venue does not answer, as it was told last."""
        symbol = product.instrument.symbol
        try:
            rows = await self._queries.positions(Priority.CLOSE, product.instrument.root)
            return sum(mapping.position(row, product).qty for row in rows)
        except BybitWireError as error:
            raise RefusedError(f"{symbol}: {error}") from None
        except RetryableError:
            if self._reports.held.get(symbol):
                return self._reports.held[symbol]
            raise

    async def _coins(self, position: ClosePosition, product: BybitProduct) -> int:
        """Lots to sell, or to buy back where they are negative."""
        if position.qty <= 0:
            return position.qty
        known = product.instrument
        wallet = await self._queries.wallet(Priority.CLOSE)
        try:
            has = sum(one.total for one in mapping.balances(wallet) if one.currency == known.base)
        except BybitWireError as error:
            raise RetryableError(f"balance: {error}") from None
        return min(position.qty, int(has // known.lot_size))

    async def _adopt(self) -> Account:
        """The account behind the key, of which positions must be kept one a symbol.

        Raises RetryableError, FatalError.
        """
        if not self._spot:
            for root in self._access.products:
                for row in await self._queries.positions(Priority.QUERY, root):
                    if row.position_idx:
                        raise FatalError(f"{root}: {mapping.HEDGE}")
        self._key = await self._queries.key()
        self._reports.account = account = await self._access.account(self._key)
        return account
