"""What a person is told who checks the venue."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.common.finding import Check
from adapters.common.secret import Secret
from adapters.kraken.probe import probe
from engine.model.orders import Account
from tests.kraken.conftest import NOW, config_for
from tests.kraken.gateway import KrakenGateway
from tests.kraken.samples import BTC, product


async def found(gateway: KrakenGateway, **changes: Any) -> list[Check]:
    return await probe(config_for(gateway.url, **changes), lambda: NOW)


async def test_all_is_well(gateway: KrakenGateway) -> None:
    told: list[Account] = []

    def about(account: Account) -> Check:
        told.append(account)
        return Check("limits", True, "as wanted")

    checks = await probe(config_for(gateway.url), lambda: NOW, about)
    assert all(check.ok for check in checks)
    assert [check.name for check in checks] == [
        "market reachable",
        "instrument",
        "login",
        "account",
        "limits",
    ]
    assert checks[1].detail == "BTCUSDT.P is PF_XBTUSD, 0.0002 is the least"
    assert "LIVE, balance 10000.5 USD" in checks[3].detail
    assert told[0].currency == "USD"
    assert gateway.placed == []


async def test_a_symbol_that_is_not_listed_is_named_with_what_there_is(gateway: KrakenGateway) -> None:
    checks = await found(gateway, instruments={"X": product(symbol="X", root="PF_XBTUSDT"), BTC.symbol: BTC})
    wrong = next(check for check in checks if not check.ok)
    assert (wrong.name, wrong.remedy) == ("instrument", "correct the instruments in the settings")
    assert "PF_XBTUSDT is not listed; there are PF_XBTUSD" in wrong.detail


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("EAPI:Invalid key", "does not know this API key"),
        ("EAPI:Invalid signature", "private key does not belong"),
        ("EGeneral:Permission denied", "access the WebSockets API"),
    ],
)
async def test_wrong_keys(gateway: KrakenGateway, error: str, says: str) -> None:
    gateway.tokens = [{"error": [error]}]
    last = (await found(gateway))[-1]
    assert (last.name, last.ok) == ("login", False)
    assert says in last.detail
    assert last.remedy == "check the key in .env and its permissions"


async def test_a_key_that_may_not_see_orders(gateway: KrakenGateway) -> None:
    gateway.hooks["executions"] = lambda side, asked: side.send(
        {
            "method": "subscribe",
            "req_id": asked["req_id"],
            "success": False,
            "error": "EGeneral:Permission denied",
        }
    )
    last = (await found(gateway))[-1]
    assert (last.name, last.ok) == ("account", False)
    assert "Permission denied" in last.detail
    assert "query open orders" in last.remedy


async def test_a_secret_that_is_no_secret(gateway: KrakenGateway) -> None:
    last = (await found(gateway, api_secret=Secret("nonsense!")))[-1]
    assert "not base64" in last.detail
    assert "nonsense" not in last.detail


async def test_without_a_key_prices_alone(gateway: KrakenGateway) -> None:
    last = (await found(gateway, api_key=Secret("")))[-1]
    assert (last.ok, last.detail) == (True, "no key: prices alone")


async def test_a_venue_that_cannot_be_reached(gateway: KrakenGateway) -> None:
    first = (await found(gateway, public_url="ws://127.0.0.1:9/v2/public"))[0]
    assert (first.name, first.ok) == ("market reachable", False)
    assert "nothing listens there" in first.detail
