"""`check` says what is wrong and what to do about it, and places nothing."""

from __future__ import annotations

import time

import pytest

from adapters.common.finding import Check
from adapters.projectx.probe import probe
from tests.projectx import samples
from tests.projectx.conftest import KEY, config_for
from tests.projectx.gateway import Gateway, Status


async def checks(gateway: Gateway, clock: int | None = None, **changes: object) -> dict[str, Check]:
    now = time.time_ns() if clock is None else clock
    return {check.name: check for check in await probe(config_for(gateway, **changes), lambda: now)}


async def test_all_is_well(gateway: Gateway) -> None:
    found = await checks(gateway)
    assert list(found) == ["venue reachable", "clock", "login", "account", "contracts"]
    assert all(check.ok and check.detail and not check.remedy for check in found.values())
    assert found["account"].detail == "PRAC-V2-1-1, PRACTICE, balance 150000.5 USD"
    assert found["contracts"].detail == "MNQ is MNQZ1, ES is ESZ1"
    assert not any("/Order/" in call.path or "/Position/" in call.path for call in gateway.calls)


async def test_nobody_listens(gateway: Gateway) -> None:
    found = await checks(gateway, api_url="http://127.0.0.1:1")
    assert list(found) == ["venue reachable"]
    assert not found["venue reachable"].ok
    assert "api_url" in found["venue reachable"].remedy


@pytest.mark.parametrize("skew_s", [-60, 60])
async def test_f37_check_tells_how_far_the_clocks_differ(gateway: Gateway, skew_s: int) -> None:
    found = await checks(gateway, time.time_ns() + skew_s * 10**9)
    assert not found["clock"].ok
    assert ("ahead of" if skew_s > 0 else "behind") in found["clock"].detail


async def test_a_wrong_key(gateway: Gateway) -> None:
    gateway.script("/api/Auth/loginKey", samples.failed(3, token=None))
    found = await checks(gateway)
    assert not found["login"].ok
    assert "account" not in found
    assert KEY not in repr(found)


async def test_findings_that_do_not_depend_on_each_other_all_come(gateway: Gateway) -> None:
    gateway.defaults["/api/Account/search"] = samples.ok(accounts=[])
    gateway.defaults["/api/Contract/available"] = Status(503, "")
    found = await checks(gateway)
    assert (found["account"].ok, found["contracts"].ok) == (False, False)
    assert found["account"].remedy
    assert found["contracts"].remedy


async def test_a_locked_account(gateway: Gateway) -> None:
    gateway.defaults["/api/Account/search"] = samples.ok(accounts=[samples.account(canTrade=False)])
    found = await checks(gateway)
    assert not found["account"].ok
    assert "may not trade" in found["account"].detail
