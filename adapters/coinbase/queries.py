"""Questions to Coinbase, whole: every page of an answer, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from adapters.coinbase.rest import CoinbaseRest, Params
from adapters.coinbase.wire import (
    CoinbaseCandle,
    CoinbaseCandles,
    CoinbaseFill,
    CoinbaseFills,
    CoinbaseKey,
    CoinbaseOneOrder,
    CoinbaseOrder,
    CoinbaseOrders,
    CoinbaseProduct,
    CoinbaseWallet,
    CoinbaseWallets,
    CoinbaseWireError,
    read,
)
from adapters.common import stamps
from adapters.common.anomalies import Anomalies
from adapters.common.rate_budget import Priority
from engine.model.errors import RefusedError, RetryableError
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Timeframe

_MOST_PAGES = 200
_MOST_BARS = 300
"""In one answer: some say 350."""
GRANULARITY = {Timeframe.M1: "ONE_MINUTE", Timeframe.M30: "THIRTY_MINUTE"}
_NOT_FOUND = 404

T = TypeVar("T")


class CoinbaseQueries:
    def __init__(self, rest: CoinbaseRest, anomalies: Anomalies) -> None:
        self._rest = rest
        self._anomalies = anomalies

    async def product(self, root: str) -> CoinbaseProduct | None:
        """None where the venue does not list it. Raises RetryableError."""
        try:
            raw = await self._rest.public("products", f"/market/products/{root}", {}, Priority.QUERY)
        except RefusedError as error:
            if error.code == _NOT_FOUND:
                return None
            raise RetryableError(str(error)) from None
        return self._read("products", raw, CoinbaseProduct)

    async def bars(
        self, instrument: Instrument, start: int, end: int, timeframe: Timeframe
    ) -> list[CoinbaseCandle]:
        """Rows that open in [start, end), ns UTC, oldest first; minutes without a trade are missing, and the
        last may still be open. Raises RetryableError, RefusedError.
        """
        first, before = -(-start // NANOS), -(-end // NANOS)
        step = _MOST_BARS * timeframe.nanos // NANOS
        found: dict[int, CoinbaseCandle] = {}
        path = f"/market/products/{instrument.root}/candles"
        while first < before:
            last = min(before, first + step)
            params: Params = {"start": first, "end": last - 1, "granularity": GRANULARITY[timeframe]}
            raw = await self._rest.public("history", path, params, Priority.HISTORY)
            for row in self._read("history", raw, CoinbaseCandles).candles:
                if row.start.isascii() and row.start.isdecimal() and first <= int(row.start) < last:
                    found[int(row.start)] = row
            first = last
        return [found[ts] for ts in sorted(found)]

    async def key(self) -> CoinbaseKey:
        """Raises RetryableError, FatalError."""
        return self._read(
            "key", await self._rest.ask("key", "/key_permissions", {}, Priority.QUERY), CoinbaseKey
        )

    async def wallets(self, priority: Priority) -> list[CoinbaseWallet]:
        found: list[CoinbaseWallet] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            params: Params = {"limit": 250, **({"cursor": cursor} if cursor else {})}
            page = self._read(
                "balances", await self._rest.ask("balances", "/accounts", params, priority), CoinbaseWallets
            )
            found += page.accounts
            if not page.has_next or not page.cursor:
                return found
            cursor = page.cursor
        raise RetryableError(f"balances: more than {_MOST_PAGES} pages")

    async def open_orders(self, priority: Priority) -> list[CoinbaseOrder]:
        """Orders that rest. What the venue has only just taken is not among them: see `orders`."""
        return await self._orders({"order_status": "OPEN"}, priority)

    async def orders(self, since: int, priority: Priority) -> list[CoinbaseOrder]:
        """Every order made since a time, ns UTC, whatever became of it."""
        return await self._orders({"start_date": stamps.text(since)}, priority)

    async def order(self, order_id: str, priority: Priority) -> CoinbaseOrder:
        """Raises RetryableError, RefusedError."""
        raw = await self._rest.ask("order", f"/orders/historical/{order_id}", {}, priority)
        return self._read("order", raw, CoinbaseOneOrder).order

    async def fills(
        self, priority: Priority, *, since: int = 0, order_ids: Sequence[str] = ()
    ) -> list[CoinbaseFill]:
        """Fills since a time, ns UTC, or those of some orders."""
        params: dict[str, str | int | list[str]] = {"limit": 250}
        if since:
            params["start_sequence_timestamp"] = stamps.text(since)
        if order_ids:
            params["order_ids"] = list(order_ids)
        found: list[CoinbaseFill] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            raw = await self._rest.ask("fills", "/orders/historical/fills", {**params, **more}, priority)
            page = self._read("fills", raw, CoinbaseFills)
            found += page.fills
            if not page.cursor or not page.fills or page.cursor == cursor:
                return found
            cursor = page.cursor
        raise RetryableError(f"fills: more than {_MOST_PAGES} pages")

    async def _orders(self, which: dict[str, str], priority: Priority) -> list[CoinbaseOrder]:
        found: list[CoinbaseOrder] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            params: Params = {**which, "limit": 250, **({"cursor": cursor} if cursor else {})}
            raw = await self._rest.ask("orders", "/orders/historical/batch", params, priority)
            page = self._read("orders", raw, CoinbaseOrders)
            found += page.orders
            if not page.has_next or not page.cursor:
                return found
            cursor = page.cursor
        raise RetryableError(f"orders: more than {_MOST_PAGES} pages")

    def _read(self, name: str, raw: bytes, shape: type[T]) -> T:
        """Half an answer is none: one row that makes no sense fails it."""
        try:
            return read(raw, shape)
        except CoinbaseWireError as error:
            self._anomalies.note(name, error)
            raise RetryableError(f"{name}: {error}") from None
