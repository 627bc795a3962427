"""What Coinbase is asked about market and account, answered by a twin; long answers come in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from adapters.common import stamps
from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinExchange
from adapters.simulator.wire.coinbase.rows import (
    Row,
    candle_row,
    fill_row,
    number_of,
    order_row,
    product_row,
    wallet_rows,
)
from engine.model.market import NANOS, Timeframe
from engine.model.orders import VenueStatus

UNLISTED_NS = 300_000_000
"""What was just taken or filled is in no list for so long."""
_MOST_BARS = 350
_GRANULARITY = {
    "ONE_MINUTE": Timeframe.M1,
    "FIVE_MINUTE": Timeframe.M5,
    "FIFTEEN_MINUTE": Timeframe.M15,
    "THIRTY_MINUTE": Timeframe.M30,
}

Query = Mapping[str, Any]


class CoinbaseQueryError(Exception):
    """A question that can't be answered: HTTP status and words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class CoinbaseLooking:
    def __init__(self, exchange: TwinExchange) -> None:
        self._exchange = exchange

    # -- market -------------------------------------------------------------------------------------------

    def time(self) -> Row:
        now = self._exchange.now()
        return {
            "iso": stamps.text(now),
            "epochSeconds": str(now // NANOS),
            "epochMillis": str(now // 1_000_000),
        }

    def product(self, root: str) -> Row:
        """Raises CoinbaseQueryError."""
        instrument = self._exchange.by_root.get(root)
        if instrument is None:
            raise CoinbaseQueryError(404, "valid product_id is required")
        return product_row(instrument)

    def candles(self, root: str, query: Query) -> Row:
        """Newest first; the last may still be open, and minutes without a trade are missing."""
        instrument = self._exchange.by_root.get(root)
        timeframe = _GRANULARITY.get(str(query.get("granularity")))
        if instrument is None or timeframe is None:
            raise CoinbaseQueryError(400, "invalid product_id or granularity")
        start, end = _number(query, "start"), _number(query, "end")
        if (end - start) * NANOS >= _MOST_BARS * timeframe.nanos:
            raise CoinbaseQueryError(400, f"number of candles requested should be less than {_MOST_BARS}")
        bars = self._exchange.bars(
            instrument.symbol, start * NANOS, (end + 1) * NANOS, timeframe, forming=True
        )
        return {"candles": [candle_row(bar, instrument) for bar in reversed(bars)]}

    # -- account ------------------------------------------------------------------------------------------

    def key(self, account: TwinAccount, _query: Query) -> Row:
        number = 1 + list(self._exchange.accounts).index(account.name)
        return {"can_view": True, "can_trade": True, "portfolio_uuid": str(UUID(int=number << 96))}

    def wallets(self, account: TwinAccount, query: Query) -> Row:
        currency = next(iter(self._exchange.instruments.values())).currency
        rows, cursor = _page(wallet_rows(account, currency), query)
        return {"accounts": rows, "has_next": bool(cursor), "cursor": cursor}

    def orders(self, account: TwinAccount, query: Query) -> Row:
        """Newest first. OPEN are those that rest: neither pending nor ended."""
        now, since = self._exchange.now(), query.get("start_date")
        found = [one for one in account.orders.values() if now - one.placed_ts >= UNLISTED_NS]
        if since:
            found = [one for one in found if one.placed_ts >= stamps.parse(str(since))]
        if query.get("order_status") == "OPEN":
            found = [one for one in found if one.order.status is VenueStatus.WORKING]
        known = self._exchange.instruments
        rows, cursor = _page([order_row(one, known[one.order.instrument]) for one in reversed(found)], query)
        return {"orders": rows, "has_next": bool(cursor), "cursor": cursor}

    def order(self, account: TwinAccount, text: str) -> Row:
        """By the venue's id: by the client's there is no question."""
        order = account.orders.get(number_of(text))
        if order is None:
            raise CoinbaseQueryError(404, "order not found")
        return {"order": order_row(order, self._exchange.instruments[order.order.instrument])}

    def fills(self, account: TwinAccount, query: Query, order_ids: Sequence[str]) -> Row:
        now, since = self._exchange.now(), query.get("start_sequence_timestamp")
        wanted = {number_of(one) for one in order_ids}
        rows, cursor = _page(
            [
                fill_row(one, self._exchange.instruments[one.fill.instrument])
                for one in reversed(account.fills)
                if now - one.fill.ts_venue >= UNLISTED_NS
                and (not since or one.fill.ts_venue >= stamps.parse(str(since)))
                and (not wanted or int(one.fill.venue_order_id) in wanted)
            ],
            query,
        )
        return {"fills": rows, "cursor": cursor}


def _page(rows: Sequence[Row], query: Query) -> tuple[Sequence[Row], str]:
    limit, at = max(1, min(_number(query, "limit", 49), 250)), _number(query, "cursor", 0)
    return rows[at : at + limit], str(at + limit) if at + limit < len(rows) else ""


def _number(query: Query, name: str, usual: int | None = None) -> int:
    text = str(query.get(name, "" if usual is None else usual))
    if not text.isascii() or not text.isdecimal():
        raise CoinbaseQueryError(400, f"invalid {name}")
    return int(text)
