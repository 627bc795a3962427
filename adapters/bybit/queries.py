"""Questions to Bybit, whole: every page of an answer, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from adapters.bybit.config import BybitCategory, BybitConfig
from adapters.bybit.rest import MILLI, BybitRest
from adapters.bybit.wire import (
    BybitExecution,
    BybitKey,
    BybitOrder,
    BybitPage,
    BybitPosition,
    BybitTerms,
    BybitWallet,
    BybitWireError,
    KlineRow,
    Klines,
    read,
    read_rows,
)
from adapters.common.anomalies import Anomalies
from adapters.common.rate_budget import Priority
from engine.model.errors import RetryableError
from engine.model.instrument import Instrument
from engine.model.market import Timeframe

_WEEK_MS = 7 * 86_400_000
"""The longest span of time that one question may be about."""
_MOST_WEEKS = 8
"""What is older is not asked for: nobody waits for so many answers."""
_MOST_PAGES = 200
"""Of one answer: more of them are a fault, not an account."""
_MOST_BARS = 1_000
"""In one answer."""
_INTERVALS = {Timeframe.M1: "1", Timeframe.M30: "30"}

Params = Mapping[str, str | int]
T = TypeVar("T")


class BybitQueries:
    def __init__(self, rest: BybitRest, config: BybitConfig, anomalies: Anomalies) -> None:
        self._rest = rest
        self._config = config
        self._anomalies = anomalies

    # -- market ------------------------------------------------------------------------------------

    async def instrument(self, root: str) -> BybitTerms | None:
        """What the venue lists under a name; None where it lists nothing. Raises RetryableError."""
        params = {"category": self._config.category.value, "symbol": root}
        raw = await self._rest.public("instruments", "/v5/market/instruments-info", params, Priority.QUERY)
        rows = self._rows("instruments", self._page("instruments", raw), BybitTerms)
        return next((row for row in rows if row.symbol == root), None)

    async def bars(
        self, instrument: Instrument, start: int, end: int, timeframe: Timeframe
    ) -> list[KlineRow]:
        """Rows that open in [start, end), ns UTC, oldest first; the last may still be open.

        Raises RetryableError, RefusedError.
        """
        first, before = -(-start // MILLI), end // MILLI
        found: dict[int, KlineRow] = {}
        while first < before:
            params: Params = {
                "category": self._config.category.value,
                "symbol": instrument.root,
                "interval": _INTERVALS[timeframe],
                "start": first,
                "end": before - 1,
                "limit": _MOST_BARS,
            }
            raw = await self._rest.public("history", "/v5/market/kline", params, Priority.HISTORY)
            rows = self._read("history", self._page("history", raw).rows, Klines)
            opens = [int(row[0]) for row in rows if row[0].isascii() and row[0].isdecimal()]
            fresh = {ts: row for ts, row in zip(opens, rows, strict=False) if first <= ts < before}
            found |= fresh
            if len(rows) < _MOST_BARS or not fresh:
                break
            before = min(fresh)  # newest first: the older ones are on the next page
        return [found[ts] for ts in sorted(found)]

    # -- account -----------------------------------------------------------------------------------

    async def key(self, priority: Priority = Priority.QUERY) -> BybitKey:
        """Raises RetryableError, FatalError."""
        return self._read("key", await self._rest.ask("key", "/v5/user/query-api", {}, priority), BybitKey)

    async def wallet(self, priority: Priority = Priority.QUERY) -> BybitWallet:
        raw = await self._rest.ask(
            "balance", "/v5/account/wallet-balance", {"accountType": "UNIFIED"}, priority
        )
        rows = self._rows("balance", self._page("balance", raw), BybitWallet)
        if not rows:
            raise RetryableError("balance: the venue tells of no unified account")
        return rows[0]

    async def open_orders(self, priority: Priority) -> list[BybitOrder]:
        """Orders that live, stops that rest included."""
        params: Params = {**self._scope(), "openOnly": 0, "limit": 50}
        return await self._pages("open orders", "/v5/order/realtime", params, BybitOrder, priority)

    async def closed_orders(self, since: int, priority: Priority) -> list[BybitOrder]:
        """Those made since a time, ns UTC, that have ended, of which history may not know yet; the venue
        keeps 500 of them, and none over a restart of its own.
        """
        params: Params = {**self._scope(), "openOnly": 1, "limit": 50}
        first = since // MILLI

        def older(row: BybitOrder) -> bool:
            return row.created_time.isdecimal() and int(row.created_time) < first

        return await self._pages("ended orders", "/v5/order/realtime", params, BybitOrder, priority, older)

    async def past_orders(self, since: int, until: int, priority: Priority) -> list[BybitOrder]:
        """Orders made in a span of time, ns UTC."""
        found: list[BybitOrder] = []
        for span in _weeks(since, until):
            params: Params = {**self._scope(), **span, "limit": 50}
            found += await self._pages("past orders", "/v5/order/history", params, BybitOrder, priority)
        return found

    async def order(self, client_id: str, priority: Priority) -> BybitOrder | None:
        """An order by our own id: among those that live or have just ended, else in the history."""
        for path in ("/v5/order/realtime", "/v5/order/history"):
            params = {"category": self._config.category.value, "orderLinkId": client_id}
            rows = await self._pages("order", path, params, BybitOrder, priority)
            for row in rows:
                if row.order_link_id == client_id:
                    return row
        return None

    async def executions(self, since: int, until: int, priority: Priority) -> list[BybitExecution]:
        found: list[BybitExecution] = []
        for span in _weeks(since, until):
            params: Params = {"category": self._config.category.value, **span, "limit": 100}
            found += await self._pages("executions", "/v5/execution/list", params, BybitExecution, priority)
        return found

    async def positions(self, priority: Priority, root: str | None = None) -> list[BybitPosition]:
        """Of everything, or of one symbol, which tells of its mode also where it is flat."""
        scope = self._scope() if root is None else {"category": self._config.category.value, "symbol": root}
        return await self._pages(
            "positions", "/v5/position/list", {**scope, "limit": 200}, BybitPosition, priority
        )

    # -- reading -----------------------------------------------------------------------------------

    def _scope(self) -> dict[str, str]:
        """Everything of the category: of perpetuals that takes the currency of settlement."""
        scope = {"category": self._config.category.value}
        if self._config.category is BybitCategory.LINEAR:
            scope["settleCoin"] = self._config.currency
        return scope

    async def _pages(
        self,
        name: str,
        path: str,
        params: Params,
        shape: type[T],
        priority: Priority,
        over: Callable[[T], bool] | None = None,
    ) -> list[T]:
        """Every row, down to one of which `over` says that those after it are not asked about.

        Raises RetryableError for a row that makes no sense: half an answer is none.
        """
        found: list[T] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            page = self._page(name, await self._rest.ask(name, path, {**params, **more}, priority))
            rows = self._rows(name, page, shape)
            found += rows
            if not page.next_page_cursor or not rows or page.next_page_cursor == cursor:
                return found
            if over is not None and over(rows[-1]):
                return found
            cursor = page.next_page_cursor
        raise RetryableError(f"{name}: more than {_MOST_PAGES} pages")

    def _page(self, name: str, raw: bytes) -> BybitPage:
        return self._read(name, raw, BybitPage)

    def _rows(self, name: str, page: BybitPage, shape: type[T]) -> list[T]:
        try:
            return read_rows(page.rows, shape)
        except BybitWireError as error:
            self._anomalies.note(name, error)
            raise RetryableError(f"{name}: {error}") from None

    def _read(self, name: str, raw: bytes, shape: type[T]) -> T:
        try:
            return read(raw, shape)
        except BybitWireError as error:
            self._anomalies.note(name, error)
            raise RetryableError(f"{name}: {error}") from None


def _weeks(since: int, until: int) -> Iterator[dict[str, int]]:
    """A span of ns UTC in pieces that the venue takes, milliseconds, the newest of them where it is long."""
    end = -(-until // MILLI)
    start = max(since // MILLI, end - _MOST_WEEKS * _WEEK_MS)
    while start < end:
        stop = min(end, start + _WEEK_MS)
        yield {"startTime": start, "endTime": stop}
        start = stop
