"""Messages of the futures WebSocket v1 and of its REST, which end on 1 March 2027. A stop-gap for the market.

What comes most, books and trades, is told by its `feed`; answers and alerts have an `event` instead, or both.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from adapters.kraken.wire import ABSENT, Number, Text


class V1Level(Struct, gc=False):
    price: Raw
    qty: Raw


class V1BookSnapshot(Struct, tag_field="feed", tag="book_snapshot"):
    product_id: str
    seq: int
    bids: list[V1Level]
    asks: list[V1Level]
    timestamp: int = 0
    """Milliseconds UTC, as all of v1's times."""


class V1BookDelta(Struct, tag_field="feed", tag="book", gc=False):
    """One level: `side` buy is a bid, `qty` the new total, 0 removes it."""

    product_id: str
    side: str
    seq: int
    price: Raw
    qty: Raw
    timestamp: int = 0


class V1Trade(Struct, tag_field="feed", tag="trade", gc=False):
    product_id: str
    side: str
    """The taker's."""
    seq: int
    time: int
    price: Raw
    qty: Raw
    uid: str = ""
    type: str = "fill"


class V1TradeSnapshot(Struct, tag_field="feed", tag="trade_snapshot"):
    """The last hundred, newest first."""

    product_id: str
    trades: list[V1Trade]


class V1Ticker(Struct, tag_field="feed", tag="ticker", gc=False):
    product_id: str
    time: int = 0
    bid: Raw = ABSENT
    ask: Raw = ABSENT
    last: Raw = ABSENT
    suspended: bool = False
    post_only: bool = False


class V1TickerLite(Struct, tag_field="feed", tag="ticker_lite", gc=False):
    """Has no time and no last trade."""

    product_id: str
    bid: Raw = ABSENT
    ask: Raw = ABSENT


class V1Heartbeat(Struct, tag_field="feed", tag="heartbeat", gc=False):
    time: int


V1Message = V1BookDelta | V1Trade | V1TickerLite | V1Ticker | V1BookSnapshot | V1TradeSnapshot | V1Heartbeat


class V1Event(Struct):
    """info, subscribed, unsubscribed, and what went wrong: error, alert, *_failed."""

    event: Text
    feed: Text | None = None
    product_ids: list[Text] = []
    message: Text | None = None
    version: int | None = None

    @property
    def warns(self) -> bool:
        return self.event in ("alert", "error") or self.event.endswith("_failed")


read_v1 = msgspec.json.Decoder(V1Message).decode
"""Bytes to a message of a feed. Raises UNREADABLE for events, which lack what a message has."""
read_v1_event = msgspec.json.Decoder(V1Event).decode


class V1Instrument(Struct, rename="camel"):
    symbol: Text
    type: Text = ""
    tick_size: Number = None
    contract_size: Number = None
    contract_value_trade_precision: int | None = None
    tradeable: bool = True
    post_only: bool = False
    base: Text | None = None
    quote: Text | None = None


class V1Instruments(Struct):
    result: Text
    instruments: list[V1Instrument] = []
    error: Text | None = None


class ChartCandle(Struct):
    """One bar of the charts: stamped by its open, milliseconds UTC; prices and volume as numbers or texts."""

    time: int
    open: Raw
    high: Raw
    low: Raw
    close: Raw
    volume: Raw = ABSENT


class ChartPage(Struct):
    """Oldest first, from where it was asked; `more_candles`: it was cut."""

    candles: list[ChartCandle]
    more_candles: bool = False


read_v1_instruments = msgspec.json.Decoder(V1Instruments).decode
read_chart = msgspec.json.Decoder(ChartPage).decode
