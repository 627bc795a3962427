"""What the connection that trades carries: what becomes of orders, positions, money; and our requests."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from adapters.common.anomalies import Anomalies
from adapters.common.json_link import SocketClosed
from adapters.common.typed_json import UNREADABLE
from adapters.kraken import mapping
from adapters.kraken.account import Holding, OrderRows
from adapters.kraken.listing import ONLINE
from adapters.kraken.private import CHANNELS, PrivateStream
from adapters.kraken.requests import DERIVATIVES
from adapters.kraken.tokens import KrakenTokens
from adapters.kraken.wire import (
    KrakenWireError,
    UwsBalances,
    UwsExecutions,
    UwsMargin,
    UwsMessage,
    UwsPositions,
    read_margin,
)
from engine.model.errors import PortError, RetryableError
from engine.model.events import AccountReported, AnyEvent, FillReported, OrderReported, PositionReported
from engine.model.orders import Margin
from engine.ports import Clock

_log = logging.getLogger(__name__)
_MOST_FILLS = 5_000
"""Ids of fills that are remembered, so that none is told twice."""


class ToldFills:
    """Ids of the fills that were told, over connections."""

    def __init__(self) -> None:
        self._order: deque[str] = deque()
        self._known: set[str] = set()

    def first(self, exec_id: str) -> bool:
        """Whether it is told for the first time; from now on it is not."""
        if exec_id in self._known:
            return False
        self._known.add(exec_id)
        self._order.append(exec_id)
        if len(self._order) > _MOST_FILLS:
            self._known.discard(self._order.popleft())
        return True


class KrakenUserStream(PrivateStream):
    """Events of one account. `changes` counts fills and changes of positions that were heard."""

    def __init__(
        self,
        tokens: KrakenTokens,
        anomalies: Anomalies,
        read_s: float,
        orders: OrderRows,
        holding: Holding,
        fills: ToldFills,
        book: str,
        clock: Clock,
        tell: Callable[[AnyEvent], None],
        begun: Callable[[KrakenUserStream], None],
    ) -> None:
        """`begun` hears that everything is subscribed and shown, before the connection counts as LIVE."""
        super().__init__(tokens, anomalies, read_s)
        self.changes = 0
        self.margin: Margin | None = None
        self._orders = orders
        self._holding = holding
        self._fills = fills
        self._book = book
        self._clock = clock
        self._tell = tell
        self._begun = begun
        self._live = False
        self._awaited = set(CHANNELS)
        self._came = asyncio.Event()
        self._sequence: int | None = None

    async def subscribe(self) -> None:
        for name, params in CHANNELS.items():
            await self.channel("subscribe", name, **params)
        try:
            async with asyncio.timeout(self._read_s):
                await self._came.wait()
        except TimeoutError:
            raise RetryableError(
                f"subscribed, but nothing came of {', '.join(sorted(self._awaited))}"
            ) from None
        try:
            await self.channel("subscribe", "margin", asset_class=DERIVATIVES)
        except PortError as error:
            _log.info("margin is not told: %s", error)
        self._begun(self)
        self._live = True

    @property
    def closed_for_entries(self) -> str:
        """The state of the venue's engine where it is not the usual one; else empty."""
        return "" if self.system == ONLINE else self.system

    def handle(self, message: UwsMessage) -> None:
        match message:
            case UwsExecutions():
                self._executions(message)
            case UwsPositions():
                self._positions(message)
            case UwsBalances():
                self._holding.balances(message.data, whole=message.type == "snapshot")
                self._arrived("balances")
                self._account()
            case UwsMargin():
                self._margin(message)

    def _arrived(self, channel: str) -> None:
        self._awaited.discard(channel)
        if not self._awaited:
            self._came.set()

    def _executions(self, message: UwsExecutions) -> None:
        before, number = self._sequence, message.sequence
        if before is not None and number is not None:
            if number <= before:
                self._anomalies.counts["repeated messages"] += 1
                return
            if number != before + 1:
                raise SocketClosed(f"executions: after message {before} came {number}")
        self._sequence = number
        if message.type == "snapshot":
            self._orders.restart(message.data)
            self._arrived("executions")
            return  # what it shows comes to the engine by the snapshot that it takes now
        for row in message.data:
            try:
                told = self._orders.take(row)
            except KrakenWireError as error:
                self._anomalies.note("execution", error, row.order_id)
                self.changes += 1
                continue
            now = self._clock()
            if told.fill is not None and self._fills.first(told.fill.trade_id):
                self.changes += 1
                self._tell(
                    FillReported(ts_recv=now, ts_venue=told.fill.ts_venue, book=self._book, fill=told.fill)
                )
            if told.order is not None:
                self._tell(
                    OrderReported(
                        ts_recv=now, ts_venue=told.order.ts_venue, book=self._book, order=told.order
                    )
                )

    def _positions(self, message: UwsPositions) -> None:
        if error := message.error or message.data.error:
            raise SocketClosed(f"positions are not shown: {error[:80]}")
        whole = message.type == "snapshot"
        told = self._holding.positions(message.data.futures, whole=whole)
        self._arrived("positions")
        self.changes += 1
        if not whole:
            for position in told:
                self._tell(PositionReported(ts_recv=self._clock(), book=self._book, position=position))

    def _margin(self, message: UwsMargin) -> None:
        if message.type != "multi_collateral":
            return
        try:
            self.margin = mapping.margin(read_margin(message.data))
        except UNREADABLE as error:
            self._anomalies.note("margin", str(error)[:80])
            return
        self._account()

    def _account(self) -> None:
        if self._live:
            self._tell(
                AccountReported(
                    ts_recv=self._clock(),
                    book=self._book,
                    balance_usd=self._holding.balance_usd,
                    can_trade=True,
                    margin=self.margin,
                )
            )
