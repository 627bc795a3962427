"""One order of ours is a row of the venue's: versions that follow each other under one id."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.binance.requests import split_id, version_id
from adapters.binance.versions import OrderChain, OwnOrders
from adapters.binance.wire import SpotOrderRow, read
from engine.model.orders import OrderType, VenueStatus
from tests.binance import samples


def row(**changes: Any) -> SpotOrderRow:
    return read(json.dumps(samples.order(**changes)).encode(), SpotOrderRow)


def take(orders: OwnOrders, **changes: Any) -> OrderChain:
    return orders.take(row(**changes), samples.grid())


@given(st.from_regex(r"ts-[a-z0-9]{1,6}-[a-z0-9]{1,3}-[a-z0-9]{1,6}", fullmatch=True), st.integers(0, 9999))
def test_ids_of_versions_are_read_back(client_id: str, version: int) -> None:
    assert split_id(version_id(client_id, version)) == (client_id, version)


@pytest.mark.parametrize("told", ["web_7f", "x-TD67BGP9-T0000000000001", "web_1_2", "TS-a-1-1", "and_1"])
def test_ids_of_others_have_no_version(told: str) -> None:
    assert split_id(told) == (told, 0)


def test_a_changed_order_is_one_order_with_what_both_versions_filled() -> None:
    orders = OwnOrders()
    take(orders, executedQty="0.00300000", status="CANCELED", updateTime=samples.NOW_MS + 1)
    chain = take(
        orders,
        orderId=78,
        clientOrderId="ts-a-1-1_1",
        price="59000.00",
        origQty="0.00700000",
        executedQty="0.00200000",
        status="PARTIALLY_FILLED",
        updateTime=samples.NOW_MS + 2,
    )
    told = chain.report()
    assert (told.venue_id, told.client_id) == ("ts-a-1-1", "ts-a-1-1")
    assert (told.qty, told.filled_qty, told.limit) == (1_000, 500, 5_900_000)
    assert told.status is VenueStatus.WORKING
    assert orders.of("BTCUSDT", 77) is orders.of("BTCUSDT", 78) is chain


def test_the_end_of_a_version_is_no_end_while_another_is_coming() -> None:
    orders = OwnOrders()
    chain = take(orders)
    chain.coming = 1
    take(orders, status="CANCELED", updateTime=samples.NOW_MS + 1)
    assert chain.held
    assert chain.report().status is VenueStatus.PENDING
    chain.coming = None
    assert chain.report().status is VenueStatus.CANCELED


LIFE = (
    {"status": "NEW"},
    {"status": "PARTIALLY_FILLED", "executedQty": "0.00400000", "updateTime": samples.NOW_MS + 1},
    {"status": "CANCELED", "executedQty": "0.00400000", "updateTime": samples.NOW_MS + 2},
)


@pytest.mark.parametrize("heard", list(permutations(LIFE)))
def test_reports_in_any_order_end_in_the_same(heard: tuple[dict[str, Any], ...]) -> None:
    orders = OwnOrders()
    for told in heard:
        chain = take(orders, **told)
    assert (chain.report().status, chain.report().filled_qty) == (VenueStatus.CANCELED, 400)


@pytest.mark.parametrize(
    ("kind", "price", "stop", "type_", "at"),
    [
        ("STOP_LOSS", "0", "58000.00", OrderType.STOP, 5_800_000),
        ("STOP_LOSS_LIMIT", "57000.00", "58000.00", OrderType.STOP, 5_800_000),
        ("LIMIT_MAKER", "61000.00", "0", OrderType.LIMIT, 6_100_000),
        ("MARKET", "0", "0", OrderType.MARKET, None),
        ("NEW_KIND", "61000.00", "0", OrderType.LIMIT, 6_100_000),
    ],
)
def test_what_it_is(kind: str, price: str, stop: str, type_: OrderType, at: int | None) -> None:
    told = take(OwnOrders(), type=kind, price=price, stopPrice=stop, side="SELL").report()
    assert (told.type, told.stop if type_ is OrderType.STOP else told.limit) == (type_, at)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "PAUSED"},
        {"side": "HOLD"},
        {"origQty": "0.000001"},
        {"price": "60000.001"},
        {"price": "NaN"},
        {"origQty": "1" + "0" * 30},
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"status|side|multiple|not a"):
        take(OwnOrders(), **changes)


def test_memory_is_bounded_and_live_orders_stay() -> None:
    orders = OwnOrders()
    take(orders)
    for number in range(5_000):
        take(orders, orderId=1_000 + number, clientOrderId=f"ts-b-1-{number}", status="CANCELED")
    assert orders.find("ts-a-1-1") is not None
    assert sum(orders.find(f"ts-b-1-{n}") is not None for n in range(5_000)) < 4_096
