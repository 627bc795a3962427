"""Rows of Bybit to values of the model: what they mean, and what makes no sense."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.bybit import mapping
from adapters.bybit.config import DEMO, LIVE, BybitCategory, BybitConfig, BybitHosts
from adapters.bybit.mapping import BybitProduct
from adapters.bybit.wire import (
    BybitBook,
    BybitExecution,
    BybitKey,
    BybitOrder,
    BybitPosition,
    BybitTerms,
    BybitTrade,
    BybitWallet,
    BybitWireError,
    read,
)
from adapters.common.secret import Secret
from engine.model.errors import FatalError
from engine.model.market import Side, Timeframe
from engine.model.orders import AccountKind, OrderType, VenueStatus
from tests.support.instruments import PERPETUAL, SPOT

D = Decimal
MS = 1_700_000_000_000
NS = MS * 1_000_000
PRODUCT, COIN = BybitProduct(PERPETUAL), BybitProduct(replace(SPOT, fee_in_base=True))
ORDER = {
    "orderId": "o-1", "orderLinkId": "ts-1", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit",
    "orderStatus": "New", "qty": "0.0100", "price": "26864.40", "triggerPrice": "0.00", "cumExecQty": "0",
    "avgPrice": "", "createdTime": str(MS - 5), "updatedTime": str(MS), "positionIdx": 0,
    "rejectReason": "EC_NoError", "reduceOnly": False,
}  # fmt: skip
EXECUTION = {
    "execId": "e-1", "orderId": "o-1", "orderLinkId": "ts-1", "symbol": "BTCUSDT", "side": "Sell",
    "execType": "Trade", "execPrice": "26864.4", "execQty": "0.005", "execFee": "0.0268", "feeRate": "0.0002",
    "execTime": str(MS), "isMaker": True, "seq": 4688002127,
}  # fmt: skip
INSTRUMENT = {
    "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
    "quoteCoin": "USDT", "settleCoin": "USDT", "priceFilter": {"minPrice": "0.10", "tickSize": "0.10"},
    "lotSizeFilter": {"qtyStep": "0.0001", "minOrderQty": "0.0001", "maxMktOrderQty": "119.0000",
                      "minNotionalValue": "5"},
}  # fmt: skip


def row(shape: type[Any], given_: dict[str, Any], **changes: Any) -> Any:
    return read(msgspec.json.encode(given_ | changes), shape)


def order(**changes: Any) -> Any:
    return mapping.order(row(BybitOrder, ORDER, **changes), PRODUCT)


def config(hosts: BybitHosts = LIVE, category: BybitCategory = BybitCategory.LINEAR) -> BybitConfig:
    return BybitConfig(
        api_key=Secret("k"), api_secret=Secret("s"), instruments={}, hosts=hosts, category=category
    )


def test_a_limit_order_is_read_in_ticks_and_lots() -> None:
    told = order()
    assert (told.venue_id, told.client_id, told.instrument) == ("o-1", "ts-1", "BTCUSDT.P")
    assert (told.type, told.side, told.qty, told.limit) == (OrderType.LIMIT, Side.BUY, 100, 268_644)
    assert (told.stop, told.filled_qty, told.ts_venue) == (None, 0, NS)


def test_a_conditional_order_is_a_stop_and_the_price_of_a_market_order_is_none() -> None:
    told = order(orderType="Market", orderStatus="Untriggered", triggerPrice="26000", side="Sell", price="0")
    assert (told.type, told.stop, told.limit, told.status) == (
        OrderType.STOP, 260_000, None, VenueStatus.WORKING,
    )  # fmt: skip
    assert order(orderType="Market", price="27000.05").limit is None, "a protection of the venue's own"


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("New", VenueStatus.WORKING), ("PartiallyFilled", VenueStatus.WORKING),
        ("Untriggered", VenueStatus.WORKING), ("Triggered", VenueStatus.WORKING),
        ("Rejected", VenueStatus.REJECTED), ("PartiallyFilledCanceled", VenueStatus.CANCELED),
        ("Filled", VenueStatus.FILLED), ("Cancelled", VenueStatus.CANCELED),
        ("Deactivated", VenueStatus.CANCELED),
    ],
)  # fmt: skip
def test_every_status_means_something(status: str, meant: VenueStatus) -> None:
    assert order(orderStatus=status).status is meant


@pytest.mark.parametrize(
    "changes",
    [
        {"orderStatus": "Sleeping"}, {"side": "None"}, {"qty": "-1"}, {"qty": "0.00001"}, {"qty": "1e99"},
        {"price": "26864.41"}, {"price": "NaN"}, {"triggerPrice": "x"}, {"updatedTime": "yesterday"},
        {"updatedTime": "1"}, {"updatedTime": "9" * 17}, {"orderType": "Iceberg"},
    ],
)  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BybitWireError):
        order(**changes)


def test_a_fill_has_its_fee_and_a_rebate_is_a_negative_one() -> None:
    fill = mapping.fill(row(BybitExecution, EXECUTION), PRODUCT, spot=False)
    assert fill is not None
    assert (fill.trade_id, fill.venue_order_id, fill.side) == ("e-1", "o-1", Side.SELL)
    assert (fill.price, fill.qty, fill.cost_usd, fill.ts_venue) == (268_644, 50, D("0.0268"), NS)
    rebate = mapping.fill(row(BybitExecution, EXECUTION, execFee="-0.001"), PRODUCT, spot=False)
    assert rebate is not None
    assert rebate.cost_usd == D("-0.001")


def test_the_fee_of_a_purchase_of_coins_is_in_coins() -> None:
    changes = {"symbol": "ETHUSDT", "side": "Buy", "execPrice": "2000", "execQty": "0.5", "execFee": "0.0005"}
    fill = mapping.fill(row(BybitExecution, EXECUTION, feeCurrency="ETH", **changes), COIN, spot=True)
    assert fill is not None
    assert (fill.cost_usd, fill.fee_base) == (D(0), D("0.0005"))
    with pytest.raises(BybitWireError, match="a fee in 'MNT'"):
        mapping.fill(row(BybitExecution, EXECUTION, feeCurrency="MNT", **changes), COIN, spot=True)


@pytest.mark.parametrize("kind", ["Funding", "MovePosition", "Whatever"])
def test_what_changes_no_position_is_no_fill(kind: str) -> None:
    assert mapping.fill(row(BybitExecution, EXECUTION, execType=kind), PRODUCT, spot=False) is None


@pytest.mark.parametrize(
    ("side", "size", "qty"), [("Buy", "0.01", 100), ("Sell", "0.01", -100), ("", "0", 0), ("", "", 0)]
)
def test_a_position_is_signed(side: str, size: str, qty: int) -> None:
    told = mapping.position(
        BybitPosition(symbol="BTCUSDT", side=side, size=size, avg_price="26000.55"), PRODUCT
    )
    assert (told.instrument, told.qty, told.average_price) == ("BTCUSDT.P", qty, D("26000.55"))


def test_long_and_short_apart_are_not_ours_to_keep() -> None:
    with pytest.raises(BybitWireError, match="one-way"):
        mapping.position(BybitPosition(symbol="BTCUSDT", side="Buy", size="1", position_idx=1), PRODUCT)


def test_the_top_of_a_book_may_be_empty() -> None:
    book = read(b'{"s":"BTCUSDT","b":[["26000.1","1.5"]],"a":[],"u":3,"seq":9}', BybitBook)
    quote = mapping.quote(book, PRODUCT, MS, 260_002, 7, "bybit")
    assert (quote.bid, quote.ask, quote.last, quote.ts_venue, quote.ts_recv) == (
        260_001,
        None,
        260_002,
        NS,
        7,
    )


def test_a_print_knows_its_aggressor() -> None:
    trade = BybitTrade(T=MS, s="BTCUSDT", S="Sell", v="0.0020", p="26000.1")
    told = mapping.market_print(trade, PRODUCT, 7, 4, "bybit")
    assert (told.price, told.size, told.aggressor, told.seq) == (260_001, 20, Side.SELL, 4)
    with pytest.raises(BybitWireError, match="of nothing"):
        mapping.market_print(BybitTrade(T=MS, s="BTCUSDT", S="Sell", v="0", p="1"), PRODUCT, 7, 4, "bybit")


def test_a_bar_is_read_by_place_and_must_hold_together() -> None:
    told = mapping.bar([str(MS), "100", "102.5", "99.9", "101", "1.23456", "0"], PRODUCT, Timeframe.M1)
    assert (told.open_ts, told.open, told.high, told.low, told.close, told.volume) == (
        NS, 1000, 1025, 999, 1010, 12_345,
    )  # fmt: skip
    assert told.backfilled
    with pytest.raises(BybitWireError, match="outside"):
        mapping.bar([str(MS), "100", "99", "98", "101", "1", "0"], PRODUCT, Timeframe.M1)


def wallet() -> BybitWallet:
    raw = (
        b'{"accountType":"UNIFIED","totalAvailableBalance":"900.5","totalInitialMargin":"99.5",'
        b'"coin":[{"coin":"BTC","walletBalance":"0.5"},{"coin":"USDT","walletBalance":"1000"}]}'
    )
    return read(raw, BybitWallet)


def key(**rights: tuple[str, ...]) -> BybitKey:
    raw = {
        "userID": 53888001,
        "readOnly": 0,
        "permissions": {"ContractTrade": ["Order", "Position"]} | rights,
    }
    return read(msgspec.json.encode(raw), BybitKey)


def test_an_account_is_practice_only_in_a_world_of_play_money() -> None:
    told = mapping.account(key(), wallet(), config())
    assert (told.id, told.name, told.kind, told.can_trade) == (
        "53888001",
        "UID 53888001",
        AccountKind.LIVE,
        True,
    )
    assert (told.balance_usd, told.currency) == (D(1000), "USDT")
    assert told.margin is not None
    assert (told.margin.used_usd, told.margin.available_usd) == (D("99.5"), D("900.5"))
    assert mapping.account(key(), wallet(), config(DEMO)).kind is AccountKind.PRACTICE


@pytest.mark.parametrize(
    ("raw", "category", "may"),
    [
        ({"readOnly": 1, "permissions": {"ContractTrade": ["Order"]}}, BybitCategory.LINEAR, False),
        ({"readOnly": 0, "permissions": {"ContractTrade": ["Position"]}}, BybitCategory.LINEAR, False),
        ({"readOnly": 0, "permissions": {"Derivatives": ["DerivativesTrade"]}}, BybitCategory.LINEAR, True),
        ({"readOnly": 0, "permissions": {"ContractTrade": ["Order"]}}, BybitCategory.SPOT, False),
        ({"readOnly": 0, "permissions": {"Spot": ["SpotTrade"]}}, BybitCategory.SPOT, True),
        ({"readOnly": 1, "permissions": {"Spot": ["SpotTrade"]}}, BybitCategory.SPOT, False),
    ],
)
def test_what_a_key_may_do_goes_by_its_rights(
    raw: dict[str, Any], category: BybitCategory, may: bool
) -> None:
    info = read(msgspec.json.encode({"userID": 1} | raw), BybitKey)
    assert mapping.may_trade(info, category) is may


def test_coins_are_balances() -> None:
    assert {one.currency: one.total for one in mapping.balances(wallet())} == {
        "BTC": D("0.5"),
        "USDT": D(1000),
    }


def test_terms_that_differ_are_told_in_words() -> None:
    listed = row(BybitTerms, INSTRUMENT)
    assert mapping.terms_differ(listed, PERPETUAL) is None
    assert mapping.least_notional(listed) == 5
    assert mapping.most_at_market(listed, PERPETUAL) == 1_190_000
    assert mapping.terms_differ(listed, replace(PERPETUAL, tick_size=D("0.5"))) == (
        "its tick size is 0.1 at the venue, 0.5 in our table"
    )
    assert "lot size" in (mapping.terms_differ(listed, replace(PERPETUAL, lot_size=D(1))) or "")
    assert "settled in USDT" in (mapping.terms_differ(listed, replace(PERPETUAL, currency="USDC")) or "")


def test_an_instrument_of_another_kind_or_currency_has_no_place_here() -> None:
    base = config()
    for instrument, words in ((SPOT, "is a spot"), (replace(PERPETUAL, currency="USDC"), "settled in USDC")):
        wrong = BybitConfig(
            api_key=base.api_key, api_secret=base.api_secret, instruments={instrument.symbol: instrument}
        )
        with pytest.raises(FatalError, match=words):
            wrong.checked()


@given(st.binary(max_size=200))
def test_no_bytes_get_past_the_decoder_but_as_an_error_of_its_own(junk: bytes) -> None:
    for shape in (BybitOrder, BybitExecution, BybitPosition, BybitWallet, BybitTerms, BybitBook):
        try:
            read(junk, shape)
        except BybitWireError:
            continue
