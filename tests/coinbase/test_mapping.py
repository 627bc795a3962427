"""Rows of Coinbase to values of the model, and bodies of what is sent there."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.coinbase import mapping, requests
from adapters.coinbase.config import CoinbaseConfig, CoinbaseHosts
from adapters.coinbase.mapping import CoinbaseCoin
from adapters.coinbase.wire import (
    CoinbaseCandle,
    CoinbaseFill,
    CoinbaseKey,
    CoinbaseOrder,
    CoinbaseProduct,
    CoinbaseRecord,
    CoinbaseTrade,
    CoinbaseWallets,
    CoinbaseWireError,
    read,
)
from adapters.common.secret import Secret
from engine.model.effects import ModifyOrder, PlaceOrder
from engine.model.errors import FatalError
from engine.model.market import Side, Timeframe
from engine.model.orders import AccountKind, OrderSpec, OrderType, VenueOrder, VenueStatus
from tests.support.instruments import PERPETUAL, SPOT

D = Decimal
ETH = replace(SPOT, symbol="ETHUSD", root="ETH-USD", currency="USD")
COIN = CoinbaseCoin(ETH)
TS = 1_700_000_000_500_000_000
AT = "2023-11-14T22:13:20.500Z"
LIMIT = {"limit_limit_gtc": {"base_size": "0.5", "limit_price": "2000.50", "post_only": False}}
STOP = {"stop_limit_stop_limit_gtc": {"base_size": "0.5", "limit_price": "1900", "stop_price": "1950.25"}}
MARKET = {"market_market_ioc": {"base_size": "0.5"}}
ORDER = {
    "order_id": "o-1", "product_id": "ETH-USD", "side": "SELL", "client_order_id": "ts-1", "status": "OPEN",
    "created_time": AT, "order_configuration": LIMIT, "filled_size": "0.1", "last_fill_time": None,
}  # fmt: skip
FILL = {
    "entry_id": "e-1", "trade_id": "t-1", "order_id": "o-1", "trade_time": AT, "trade_type": "FILL",
    "price": "2000.5", "size": "0.1", "commission": "1.2", "product_id": "ETH-USD", "side": "BUY",
    "size_in_quote": False,
}  # fmt: skip
PRODUCT = {
    "product_id": "ETH-USD", "base_increment": "0.0001", "quote_increment": "0.01", "price_increment": "0.01",
    "quote_min_size": "1", "status": "online", "trading_disabled": False, "alias": "",
}  # fmt: skip


def row(shape: type[Any], given_: dict[str, Any], **changes: Any) -> Any:
    return read(msgspec.json.encode(given_ | changes), shape)


def order(**changes: Any) -> VenueOrder:
    return mapping.order(row(CoinbaseOrder, ORDER, **changes), COIN)


def test_an_order_is_what_its_configuration_says() -> None:
    told = order()
    assert (told.venue_id, told.client_id, told.side, told.type) == (
        "o-1",
        "ts-1",
        Side.SELL,
        OrderType.LIMIT,
    )
    assert (told.qty, told.filled_qty, told.limit, told.stop, told.ts_venue) == (
        5_000,
        1_000,
        200_050,
        None,
        TS,
    )
    stop = order(order_configuration=STOP)
    assert (stop.type, stop.limit, stop.stop) == (OrderType.STOP, None, 195_025)
    market = order(order_configuration=MARKET)
    assert (market.type, market.qty) == (OrderType.MARKET, 5_000)
    by_money = order(order_configuration={"market_market_ioc": {"quote_size": "100"}})
    assert by_money.qty == 1_000, "what it has bought so far"


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("PENDING", VenueStatus.PENDING), ("QUEUED", VenueStatus.PENDING), ("OPEN", VenueStatus.WORKING),
        ("FILLED", VenueStatus.FILLED), ("CANCELLED", VenueStatus.CANCELED),
        ("CANCEL_QUEUED", VenueStatus.WORKING), ("EDIT_QUEUED", VenueStatus.WORKING),
        ("EXPIRED", VenueStatus.EXPIRED), ("FAILED", VenueStatus.REJECTED),
    ],
)  # fmt: skip
def test_every_status_means_something(status: str, meant: VenueStatus) -> None:
    assert order(status=status).status is meant


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "UNKNOWN_ORDER_STATUS"}, {"side": "HOLD"}, {"created_time": "soon"}, {"filled_size": "x"},
        {"order_configuration": {}}, {"order_configuration": {"twap_limit_gtd": {"base_size": "1"}}},
        {"order_configuration": {"limit_limit_gtc": {"base_size": "0.00001", "limit_price": "1"}}},
        {"order_configuration": {"limit_limit_gtc": {"base_size": "1", "limit_price": "1.005"}}},
    ],
)  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CoinbaseWireError):
        order(**changes)


def test_a_fill_may_be_counted_in_money() -> None:
    told = mapping.fill(row(CoinbaseFill, FILL), COIN)
    assert told is not None
    assert (told.trade_id, told.price, told.qty, told.cost_usd, told.ts_venue) == (
        "e-1", 200_050, 1_000, D("1.2"), TS,
    )  # fmt: skip
    told = mapping.fill(row(CoinbaseFill, FILL, size="200.05", size_in_quote=True), COIN)
    assert told is not None
    assert told.qty == 1_000
    assert mapping.fill(row(CoinbaseFill, FILL, trade_type="CORRECTION"), COIN) is None
    with pytest.raises(CoinbaseWireError):
        mapping.fill(row(CoinbaseFill, FILL, size="0"), COIN)


def config(*, practice: bool = False) -> CoinbaseConfig:
    return CoinbaseConfig(
        key_name=Secret("n"), private_key=Secret("k"), instruments={}, hosts=CoinbaseHosts(practice=practice)
    )


def test_the_account_is_a_portfolio_and_holds_count_as_owned() -> None:
    raw = (
        b'{"accounts":[{"uuid":"1","currency":"USD","available_balance":{"value":"90","currency":"USD"},'
        b'"hold":{"value":"10","currency":"USD"}},{"uuid":"2","currency":"ETH",'
        b'"available_balance":{"value":"0.25","currency":"ETH"},"hold":{"value":"0.5","currency":"ETH"}}]}'
    )
    wallets = read(raw, CoinbaseWallets).accounts
    key = CoinbaseKey(can_view=True, can_trade=True, portfolio_uuid="1234567890ab")
    account = mapping.account(key, wallets, config())
    assert (account.name, account.balance_usd, account.can_trade) == ("portfolio 12345678", D(100), True)
    assert (account.kind, account.currency) == (AccountKind.LIVE, "USD")
    assert mapping.account(key, wallets, config(practice=True)).kind is AccountKind.PRACTICE
    unnamed = replace(key, portfolio_uuid="")
    one, other = config(), dataclasses.replace(config(), key_name=Secret("another"))
    ids = {mapping.account(unnamed, wallets, by).id for by in (one, one, other)}
    assert len(ids) == 2, "nobody could tell that another key leads to the same account"
    assert {mapping.account(key, wallets, by).id for by in (one, other)} == {key.portfolio_uuid}
    assert {one.currency: one.total for one in mapping.balances(wallets)} == {"USD": D(100), "ETH": D("0.75")}


def test_terms_pauses_prints_and_bars() -> None:
    listed = row(CoinbaseProduct, PRODUCT)
    assert mapping.terms_differ(listed, ETH) is None
    assert mapping.pause(listed) == ""
    assert mapping.pause(row(CoinbaseProduct, PRODUCT, cancel_only=True)) == "cancel only"
    assert mapping.pause(row(CoinbaseProduct, PRODUCT, status="delisted")) == "delisted"
    assert "tick size is 0.01" in (mapping.terms_differ(listed, replace(ETH, tick_size=D(1))) or "")
    trade = CoinbaseTrade(trade_id="1", product_id="ETH-USD", price="2000.01", size="0.0002", time=AT)
    told = mapping.market_print(trade, COIN, 7, 3, "coinbase")
    assert (told.price, told.size, told.aggressor, told.ts_venue) == (200_001, 2, None, TS)
    candle = CoinbaseCandle(
        start="1700000000", low="1999", high="2001", open="2000", close="2000.5", volume="1.23456789"
    )
    bar = mapping.bar(candle, COIN, Timeframe.M1)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (
        200_000,
        200_100,
        199_900,
        200_050,
        12_345,
    )
    with pytest.raises(CoinbaseWireError, match="outside"):
        mapping.bar(replace(candle, high="2000"), COIN, Timeframe.M1)


def placed(spec: OrderSpec) -> dict[str, Any]:
    return requests.place_body(PlaceOrder("coinbase", "ts-1", "ETHUSD", spec), ETH, D("0.05"))


def test_bodies_of_orders() -> None:
    head = {"client_order_id": "ts-1", "product_id": "ETH-USD"}
    assert placed(OrderSpec(Side.BUY, OrderType.MARKET, 5_000)) == head | {
        "side": "BUY", "order_configuration": {"market_market_ioc": {"base_size": "0.5000"}},
    }  # fmt: skip
    limit = placed(OrderSpec(Side.BUY, OrderType.LIMIT, 5_000, limit=200_050))["order_configuration"]
    assert limit == {"limit_limit_gtc": {"base_size": "0.5000", "limit_price": "2000.50", "post_only": False}}
    stop = placed(OrderSpec(Side.SELL, OrderType.STOP, 5_000, stop=200_000, reduces=True))
    assert stop["order_configuration"] == {
        "stop_limit_stop_limit_gtc": {
            "base_size": "0.5000", "limit_price": "1900.00", "stop_price": "2000.00",
            "stop_direction": "STOP_DIRECTION_STOP_DOWN",
        }
    }  # fmt: skip
    assert requests.market_body("c", ETH, -10)["side"] == "BUY"


@given(st.integers(1, 10**9), st.sampled_from(Side))
def test_the_limit_of_a_stop_is_beyond_it_and_above_nothing(stop: int, side: Side) -> None:
    worst = requests.worst(stop, side, D("0.05"))
    assert worst >= 1
    assert worst == 1 or (worst - stop) * side.sign > 0


def test_a_change_tells_price_and_size_both() -> None:
    known = order()
    change = ModifyOrder("coinbase", "ts-1", "o-1", "ETHUSD", limit=200_100)
    assert requests.edit_body(change, known, ETH) == {"order_id": "o-1", "price": "2001.00", "size": "0.5000"}
    change = ModifyOrder("coinbase", "ts-1", "o-1", "ETHUSD", qty=2_000)
    assert requests.edit_body(change, known, ETH) == {"order_id": "o-1", "price": "2000.50", "size": "0.2000"}


def test_what_is_no_coin_or_paid_otherwise_has_no_place_here() -> None:
    for instrument, words in ((PERPETUAL, "trades spot only"), (SPOT, "is paid with USDT")):
        wrong = CoinbaseConfig(
            key_name=Secret("n"), private_key=Secret("k"), instruments={instrument.symbol: instrument}
        )
        with pytest.raises(FatalError, match=words):
            wrong.checked()


@given(st.binary(max_size=200))
def test_no_bytes_get_past_the_decoder_but_as_an_error_of_its_own(junk: bytes) -> None:
    for shape in (CoinbaseOrder, CoinbaseFill, CoinbaseWallets, CoinbaseProduct, CoinbaseRecord):
        try:
            read(junk, shape)
        except CoinbaseWireError:
            continue
