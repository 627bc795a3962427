"""What Binance says of a symbol, and orders that it would refuse: told in one line, and not sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from adapters.binance.requests import oco_params, order_params
from adapters.binance.symbols import check_order, terms_differ
from adapters.binance.wire import WireFault
from engine.model.errors import Cause, RefusedError
from engine.model.instrument import InstrumentKind
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from tests.binance import samples
from tests.binance.samples import BTC

BUY, SELL = Side.BUY, Side.SELL
STOP = OrderSpec(SELL, OrderType.STOP, 1_000, stop=5_900_000, reduces=True)
TARGET = OrderSpec(SELL, OrderType.LIMIT, 1_000, limit=6_200_000, reduces=True)


def filters(**changes: Any) -> list[dict[str, Any]]:
    return [row | changes.get(row["filterType"], {}) for row in samples.symbol()["filters"]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tick_size": Decimal("0.1")}, "tick size is 0.01 at Binance, 0.1 in the settings"),
        ({"lot_size": Decimal("0.0001")}, "lot size is 0.00001"),
        ({"least_notional": Decimal(1)}, "least_notional is 5 at Binance, 1 in the settings"),
        ({"base": "ETH"}, "coin is BTC"),
        ({"currency": "USDC"}, "currency is USDT"),
        ({"kind": InstrumentKind.PERPETUAL}, "spot market"),
        ({}, None),
        ({"least_notional": Decimal(10)}, None),
    ],
)
def test_terms_are_compared(changes: dict[str, Any], words: str | None) -> None:
    found = terms_differ(samples.rules(), structs.replace(BTC, **changes))
    assert (found is None) if words is None else (found is not None and words in found)


@pytest.mark.parametrize(
    ("spec", "symbol", "words", "cause"),
    [
        (OrderSpec(BUY, OrderType.MARKET, 0), {}, "at least one", Cause.OTHER),
        (OrderSpec(BUY, OrderType.LIMIT, 5, limit=6_000_000), {}, "worth 3.* none below 5", Cause.OTHER),
        (OrderSpec(BUY, OrderType.LIMIT, 1_000), {}, "without its price", Cause.OTHER),
        (OrderSpec(BUY, OrderType.STOP, 1_000), {}, "without its price", Cause.OTHER),
        (OrderSpec(BUY, OrderType.LIMIT, 1_000, limit=200_000_000), {}, "a price of", Cause.OTHER),
        (OrderSpec(BUY, OrderType.MARKET, 8_000_000), {}, "more than Binance takes at once, 73", Cause.OTHER),
        (OrderSpec(BUY, OrderType.MARKET, 1_000), {"status": "BREAK"}, "paused at Binance", Cause.CLOSED),
        (OrderSpec(SELL, OrderType.MARKET, 1_000), {"status": "HALT"}, "halted at Binance", Cause.CLOSED),
        (OrderSpec(SELL, OrderType.MARKET, 9), {"status": "CANCEL_ONLY"}, "cancels only", Cause.CLOSED),
    ],
)
def test_what_would_be_refused_is_not_sent(
    spec: OrderSpec, symbol: dict[str, Any], words: str, cause: Cause
) -> None:
    with pytest.raises(RefusedError, match=words) as raised:
        check_order(samples.rules(**symbol), BTC, spec)
    assert raised.value.cause is cause


def test_least_notional_of_either_filter_counts() -> None:
    old = [row for row in filters() if row["filterType"] != "NOTIONAL"]
    old.append({"filterType": "MIN_NOTIONAL", "minNotional": "10.00000000", "applyToMarket": True})
    assert samples.rules(filters=old).least_notional == 10


@pytest.mark.parametrize("step", ["0", "0.00000000"])
def test_a_symbol_without_a_step_makes_no_sense(step: str) -> None:
    with pytest.raises(WireFault):
        samples.rules(filters=filters(LOT_SIZE={"stepSize": step}))


def test_parameters_have_no_exponent_and_no_noise() -> None:
    tiny = structs.replace(
        BTC, tick_size=Decimal("0.00000001"), lot_size=Decimal(1), least_notional=Decimal(0)
    )
    spec = OrderSpec(BUY, OrderType.LIMIT, 12_000_000, limit=3)
    params = order_params("SHIBBTC", "ts-a-1-1", spec, tiny, samples.rules())
    assert (params["price"], params["quantity"]) == ("0.00000003", "12000000")
    assert (params["type"], params["timeInForce"], params["newClientOrderId"]) == ("LIMIT", "GTC", "ts-a-1-1")


@pytest.mark.parametrize(
    ("types", "kind", "limit"),
    [
        (samples.TYPES, "STOP_LOSS", None),
        (["LIMIT", "MARKET", "STOP_LOSS_LIMIT"], "STOP_LOSS_LIMIT", "58410.00"),
    ],
)
def test_a_stop_is_at_market_where_the_symbol_takes_that(
    types: list[str], kind: str, limit: str | None
) -> None:
    params = order_params("BTCUSDT", "ts-a-1-1", STOP, BTC, samples.rules(orderTypes=types))
    assert (params["type"], params["stopPrice"], params.get("price")) == (kind, "59000.00", limit)


def test_an_oco_of_a_sale_has_the_target_above_and_the_stop_below() -> None:
    pair = oco_params("BTCUSDT", "l-1", ("ts-a-1-2_1", STOP), ("ts-a-1-3", TARGET), BTC, samples.rules())
    assert pair["aboveType"] == "LIMIT_MAKER"
    assert (pair["abovePrice"], pair["aboveClientOrderId"]) == ("62000.00", "ts-a-1-3")
    assert (pair["belowType"], pair["belowStopPrice"]) == ("STOP_LOSS", "59000.00")
    assert (pair["belowClientOrderId"], pair["quantity"]) == ("ts-a-1-2_1", "0.01000")


def test_an_oco_of_a_purchase_is_mirrored() -> None:
    stop = OrderSpec(BUY, OrderType.STOP, 1_000, stop=6_200_000)
    target = OrderSpec(BUY, OrderType.LIMIT, 1_000, limit=5_900_000)
    pair = oco_params("BTCUSDT", "l-1", ("a", stop), ("b", target), BTC, samples.rules())
    assert (pair["aboveType"], pair["aboveStopPrice"]) == ("STOP_LOSS", "62000.00")
    assert (pair["belowType"], pair["belowStopPrice"], pair["belowPrice"]) == (
        "TAKE_PROFIT_LIMIT",
        "59000.00",
        "59000.00",
    )


@pytest.mark.parametrize("client_id", ["", "x" * 37, "has space", "ümlaut"])
def test_client_ids_that_the_venue_would_refuse(client_id: str) -> None:
    with pytest.raises(RefusedError, match="client id"):
        order_params("BTCUSDT", client_id, TARGET, BTC, samples.rules())
