"""What Bybit is asked about market and account, answered by a twin; long answers come in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinExchange
from adapters.simulator.twins.records import TwinOrder
from adapters.simulator.wire.bybit.orders import BybitOrders, BybitRefusal
from adapters.simulator.wire.bybit.rows import (
    LINEAR,
    MILLI,
    SPOT,
    Row,
    category_of,
    execution_row,
    instrument_row,
    kline_row,
    number_of,
    order_row,
    position_row,
    wallet_row,
)
from engine.model.market import Timeframe

UNLISTED_NS = 300_000_000
"""An order that was just taken is in no list for so long, as it happens at the venue."""
_WEEK_MS = 7 * 86_400_000
_INTERVALS = {
    str(one.minutes): one for one in (Timeframe.M1, Timeframe.M3, Timeframe.M5, Timeframe.M15, Timeframe.M30)
}

Query = Mapping[str, Any]


class BybitLooking:
    def __init__(self, exchange: TwinExchange, orders: BybitOrders) -> None:
        self._exchange = exchange
        self._orders = orders

    # -- market -------------------------------------------------------------------------------------------

    def time(self, _query: Query) -> Row:
        now = self._exchange.now()
        return {"timeSecond": str(now // 1_000_000_000), "timeNano": str(now)}

    def instruments(self, query: Query) -> Row:
        category = _category(query)
        found = [
            instrument_row(one) | {"status": state}
            for one in self._exchange.instruments.values()
            if category_of(one) == category
            and query.get("symbol", one.root) == one.root
            and (state := self._orders.state(category, one.root)) is not None
        ]
        return self._page(found, query, 500, category)

    def bars(self, query: Query) -> Row:
        """Newest first; the last may still be open."""
        _, instrument = self._orders.instrument(query)
        timeframe = _INTERVALS.get(str(query.get("interval")))
        if timeframe is None:
            raise BybitRefusal(10001, "params error: interval invalid")
        end = _number(query, "end", self._exchange.now() // MILLI)
        limit = min(_number(query, "limit", 200), 1_000)
        start = _number(query, "start", end - limit * timeframe.nanos // MILLI)
        bars = self._exchange.bars(
            instrument.symbol, start * MILLI, (end + 1) * MILLI, timeframe, forming=True
        )
        return {"list": [kline_row(bar, instrument) for bar in reversed(bars[-limit:])]}

    # -- account ------------------------------------------------------------------------------------------

    def key(self, account: TwinAccount, _query: Query) -> Row:
        number = 1 + list(self._exchange.accounts).index(account.name)
        rights = {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": []}
        return {"userID": number, "readOnly": 0, "permissions": rights, "unified": 0, "uta": 1}

    def wallet(self, account: TwinAccount, query: Query) -> Row:
        if query.get("accountType") != "UNIFIED":
            raise BybitRefusal(10001, "accountType only support UNIFIED.")
        currency = next(iter(self._exchange.instruments.values())).currency
        return {"list": [wallet_row(account, currency)]}

    def open_orders(self, account: TwinAccount, query: Query) -> Row:
        """With `openOnly` 1 the newest 500 that have ended; by an id whichever it is."""
        if "orderId" in query or "orderLinkId" in query:
            return self._listed(self._of(account, query), query)
        if _category(query) == LINEAR and not {"symbol", "settleCoin", "baseCoin"} & query.keys():
            raise BybitRefusal(10001, "Missing some parameters that must be filled in, symbol or settleCoin")
        lives = query.get("openOnly", "0") == "0"
        found = [one for one in account.orders.values() if one.order.status.live is lives]
        return self._listed(found if lives else found[-500:], query)

    def past_orders(self, account: TwinAccount, query: Query) -> Row:
        found = self._of(account, query)
        return self._listed([one for one in found if _within(query, one.placed_ts)], query)

    def executions(self, account: TwinAccount, query: Query) -> Row:
        category = _category(query)
        known = self._exchange.instruments
        found = [
            execution_row(one, account.orders.get(int(one.fill.venue_order_id)), known[one.fill.instrument])
            for one in reversed(account.fills)
            if category_of(known[one.fill.instrument]) == category and _within(query, one.fill.ts_venue)
        ]
        return self._page(found, query, 50, category)

    def positions(self, account: TwinAccount, query: Query) -> Row:
        """Of a symbol always a row; else of those that are held."""
        if "symbol" in query:
            _, instrument = self._orders.instrument(query)
            return self._page([position_row(account, instrument)], query, 20, LINEAR)
        if "settleCoin" not in query:
            raise BybitRefusal(10001, "Missing some parameters that must be filled in, symbol or settleCoin")
        held = (self._exchange.instruments[symbol] for symbol in account.holdings.positions)
        return self._page([position_row(account, one) for one in held], query, 20, LINEAR)

    def _of(self, account: TwinAccount, query: Query) -> list[TwinOrder]:
        number, link = query.get("orderId"), query.get("orderLinkId")
        if number:
            return [one for one in account.orders.values() if one.id == number_of(str(number))]
        if link:
            return [one for one in account.orders.values() if one.order.client_id == link]
        return list(account.orders.values())

    def _listed(self, orders: Sequence[TwinOrder], query: Query) -> Row:
        """Newest first, of the category, and what was just taken is not among them yet."""
        category, known, now = _category(query), self._exchange.instruments, self._exchange.now()
        rows = [
            order_row(one, known[one.order.instrument])
            for one in reversed(orders)
            if category_of(known[one.order.instrument]) == category and now - one.placed_ts >= UNLISTED_NS
        ]
        return self._page(rows, query, 20, category)

    def _page(self, rows: Sequence[Row], query: Query, usual: int, category: str) -> Row:
        limit, at = max(1, _number(query, "limit", usual)), _number(query, "cursor", 0)
        more = str(at + limit) if at + limit < len(rows) else ""
        return {"category": category, "list": rows[at : at + limit], "nextPageCursor": more}


def _category(query: Query) -> str:
    category = str(query.get("category", ""))
    if category not in (LINEAR, SPOT):
        raise BybitRefusal(10001, "params error: category invalid")
    return category


def _within(query: Query, ts: int) -> bool:
    """Inside of what is asked about, which may be a week at most."""
    if "startTime" not in query:
        return True
    start = _number(query, "startTime", 0)
    end = _number(query, "endTime", start + _WEEK_MS)
    if end - start > _WEEK_MS:
        raise BybitRefusal(10001, "The time range between startTime and endTime cannot exceed 7 days")
    return start <= ts // MILLI <= end


def _number(query: Query, name: str, usual: int) -> int:
    text = str(query.get(name, "") or usual)
    if not text.isascii() or not text.isdecimal():
        raise BybitRefusal(10001, f"params error: {name} invalid")
    return int(text)
