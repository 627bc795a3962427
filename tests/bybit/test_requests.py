"""Bodies of what is sent to Bybit, and what its codes mean for who asked."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.bybit import codes, requests
from adapters.bybit.config import BybitCategory
from engine.model.effects import CancelOrder, ModifyOrder, PlaceOrder
from engine.model.errors import Cause, FatalError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from tests.support.instruments import PERPETUAL, SPOT

LINEAR_REST = {"category": "linear", "symbol": "BTCUSDT", "positionIdx": 0}


def place(spec: OrderSpec, category: BybitCategory = BybitCategory.LINEAR) -> dict[str, Any]:
    instrument = PERPETUAL if category is BybitCategory.LINEAR else SPOT
    order = PlaceOrder("bybit", "ts-a-1-b", instrument.symbol, spec)
    return requests.place_body(order, instrument, category)


def test_an_entry_at_a_limit() -> None:
    assert place(OrderSpec(Side.BUY, OrderType.LIMIT, 100, limit=268_644)) == LINEAR_REST | {
        "side": "Buy", "orderType": "Limit", "qty": "0.0100", "price": "26864.4", "timeInForce": "GTC",
        "orderLinkId": "ts-a-1-b", "reduceOnly": False,
    }  # fmt: skip


def test_a_protective_stop_rests_at_the_venue_and_can_only_reduce() -> None:
    sold = place(OrderSpec(Side.SELL, OrderType.STOP, 50, stop=260_000, reduces=True))
    assert sold == LINEAR_REST | {
        "side": "Sell", "orderType": "Market", "qty": "0.0050", "triggerPrice": "26000.0",
        "triggerDirection": 2, "triggerBy": "LastPrice", "orderLinkId": "ts-a-1-b", "reduceOnly": True,
        "closeOnTrigger": True,
    }  # fmt: skip
    bought = place(OrderSpec(Side.BUY, OrderType.STOP, 50, stop=260_000))
    assert (bought["triggerDirection"], bought["reduceOnly"], bought["closeOnTrigger"]) == (1, False, False)


def test_coins_are_counted_as_coins_and_never_borrowed() -> None:
    bought = place(OrderSpec(Side.BUY, OrderType.MARKET, 5_000), BybitCategory.SPOT)
    assert bought == {
        "category": "spot", "symbol": "ETHUSDT", "side": "Buy", "orderType": "Market", "qty": "0.5000",
        "orderLinkId": "ts-a-1-b", "isLeverage": 0, "marketUnit": "baseCoin",
    }  # fmt: skip
    stop = OrderSpec(Side.SELL, OrderType.STOP, 5_000, stop=190_000, reduces=True)
    assert place(stop, BybitCategory.SPOT)["orderFilter"] == requests.EXIT, "it holds the coins that it sells"
    entry = OrderSpec(Side.BUY, OrderType.STOP, 5_000, stop=210_000)
    assert place(entry, BybitCategory.SPOT)["orderFilter"] == requests.ENTRY


def test_changes_name_what_changes_alone() -> None:
    change = ModifyOrder("bybit", "c", "o-1", "BTCUSDT.P", stop=259_000)
    assert requests.amend_body(change, PERPETUAL, BybitCategory.LINEAR) == {
        "category": "linear", "symbol": "BTCUSDT", "orderId": "o-1", "triggerPrice": "25900.0",
    }  # fmt: skip
    change = ModifyOrder("bybit", "c", "o-1", "BTCUSDT.P", qty=30, limit=1)
    body = requests.amend_body(change, PERPETUAL, BybitCategory.LINEAR)
    assert (body["qty"], body["price"]) == ("0.0030", "0.1")
    cancel = CancelOrder("bybit", "c", "o-1", "BTCUSDT.P")
    assert requests.cancel_body(cancel, PERPETUAL, BybitCategory.LINEAR)["orderId"] == "o-1"


@pytest.mark.parametrize(("held", "side"), [(100, "Sell"), (-100, "Buy")])
def test_a_close_goes_against_what_is_held_and_only_reduces(held: int, side: str) -> None:
    assert requests.close_body(PERPETUAL, held, BybitCategory.LINEAR) == LINEAR_REST | {
        "side": side, "orderType": "Market", "qty": "0.0100", "reduceOnly": True,
    }  # fmt: skip
    coins = requests.close_body(SPOT, held, BybitCategory.SPOT, "ts-x")
    assert (coins["side"], coins["orderLinkId"], coins["marketUnit"]) == (side, "ts-x", "baseCoin")


@pytest.mark.parametrize(
    ("code", "error", "cause"),
    [
        (10002, RetryableError, None), (10003, FatalError, None), (10004, FatalError, None),
        (10005, RefusedError, Cause.OTHER), (10006, RetryableError, None), (10016, UnknownOutcomeError, None),
        (110001, RefusedError, Cause.GONE), (110007, RefusedError, Cause.OTHER),
        (110072, RefusedError, Cause.TAKEN), (170141, RefusedError, Cause.TAKEN),
        (110079, RetryableError, None), (110065, RefusedError, Cause.CLOSED),
        (999, RefusedError, Cause.OTHER),
    ],
)  # fmt: skip
def test_every_code_is_one_of_the_four_errors(code: int, error: type[Exception], cause: Cause | None) -> None:
    told = codes.error_of("place", code, "some words", acts=True)
    assert type(told) is error
    assert str(told).startswith("place: ")
    assert str(told).endswith("(some words)")
    if isinstance(told, RefusedError):
        assert (told.cause, told.code) == (cause, code)


def test_a_question_whose_answer_is_unclear_is_asked_again() -> None:
    assert type(codes.error_of("orders", 10016, "", acts=False)) is RetryableError
