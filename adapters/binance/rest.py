"""Binance's REST calls, typed. Each raises the four errors; queries never UnknownOutcomeError."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from adapters.binance import codes
from adapters.binance.signing import Params
from adapters.binance.transport import SpotCall, SpotRefused, SpotTransport
from adapters.binance.wire import (
    MS,
    AggTradeAnswer,
    BookTickerAnswer,
    DepthAnswer,
    ExchangeRow,
    KlineRow,
    MyTradeRow,
    OrderListRow,
    SpotAccountRow,
    SpotOrderRow,
    SymbolRow,
    WireFault,
    read,
)
from adapters.common.anomalies import Anomalies
from adapters.common.rate_budget import Priority
from engine.model.errors import Cause, RetryableError, UnknownOutcomeError

_V3 = "/api/v3"
EXCHANGE = SpotCall("GET", f"{_V3}/exchangeInfo", 20, Priority.QUERY)
KLINES = SpotCall("GET", f"{_V3}/klines", 2, Priority.HISTORY)
AGG_TRADES = SpotCall("GET", f"{_V3}/aggTrades", 4, Priority.QUERY)
BOOK_TICKER = SpotCall("GET", f"{_V3}/ticker/bookTicker", 2, Priority.VERIFY)
DEPTH = SpotCall("GET", f"{_V3}/depth", 25, Priority.HISTORY)
ACCOUNT = SpotCall("GET", f"{_V3}/account", 20, Priority.QUERY, signed=True)
OPEN_ORDERS = SpotCall("GET", f"{_V3}/openOrders", 6, Priority.QUERY, signed=True)
ALL_ORDERS = SpotCall("GET", f"{_V3}/allOrders", 20, Priority.QUERY, signed=True)
MY_TRADES = SpotCall("GET", f"{_V3}/myTrades", 20, Priority.QUERY, signed=True)
ORDER = SpotCall("GET", f"{_V3}/order", 4, Priority.VERIFY, signed=True)
PLACE = SpotCall("POST", f"{_V3}/order", 1, Priority.ENTRY, signed=True, acts=True)
TEST = SpotCall("POST", f"{_V3}/order/test", 1, Priority.QUERY, signed=True)
REPLACE = SpotCall("POST", f"{_V3}/order/cancelReplace", 1, Priority.PROTECT, signed=True, acts=True)
CANCEL = SpotCall("DELETE", f"{_V3}/order", 1, Priority.CLOSE, signed=True, acts=True)
PLACE_OCO = SpotCall("POST", f"{_V3}/orderList/oco", 1, Priority.PROTECT, signed=True, acts=True)

PAGE = 1000
_DAY_MS = 86_400_000
_MOST_PAGES = 100
_MOST_DAYS = 40

T = TypeVar("T")


class SpotRest:
    def __init__(self, transport: SpotTransport, anomalies: Anomalies) -> None:
        self._transport = transport
        self._anomalies = anomalies

    # -- the market --------------------------------------------------------------------------------------

    async def symbols(self, names: Sequence[str]) -> list[SymbolRow]:
        """What the venue says of symbols; those that it does not list are missing."""
        try:
            row = await self._ask(EXCHANGE, {"symbols": _list(names)}, ExchangeRow)
            self._transport.take_limits(row.rate_limits)
            return row.symbols
        except SpotRefused as error:
            if error.code not in (codes.NO_SYMBOL, -1100) or not names:
                raise
        if len(names) == 1:
            return []
        # One that is not listed spoils the answer for all of them.
        return [row for name in names for row in await self.symbols([name])]

    async def klines(self, symbol: str, interval: str, start: int, end: int) -> list[KlineRow]:
        """Bars that open in [start, end), nanoseconds UTC, oldest first; the last may not be closed yet."""
        found: list[KlineRow] = []
        since, last = -(-start // MS), -(-end // MS) - 1
        for _ in range(_MOST_PAGES):
            if since > last:
                break
            params: dict[str, str | int] = {
                "symbol": symbol,
                "interval": interval,
                "startTime": since,
                "endTime": last,
                "limit": PAGE,
            }
            rows = await self._ask(KLINES, params, list[KlineRow])
            found += rows
            if len(rows) < PAGE or rows[-1][0] < since:
                break
            since = rows[-1][0] + 1
        return found

    async def agg_trades(self, symbol: str, first: int, limit: int = PAGE) -> list[AggTradeAnswer]:
        """Trades of the market from a number on, oldest first; with -1 the newest."""
        params: dict[str, str | int] = {"symbol": symbol, "limit": limit}
        if first >= 0:
            params["fromId"] = first
        return await self._ask(AGG_TRADES, params, list[AggTradeAnswer])

    async def top(self, symbol: str, priority: Priority | None = None) -> BookTickerAnswer:
        return await self._ask(BOOK_TICKER, {"symbol": symbol}, BookTickerAnswer, priority)

    async def depth(self, symbol: str) -> DepthAnswer:
        """The best levels of a book; of what is farther away nothing is known."""
        return await self._ask(DEPTH, {"symbol": symbol, "limit": 500}, DepthAnswer)

    # -- the account -------------------------------------------------------------------------------------

    async def account(self, priority: Priority | None = None) -> SpotAccountRow:
        return await self._ask(ACCOUNT, {"omitZeroBalances": "true"}, SpotAccountRow, priority)

    async def open_orders(self, symbol: str, priority: Priority | None = None) -> list[SpotOrderRow]:
        return await self._ask(OPEN_ORDERS, {"symbol": symbol}, list[SpotOrderRow], priority)

    async def orders(
        self, symbol: str, since: int, now: int, priority: Priority | None = None
    ) -> list[SpotOrderRow]:
        """Orders of a symbol since a time, nanoseconds UTC."""
        newest = await self._ask(ALL_ORDERS, {"symbol": symbol, "limit": PAGE}, list[SpotOrderRow], priority)
        if len(newest) < PAGE or min(row.time for row in newest) * MS < since:
            return [row for row in newest if row.ts >= since]
        found: dict[int, SpotOrderRow] = {}
        for start, end in _days(since, now):
            first: dict[str, str | int] = {"startTime": start, "endTime": end}
            for _ in range(_MOST_PAGES):
                asked = {"symbol": symbol, "limit": PAGE, **first}
                rows = await self._ask(ALL_ORDERS, asked, list[SpotOrderRow], priority)
                known = len(found)
                found |= {row.order_id: row for row in rows}
                if len(rows) < PAGE or len(found) == known:
                    break
                first = {"orderId": max(row.order_id for row in rows) + 1}
        return list(found.values())

    async def trades(
        self, symbol: str, since: int, now: int, priority: Priority | None = None
    ) -> list[MyTradeRow]:
        """Trades of ours in a symbol since a time, nanoseconds UTC."""
        newest = await self._ask(MY_TRADES, {"symbol": symbol, "limit": PAGE}, list[MyTradeRow], priority)
        if len(newest) < PAGE or min(row.time for row in newest) * MS < since:
            return [row for row in newest if row.time * MS >= since]
        found: dict[int, MyTradeRow] = {}
        for start, end in _days(since, now):
            first: dict[str, str | int] = {"startTime": start, "endTime": end}
            for _ in range(_MOST_PAGES):
                asked = {"symbol": symbol, "limit": PAGE, **first}
                rows = await self._ask(MY_TRADES, asked, list[MyTradeRow], priority)
                known = len(found)
                found |= {row.id: row for row in rows}
                if len(rows) < PAGE or len(found) == known:
                    break
                first = {"fromId": max(row.id for row in rows) + 1}
        return list(found.values())

    async def order(self, symbol: str, told: str | int) -> SpotOrderRow | None:
        """An order by the venue's number or by its client id; None where there is none such."""
        key: dict[str, str | int] = (
            {"orderId": told} if isinstance(told, int) else {"origClientOrderId": told}
        )
        try:
            return await self._ask(ORDER, {"symbol": symbol, **key}, SpotOrderRow)
        except SpotRefused as error:
            if error.cause is not Cause.GONE:
                raise
            return None

    # -- orders ------------------------------------------------------------------------------------------

    async def place(self, params: Params, priority: Priority) -> SpotOrderRow:
        return await self._act(PLACE, params, SpotOrderRow, priority)

    async def test(self, params: Params) -> None:
        """Have an order looked at by the venue, which takes none."""
        await self._transport.ask(TEST, params)

    async def replace(self, order_id: int, params: Params) -> None:
        """Cancel an order and take another in its place. A refusal of status 409 says that the old one is
        cancelled and the new one refused.
        """
        more: dict[str, str | int] = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": order_id}
        await self._transport.ask(REPLACE, {**params, **more})

    async def cancel(self, symbol: str, order_id: int) -> None:
        """With an order of an OCO the other one goes too."""
        await self._transport.ask(CANCEL, {"symbol": symbol, "orderId": order_id})

    async def place_oco(self, params: Params) -> OrderListRow:
        return await self._act(PLACE_OCO, params, OrderListRow, None)

    async def _act(self, call: SpotCall, params: Params, shape: type[T], priority: Priority | None) -> T:
        answer = await self._transport.ask(call, params, priority)
        try:
            return read(answer, shape)
        except WireFault as error:
            self._anomalies.note(call.path, error)
            raise UnknownOutcomeError(f"{call.path}: an answer that can't be read ({error})") from None

    async def _ask(
        self, call: SpotCall, params: Params, shape: type[T], priority: Priority | None = None
    ) -> T:
        answer = await self._transport.ask(call, params, priority)
        try:
            return read(answer, shape)
        except WireFault as error:
            self._anomalies.note(call.path, error)
            raise RetryableError(f"{call.path}: an answer that can't be read ({error})") from None


def _list(names: Iterable[str]) -> str:
    return msgspec.json.encode(list(names)).decode()


def _days(since: int, now: int) -> list[tuple[int, int]]:
    """A stretch of time cut into what one answer may span, milliseconds UTC, both ends included. Raises
    RetryableError for one that nobody can ask through: half an account is none.
    """
    start, end = since // MS, now // MS + 1_000
    if end - start > _MOST_DAYS * _DAY_MS:
        raise RetryableError(f"more than {PAGE} orders or trades in more than {_MOST_DAYS} days")
    return [(at, min(at + _DAY_MS - 1, end)) for at in range(start, end + 1, _DAY_MS)]
