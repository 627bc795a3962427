"""Faults of orders, fills and accounts: what the venue itself does that no client asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.order_checks import OUT_OF_RANGE, POSITION_BRACKETS
from adapters.simulator.faults.catalogue import fault
from adapters.simulator.market.hours import practice_open, session
from engine.model.errors import RefusedError
from engine.model.market import Side
from tests.simulator.practice_venue import (
    ACCOUNT,
    DAY,
    MNQ,
    START,
    UNAVAILABLE,
    PracticeDesk,
    bench,
    enter,
    stop_loss,
)

THURSDAY = DAY - timedelta(days=1)
STOP = {"type": 4, "side": 1, "stopPrice": 29_400}


async def net(desk: PracticeDesk) -> int:
    """Signed contracts of MNQ at the venue."""
    rows = await desk.positions()
    return sum(row["size"] * (1 if row["type"] == 1 else -1) for row in rows)


async def test_f13_a_stop_is_rejected_and_leaves_its_row(desk: PracticeDesk) -> None:
    desk.trade(118_000)
    hub = await desk.user_hub()
    desk.venue.faults.add("rejected-order")
    await desk.place()
    answer = await desk.place(**STOP, customTag="s1")
    assert (answer["success"], answer["errorCode"], answer["errorMessage"]) == (False, 2, OUT_OF_RANGE)
    rows = [(await hub.event("GatewayUserOrder"))[0]["data"] for _ in range(2)]
    assert (rows[1]["status"], rows[1]["customTag"]) == (5, "s1")
    assert (await desk.orders())[answer["orderId"]]["status"] == 5
    again = await desk.place(**STOP, customTag="s1")
    assert "custom tag" in again["errorMessage"]
    assert (await desk.place(**STOP))["success"]


async def test_any_order_of_a_product_can_be_rejected_for_any_reason(desk: PracticeDesk) -> None:
    desk.venue.faults.add("rejected-order", type="any", symbol="MNQ", text="no", times=2)
    assert (await desk.place(contractId="CON.F.US.MES.Z26"))["success"]
    assert [(await desk.place())["errorMessage"] for _ in range(3)] == ["no", "no", None]


async def test_f12_an_entry_fills_in_part_and_its_rest_can_be_cancelled(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.faults.add("partial-fill", type="market", qty=2)
    entry = (await desk.place(size=3, **stop_loss(-40)))["orderId"]
    desk.wait(8)
    desk.wait(18)
    rows = await desk.orders()
    assert (await net(desk), rows[entry]["fillVolume"], rows[entry]["status"]) == (2, 2, 6)
    assert (rows[entry + 1]["status"], rows[entry + 1]["size"]) == (1, 2)
    assert (await desk.ask("Order/cancel", accountId=ACCOUNT, orderId=entry))["success"]
    desk.wait(8)
    rows = await desk.orders()
    assert (rows[entry]["status"], rows[entry + 1]["size"]) == (3, 2)


async def test_the_rest_of_a_partial_fill_follows_with_the_market(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.faults.add("partial-fill", qty=1, pause=1)
    await desk.place(size=3)
    desk.wait(8)
    filled = [await net(desk)]
    for _ in range(4):
        desk.wait(500)
        desk.quote(118_000, 118_001)
        filled.append(await net(desk))
    assert filled == [1, 1, 2, 2, 3]


async def test_f15_a_target_fills_in_part(desk: PracticeDesk) -> None:
    entry = await enter(desk, size=3)
    desk.venue.faults.add("partial-fill", type="limit", qty=1)
    desk.trade(118_200, size=50)
    desk.wait(13)
    rows = await desk.orders()
    assert (await net(desk), rows[entry + 2]["fillVolume"], rows[entry + 1]["size"]) == (2, 1, 2)
    desk.trade(117_900, size=50)
    desk.wait(8)
    assert await net(desk) == 0


async def test_orders_that_fit_into_one_part_are_no_occasion(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    partial = desk.venue.faults.add("partial-fill", qty=2)
    await desk.place(size=2)
    desk.wait(8)
    assert (await net(desk), partial.acted) == (2, 0)


async def test_f28_a_halt_refuses_orders_and_closes_but_not_cancels(desk: PracticeDesk) -> None:
    entry = await enter(desk)
    desk.venue.faults.add("halt", seconds=30)
    assert (await desk.place())["errorMessage"] == UNAVAILABLE
    body = {"accountId": ACCOUNT, "contractId": MNQ}
    assert (await desk.ask("Position/closeContract", **body))["errorCode"] == 5
    assert (await desk.ask("Position/partialCloseContract", **body, size=1))["errorCode"] == 6
    assert (await desk.ask("Order/cancel", accountId=ACCOUNT, orderId=entry + 2))["success"]
    assert (await desk.orders())[entry + 1]["status"] == 1
    desk.wait(30_000)
    assert (await desk.ask("Position/closeContract", **body))["success"]


async def test_the_session_closes_early() -> None:
    async with bench(start=practice_open(THURSDAY)) as desk:
        await enter(desk)
        desk.venue.faults.add("closed-session", at=60)
        desk.wait(60_000)
        desk.wait(8)
        assert await net(desk) == 0
        assert {row["status"] for row in (await desk.orders()).values()} == {2, 4}
        reopens = session(DAY).open
        for wait, answer in ((reopens - desk.clock() - 1, UNAVAILABLE), (1, None)):
            desk.clock.advance(wait)
            await desk.login()
            assert (await desk.place())["errorMessage"] == answer


async def test_position_brackets_mode_refuses_brackets_for_a_while(desk: PracticeDesk) -> None:
    desk.venue.faults.add("position-brackets", seconds=60)
    assert (await desk.place(**stop_loss(-40)))["errorMessage"] == POSITION_BRACKETS
    assert (await desk.place())["success"]
    desk.wait(60_000)
    assert (await desk.place(**stop_loss(-40)))["success"]


@pytest.mark.parametrize(("habit", "status"), [("keep", 1), ("cancel", 3)])
async def test_legs_after_a_close(desk: PracticeDesk, habit: str, status: int) -> None:
    desk.venue.faults.add("orphan-legs", habit=habit)
    entry = await enter(desk)
    await desk.ask("Position/closeContract", accountId=ACCOUNT, contractId=MNQ)
    desk.wait(8)
    rows = await desk.orders()
    assert [rows[entry + i]["status"] for i in (1, 2)] == [status, status]


@pytest.mark.parametrize(("leg", "gone", "left"), [("stop", 1, 2), ("target", 2, 1)])
async def test_f14_the_venue_cancels_a_leg(desk: PracticeDesk, leg: str, gone: int, left: int) -> None:
    entry = await enter(desk)
    desk.venue.faults.add("cancelled-leg", leg=leg, symbol="MNQ")
    rows = await desk.orders()
    assert (rows[entry + gone]["status"], rows[entry + left]["status"]) == (3, 1)
    assert desk.venue.platform.cancel_leg("MES", "stop") is None


async def test_a_leg_can_vanish_as_soon_as_it_works(desk: PracticeDesk) -> None:
    faults = (fault("cancelled-leg", on="order", nth=6),)
    async with bench(SimulatorConfig(faults=faults)) as other:
        entry = await enter(other)
        assert (await other.orders())[entry + 1]["status"] == 3


async def test_f10_somebody_trades_on_the_platform(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    await enter(desk)
    desk.venue.faults.add("outside-trade", side="sell", qty=3)
    desk.wait(8)
    assert await net(desk) == -2
    foreign = [row for row in (await desk.orders()).values() if row["side"] == 1 and row["type"] == 2]
    assert [(row["customTag"], row["status"]) for row in foreign] == [(None, 2)]
    orders: set[int] = set()
    while len(orders) < 2:
        orders.add((await hub.event("GatewayUserTrade"))[0]["data"]["orderId"])
    assert foreign[0]["id"] in orders


async def test_f10_the_desk_flattens(desk: PracticeDesk) -> None:
    await enter(desk)
    assert await net(desk) == 1
    desk.venue.faults.add("outside-flatten")
    desk.wait(8)
    assert await net(desk) == 0
    assert {row["status"] for row in (await desk.orders()).values()} == {2, 4}


async def test_a_person_on_the_platform_leaves_orders_of_their_own(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    platform = desk.venue.platform
    limit = platform.rest("MNQ", Side.BUY, 1, limit=117_000)
    stop = platform.rest("MNQ", Side.BUY, 1, stop=119_000)
    rows = await desk.orders()
    assert [(rows[i]["type"], rows[i]["status"], rows[i]["customTag"]) for i in (limit, stop)] == [
        (1, 1, None),
        (4, 1, None),
    ]
    platform.cancel(limit)
    assert (await desk.orders())[limit]["status"] == 3
    with pytest.raises(RefusedError):
        platform.cancel(limit)


async def test_the_account_is_blocked_for_a_while(desk: PracticeDesk) -> None:
    entry = await enter(desk)
    hub = await desk.user_hub()
    desk.venue.faults.add("blocked-account", seconds=30)
    [event] = await hub.event("GatewayUserAccount")
    assert event["data"]["canTrade"] is False
    assert (await desk.place())["errorCode"] == 4
    assert (await desk.orders())[entry + 1]["status"] == 1
    desk.wait(30_000)
    [event] = await hub.event("GatewayUserAccount")
    assert event["data"]["canTrade"] is True
    assert (await desk.place())["success"]


@pytest.mark.parametrize(("by", "stamp"), [(5.0, "14:25:15"), (-5.0, "14:25:05")])
async def test_the_venues_clock_is_off(desk: PracticeDesk, by: float, stamp: str) -> None:
    desk.venue.faults.add("skewed-clock", by=by)
    assert desk.venue.now() == START + by * 1e9
    desk.wait(10_000)
    order = (await desk.place())["orderId"]
    assert (await desk.orders())[order]["creationTimestamp"] == f"2026-11-20T{stamp}+00:00"


async def test_the_clock_of_the_engines_machine_is_set_and_the_venues_is_not(desk: PracticeDesk) -> None:
    told: list[int] = []
    desk.venue.controls.on_engine_clock = told.append
    desk.venue.faults.add("engine-clock", by=-300.0)
    assert (told, desk.venue.now()) == ([-300 * 10**9], START)


async def test_what_cannot_be_done_stops_nothing_and_is_said(
    desk: PracticeDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.venue.exchange.accounts[ACCOUNT].venue.expire(desk.clock())
    armed = desk.venue.faults.add("cancelled-leg")
    assert armed.acted == 1
    assert "could do nothing: no stop works" in caplog.text
    assert (await desk.place())["success"]
