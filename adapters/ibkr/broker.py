"""The order side: one account. Orders go out once, and what becomes of them is told by the connection."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from adapters.ibkr import codes, mapping
from adapters.ibkr.config import CAPABILITIES, IbkrConfig, kind_of
from adapters.ibkr.gateway import Gateway
from adapters.ibkr.mapping import OddRecordError
from adapters.ibkr.reports import IbAccountReports
from engine.model.effects import CancelOrder, ClosePosition, ModifyOrder, PlaceOrder
from engine.model.errors import (
    Cause,
    FatalError,
    PortError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from engine.model.events import (
    AccountAdopted,
    LinkChanged,
    LinkState,
    SnapshotTaken,
)
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Side
from engine.model.orders import AccountKind, OrderSpec, OrderType, VenuePosition
from engine.ports import Sink

if TYPE_CHECKING:
    from ib_async import Contract, Order, Position, Trade

T = TypeVar("T")


class IbkrBroker:
    """Broker over TWS. Without brackets of the venue's own: stop and target are orders like any other."""

    capabilities = CAPABILITIES

    def __init__(self, gateway: Gateway) -> None:
        self.book = gateway.config.book
        self._gateway = gateway
        self._sink: Sink | None = None
        self._account = ""
        self._reports = IbAccountReports(gateway)
        self._state: tuple[LinkState, str] | None = None
        self._asking = asyncio.Lock()

    async def run(self, sink: Sink) -> None:
        """Adopt the account and stream until cancelled. Raises FatalError if account, library or version need
        a person.
        """
        self._sink = sink
        try:
            async with self._gateway.used_by(self) as ended:
                await ended
        finally:
            self._reports.close()
            self._sink, self._state = None, None

    # -- the connection ------------------------------------------------------------------------------

    async def connected(self) -> None:
        """Raises FatalError where it is not clear which account is meant, RetryableError."""
        gateway, ib = self._gateway, self._gateway.ib
        self._account = chosen(gateway.config, ib.managedAccounts())
        if self._sink is not None:
            self._reports.open(self._sink, ib, self._account)
        account = mapping.account(self._account, ib.accountValues(self._account))
        if self._sink is not None:
            self._sink(
                AccountAdopted(
                    ts_recv=gateway.clock(), book=self.book, account=account, venue=gateway.config.venue
                )
            )
        self._tell(LinkState.LIVE, "")

    def lost(self, detail: str) -> None:
        self._tell(LinkState.DOWN, detail)

    def noticed(self, code: int, text: str) -> None:
        if code in (codes.LOST, codes.BROKEN):
            self._tell(LinkState.DOWN, f"TWS has lost its servers: {text}")
        elif code in (codes.RESTORED, codes.RESTORED_EMPTY):
            self._tell(LinkState.LIVE, "after an outage of the servers")

    def _tell(self, state: LinkState, detail: str) -> None:
        if self._sink is None or (state, detail) == self._state:
            return
        self._state = (state, detail)
        gateway = self._gateway
        self._sink(
            LinkChanged(
                ts_recv=gateway.clock(),
                link="user",
                state=state,
                detail=detail,
                venue=gateway.config.venue,
                book=self.book,
            )
        )

    # -- requests ------------------------------------------------------------------------------------

    async def place(self, order: PlaceOrder) -> str:
        """Send once; gives the number that the order keeps. Raises RefusedError, UnknownOutcomeError,
        RetryableError.
        """
        if order.stop_offset is not None or order.target_offset is not None:
            raise RefusedError("brackets are orders of our own here", cause=Cause.NO_BRACKETS)
        instrument = self._instrument(order.instrument)
        contract = self._month(order)
        made = mapping.order_of(self._gateway.library, order, instrument, self._account)
        return await self._send(contract, made, protects=order.reduces)

    async def modify(self, change: ModifyOrder) -> None:
        """Raises RefusedError, UnknownOutcomeError, RetryableError."""
        gateway = self._gateway
        instrument, trade = self._instrument(change.instrument), self._ours(change.venue_id)
        wanted: Order = copy.copy(trade.order)
        if change.qty is not None:
            wanted.totalQuantity = float(instrument.qty(change.qty))
        if change.limit is not None:
            wanted.lmtPrice = float(instrument.price(change.limit))
        if change.stop is not None:
            wanted.auxPrice = float(instrument.price(change.stop))
        wanted.transmit = True
        number = wanted.orderId
        gateway.forget_error(number)

        def settled() -> bool | None:
            if (error := gateway.error_about(number)) is not None and error[0] not in codes.WARNINGS:
                raise codes.refusal(*error)
            now = trade.order
            same = (now.totalQuantity, now.lmtPrice, now.auxPrice) == (
                wanted.totalQuantity,
                wanted.lmtPrice,
                wanted.auxPrice,
            )
            return True if same else None

        gateway.ib.placeOrder(trade.contract, wanted)
        await self._outcome(settled, f"change of order {change.venue_id}", gateway.config.waits.protect_s)

    async def cancel(self, order: CancelOrder) -> None:
        """Raises RefusedError (cause GONE: no such working order), UnknownOutcomeError, RetryableError."""
        gateway, trade = self._gateway, self._ours(order.venue_id)
        number = trade.order.orderId
        gateway.forget_error(number)

        def settled() -> bool | None:
            error = gateway.error_about(number)
            if error is not None and error[0] not in codes.WARNINGS and error[0] not in codes.ENDS:
                raise codes.refusal(*error)
            return True if trade.isDone() or error is not None else None

        gateway.ib.cancelOrder(trade.order)
        await self._outcome(settled, f"cancel of order {order.venue_id}", gateway.config.waits.protect_s)

    async def close(self, position: ClosePosition) -> None:
        """Sell, or buy back, what is open at market, in every month in which something is; nothing there is
        success. Raises as `place`.
        """
        gateway, known = self._gateway, self._instrument(position.instrument)
        for held in await self._positions():
            instrument = self._reports.known(held.contract)
            if instrument is None or instrument.symbol != position.instrument or not held.position:
                continue
            qty = mapping.lots(held.position, instrument)
            side = Side.SELL if qty > 0 else Side.BUY
            spec = OrderSpec(side, OrderType.MARKET, abs(qty), reduces=True)
            tag = position.client_id or f"close-{known.symbol}-{gateway.clock()}"
            order = PlaceOrder(self.book, tag, known.symbol, spec)
            made = mapping.order_of(gateway.library, order, instrument, self._account)
            contract = copy.copy(held.contract)
            contract.exchange = contract.exchange or gateway.config.asked(instrument).exchange
            await self._send(contract, made, protects=True)

    async def snapshot(self, since: int, *, urgent: bool = False) -> SnapshotTaken:
        """The account as the venue knows it; `since` in nanoseconds UTC. Whole, or RetryableError. Of
        executions the gateway keeps those of the day.
        """
        gateway = self._gateway
        async with self._asking:
            ib = gateway.ib
            try:
                live = await gateway.ask(ib.reqAllOpenOrdersAsync(), "open orders")
                done = await gateway.ask(ib.reqCompletedOrdersAsync(False), "completed orders")
                after = datetime.fromtimestamp(since // NANOS, UTC).strftime("%Y%m%d-%H:%M:%S")
                wanted = gateway.library.ExecutionFilter(acctCode=self._account, time=after)
                executions = await gateway.ask(ib.reqExecutionsAsync(wanted), "executions")
                positions = await gateway.ask(ib.reqPositionsAsync(), "positions")
                account = mapping.account(self._account, ib.accountValues(self._account))
                orders = {one.venue_id: one for one in self._reports.orders((*live, *done))}
                fills = [mapping.fill(one, known) for one, known in self._reports.executions(executions)]
                held = [mapping.position(one, known) for one, known in self._reports.held(positions)]
            except PortError as error:
                raise RetryableError(f"snapshot: {error}") from None
            except OddRecordError as error:
                # Half of the truth looks like another one.
                raise RetryableError(f"snapshot: a record that makes no sense ({error})") from None
        return SnapshotTaken(
            ts_recv=gateway.clock(),
            book=self.book,
            since=since,
            account=account,
            orders=tuple(orders[key] for key in sorted(orders)),
            fills=tuple({fill.trade_id: fill for fill in fills if fill.ts_venue >= since}.values()),
            positions=tuple(_netted(held)),
        )

    # -- sending -------------------------------------------------------------------------------------

    async def _send(self, contract: Contract, made: Order, *, protects: bool) -> str:
        """Raises RefusedError, UnknownOutcomeError; RetryableError where nothing was sent."""
        gateway, waits = self._gateway, self._gateway.config.waits
        ib = gateway.ib
        try:
            made.orderId = number = ib.client.getReqId()
            trade = ib.placeOrder(contract, made)
        except ConnectionError as error:  # before anything was written
            raise RetryableError(f"order {made.orderRef}: {error}") from None

        def settled() -> str | None:
            error = gateway.error_about(number)
            if error is not None and error[0] not in codes.WARNINGS and not codes.is_notice(error[0]):
                raise codes.refusal(*error)
            status = trade.orderStatus.status
            if status in ("PendingSubmit", "ApiPending", "ValidationError"):
                return None
            return mapping.permanent_id(trade) or None

        limit_s = waits.protect_s if protects else waits.act_s
        return await self._outcome(settled, f"order {made.orderRef}", limit_s)

    async def _outcome(self, settled: Callable[[], T | None], what: str, limit_s: float) -> T:
        """Raises UnknownOutcomeError, and what `settled` raises."""
        try:
            return await self._gateway.until(settled, limit_s)
        except TimeoutError:
            raise UnknownOutcomeError(f"{what}: no answer within {limit_s:g} s") from None
        except ConnectionError as error:
            raise UnknownOutcomeError(f"{what}: {error}") from None

    def _ours(self, venue_id: str) -> Trade:
        """An order that this client may change. Raises RefusedError, RetryableError."""
        ib = self._gateway.ib
        found = [trade for trade in ib.trades() if mapping.permanent_id(trade) == venue_id]
        if not found:
            raise RefusedError(f"there is no order {venue_id}", cause=Cause.GONE)
        trade = found[-1]
        if trade.isDone():
            raise RefusedError(f"order {venue_id} is over", cause=Cause.GONE)
        if trade.order.clientId != self._gateway.config.client_id or trade.order.orderId <= 0:
            raise RefusedError(f"order {venue_id} is another program's: only that one may change it")
        return trade

    def _month(self, order: PlaceOrder) -> Contract:
        """Entries go to the active month, protection to the one that is held, which may be older."""
        gateway = self._gateway
        ib, active = gateway.ib, gateway.contracts.get(order.instrument)
        if active is None:
            raise RetryableError(f"the contract of {order.instrument} is not known yet")
        if order.reduces:
            held = [
                one.contract
                for one in ib.positions(self._account)
                if one.position
                and (known := self._reports.known(one.contract))
                and known.symbol == order.instrument
            ]
            if held and active.conId not in {contract.conId for contract in held}:
                older = copy.copy(held[0])
                older.exchange = older.exchange or active.exchange
                return older
        return active

    def _instrument(self, symbol: str) -> Instrument:
        instrument = self._gateway.config.instruments.get(symbol)
        if instrument is None:
            raise RefusedError(f"{symbol} is not among the instruments of this venue")
        return instrument

    async def _positions(self) -> list[Position]:
        async with self._asking:
            found = await self._gateway.ask(self._gateway.ib.reqPositionsAsync(), "positions")
        return [one for one in found if one.account == self._account]


def chosen(config: IbkrConfig, managed: Iterable[str]) -> str:
    """The account to trade, of those that the login has. Raises FatalError where that is not clear."""
    accounts = [name for name in managed if name]
    known = ", ".join(accounts) or "none"
    if config.account:
        if config.account not in accounts:
            raise FatalError(f"this login has no account {config.account}; it has {known}")
        return config.account
    practice = [name for name in accounts if kind_of(name) is AccountKind.PRACTICE]
    if len(practice) != 1:
        raise FatalError(
            "name the account to trade (venues.NAME.accounts): only the login's one account of paper "
            f"trading is taken without, and it has {known}"
        )
    return practice[0]


def _netted(positions: Iterable[VenuePosition]) -> Iterable[VenuePosition]:
    """One for each instrument that is held."""
    found: dict[str, VenuePosition] = {}
    for one in positions:
        before = found.get(one.instrument)
        found[one.instrument] = (
            one if before is None else VenuePosition(one.instrument, before.qty + one.qty, one.average_price)
        )
    return [one for one in found.values() if one.qty]
