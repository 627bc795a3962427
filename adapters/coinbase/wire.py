"""Records of Coinbase Advanced Trade, decoded typed. Prices and sizes are texts, times RFC 3339."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Raw, Struct

from adapters.common.typed_json import decoded


class CoinbaseWireError(ValueError):
    """A record that makes no sense. Its text names the reason, not the record."""


Text = Annotated[str, Meta(max_length=200)]
Long = Annotated[str, Meta(max_length=4_000)]
Figure = Annotated[str, Meta(max_length=60)]
"""A number, or a time; empty where there is none."""
Number = Annotated[int, Meta(ge=0, le=1 << 62)]
NOTHING = Raw(b"null")

# -- streams --------------------------------------------------------------------------------------------


class CoinbaseRecord(Struct, gc=False):
    """The envelope of every record of a stream; `sequence_num` counts them on one connection."""

    channel: Text = ""
    sequence_num: Number = 0
    timestamp: Figure = ""
    events: Raw = NOTHING
    type: Text = ""
    """"error" of the records that are none of a channel."""
    message: Long = ""


class CoinbaseLevel(Struct, gc=False):
    side: Literal["bid", "offer"]
    price_level: Figure
    new_quantity: Figure


class CoinbaseBookEvent(Struct, gc=False):
    type: Literal["snapshot", "update"]
    product_id: Text
    updates: Annotated[list[CoinbaseLevel], Meta(max_length=500_000)] = []


class CoinbaseTrade(Struct, gc=False):
    trade_id: Text
    product_id: Text
    price: Figure
    size: Figure
    time: Figure


class CoinbaseTradesEvent(Struct, gc=False):
    type: Literal["snapshot", "update"]
    trades: Annotated[list[CoinbaseTrade], Meta(max_length=10_000)] = []


class CoinbaseUserOrder(Struct):
    """Totals of an order; its prices and, once it has ended, its size are not repeated."""

    order_id: Text
    client_order_id: Text
    status: Text
    product_id: Text
    cumulative_quantity: Figure = ""


class CoinbaseUserEvent(Struct):
    type: Text
    orders: Annotated[list[CoinbaseUserOrder], Meta(max_length=10_000)] = []


# -- answers --------------------------------------------------------------------------------------------


class CoinbaseProduct(Struct):
    product_id: Text
    base_increment: Figure
    quote_increment: Figure
    price_increment: Figure = ""
    base_min_size: Figure = ""
    quote_min_size: Figure = ""
    status: Text = ""
    alias: Text = ""
    trading_disabled: bool = False
    is_disabled: bool = False
    cancel_only: bool = False
    view_only: bool = False
    auction_mode: bool = False


class CoinbaseCandle(Struct):
    start: Figure
    low: Figure
    high: Figure
    open: Figure
    close: Figure
    volume: Figure


class CoinbaseCandles(Struct):
    candles: Annotated[list[CoinbaseCandle], Meta(max_length=1_000)] = []


class CoinbaseTime(Struct, rename="camel"):
    epoch_millis: Number | Figure


class CoinbaseKey(Struct):
    can_view: bool = False
    can_trade: bool = False
    portfolio_uuid: Text = ""


class CoinbaseMoney(Struct):
    value: Figure
    currency: Text = ""


class CoinbaseWallet(Struct):
    currency: Text
    available_balance: CoinbaseMoney
    hold: CoinbaseMoney | None = None


class CoinbaseWallets(Struct):
    accounts: Annotated[list[CoinbaseWallet], Meta(max_length=1_000)] = []
    has_next: bool = False
    cursor: Long = ""


class CoinbaseTermsPart(Struct):
    """The part of a configuration that is read; which parts there are goes by its kind."""

    base_size: Figure | None = None
    quote_size: Figure | None = None
    limit_price: Figure | None = None
    stop_price: Figure | None = None
    stop_trigger_price: Figure | None = None


class CoinbaseOrder(Struct):
    order_id: Text
    product_id: Text
    side: Text
    status: Text
    created_time: Figure
    client_order_id: Text = ""
    order_configuration: dict[Text, CoinbaseTermsPart | None] = {}
    filled_size: Figure = ""
    last_fill_time: Figure | None = None
    last_update_time: Figure | None = None


class CoinbaseOrders(Struct):
    orders: Annotated[list[CoinbaseOrder], Meta(max_length=5_000)] = []
    has_next: bool = False
    cursor: Long = ""


class CoinbaseOneOrder(Struct):
    order: CoinbaseOrder


class CoinbaseFill(Struct):
    entry_id: Text
    order_id: Text
    product_id: Text
    trade_time: Figure
    price: Figure
    size: Figure
    side: Text
    commission: Figure = ""
    trade_type: Text = "FILL"
    size_in_quote: bool = False


class CoinbaseFills(Struct):
    fills: Annotated[list[CoinbaseFill], Meta(max_length=5_000)] = []
    cursor: Long = ""


class CoinbaseTaken(Struct):
    order_id: Text


class CoinbaseRefusal(Struct):
    error: Text = ""
    message: Long = ""
    error_details: Long = ""
    preview_failure_reason: Text = ""
    new_order_failure_reason: Text = ""
    edit_failure_reason: Text = ""


class CoinbasePlaced(Struct):
    """HTTP 200 also for a refusal: `success` says it."""

    success: bool
    success_response: CoinbaseTaken | None = None
    error_response: CoinbaseRefusal | None = None


class CoinbaseEdited(Struct):
    success: bool
    errors: Annotated[list[CoinbaseRefusal], Meta(max_length=100)] = []


class CoinbaseCancelResult(Struct):
    success: bool
    order_id: Text
    failure_reason: Text = ""


class CoinbaseCancelled(Struct):
    results: Annotated[list[CoinbaseCancelResult], Meta(max_length=1_000)] = []


class CoinbaseError(Struct):
    error: Text = ""
    message: Long = ""
    error_details: Long = ""


T = TypeVar("T")


def read(raw: bytes | Raw, shape: type[T]) -> T:
    """The record as `shape`. Raises CoinbaseWireError."""
    return decoded(raw, shape, CoinbaseWireError)
