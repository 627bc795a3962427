"""The account side of Coinbase: orders, what becomes of them, and the portfolio as a whole."""

from __future__ import annotations

import asyncio

from adapters.coinbase import mapping, requests
from adapters.coinbase.access import CoinbaseAccess
from adapters.coinbase.mapping import CoinbaseCoin
from adapters.coinbase.reports import CoinbaseReports
from adapters.coinbase.user_stream import CoinbaseUserStream
from adapters.coinbase.wire import (
    CoinbaseCancelled,
    CoinbaseEdited,
    CoinbasePlaced,
    CoinbaseRefusal,
    CoinbaseWireError,
    read,
)
from adapters.common.json_link import JsonLink, SocketStream
from adapters.common.rate_budget import Priority
from adapters.common.redaction import scrub
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
from engine.model.orders import Account, Capabilities, OrderType
from engine.ports import Sink

_SNAPSHOT_TRIES = 3
_PENDING_NS = 86_400 * NANOS
"""An order that is neither resting nor ended is not among those that rest: it is younger than this."""
_GONE = frozenset({"UNKNOWN_CANCEL_ORDER", "ORDER_IS_FULLY_FILLED"})
_UNDER_WAY = "DUPLICATE_CANCEL_REQUEST"
_CLOSED = ("DISABLED", "CANCEL_ONLY", "VIEW_ONLY", "AUCTION", "TRADING_SESSION")


class CoinbaseBroker:
    """A Broker of one portfolio. What is bought is a balance; there are no positions."""

    capabilities = Capabilities(native_brackets=False, balances=True, paired_exits=False, stops_move=False)

    def __init__(self, access: CoinbaseAccess) -> None:
        self.book = access.config.book
        self._access = access
        self._queries = access.queries
        self._reports = CoinbaseReports(access)
        self._sent = SentOrders(access.config.timing.settle_s)

    async def run(self, sink: Sink) -> None:
        """Until cancelled. Raises FatalError when the key needs a person."""
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
            return CoinbaseUserStream(access.rest.stream_token, access.anomalies, self._reports.deliver)

        def report(state: LinkState, detail: str) -> None:
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
                "user", config.hosts.user_url, make_stream, report, config.timing.socket, access.rng
            )
            await link.run()
        finally:
            await self._reports.close()
            await access.leave(sink)

    async def place(self, order: PlaceOrder) -> str:
        """Send once; gives the venue's order id. Raises RefusedError, UnknownOutcomeError, RetryableError."""
        coin = self._access.product(order.instrument)
        self._check(order, coin)
        body = requests.place_body(order, coin.instrument, self._access.config.stop_slack)
        self._reports.sent(order)
        return await self._create(
            body, order.client_id, Priority.PROTECT if order.reduces else Priority.ENTRY
        )

    async def modify(self, change: ModifyOrder) -> None:
        """Move a limit. Raises RefusedError, as for a stop, which the venue changes in no way; the others."""
        coin = self._access.product(change.instrument)
        known = self._reports.order(change.venue_id)
        if known is None:
            raise RetryableError("the order is not known yet")
        if known.type is not OrderType.LIMIT:
            raise RefusedError("this venue changes limit orders only: a stop is cancelled and placed anew")
        raw = await self._access.rest.act(
            "change", "/orders/edit", requests.edit_body(change, known, coin.instrument), Priority.PROTECT
        )
        try:
            answer = read(raw, CoinbaseEdited)
        except CoinbaseWireError as error:
            raise UnknownOutcomeError(f"change: {error}") from None
        if not answer.success:
            raise _refusal("change", answer.errors[0] if answer.errors else CoinbaseRefusal())
        self._reports.changed(change)

    async def cancel(self, order: CancelOrder) -> None:
        """Raises RefusedError (GONE: no such working order), UnknownOutcomeError, RetryableError."""
        body = {"order_ids": [order.venue_id]}
        raw = await self._access.rest.act("cancel", "/orders/batch_cancel", body, Priority.CLOSE)
        try:
            results = read(raw, CoinbaseCancelled).results
        except CoinbaseWireError as error:
            raise UnknownOutcomeError(f"cancel: {error}") from None
        found = next((one for one in results if one.order_id == order.venue_id), None)
        if found is None:
            raise UnknownOutcomeError("cancel: the answer says nothing of the order")
        if not found.success and found.failure_reason != _UNDER_WAY:
            cause = Cause.GONE if found.failure_reason in _GONE else Cause.OTHER
            raise RefusedError(f"cancel: {scrub(found.failure_reason)}", cause=cause)

    async def close(self, position: ClosePosition) -> None:
        """Sell coins at market: no more than is asked for, and than there are; none is success."""
        coin, lots = self._access.product(position.instrument), position.qty
        if lots > 0:
            lots = min(lots, await self._owned(coin))
        if not lots:
            return
        if not position.client_id:
            raise RefusedError("coins are sold by an order with an id of ours")
        body = requests.market_body(position.client_id, coin.instrument, lots)
        await self._create(body, position.client_id, Priority.CLOSE)

    async def snapshot(self, since: int, *, urgent: bool = False) -> SnapshotTaken:
        """The portfolio as the venue knows it; `since` in nanoseconds UTC. Whole, or RetryableError.

        The queries are not one transaction: when a fill is heard of meanwhile, they are asked again.
        """
        priority = Priority.VERIFY if urgent else Priority.QUERY
        for _ in range(_SNAPSHOT_TRIES):
            before = self._reports.changes
            taken = await self._take(since, priority)
            if self._reports.changes == before:
                return taken
        raise RetryableError("the account kept changing while it was queried")

    async def _take(self, since: int, priority: Priority) -> SnapshotTaken:
        access, queries, key = self._access, self._queries, self._reports.key
        if key is None:
            raise RetryableError("no account is adopted yet")
        pending = min(since, access.rest.clock.now() - _PENDING_NS)
        try:
            async with asyncio.TaskGroup() as group:
                wallets = group.create_task(queries.wallets(priority))
                resting = group.create_task(queries.open_orders(priority))
                recent = group.create_task(queries.orders(pending, priority))
                fills = group.create_task(queries.fills(priority, since=since))
        except ExceptionGroup as errors:
            failed, faults = errors.split(PortError)
            if faults is not None or failed is None:
                raise
            # Nothing about one part of the truth: nothing at all, and certainly not "flat".
            raise RetryableError(f"snapshot: {failed.exceptions[0]}") from None
        rows = [*resting.result(), *recent.result()]
        missing = self._sent.missing({row.client_order_id for row in rows})
        young = [one for name in missing if (one := self._reports.told_as(name)) is not None]
        if len(young) < len(missing):
            known = {one.client_id for one in young}
            raise not_yet([name for name in missing if name not in known])
        try:
            account = mapping.account(key, wallets.result(), access.config)
            balances = mapping.balances(wallets.result())
        except CoinbaseWireError as error:
            raise RetryableError(f"snapshot: {error}") from None
        return SnapshotTaken(
            ts_recv=access.clock(),
            book=self.book,
            since=since,
            account=account,
            orders=(*self._reports.orders(rows, since), *young),
            fills=self._reports.fills(fills.result()),
            positions=(),
            balances=balances,
        )

    async def _create(self, body: requests.Body, client_id: str, priority: Priority) -> str:
        self._sent.sent(client_id)
        try:
            raw = await self._access.rest.act("place", "/orders", body, priority)
        except (RefusedError, RetryableError, FatalError):
            self._sent.refused(client_id)
            raise
        try:
            answer = read(raw, CoinbasePlaced)
        except CoinbaseWireError as error:
            raise UnknownOutcomeError(f"place: {error}") from None
        if not answer.success:
            self._sent.refused(client_id)
            raise _refusal("place", answer.error_response or CoinbaseRefusal())
        if answer.success_response is None:
            raise UnknownOutcomeError("place: the answer names no order")
        return answer.success_response.order_id

    def _check(self, order: PlaceOrder, coin: CoinbaseCoin) -> None:
        """Raises RefusedError for what the venue would refuse, before it is sent."""
        known = coin.instrument
        if order.reduces:
            return
        if state := self._access.paused(known.root):
            raise RefusedError(f"{known.symbol} takes no entries now ({state})", cause=Cause.CLOSED)
        least = self._access.least_notional(known.root)
        if order.price is not None and known.notional(order.price, order.qty) < least:
            raise RefusedError(f"{known.counted(order.qty)} are worth less than {least} {known.currency}")

    async def _owned(self, coin: CoinbaseCoin) -> int:
        """Lots of a coin, what is held for orders included."""
        known = coin.instrument
        try:
            told = mapping.balances(await self._queries.wallets(Priority.CLOSE))
        except CoinbaseWireError as error:
            raise RetryableError(f"balances: {error}") from None
        return int(sum(one.total for one in told if one.currency == known.base) // known.lot_size)

    async def _adopt(self) -> Account:
        """Raises RetryableError, FatalError."""
        self._reports.key = await self._queries.key()
        return await self._access.account(self._reports.key)


def _refusal(name: str, why: CoinbaseRefusal) -> RefusedError:
    reasons = (why.new_order_failure_reason, why.preview_failure_reason, why.edit_failure_reason, why.error)
    reason = next((one for one in reasons if one and not one.startswith("UNKNOWN")), "refused")
    words = why.message or why.error_details
    cause = Cause.CLOSED if any(part in reason for part in _CLOSED) else Cause.OTHER
    return RefusedError(f"{name}: {scrub(reason)}{f' ({scrub(words)})' if words else ''}", cause=cause)
