"""Several accounts on one login, and two practice venues that share their time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import accounts_of_a_login
from adapters.simulator.market.hours import NANOS
from adapters.simulator.practice import PracticeVenue
from engine.model.market import Side
from tests.simulator.practice_venue import PracticeDesk, Wire, bench
from tests.simulator.test_server import child, login, post

FIRST, SECOND, THIRD = 26_000_001, 26_000_002, 26_000_003
LIMIT = {"type": 1, "limitPrice": 29_000}


@pytest.fixture
async def three() -> AsyncIterator[PracticeDesk]:
    """Three accounts; the second is closed out at a day's loss of 1,000 USD."""
    first, second, third = accounts_of_a_login(3)
    accounts = (first, structs.replace(second, daily_loss_usd=Decimal(1_000)), third)
    async with bench(SimulatorConfig(accounts=accounts)) as desk:
        desk.quote(118_000, 118_001)
        yield desk


async def accounts(desk: PracticeDesk, *, active: bool = False) -> dict[int, dict[str, object]]:
    found = await desk.ask("Account/search", onlyActiveAccounts=active)
    return {row["id"]: row for row in found["accounts"]}


async def listening(desk: PracticeDesk, *ids: int) -> Wire:
    wire = await desk.connect("user")
    await wire.handshake()
    for account in ids:
        for method in ("SubscribeOrders", "SubscribePositions", "SubscribeTrades"):
            await wire.call(method, account)
    return wire


async def test_each_account_has_its_own_orders_positions_and_balance(three: PracticeDesk) -> None:
    placed = [await three.place(accountId=account, size=2) for account in (FIRST, THIRD)]
    three.wait(8)
    assert len({answer["orderId"] for answer in placed}) == 2
    sizes = {}
    for account in (FIRST, SECOND, THIRD):
        rows = (await three.ask("Position/searchOpen", accountId=account))["positions"]
        sizes[account] = [(row["accountId"], row["size"]) for row in rows]
    assert sizes == {FIRST: [(FIRST, 2)], SECOND: [], THIRD: [(THIRD, 2)]}
    rows = await accounts(three)
    assert [row["name"] for row in rows.values()] == [f"PRAC-V2-100001-0000000{n}" for n in (1, 2, 3)]
    assert rows[SECOND]["balance"] == 50_000
    assert rows[FIRST]["balance"] == rows[THIRD]["balance"] != 50_000


async def test_an_order_of_another_account_is_not_found(three: PracticeDesk) -> None:
    order = (await three.place(accountId=FIRST, **LIMIT))["orderId"]
    cancel = await three.ask("Order/cancel", accountId=SECOND, orderId=order)
    assert (cancel["success"], cancel["errorCode"]) == (False, 2)
    assert (await three.ask("Order/cancel", accountId=FIRST, orderId=order))["success"]
    tags = [await three.place(accountId=account, customTag="same", **LIMIT) for account in (FIRST, SECOND)]
    assert all(answer["success"] for answer in tags), "a tag is an account's own"


async def test_a_hub_tells_only_of_the_accounts_that_were_subscribed(three: PracticeDesk) -> None:
    some, every = await listening(three, SECOND), await listening(three, FIRST, SECOND, THIRD)
    for account in (FIRST, THIRD, SECOND):
        await three.place(accountId=account)
    three.wait(8)
    told = [row[0]["data"]["accountId"] for _, row in await some.events(4)]
    assert set(told) == {SECOND}
    told = [row[0]["data"]["accountId"] for _, row in await every.events(12)]
    assert {told.count(account) for account in (FIRST, SECOND, THIRD)} == {4}


async def test_a_loss_limit_locks_its_own_account_only(three: PracticeDesk) -> None:
    for account in (FIRST, SECOND):
        await three.place(accountId=account, size=10)
    three.wait(8)
    three.quote(117_700, 117_701)
    three.wait(8)
    rows = await accounts(three)
    assert [row["canTrade"] for row in rows.values()] == [True, False, True]
    assert set(await accounts(three, active=True)) == {FIRST, THIRD}
    assert (await three.place(accountId=SECOND))["errorCode"] == 4
    assert (await three.place(accountId=FIRST))["success"]


@pytest.mark.parametrize("named", ["26000002", "PRAC-V2-100001-00000002"])
async def test_a_fault_can_name_an_account(three: PracticeDesk, named: str) -> None:
    three.venue.faults.add("refused-call", call="positions", code=1, times=0, account=named)
    three.venue.faults.add("lost-event", event="order", times=0, account=named)
    three.venue.faults.add("rejected-order", type="limit", times=0, account=named)
    three.venue.faults.add("partial-fill", times=0, account=named)
    wire = await listening(three, FIRST, SECOND)
    for account in (FIRST, SECOND):
        answer = await three.ask("Position/searchOpen", accountId=account)
        assert answer["success"] is (account == FIRST)
        assert (await three.place(accountId=account, **LIMIT))["success"] is (account == FIRST)
        await three.place(accountId=account, size=2)
        three.wait(8)
    told = [(target, row[0]["data"]) for target, row in await wire.events(7)]
    orders = {row["accountId"] for target, row in told if target == "GatewayUserOrder"}
    fills = {row["accountId"]: row["size"] for target, row in told if target == "GatewayUserTrade"}
    assert (orders, fills) == ({FIRST}, {FIRST: 2, SECOND: 1})


async def test_a_stale_answer_is_one_about_the_same_account(three: PracticeDesk) -> None:
    async def held(account: int) -> list[int]:
        rows = (await three.ask("Position/searchOpen", accountId=account))["positions"]
        return [row["accountId"] for row in rows]

    three.venue.faults.add("stale-reply", call="positions", times=0, nth=3)
    await three.place(accountId=FIRST)
    three.wait(8)
    assert (await held(SECOND), await held(FIRST)) == ([], [FIRST])
    await three.place(accountId=SECOND)
    three.wait(8)
    assert (await held(SECOND), await held(FIRST)) == ([], [FIRST])


async def test_what_happens_on_the_platform_happens_to_one_account(three: PracticeDesk) -> None:
    three.venue.platforms[THIRD].trade("MNQ", Side.SELL, 1)
    three.venue.faults.add("blocked-account", account=str(SECOND))
    three.venue.faults.add("closed-account", account=str(FIRST), seconds=60)
    three.wait(8)
    held = {i: len(account.holdings.positions) for i, account in three.venue.exchange.accounts.items()}
    assert held == {FIRST: 0, SECOND: 0, THIRD: 1}
    assert {i: row["canTrade"] for i, row in (await accounts(three)).items()} == {SECOND: False, THIRD: True}
    assert (await three.ask("Trade/search", accountId=FIRST))["errorCode"] == 1
    three.wait(60_000)
    assert set(await accounts(three)) == {FIRST, SECOND, THIRD}


async def test_a_moment_after_a_call_is_the_calls_accounts(three: PracticeDesk) -> None:
    three.venue.faults.add("blocked-account", on="place", account=str(SECOND))
    for account in (FIRST, SECOND):
        await three.place(accountId=account)
    three.wait(0)
    assert [a.can_trade for a in three.venue.exchange.accounts.values()] == [True, False, True]


async def test_accounts_are_kept_each_by_itself(tmp_path: Path) -> None:
    config = SimulatorConfig(accounts=accounts_of_a_login(2), state=tmp_path / "venue.db")
    async with PracticeVenue(config) as venue:
        venue.platforms[SECOND].rest("MNQ", Side.BUY, 1, limit=1_000)
        venue.pump()
    async with PracticeVenue(structs.replace(config, accounts=accounts_of_a_login(3))) as venue:
        rows = {i: len(account.rows.orders) for i, account in venue.exchange.accounts.items()}
        assert rows == {FIRST: 0, SECOND: 1, THIRD: 0}


async def test_two_venues_share_their_time_and_play_the_same_market() -> None:
    async with child(seed=9, speed=5.0, accounts=2) as (_, first), child(beside=first) as (_, second):
        shared = ("origin_ns", "real_origin_ns", "rate", "seed")
        assert [first[key] for key in shared] == [second[key] for key in shared]
        assert first["port"] != second["port"]
        window = {"live": False, "startTime": "2020-01-01T00:00:00Z", "endTime": "2090-01-01T00:00:00Z"}
        shape = {"unit": 2, "unitNumber": 1, "limit": 500, "includePartialBar": False}
        answers = []
        for ready in (first, second):
            token = await login(ready["port"])
            listed = await post(ready["port"], "Contract/available", token, live=False)
            contract = next(c["id"] for c in listed["contracts"] if c["symbolId"] == "F.US.MNQ")
            asked = window | shape | {"contractId": contract}
            bars = (await post(ready["port"], "History/retrieveBars", token, **asked))["bars"]
            answers.append({bar["t"]: bar for bar in bars})
        both = answers[0].keys() & answers[1].keys()
        assert len(both) > 400
        assert all(answers[0][t] == answers[1][t] for t in both)


async def test_a_venue_that_is_started_again_goes_on_in_the_same_time(tmp_path: Path) -> None:
    config = SimulatorConfig(state=tmp_path / "venue.db")
    async with PracticeVenue(config) as venue:
        clock = venue.practice_clock
        since = venue.now() + 5 * NANOS
    async with PracticeVenue(structs.replace(config, clock=clock, since_ns=since)) as venue:
        assert venue.practice_clock == clock
        assert venue.now() < since, "the market is ahead of the clock and waits for it"
