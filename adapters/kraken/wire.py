"""Messages of the Unified WebSocket v2 as they come, decoded typed (docs/protocols/kraken.md).

Numbers are JSON numbers, or texts in some messages: those of the market stay as they are written (`Raw`), for
the checksum and because each is read only once; those of the account are Decimals of the very text.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct, field


class KrakenWireError(ValueError):
    """A record that makes no sense. Its text names the reason, not the record."""


Text = Annotated[str, Meta(max_length=500)]
Number = Decimal | None
ABSENT = Raw()
"""The value of a key that was not sent."""


class UwsStatusRow(Struct):
    system: Text = ""


class UwsStatus(Struct, tag_field="channel", tag="status"):
    """The engine's state: online, cancel_only, post_only, maintenance."""

    data: list[UwsStatusRow]


class UwsHeartbeat(Struct, tag_field="channel", tag="heartbeat", gc=False):
    pass


class UwsPair(Struct):
    """What is listed: steps of price and quantity, and whether it is traded."""

    symbol: Text
    status: Text = ""
    base: Text = ""
    quote: Text = ""
    price_increment: Number = None
    price_precision: int | None = None
    qty_increment: Number = None
    qty_precision: int | None = None
    qty_min: Number = None


class UwsInstrumentData(Struct):
    pairs: list[UwsPair] = []


class UwsInstruments(Struct, tag_field="channel", tag="instrument"):
    data: UwsInstrumentData
    type: Text = "update"


class UwsLevel(Struct, gc=False):
    price: Raw
    qty: Raw


class UwsBookRow(Struct):
    symbol: str
    bids: list[UwsLevel] = []
    asks: list[UwsLevel] = []
    checksum: int | None = None
    timestamp: str | None = None


class UwsBook(Struct, tag_field="channel", tag="book"):
    data: list[UwsBookRow]
    type: str = "update"


class UwsTradeRow(Struct, gc=False):
    symbol: str
    price: Raw
    qty: Raw
    trade_id: int
    timestamp: str
    side: str = ""
    """The taker's: buy or sell."""


class UwsTrades(Struct, tag_field="channel", tag="trade"):
    data: list[UwsTradeRow]
    type: str = "update"


class UwsTickerRow(Struct, gc=False):
    """Every field may be missing: which of them derivatives have is not known for all."""

    symbol: str
    bid: Raw = ABSENT
    ask: Raw = ABSENT
    last: Raw = ABSENT
    change: Raw = ABSENT
    timestamp: str | None = None


class UwsTicker(Struct, tag_field="channel", tag="ticker"):
    data: list[UwsTickerRow]
    type: str = "update"


class UwsCandle(Struct):
    symbol: Text
    interval_begin: Text
    open: Raw
    high: Raw
    low: Raw
    close: Raw
    volume: Raw = ABSENT
    interval: int = 1


class UwsCandles(Struct, tag_field="channel", tag="ohlc"):
    data: list[UwsCandle]
    type: Text = "update"


class UwsFee(Struct):
    asset: Text
    qty: Decimal


class UwsTriggers(Struct):
    price: Number = None
    reference: Text | None = None
    status: Text | None = None


class UwsExecution(Struct, omit_defaults=True):
    """A row of `executions`: sparse, what is missing is as it was."""

    order_id: Text
    exec_type: Text = ""
    cl_ord_id: Text | None = None
    symbol: Text | None = None
    side: Text | None = None
    order_type: Text | None = None
    order_status: Text | None = None
    order_qty: Number = None
    limit_price: Number = None
    cum_qty: Number = None
    avg_price: Number = None
    last_qty: Number = None
    last_price: Number = None
    exec_id: Text | None = None
    fees: list[UwsFee] | None = None
    fee_usd_equiv: Number = None
    triggers: UwsTriggers | None = None
    reason: Text | None = None
    timestamp: Text | None = None


class UwsExecutions(Struct, tag_field="channel", tag="executions"):
    data: list[UwsExecution]
    type: Text = "update"
    sequence: int | None = None


class UwsPosition(Struct):
    symbol: Text
    size: Decimal
    entry_price: Number = None
    side: Text | None = None
    """Not documented: where it comes it says what the sign does not."""


class UwsPositionLists(Struct):
    futures: list[UwsPosition] = []
    error: Text | None = None


class UwsPositions(Struct, tag_field="channel", tag="positions"):
    data: UwsPositionLists
    type: Text = "update"
    error: Text | None = None


class UwsBalance(Struct):
    """In a snapshot the whole balance; in an update the new balance with what changed it."""

    asset: Text
    balance: Number = None


class UwsBalances(Struct, tag_field="channel", tag="balances"):
    data: list[UwsBalance]
    type: Text = "update"
    sequence: int | None = None


class UwsMarginRow(Struct):
    """Names of these fields are not published: what is not found is not told."""

    margin_equity: Number = None
    available_margin: Number = None
    initial_margin: Number = None


class UwsMargin(Struct, tag_field="channel", tag="margin"):
    """The full state of one section: multi_collateral or single_collateral."""

    type: Text
    data: Raw = ABSENT


class UwsReply(Struct):
    """The answer to a request of ours. Without a boolean `success` it says nothing."""

    method: Text
    req_id: int | None = None
    success: bool | None = None
    error: Text | None = None
    result: Raw = ABSENT


class UwsOrderResult(Struct):
    order_id: Text | None = None
    cl_ord_id: Text | None = None
    warnings: list[Text] | None = None


UwsMessage = (
    UwsStatus
    | UwsHeartbeat
    | UwsInstruments
    | UwsBook
    | UwsTrades
    | UwsTicker
    | UwsCandles
    | UwsExecutions
    | UwsPositions
    | UwsBalances
    | UwsMargin
)

read_message = msgspec.json.Decoder(UwsMessage).decode
"""Bytes to a message of a channel. Raises UNREADABLE for anything else, answers to requests among it."""
read_reply = msgspec.json.Decoder(UwsReply).decode
"""Bytes to the answer to a request. Raises UNREADABLE."""
read_order_result = msgspec.json.Decoder(UwsOrderResult).decode
read_margin = msgspec.json.Decoder(UwsMarginRow).decode
_encoder = msgspec.json.Encoder(decimal_format="number")


class TokenResult(Struct):
    token: Text = ""
    expires: int = 900


class RestReply(Struct):
    """Every answer of the REST interface; what is wrong stands in `error`, with HTTP 200."""

    error: list[Text] = field(default_factory=list)
    result: TokenResult | None = None

    def __repr__(self) -> str:
        # Tokens must not reach a log through a repr.
        return f"RestReply(error={self.error})"


read_rest = msgspec.json.Decoder(RestReply).decode


def request(method: str, params: dict[str, Any] | None, req_id: int) -> str:
    """A request as text. `req_id` must be a number: as text it comes back unmatched."""
    body: dict[str, Any] = {"method": method}
    if params is not None:
        body["params"] = params
    body["req_id"] = req_id
    return _encoder.encode(body).decode()
