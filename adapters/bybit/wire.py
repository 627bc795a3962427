"""Records of Bybit V5 as they come, decoded typed. Prices, sizes and most times are texts.

What is not named here is not read. A record that does not fit is a WireError with its reason.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from adapters.common.typed_json import decoded


class BybitWireError(ValueError):
    """A record that makes no sense. Its text names the reason, not the record."""


Text = Annotated[str, Meta(max_length=200)]
Figure = Annotated[str, Meta(max_length=40)]
"""A number or a time, as a text; empty where there is none."""
Millis = Annotated[int, Meta(ge=0, le=1 << 50)]
Level = tuple[Figure, Figure]
"""Price and size."""

NOTHING = Raw(b"null")


class BybitAnswer(Struct, rename="camel"):
    """Of every REST answer. Business errors come with HTTP 200."""

    ret_code: int
    ret_msg: Annotated[str, Meta(max_length=4_000)] = ""
    result: Raw = NOTHING
    time: Millis = 0


class BybitPage(Struct, rename="camel"):
    rows: Raw = msgspec.field(name="list", default=NOTHING)
    next_page_cursor: Annotated[str, Meta(max_length=2_000)] = ""


# -- market -------------------------------------------------------------------------------------------


class BybitPriceFilter(Struct, rename="camel"):
    tick_size: Figure


class BybitLotFilter(Struct, rename="camel"):
    """Perpetuals have `qty_step`, spot has `base_precision`."""

    qty_step: Figure = ""
    base_precision: Figure = ""
    min_order_qty: Figure = ""
    max_order_qty: Figure = ""
    max_mkt_order_qty: Figure = ""
    max_market_order_qty: Figure = ""
    min_notional_value: Figure = ""
    min_order_amt: Figure = ""


class BybitTerms(Struct, rename="camel"):
    symbol: Text
    status: Text
    base_coin: Text
    quote_coin: Text
    price_filter: BybitPriceFilter
    lot_size_filter: BybitLotFilter
    settle_coin: Text = ""
    contract_type: Text = ""


class BybitTopic(Struct, gc=False):
    """Of a public stream: something of a topic, or the answer to a request (which has an `op`)."""

    topic: Text = ""
    type: Text = ""
    ts: Millis = 0
    data: Raw = NOTHING
    op: Text = ""
    success: bool = True
    ret_msg: Annotated[str, Meta(max_length=4_000)] = ""
    req_id: Text = ""


class BybitBook(Struct, gc=False):
    """Levels of a book, best first: all of it in a snapshot, those that changed in a delta."""

    s: Text
    b: Annotated[list[Level], Meta(max_length=1_000)]
    a: Annotated[list[Level], Meta(max_length=1_000)]
    u: int = 0
    """Number of the change; 1 after the venue's service began anew."""


class BybitTrade(Struct, gc=False):
    """A trade of the market: S is the taker's side, BT marks a block trade."""

    T: Millis
    s: Text
    S: Text
    v: Figure
    p: Figure
    BT: bool = False


Trades = Annotated[list[BybitTrade], Meta(max_length=1_024)]
KlineRow = Annotated[list[Figure], Meta(min_length=6, max_length=20)]
"""Open time (ms), open, high, low, close, volume (base coin), turnover."""
Klines = Annotated[list[KlineRow], Meta(max_length=1_000)]

# -- account ------------------------------------------------------------------------------------------


class BybitRights(Struct, frozen=True):
    ContractTrade: tuple[Text, ...] = ()
    Derivatives: tuple[Text, ...] = ()
    Spot: tuple[Text, ...] = ()


class BybitKey(Struct):
    """What the key may do, and whose it is."""

    userID: Annotated[int, Meta(ge=0, le=1 << 62)]
    readOnly: int
    permissions: BybitRights = BybitRights()
    unified: int = 0
    uta: int = 0


class BybitCoin(Struct, rename="camel"):
    coin: Text
    wallet_balance: Figure = ""


class BybitWallet(Struct, rename="camel"):
    """The account-wide amounts are in USD, and empty in some modes of margin."""

    account_type: Text = ""
    total_available_balance: Figure = ""
    total_initial_margin: Figure = ""
    coin: Annotated[list[BybitCoin], Meta(max_length=5_000)] = []


class BybitCreated(Struct, rename="camel"):
    order_id: Text


class BybitOrder(Struct, rename="camel"):
    order_id: Text
    symbol: Text
    side: Text
    order_type: Text
    order_status: Text
    qty: Figure
    category: Text = ""
    """Of the stream only."""
    order_link_id: Text = ""
    price: Figure = ""
    trigger_price: Figure = ""
    """"", "0" or "0.00" where it is none."""
    cum_exec_qty: Figure = ""
    position_idx: int = 0
    created_time: Figure = ""
    updated_time: Figure = ""


class BybitExecution(Struct, rename="camel"):
    exec_id: Text
    order_id: Text
    symbol: Text
    side: Text
    exec_type: Text
    exec_price: Figure
    exec_qty: Figure
    exec_time: Figure
    category: Text = ""
    exec_fee: Figure = ""
    fee_currency: Text = ""


class BybitPosition(Struct, rename="camel"):
    symbol: Text
    side: Text
    size: Figure
    position_idx: int = 0
    avg_price: Figure = ""
    """By query; the stream calls it `entry_price`."""
    entry_price: Figure = ""
    category: Text = ""


class BybitPrivate(Struct, rename="camel"):
    """Of the private stream: rows of a topic, or the answer to a request."""

    topic: Text = ""
    data: Raw = NOTHING
    op: Text = ""
    success: bool = True
    ret_msg: Annotated[str, Meta(max_length=4_000)] = msgspec.field(name="ret_msg", default="")
    req_id: Text = msgspec.field(name="req_id", default="")


T = TypeVar("T")


def read(raw: bytes | Raw, shape: type[T]) -> T:
    """The record as `shape`. Raises BybitWireError."""
    return decoded(raw, shape, BybitWireError)


def read_rows(raw: bytes | Raw, shape: type[T]) -> list[T]:
    """The rows of an answer; nothing is an empty list. Raises BybitWireError."""
    return read(raw, list[shape] | None) or []  # type: ignore[valid-type, arg-type]
