"""Faults of REST calls: what the client sees, and what the venue has in its books all the same."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientError, WSServerHandshakeError

from tests.simulator.practice_venue import ACCOUNT, MNQ, START, PracticeDesk, bench, enter, stop_loss
from tests.support.patience import patient

PLACE = {"accountId": ACCOUNT, "contractId": MNQ, "type": 2, "side": 0, "size": 1}


async def gives_up(desk: PracticeDesk, **fields: object) -> None:
    """Place an order and don't wait for the answer."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await desk.place(**fields)


async def test_f01_the_order_was_taken_but_the_connection_is_cut(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.faults.add("lost-reply", call="place")
    with pytest.raises(ClientError):
        await desk.place(customTag="t1")
    [row] = (await desk.orders()).values()
    assert (row["customTag"], row["status"]) == ("t1", 6)
    desk.wait(8)
    [position] = await desk.positions()
    assert position["size"] == 1
    assert (await desk.place(customTag="t2"))["success"]


async def test_f01_the_order_was_taken_but_nobody_answers(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.faults.add("lost-reply", hang=True)
    await gives_up(desk)
    desk.wait(8)
    assert len(await desk.positions()) == 1


@pytest.mark.parametrize("hang", [False, True])
async def test_f02_the_request_never_arrived(desk: PracticeDesk, hang: bool) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.faults.add("lost-request", hang=hang)
    if hang:
        await gives_up(desk)
    else:
        with pytest.raises(ClientError):
            await desk.place()
    desk.wait(10_000)
    assert not await desk.orders()


async def test_f06_the_answer_comes_long_after_the_fill(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    hub = await desk.user_hub()
    late = desk.venue.faults.add("late-reply", call="place", seconds=2)
    place = asyncio.create_task(desk.place())
    await late.happened()
    desk.wait(1999)
    [row] = await hub.event("GatewayUserTrade")
    assert not place.done()
    desk.wait(1)
    answer = await place
    assert (answer["success"], answer["orderId"]) == (True, row["data"]["orderId"])


async def test_f02_the_request_arrives_when_the_client_has_given_up(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.faults.add("late-request", seconds=10)
    await gives_up(desk, customTag="t1")
    desk.wait(9_999)
    assert not await desk.orders()
    hub = await desk.user_hub()
    desk.wait(1)
    await hub.event("GatewayUserOrder")
    [row] = (await desk.orders()).values()
    assert row["customTag"] == "t1"


@pytest.mark.parametrize(("name", "status", "taken"), [("error-after", 502, 1), ("error-before", 503, 0)])
async def test_f03_a_server_error(desk: PracticeDesk, name: str, status: int, taken: int) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.faults.add(name, call="place", status=status)
    assert (await desk.post("Order/place", PLACE))[0] == status
    assert len(await desk.orders()) == taken


async def test_f03_too_many_requests(desk: PracticeDesk) -> None:
    desk.venue.faults.add("throttled", seconds=3, times=2)
    url = f"{desk.venue.url}/api/Order/place"
    async with desk.session.post(url, json=PLACE) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (429, "3")
    assert (await desk.post("Position/searchOpen", {"accountId": ACCOUNT}))[0] == 429
    assert not await desk.orders()
    desk.venue.faults.add("throttled", seconds=0)
    async with desk.session.post(url, json=PLACE) as reply:
        assert (reply.status, "Retry-After" in reply.headers) == (429, False)


HTML = "<html><body>upstream timed out</body></html>"


@pytest.mark.parametrize(("how", "told"), [("cut", None), ("html", HTML), ("empty", ""), ("null", "null")])
async def test_f03_a_body_that_cannot_be_read(desk: PracticeDesk, how: str, told: str | None) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.faults.add("garbled-reply", how=how)
    headers = {"Authorization": f"Bearer {desk.token}"}
    async with desk.session.post(f"{desk.venue.url}/api/Order/place", json=PLACE, headers=headers) as reply:
        body = await reply.text()
    assert reply.status == 200
    if told is not None:
        assert body == told
    else:
        assert body.startswith('{"orderId":')
        assert not body.endswith("}")
    assert len(await desk.orders()) == 1


async def test_f11_a_query_fails_without_saying_flat(desk: PracticeDesk) -> None:
    await enter(desk)
    desk.venue.faults.add("refused-call", call="positions", code=1)
    answer = await desk.ask("Position/searchOpen", accountId=ACCOUNT)
    assert answer == {"positions": None, "success": False, "errorCode": 1, "errorMessage": None}
    desk.venue.faults.add("refused-call", call="positions", code=1, empty=True, text="try later")
    answer = await desk.ask("Position/searchOpen", accountId=ACCOUNT)
    assert answer == {"positions": [], "success": False, "errorCode": 1, "errorMessage": "try later"}
    desk.venue.faults.add("refused-call", call="positions", code=0, empty=True)
    assert await desk.ask("Position/searchOpen", accountId=ACCOUNT) == {
        "positions": [],
        "success": True,
        "errorCode": 0,
        "errorMessage": None,
    }
    assert len(await desk.positions()) == 1


async def test_f16_a_modify_is_refused_or_its_outcome_unknown(desk: PracticeDesk) -> None:
    stop = await enter(desk) + 1
    change = {"accountId": ACCOUNT, "orderId": stop, "stopPrice": 29_495}
    before = (await desk.orders())[stop]["stopPrice"]
    desk.venue.faults.add("refused-call", call="modify")
    assert (await desk.ask("Order/modify", **change))["errorCode"] == 3
    assert (await desk.orders())[stop]["stopPrice"] == before
    desk.venue.faults.add("pending-reply", call="modify")
    answer = await desk.ask("Order/modify", **change)
    assert (answer["success"], answer["errorCode"]) == (False, 4)
    desk.wait(8)
    assert (await desk.orders())[stop]["stopPrice"] == 29_495


async def test_a_query_can_lag_behind(desk: PracticeDesk) -> None:
    entry = await enter(desk)
    stale = desk.venue.faults.add("stale-reply", call="positions", nth=2, times=2)
    [old] = await desk.positions()
    await desk.ask("Position/closeContract", accountId=ACCOUNT, contractId=MNQ)
    desk.wait(8)
    assert await desk.positions() == [old]
    assert await desk.positions() == [old]
    assert stale.acted == 2
    assert not await desk.positions()
    assert (await desk.orders())[entry + 3]["status"] == 2


async def test_f32_login_is_refused(desk: PracticeDesk) -> None:
    desk.venue.faults.add("refused-login", code=7)
    body = {"userName": "practice", "apiKey": "practice"}
    answer = await desk.ask("Auth/loginKey", **body)
    assert (answer["token"], answer["success"], answer["errorCode"]) == (None, False, 7)
    desk.venue.faults.add("refused-login", call="validate")
    assert (await desk.ask("Auth/validate"))["newToken"] is None
    assert (await desk.ask("Auth/loginKey", **body))["success"]


async def test_hubs_can_be_closed_to_newcomers(desk: PracticeDesk) -> None:
    desk.venue.faults.add("error-before", call="user-hub", status=502)
    with pytest.raises(WSServerHandshakeError) as refused:
        await desk.connect("user")
    assert refused.value.status == 502
    await (await desk.connect("user")).handshake()


async def test_a_fault_can_wait_for_the_second_stop(desk: PracticeDesk) -> None:
    desk.trade(118_000)
    armed = desk.venue.faults.add("error-before", type="stop", nth=2)
    stop = {"type": 4, "side": 1, "stopPrice": 29_400}
    await desk.place()
    await desk.place(**stop)
    assert not armed.acted
    assert (await desk.post("Order/place", PLACE | stop))[0] == 503
    assert (await desk.place(**stop))["success"]
    assert [entry[1:] for entry in desk.venue.faults.log] == [("error-before", "place")]


async def test_faults_meet_on_one_call(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.faults.add("error-after", status=500)
    slow = desk.venue.faults.add("late-request", seconds=1)
    place = asyncio.create_task(desk.post("Order/place", PLACE | stop_loss(-40)))
    await slow.happened()
    assert not await desk.orders()
    desk.wait(1000)
    assert (await place)[0] == 500
    assert len(await desk.orders()) == 2


async def test_a_fault_is_armed_for_a_while_only(desk: PracticeDesk) -> None:
    body = {"accountId": ACCOUNT}
    desk.venue.faults.add("error-before", call="positions", times=0, at=1, lasting=2)
    seen = []
    for _ in range(4):
        seen.append((await desk.post("Position/searchOpen", body))[0])
        desk.wait(1000)
    assert seen == [200, 503, 503, 200]
    assert not desk.venue.faults.armed


async def test_disarmed_faults_do_nothing(desk: PracticeDesk) -> None:
    desk.venue.faults.add("throttled", times=0).disarm()
    desk.venue.faults.add("lost-request", times=0)
    desk.venue.faults.clear()
    assert (await desk.place())["success"]


async def test_the_venue_closes_though_a_client_waits() -> None:
    async with asyncio.timeout(patient(5)):
        async with bench(start=START) as desk:
            hanging = desk.venue.faults.add("lost-request", hang=True)
            slow = desk.venue.faults.add("late-request", nth=2, seconds=60)
            waits = [asyncio.create_task(desk.place()) for _ in range(2)]
            await hanging.happened()
            await slow.happened()
        ended = await asyncio.gather(*waits, return_exceptions=True)
    assert all(isinstance(end, ClientError) for end in ended)
