"""Getting out: closing positions, whole and in part, and the end of the day."""

from __future__ import annotations

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import PlatformRules
from adapters.simulator.market.hours import session
from tests.simulator.practice_venue import ACCOUNT, DAY, MNQ, UNAVAILABLE, PracticeDesk, bench, enter


async def test_close_contract_leaves_the_legs_which_can_open_a_naked_position(desk: PracticeDesk) -> None:
    entry = await enter(desk)
    assert await desk.ask("Position/closeContract", accountId=ACCOUNT, contractId=MNQ) == {
        "success": True,
        "errorCode": 0,
        "errorMessage": None,
    }
    desk.wait(8)
    assert not await desk.positions()
    rows = await desk.orders()
    closing = rows[entry + 3]
    assert (closing["type"], closing["side"], closing["customTag"], closing["status"]) == (2, 1, None, 2)
    assert (rows[entry + 1]["status"], rows[entry + 2]["status"]) == (1, 1)
    desk.trade(117_900)
    desk.wait(8)
    [naked] = await desk.positions()
    assert (naked["type"], naked["size"]) == (2, 1)


async def test_close_contract_can_take_the_legs_along() -> None:
    async with bench(SimulatorConfig(rules=PlatformRules(legs_on_close="cancel"))) as desk:
        entry = await enter(desk)
        await desk.ask("Position/closeContract", accountId=ACCOUNT, contractId=MNQ)
        desk.wait(8)
        rows = await desk.orders()
        assert (rows[entry + 1]["status"], rows[entry + 2]["status"]) == (3, 3)


@pytest.mark.parametrize(
    ("account", "contract", "code"),
    [
        (7, MNQ, 1),
        (ACCOUNT, "CON.F.US.EP.Z26", 2),
        (ACCOUNT, "CON.F.US.X.Z26", 3),
        (ACCOUNT, "CON.F.US.EP.U26", 4),
    ],
)
async def test_closes_that_fail(desk: PracticeDesk, account: int, contract: str, code: int) -> None:
    await enter(desk)
    whole = await desk.ask("Position/closeContract", accountId=account, contractId=contract)
    part = await desk.ask("Position/partialCloseContract", accountId=account, contractId=contract, size=1)
    assert (whole["errorCode"], part["errorCode"]) == (code, code)


async def test_a_close_under_way_is_not_doubled(desk: PracticeDesk) -> None:
    await enter(desk)
    body = {"accountId": ACCOUNT, "contractId": MNQ}
    first = await desk.ask("Position/closeContract", **body)
    second = await desk.ask("Position/closeContract", **body)
    part = await desk.ask("Position/partialCloseContract", **body, size=1)
    assert (first["errorCode"], second["errorCode"], part["errorCode"]) == (0, 6, 7)
    desk.wait(8)
    assert not await desk.positions()
    assert (await desk.ask("Position/closeContract", **body))["errorCode"] == 2


async def test_partial_close(desk: PracticeDesk) -> None:
    entry = await enter(desk, size=3)
    body = {"accountId": ACCOUNT, "contractId": MNQ}
    for size in (0, 4):
        assert (await desk.ask("Position/partialCloseContract", **body, size=size))["errorCode"] == 5
    assert (await desk.ask("Position/partialCloseContract", **body, size=2))["success"]
    desk.wait(8)
    [left] = await desk.positions()
    assert (left["size"], left["averagePrice"], left["contractDisplayName"]) == (1, 29500.5, "MNQZ26")
    assert (await desk.orders())[entry + 1]["size"] == 3


async def test_no_closing_after_15_10_but_canceling_goes_on() -> None:
    config = SimulatorConfig(desk_flattens=False)
    async with bench(config, start=session(DAY).cut_off - 1_000_000_000) as desk:
        entry = await enter(desk)
        desk.wait(1000)
        answer = await desk.ask("Position/closeContract", accountId=ACCOUNT, contractId=MNQ)
        assert (answer["errorCode"], answer["errorMessage"]) == (5, UNAVAILABLE)
        part = await desk.ask("Position/partialCloseContract", accountId=ACCOUNT, contractId=MNQ, size=1)
        assert part["errorCode"] == 6
        assert (await desk.ask("Order/cancel", accountId=ACCOUNT, orderId=entry + 1))["success"]


async def test_the_desk_ends_the_day_at_15_10() -> None:
    async with bench(start=session(DAY).cut_off - 1_000_000_000) as desk:
        entry = await enter(desk)
        desk.wait(1000)
        desk.wait(8)
        assert not await desk.positions()
        rows = await desk.orders()
        assert [rows[entry + i]["status"] for i in (1, 2, 3)] == [4, 4, 2]
        assert (await desk.trades())[0]["orderId"] == entry + 3
