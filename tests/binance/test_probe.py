"""`tstream check` of Binance, and how settings say which Binance it is."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from adapters.binance.config import HOSTS, BinanceConfig, Environment
from adapters.binance.probe import probe
from adapters.common.finding import Check
from adapters.common.secret import Secret
from engine.model.errors import FatalError
from engine.model.market import NANOS
from engine.model.orders import Account
from tests.binance.practice import SpotBench, bench, config_for
from tests.binance.samples import BTC
from tstream.venues.binance import config_of
from tstream.venues.kind import AskedBook, At, VenueAsked


def about(account: Account) -> Check:
    return Check("limits", True, account.name)


async def found(made: SpotBench, skew_s: int = 0, **changes: Any) -> dict[str, Check]:
    config = config_for(made.twin, **({"instruments": (BTC,)} | changes))
    checks = await probe(config, lambda: made.twin.now() + skew_s * NANOS, about)
    return {one.name: one for one in checks}


async def test_all_is_well() -> None:
    async with bench(broker=False) as made:
        checks = await found(made)
        assert list(checks) == [
            *("venue reachable", "clock", "symbols", "account", "limits", "key may trade"),
        ]
        assert all(one.ok for one in checks.values())
        assert "PRACTICE, 50000" in checks["account"].detail
        assert made.twin.account.orders == {}


@pytest.mark.parametrize(
    ("changes", "finding", "words"),
    [
        ({"api_key": Secret("")}, "key", "no key"),
        ({"api_key": Secret("other")}, "key", "-2015"),
        ({"api_secret": Secret("other")}, "key", "does not belong"),
        ({"instruments": (structs.replace(BTC, root="DOGEUSDT"),)}, "symbols", "does not list DOGEUSDT"),
        ({"instruments": (structs.replace(BTC, least_notional=BTC.tick_size),)}, "symbols", "least_notional"),
        ({"skew_s": 8}, "clock", "ahead"),
        ({"hosts": HOSTS[Environment.LIVE]}, "addresses", "no address of Binance's testnet"),
    ],
)
async def test_each_thing_that_is_wrong_has_its_line_and_a_remedy(
    changes: dict[str, Any], finding: str, words: str
) -> None:
    async with bench(broker=False) as made:
        check = (await found(made, **changes))[finding]
        assert not check.ok
        assert words in check.detail
        assert check.remedy
        assert "practice-secret" not in check.detail


async def test_a_paused_symbol_is_told() -> None:
    async with bench(broker=False) as made:
        made.wire.orders.status["BTCUSDT"] = "BREAK"
        check = (await found(made))["symbols"]
        assert (check.ok, "BTCUSDT is paused" in check.detail) == (False, True)


def asked(**changes: Any) -> VenueAsked:
    told: dict[str, Any] = {
        "name": "binance",
        "at": At.LIVE,
        "instruments": {"BTCUSDT": BTC},
        "clock": lambda: 0,
        "books": [AskedBook("binance")],
    }
    return VenueAsked(**(told | changes))


@pytest.mark.parametrize(
    ("changes", "environment", "rest"),
    [
        ({}, Environment.LIVE, "https://api.binance.com"),
        ({"api_url": "https://api1.binance.com"}, Environment.LIVE, "https://api1.binance.com"),
        ({"at": At.DEMO}, Environment.TESTNET, "https://testnet.binance.vision"),
        (
            {"at": At.DEMO, "api_url": "https://demo-api.binance.com"},
            Environment.DEMO,
            "https://demo-api.binance.com",
        ),
        ({"at": At.PRACTICE, "api_url": "http://127.0.0.1:5"}, Environment.TESTNET, "http://127.0.0.1:5"),
    ],
)
def test_which_binance_it_is(changes: dict[str, Any], environment: Environment, rest: str) -> None:
    config = config_of(asked(**changes))
    assert isinstance(config, BinanceConfig)
    assert (config.environment, config.where.rest) == (environment, rest)


@pytest.mark.parametrize(
    "changes",
    [
        {"api_url": "https://testnet.binance.vision"},
        {"at": At.DEMO, "api_url": "https://api.binance.com"},
        {"books": [AskedBook("a"), AskedBook("b")]},
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(FatalError):
        config_of(asked(**changes))


@pytest.mark.parametrize(
    ("speed", "period_s", "window_ms"), [(1.0, 60, 5_000), (10.0, 6, 50_000), (20.0, 3, 60_000)]
)
def test_limits_count_in_the_time_of_the_venue(speed: float, period_s: float, window_ms: int) -> None:
    config = config_of(asked(speed=speed))
    assert (config.limits.period_s, config.recv_window_ms) == (period_s, window_ms)
