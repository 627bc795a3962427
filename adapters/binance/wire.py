"""Answers of Binance's REST and WebSocket APIs as they come over the wire, decoded typed and bounded.

Amounts stay texts, as they are written; adapters/common/grid_texts.py reads them exactly.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from msgspec import Meta, Raw, Struct

from adapters.common.redaction import scrub
from adapters.common.typed_json import decoded

_LONGEST_AMOUNT = 40
"""Characters of a price or a quantity."""

Id = Annotated[int, Meta(ge=-1, le=(1 << 63) - 1)]
Ms = Annotated[int, Meta(ge=0, le=7_258_118_400_000)]
"""Milliseconds UTC, before the year 2200."""
Amount = Annotated[str, Meta(max_length=_LONGEST_AMOUNT)]
Text = Annotated[str, Meta(max_length=1_000)]
Name = Annotated[str, Meta(max_length=64)]
NULL = Raw(b"null")
MS = 1_000_000
"""Nanoseconds of a millisecond."""


class WireFault(ValueError):
    """A record that makes no sense. Its text names the reason, not the record."""


class ErrorRow(Struct):
    """What a refused request is answered with."""

    code: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 0
    msg: str = ""
    data: Raw = NULL

    def words(self) -> str:
        return scrub(self.msg) or f"code {self.code}"


class RateRow(Struct, rename="camel"):
    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int


class FilterRow(Struct, rename="camel"):
    """Any of a symbol's filters; what one does not have is empty."""

    filter_type: str
    min_price: Amount = ""
    max_price: Amount = ""
    tick_size: Amount = ""
    min_qty: Amount = ""
    max_qty: Amount = ""
    step_size: Amount = ""
    min_notional: Amount = ""
    notional: Amount = ""
    """What futures call the least notional."""
    apply_to_market: bool | None = None
    apply_min_to_market: bool | None = None
    max_notional: Amount = ""


class SymbolRow(Struct, rename="camel"):
    symbol: Name
    status: Name
    base_asset: Name
    quote_asset: Name
    order_types: list[str]
    filters: list[FilterRow]
    oco_allowed: bool = False
    is_spot_trading_allowed: bool = False
    cancel_replace_allowed: bool = False


class ExchangeRow(Struct, rename="camel"):
    server_time: Ms
    symbols: list[SymbolRow]
    rate_limits: list[RateRow] = []


class TimeRow(Struct, rename="camel"):
    server_time: Ms


class BookTickerAnswer(Struct, rename="camel"):
    symbol: Name
    bid_price: Amount
    ask_price: Amount


class BalanceRow(Struct):
    asset: Name
    free: Amount
    locked: Amount


class SpotAccountRow(Struct, rename="camel"):
    can_trade: bool
    balances: list[BalanceRow]
    account_type: str = ""
    uid: int | None = None
    permissions: list[str] = []


class SpotOrderRow(Struct, rename="camel"):
    """An order in any answer that tells of one; what an answer leaves out keeps its default."""

    symbol: Name
    order_id: Id
    client_order_id: Text
    side: str = ""
    type: str = ""
    status: str = ""
    price: Amount = "0"
    orig_qty: Amount = "0"
    executed_qty: Amount = "0"
    stop_price: Amount = "0"
    order_list_id: Id = -1
    orig_client_order_id: Text = ""
    """In the answer to a cancel the order's own id, as `client_order_id` is that of the cancel."""
    time: Ms = 0
    update_time: Ms = 0
    transact_time: Ms = 0

    @property
    def own_id(self) -> str:
        return self.orig_client_order_id or self.client_order_id

    @property
    def ts(self) -> int:
        """When it last changed, nanoseconds UTC."""
        return max(self.time, self.update_time, self.transact_time) * MS


class OrderListRow(Struct, rename="camel"):
    order_list_id: Id
    symbol: Name
    list_order_status: str = ""
    order_reports: list[SpotOrderRow] = []


class MyTradeRow(Struct, rename="camel"):
    symbol: Name
    id: Id
    order_id: Id
    price: Amount
    qty: Amount
    commission: Amount
    commission_asset: Name
    time: Ms
    is_buyer: bool
    is_maker: bool = False


class AggTradeAnswer(Struct):
    """A trade of the market in an answer by REST: its keys are those of the stream."""

    a: Id
    p: Amount
    q: Amount
    T: Ms
    m: bool


class DepthAnswer(Struct):
    """A whole book, or as much of it as was asked for: price and quantity of each level, the best first."""

    lastUpdateId: Id
    bids: list[tuple[Amount, Amount]]
    asks: list[tuple[Amount, Amount]]


KlineRow = tuple[Ms, Amount, Amount, Amount, Amount, Amount, Ms, Amount, int, Amount, Amount, Amount]
"""Open time, open, high, low, close, volume, close time, quote volume, trades, two of takers, unused."""


class SocketFrame(Struct, rename="camel"):
    """A frame of the WebSocket API: the answer to a request, or an event of a subscription."""

    id: str | int | None = None
    status: int = 0
    result: Raw = NULL
    error: ErrorRow | None = None
    event: Raw = NULL
    subscription_id: int | None = None


class SubscribedRow(Struct, rename="camel"):
    subscription_id: int


T = TypeVar("T")


def read(raw: bytes | Raw, shape: type[T]) -> T:
    """The answer as `shape`. Raises WireFault."""
    return decoded(raw, shape, WireFault)
