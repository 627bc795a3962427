"""Records to values: fees, prints, quotes, bars, accounts; and what makes no sense is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from adapters.binance import mapping
from adapters.binance.config import HOSTS, Environment, Hosts, account_kind
from adapters.binance.records import (
    AggTradeRow,
    BookTickerRow,
    ExecutionReport,
    OtherRecord,
    account_event,
    market_row,
)
from adapters.binance.wire import MS, KlineRow, MyTradeRow, SpotAccountRow, WireFault, read
from engine.model.errors import FatalError
from engine.model.market import Side, Timeframe
from engine.model.orders import AccountKind, Fill, VenueBalance
from tests.binance import samples
from tests.binance.samples import BTC, NOW, NOW_MS, encoded

GRID = samples.grid()
AGG = {
    "e": "aggTrade",
    "E": NOW_MS,
    "s": "BTCUSDT",
    "a": 42,
    "p": "60000.01000000",
    "q": "0.00100000",
    "f": 100,
    "l": 102,
    "T": NOW_MS,
    "m": True,
    "M": False,
}


def framed(stream: str, data: dict[str, Any]) -> bytes:
    return encoded({"stream": stream, "data": data}).replace(b'{"stream": "', b'{"stream":"')


def fill(**changes: Any) -> Fill:
    trade = {"x": "TRADE", "X": "FILLED", "t": 900, "l": "0.01000000", "z": "0.01000000", "L": "60000.00"}
    event = account_event(encoded(samples.report(**(trade | changes))))
    assert isinstance(event, ExecutionReport)
    return mapping.stream_fill(event, GRID, "ts-a-1-1")


@pytest.mark.parametrize(
    ("changes", "cost", "coins"),
    [
        ({"n": "0.00001000", "N": "BTC"}, 0, "0.00001"),
        ({"S": "SELL", "n": "0.6", "N": "USDT"}, "0.6", 0),
        ({"n": "0.6", "N": "USDT"}, "0.6", 0),
        ({"S": "SELL", "n": "0.00001000", "N": "BTC"}, "0.6", 0),
        ({"n": "0.001", "N": "BNB"}, "0.6", 0),
        ({"n": "0", "N": None}, 0, 0),
    ],
)
def test_in_what_a_fee_was_paid(changes: dict[str, Any], cost: str, coins: str) -> None:
    told = fill(**changes)
    assert (told.cost_usd, told.fee_base) == (Decimal(cost), Decimal(coins))


def test_a_fill_by_stream_is_the_one_by_query() -> None:
    row = {
        "symbol": "BTCUSDT",
        "id": 900,
        "orderId": 77,
        "price": "60000.00000000",
        "qty": "0.01000000",
        "commission": "0.00001000",
        "commissionAsset": "BTC",
        "time": NOW_MS,
        "isBuyer": True,
        "isMaker": False,
    }
    queried = mapping.queried_fill(read(encoded(row), MyTradeRow), GRID, "ts-a-1-1")
    assert queried == fill(n="0.00001000", N="BTC")
    assert (queried.trade_id, queried.price, queried.qty) == ("BTCUSDT-900", 6_000_000, 1_000)


def test_keys_that_differ_by_case_are_two() -> None:
    row = market_row(framed("btcusdt@aggTrade", AGG))
    assert isinstance(row, AggTradeRow)
    told = mapping.market_print(row, GRID, NOW + 5, "binance")
    assert (told.price, told.size, told.aggressor, told.seq) == (6_000_001, 100, Side.SELL, 42)
    assert (told.ts_venue, told.ts_recv) == (NOW, NOW + 5)


def test_a_quote_has_no_time_of_the_venue() -> None:
    data = {"u": 4, "s": "BTCUSDT", "b": "60000.00", "B": "1", "a": "60000.01", "A": "2"}
    row = market_row(framed("btcusdt@bookTicker", data))
    assert isinstance(row, BookTickerRow)
    told = mapping.stream_quote(row, GRID, NOW, "binance")
    assert (told.bid, told.ask, told.ts_venue) == (6_000_000, 6_000_001, NOW)


def test_what_is_no_market_record_is_told_apart() -> None:
    for frame in (
        {"result": ["btcusdt@trade"], "id": "3"},
        {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}},
        {"code": 2, "msg": "Invalid request"},
    ):
        assert isinstance(market_row(encoded(frame)), OtherRecord)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xff\xfe",
        b"[" * 5_000,
        framed("btcusdt@aggTrade", AGG | {"a": "42"}),
        framed("btcusdt@aggTrade", AGG | {"T": 10**30}),
        framed("btcusdt@aggTrade", AGG | {"p": 60_000.01}),
        framed("btcusdt@aggTrade", {k: v for k, v in AGG.items() if k != "q"}),
    ],
)
def test_frames_that_make_no_sense(frame: bytes) -> None:
    with pytest.raises(WireFault):
        market_row(frame)


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e400", "1" * 60, "60000.001", "x"])
def test_texts_that_are_no_price(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|not on|multiple"):
        GRID.ticks[text]


def kline(**changes: str) -> KlineRow:
    row = {"o": "60000.00", "h": "60010.00", "l": "59990.00", "c": "60005.00", "v": "1.234567891"} | changes
    told = [NOW_MS, row["o"], row["h"], row["l"], row["c"], row["v"], NOW_MS + 59_999, "1", 7, "1", "1", "0"]
    [row_] = read(encoded([told]), list[KlineRow])
    return row_


def test_a_bar_is_half_open_and_its_volume_is_in_lots() -> None:
    told = mapping.bar(kline(), GRID, Timeframe.M1)
    assert (told.open_ts, told.close_ts) == (NOW_MS * MS, NOW_MS * MS + 60 * 10**9)
    assert (told.open, told.high, told.low, told.close) == (6_000_000, 6_001_000, 5_999_000, 6_000_500)
    assert (told.volume, told.backfilled) == (123_456, True)


@pytest.mark.parametrize("changes", [{"h": "59999.00"}, {"l": "60001.00"}, {"v": "-1"}, {"c": "1.001"}])
def test_bars_that_can_not_be(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"multiple|high and low|volume"):
        mapping.bar(kline(**changes), GRID, Timeframe.M1)


def test_an_account_has_cash_and_coins() -> None:
    row = {
        "canTrade": True,
        "uid": 354_937_868,
        "balances": [
            {"asset": "BTC", "free": "0.5", "locked": "0.25"},
            {"asset": "USDT", "free": "900.5", "locked": "99.5"},
            {"asset": "DOGE", "free": "1", "locked": "0"},
        ],
    }
    told = read(encoded(row), SpotAccountRow)
    account = mapping.account(told, AccountKind.LIVE, "USDT", "key")
    assert (account.name, account.balance_usd, account.currency) == ("SPOT-354937868", Decimal(1000), "USDT")
    assert account.cash
    assert mapping.balances(told, ["ETH", "BTC"]) == (
        VenueBalance("BTC", Decimal("0.75")),
        VenueBalance("ETH", Decimal(0)),
    )


def test_an_account_without_a_number_is_not_called_by_its_key() -> None:
    told = read(encoded({"canTrade": False, "balances": []}), SpotAccountRow)
    account = mapping.account(told, AccountKind.PRACTICE, "USDT", "a-very-secret-key")
    assert "secret" not in account.name
    assert account.name == mapping.account(told, AccountKind.PRACTICE, "USDT", "a-very-secret-key").name


LOOPBACK = Hosts(
    rest="http://127.0.0.1:1", streams="ws://127.0.0.1:1", socket_api="ws://127.0.0.1:1/ws-api/v3"
)


@pytest.mark.parametrize(
    ("environment", "hosts", "kind"),
    [
        (Environment.LIVE, HOSTS[Environment.LIVE], AccountKind.LIVE),
        (Environment.LIVE, LOOPBACK, AccountKind.LIVE),
        (Environment.TESTNET, HOSTS[Environment.TESTNET], AccountKind.PRACTICE),
        (Environment.DEMO, HOSTS[Environment.DEMO], AccountKind.PRACTICE),
        (Environment.TESTNET, LOOPBACK, AccountKind.PRACTICE),
    ],
)
def test_play_money_is_what_is_known_to_be(environment: Environment, hosts: Hosts, kind: AccountKind) -> None:
    assert account_kind(environment, hosts) is kind


@pytest.mark.parametrize("environment", [Environment.TESTNET, Environment.DEMO])
def test_addresses_of_the_live_market_are_no_play_money(environment: Environment) -> None:
    with pytest.raises(FatalError, match=r"api\.binance\.com is no address of"):
        account_kind(environment, HOSTS[Environment.LIVE])


def test_steps_of_the_example_are_those_of_the_instrument() -> None:
    assert json.loads(encoded(samples.symbol()))["baseAsset"] == BTC.base
