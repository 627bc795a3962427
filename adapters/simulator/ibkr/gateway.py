"""The gateway: connections with their client ids, one account, orders matched by the one venue."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Self

from adapters.simulator.ibkr import frames as f
from adapters.simulator.ibkr import records
from adapters.simulator.ibkr.account import IbAccount
from adapters.simulator.ibkr.frames import IbFields, frame, receive
from adapters.simulator.ibkr.records import IbListed, IbOrder
from adapters.simulator.market.candles import MINUTES, Candles
from engine.model.events import Print, Quote
from engine.model.market import MINUTE, NANOS, Bar
from engine.ports import Clock
from engine.venue.fill_model import FillModel

_SIZES = {"1 min": 1, "2 mins": 2, "3 mins": 3, "5 mins": 5, "10 mins": 10, "15 mins": 15, "30 mins": 30} | {
    "1 hour": 60
}
_SPANS = {"S": NANOS, "D": 24 * 60 * MINUTE, "W": 7 * 24 * 60 * MINUTE, "M": 31 * 24 * 60 * MINUTE}


class IbFaults:
    """What the gateway does otherwise than it should, until it is told to stop."""

    def __init__(self) -> None:
        self.silent: set[int] = set()
        """Numbers of requests that get no answer (3: an order is taken, and nothing is said of it)."""
        self.unheard: set[int] = set()
        """The same, and the request is not carried out either."""
        self.refuses: dict[int, tuple[int, str]] = {}
        """By the number of a request, the error that answers it."""
        self.once: list[IbFault] = []
        """What happens to a single request."""

    def strikes(self, number: int) -> IbFault | None:
        """The fault that a request meets, if one does."""
        for fault in tuple(self.once):
            if fault.number == number:
                fault.nth -= 1
                if fault.nth <= 0:
                    fault.acted += 1
                    self.once.remove(fault)
                    return fault
        return None


@dataclass(eq=False)
class IbFault:
    """One request of a kind, the `nth` from now on, is refused, or its connection is cut."""

    number: int
    nth: int = 1
    refusal: tuple[int, str] | None = None
    """The error that answers it; it is not carried out."""
    taken: bool = False
    """Whether it is carried out before the connection is cut."""
    acted: int = 0


class IbConnection:
    """One client."""

    def __init__(self, gateway: IbGatewayTwin, writer: asyncio.StreamWriter) -> None:
        self.gateway = gateway
        self.writer = writer
        self.client_id = -1
        self.started = False
        self.subscriptions: dict[int, IbListed] = {}
        """Of market data, by request."""
        self.cut = False

    def hang_up(self) -> None:
        """End it if it is cut."""
        if self.cut and self.writer.transport is not None:
            self.writer.transport.abort()

    def send(self, *messages: bytes) -> None:
        if not self.cut and not self.writer.is_closing():
            self.writer.write(b"".join(messages))

    def error(self, number: int, code: int, text: str) -> None:
        self.send(records.error(number, code, text))


class IbGatewayTwin:
    """`async with IbGatewayTwin(listed, clock) as twin: ... twin.port`.

    The market is what `push` is told; time is the clock's, and `pump` lets happen what is due.
    """

    def __init__(
        self,
        listed: Sequence[IbListed],
        clock: Clock,
        *,
        accounts: Sequence[str] = ("DU1234567",),
        balance_usd: Decimal = Decimal(100_000),
        model: FillModel | None = None,
        server_version: int = f.SERVER_VERSION,
        history: Mapping[str, Sequence[Bar]] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        first_id: int = 1,
    ) -> None:
        self.listed = {one.con_id: one for one in listed}
        self.accounts = list(accounts)
        self.wrong = IbFaults()
        self.asked: Counter[int] = Counter()
        """How often each request came."""
        self.orders: list[list[str]] = []
        """Every order or change that came, as it came."""
        self._clock = clock
        self._version = server_version
        self._host, self._port = host, port
        self.port = 0
        self.account = IbAccount(
            listed,
            clock,
            self.accounts[0],
            balance_usd,
            model or FillModel(latency_ns=0),
            self._to_owner,
            self._moved,
            first_id,
        )
        past = history or {}
        self.candles = {
            key: Candles(key, past.get(one.instrument.symbol, ()))
            for key, one in ((str(one.con_id), one) for one in listed)
        }
        self._connections: list[IbConnection] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, self._port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what others do ------------------------------------------------------------------------------

    @property
    def connections(self) -> int:
        return sum(one.started for one in self._connections)

    def drop(self) -> None:
        """Cut every connection."""
        for one in tuple(self._connections):
            if one.writer.transport is not None:
                one.writer.transport.abort()

    def notice(self, code: int, text: str) -> None:
        """Say something to everybody."""
        for one in self._connections:
            one.error(-1, code, text)

    def push(self, event: Quote | Print) -> None:
        """Let the market do something; `instrument` is the contract's number."""
        listed = self.listed[int(event.instrument)]
        one = listed.instrument
        if isinstance(event, Quote):
            self.account.happened(self.account.venue.on_quote(event))
            told = [(1, event.bid), (2, event.ask)]
            for connection, req_id in self._watching(listed):
                for kind, ticks in told:
                    if ticks is not None:
                        connection.send(frame(f.PRICE, 6, req_id, kind, one.price(ticks), 5, 0))
            return
        self.candles[event.instrument].on_print(event.ts_venue, event.price, event.size)
        self.account.happened(self.account.venue.on_print(event))
        ms = event.ts_venue // 1_000_000
        said = f"{one.price(event.price)};{one.qty(event.size)};{ms};1000;{one.price(event.price)};true"
        for connection, req_id in self._watching(listed):
            connection.send(frame(f.STRING, 6, req_id, 48, said))

    def _moved(self, listed: IbListed) -> None:
        for one in self._connections:
            if one.started:
                one.send(self._position(listed))
                self._tell_account(one)

    def _to_owner(self, kept: IbOrder, said: bytes) -> None:
        if 3 in self.wrong.silent:
            return
        for one in self._connections:
            if one.started and one.client_id == kept.client_id:
                one.send(said)

    # -- the protocol --------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        connection = IbConnection(self, writer)
        self._connections.append(connection)
        try:
            if await reader.readexactly(4) != b"API\0":
                return
            await receive(reader)  # the versions that the client speaks
            now = datetime.fromtimestamp(self._clock() // NANOS, UTC).strftime("%Y%m%d %H:%M:%S UTC")
            connection.send(frame(self._version, now))
            while True:
                fields = await receive(reader)
                self._answer(connection, IbFields(fields), fields)
                connection.hang_up()
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, ValueError):
            pass
        finally:
            self._connections.remove(connection)
            self._tasks.discard(task)
            writer.close()

    def _answer(self, to: IbConnection, asked: IbFields, fields: list[str]) -> None:
        number = asked.number()
        self.asked[number] += 1
        fault = self.wrong.strikes(number)
        if fault is not None and fault.refusal is None and to.writer.transport is not None:
            to.cut = True  # nothing is said to it any more
        if number in self.wrong.unheard or (fault is not None and not fault.taken and fault.refusal is None):
            to.hang_up()
            return
        account = self.accounts[0]
        match number:
            case 71:
                self._start(to, asked)
            case 61:
                self._tell_positions(to)
            case 5 | 16:
                for kept, order in self.account.orders(live=True):
                    if number == 16 or kept.client_id == to.client_id:
                        to.send(records.open_order(kept, order), records.status(kept, order))
                to.send(frame(f.OPEN_END, 1))
            case 99:
                for kept, order in self.account.orders(live=False):
                    to.send(records.completed(kept, order))
                to.send(frame(f.COMPLETED_END))
            case 6:
                self._tell_account(to)
                to.send(frame(f.ACCOUNT_END, 1, account))
            case 76:
                asked.next()
                to.send(frame(f.MULTI_END, 1, asked.number()))
            case 7:
                asked.next()
                self._tell_executions(to, asked.number())
            case 9:
                asked.next()
                self._tell_details(to, asked)
            case 1:
                asked.next()
                req_id = asked.number()
                if (refused := self.wrong.refuses.get(1)) is not None:
                    to.error(req_id, *refused)
                elif (listed := self.listed.get(asked.number())) is not None:
                    to.subscriptions[req_id] = listed
                    self._welcome(to, req_id, listed)
            case 2:
                asked.next()
                to.subscriptions.pop(asked.number(), None)
            case 20:
                self._tell_history(to, asked)
            case 49:
                to.send(frame(f.CURRENT_TIME, 1, self._clock() // NANOS))
            case 3:
                self.orders.append(fields)
                order_id = asked.number()
                refused = self.wrong.refuses.get(3) or (None if fault is None else fault.refusal)
                refused = refused or self.account.place(to.client_id, order_id, asked)
                if refused is not None:
                    to.error(order_id, *refused)
            case 4:
                asked.next()
                order_id = asked.number()
                refused = self.wrong.refuses.get(4) or self.account.cancel(to.client_id, order_id)
                if refused is not None:
                    to.error(order_id, *refused)

    def _start(self, to: IbConnection, asked: IbFields) -> None:
        asked.next()
        to.client_id = asked.number()
        if any(one.client_id == to.client_id and one is not to for one in self._connections):
            to.error(-1, 326, "Unable to connect as the client id is already in use.")
            to.writer.close()
            return
        to.started = True
        to.send(
            frame(f.ACCOUNTS, 1, ",".join(self.accounts)),
            frame(f.NEXT_ID, 1, self.account.next_order_id),
            records.error(-1, 2104, "Market data farm connection is OK:usfarm"),
        )

    def _tell_positions(self, to: IbConnection) -> None:
        for con_id in self.account.positions:
            to.send(self._position(self.listed[con_id]))
        to.send(frame(f.POSITION_END, 1))

    def _position(self, listed: IbListed) -> bytes:
        qty, average = self.account.positions.get(listed.con_id, (0, Decimal(0)))
        held, cost = listed.instrument.qty(qty), average * listed.multiplier
        return frame(f.POSITION, 3, self.accounts[0], *listed.fields(), held, cost)

    def _tell_account(self, to: IbConnection) -> None:
        for tag in ("TotalCashValue", "AvailableFunds", "NetLiquidation"):
            to.send(frame(f.ACCOUNT_VALUE, 2, tag, self.account.balance_usd, "USD", self.accounts[0]))
        to.send(frame(f.ACCOUNT_VALUE, 2, "InitMarginReq", "0", "USD", self.accounts[0]))

    def _tell_executions(self, to: IbConnection, req_id: int) -> None:
        for kept in self.account.kept.values():
            for fill in kept.fills:
                to.send(records.execution(req_id, kept, fill), records.commission(kept, fill))
        to.send(frame(f.EXECUTIONS_END, 1, req_id))

    def _tell_details(self, to: IbConnection, asked: IbFields) -> None:
        req_id = asked.number()
        con_id, symbol, kind = asked.number(), asked.next(), asked.next()
        found = [
            one
            for one in self.listed.values()
            if one.con_id == con_id
            or (not con_id and (one.instrument.symbol, one.sec_type) == (symbol, kind))
        ]
        if not found:
            to.error(req_id, 200, "No security definition has been found for the request")
            return
        for one in found:
            to.send(records.details(req_id, one))
        to.send(frame(f.DETAILS_END, 1, req_id))

    def _tell_history(self, to: IbConnection, asked: IbFields) -> None:
        req_id = asked.number()
        if (refused := self.wrong.refuses.get(20)) is not None:
            to.error(req_id, *refused)
            return
        listed = self.listed[asked.number()]
        asked.skip(12)  # the rest of the contract, and includeExpired
        end_text, size, duration = asked.next(), asked.next(), asked.next()
        end = self._clock()
        if end_text:
            told = datetime.strptime(end_text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
            end = int(told.timestamp()) * NANOS
        count, unit = duration.split()
        start = end - int(count) * _SPANS[unit]
        candles = self.candles[str(listed.con_id)]
        bars = candles.window(MINUTES, _SIZES[size], start, end, 50_000, self._clock(), partial=True)[::-1]
        one = listed.instrument
        rows: list[f.Field] = []
        for bar in bars:
            prices = [one.price(ticks) for ticks in (bar.open, bar.high, bar.low, bar.close)]
            rows += [bar.open_ts // NANOS, *prices, one.qty(bar.volume), prices[3], 1]
        to.send(frame(f.HISTORY, req_id, "", "", len(bars), *rows))

    def _welcome(self, to: IbConnection, req_id: int, listed: IbListed) -> None:
        to.send(frame(f.MARKET_DATA_TYPE, 1, req_id, 1))
        to.send(frame(f.TICK_TERMS, req_id, listed.instrument.tick_size, "a6", 3))
        prices = self.account.venue.prices(str(listed.con_id))
        for kind, ticks in ((1, prices.bid), (2, prices.ask)):
            if ticks is not None:
                to.send(frame(f.PRICE, 6, req_id, kind, listed.instrument.price(ticks), 5, 0))

    def _watching(self, listed: IbListed) -> list[tuple[IbConnection, int]]:
        return [
            (one, req_id)
            for one in self._connections
            for req_id, known in one.subscriptions.items()
            if known.con_id == listed.con_id
        ]
