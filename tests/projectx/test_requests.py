"""What is sent for an order, and what is refused before it is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapters.projectx import requests
from engine.model.effects import ModifyOrder
from engine.model.errors import RefusedError
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import OrderType
from tests.projectx.conftest import entry

MNQ = CME_FUTURES["MNQ"]


def test_market_entry_with_signed_bracket() -> None:
    body = requests.place_request(entry(stop_offset=-40, target_offset=80), 7, "C", MNQ)
    assert body == {
        "accountId": 7,
        "contractId": "C",
        "type": 2,
        "side": 0,
        "size": 2,
        "limitPrice": None,
        "stopPrice": None,
        "customTag": "ts-a-1-1",
        "stopLossBracket": {"ticks": -40, "type": 4},
        "takeProfitBracket": {"ticks": 80, "type": 1},
    }


def test_short_entry_mirrors_the_signs() -> None:
    body = requests.place_request(entry(side=Side.SELL, stop_offset=40, target_offset=-80), 7, "C", MNQ)
    assert body["side"] == 1
    assert body["stopLossBracket"] == {"ticks": 40, "type": 4}
    assert body["takeProfitBracket"] == {"ticks": -80, "type": 1}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"qty": 0}, "at least one"),
        ({"qty": -1}, "at least one"),
        ({"client_id": ""}, "client id"),
        ({"client_id": "x" * 61}, "client id"),
        ({"type": OrderType.LIMIT}, "without its price"),
        ({"type": OrderType.STOP, "limit": 5}, "without its price"),
        ({"stop_offset": 40}, "wrong side"),
        ({"target_offset": -40}, "wrong side"),
        ({"side": Side.SELL, "stop_offset": -40}, "wrong side"),
        ({"stop_offset": -3}, "4 to 1000"),
        ({"stop_offset": 0}, "4 to 1000"),
        ({"target_offset": 1001}, "4 to 1000"),
    ],
)
def test_what_the_venue_would_refuse_is_not_sent(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        requests.place_request(entry(**changes), 7, "C", MNQ)


@pytest.mark.parametrize("offset", [4, 1000])
def test_the_bounds_of_a_bracket_are_allowed(offset: int) -> None:
    body = requests.place_request(entry(stop_offset=-offset, target_offset=offset), 7, "C", MNQ)
    assert body["stopLossBracket"] == {"ticks": -offset, "type": 4}


def test_modify_sends_only_what_changes() -> None:
    change = ModifyOrder("b", "id", "900", "MNQ", stop=84_001)
    assert requests.modify_request(change, 7, MNQ) == {
        "accountId": 7,
        "orderId": 900,
        "stopPrice": Decimal("21000.25"),
    }


@pytest.mark.parametrize(
    "change",
    [
        ModifyOrder("b", "id", "900", "MNQ"),
        ModifyOrder("b", "id", "900", "MNQ", qty=0),
        ModifyOrder("b", "id", "x1", "MNQ", qty=1),
        ModifyOrder("b", "id", "²", "MNQ", qty=1),
    ],
)
def test_modify_nonsense_is_not_sent(change: ModifyOrder) -> None:
    with pytest.raises(RefusedError):
        requests.modify_request(change, 7, MNQ)
