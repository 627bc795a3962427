"""Faults of the hubs: events lost, doubled, late, out of order and bare; silence, drops and logouts."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import WSMsgType

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.faults.catalogue import fault
from adapters.simulator.wire.projectx.signalr import HubTiming
from engine.model.market import Side
from tests.simulator.practice_venue import (
    ACCOUNT,
    MNQ,
    PracticeDesk,
    Wire,
    bench,
    enter,
    stop_loss,
    take_profit,
)

NAMES = {
    "GatewayUserOrder": "order",
    "GatewayUserTrade": "fill",
    "GatewayUserPosition": "position",
    "GatewayUserAccount": "account",
}


def told(events: list[tuple[str, Any]]) -> list[str]:
    return [NAMES[target] for target, _ in events]


async def buy(desk: PracticeDesk) -> None:
    """Healthy, this tells: order, fill, order, position, account."""
    desk.quote(118_000, 118_001)
    await desk.place(customTag=f"t{desk.clock()}")
    desk.wait(8)


async def silent(wire: Wire, desk: PracticeDesk) -> None:
    """Nothing was sent: the next record is the answer to a call that is made now."""
    assert (await wire.call("UnsubscribeNothing"))["error"]
    assert wire._records == []
    assert desk.venue.hubs.user.connections


@pytest.mark.parametrize("instead", [True, False])
async def test_f41_a_fill_that_never_was_is_told_and_the_accounts_stay_true(
    desk: PracticeDesk, instead: bool
) -> None:
    hub = await desk.user_hub()
    desk.venue.faults.add("absurd-fill", instead=instead, times_price=2.0)
    await buy(desk)
    events = await hub.events(5 if instead else 6)
    fills = [arguments[0]["data"] for target, arguments in events if NAMES[target] == "fill"]
    [true] = await desk.trades()
    absurd = fills[-1]
    assert len(fills) == (1 if instead else 2)
    assert (absurd["size"], absurd["price"]) == (10**9, round(2 * true["price"]))
    assert absurd["orderId"] != true["orderId"]
    assert true["size"] == 1


async def test_f08_a_fill_is_never_told(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    desk.venue.faults.add("lost-event", event="fill")
    await buy(desk)
    assert told(await hub.events(4)) == ["order", "order", "position", "account"]
    await buy(desk)
    assert told(await hub.events(5)) == ["order", "fill", "order", "position", "account"]
    assert len(await desk.trades()) == 2


async def test_f07_a_fill_is_told_twice(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    desk.venue.faults.add("doubled-event", event="fill", times=0)
    await buy(desk)
    events = await hub.events(6)
    assert told(events) == ["order", "fill", "fill", "order", "position", "account"]
    first, second = events[1][1][0], events[2][1][0]
    assert (first["action"], second["action"]) == (0, 1)
    assert first["data"] == second["data"]
    assert len(await desk.trades()) == 1


async def test_a_fill_is_told_late(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    desk.venue.faults.add("late-event", event="fill", seconds=3)
    await buy(desk)
    assert told(await hub.events(4)) == ["order", "order", "position", "account"]
    desk.wait(2999)
    await silent(hub, desk)
    desk.wait(1)
    assert told(await hub.events(1)) == ["fill"]


async def test_children_are_told_before_their_parent(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    desk.venue.faults.add("overtaken-event", event="order", status=6, behind=1)
    desk.quote(118_000, 118_001)
    await desk.place(**stop_loss(-40), **take_profit(80))
    rows = [arguments[0]["data"] for _, arguments in await hub.events(3)]
    assert [row["status"] for row in rows] == [8, 8, 6]
    assert rows[0]["parentOrderId"] == rows[1]["parentOrderId"] == rows[2]["id"]


async def test_f06_a_fill_is_told_before_its_order(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    desk.venue.faults.add("overtaken-event", event="order", behind=2)
    await buy(desk)
    assert told(await hub.events(5)) == ["fill", "order", "order", "position", "account"]


async def test_an_overtaken_event_does_not_wait_for_ever(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    desk.venue.faults.add("overtaken-event", event="account", behind=9)
    await buy(desk)
    assert told(await hub.events(4)) == ["order", "fill", "order", "position"]
    desk.wait(1000)
    assert told(await hub.events(1)) == ["account"]


async def test_shuffled_events_all_arrive_and_the_seed_decides(desk: PracticeDesk) -> None:
    async def run(seed: int) -> list[str]:
        faults = (fault("shuffled-events", behind=6),)
        async with bench(SimulatorConfig(faults=faults, fault_seed=seed)) as other:
            hub = await other.user_hub()
            for _ in range(3):
                await buy(other)
            other.wait(1000)
            return told(await hub.events(15))

    first, again, different = await run(1), await run(1), await run(2)
    assert first == again != different
    assert sorted(first) == sorted(different) == sorted(["order", "fill", "order", "position", "account"] * 3)


async def test_bare_rows_in_two_spellings(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    bare = desk.venue.faults.add("bare-events", event="fill")
    await buy(desk)
    [row] = await hub.event("GatewayUserTrade")
    assert (row["accountId"], row["size"]) == (ACCOUNT, 1)
    bare.disarm()
    desk.venue.faults.add("bare-events", event="fill", keys="pascal", ids="text")
    await buy(desk)
    [row] = await hub.event("GatewayUserTrade")
    assert (row["AccountId"], row["Size"]) == (str(ACCOUNT), 1)
    assert isinstance(row["Id"], str)


@pytest.mark.parametrize(
    ("what", "heard"),
    [("all", set()), ("quotes", {"GatewayTrade"}), ("trades", {"GatewayQuote"})],
)
async def test_f18_the_market_falls_silent_while_pings_go_on(what: str, heard: set[str]) -> None:
    async with bench(SimulatorConfig(timing=HubTiming(ping_s=0.01))) as desk:
        desk.trade(118_000)
        methods = ("SubscribeContractQuotes", "SubscribeContractTrades")
        wire = await desk.market_hub(*methods)
        await wire.event("GatewayQuote")
        desk.venue.faults.add("silent-market", what=what)
        desk.quote(118_001, 118_002)
        desk.trade(118_002)
        records = [await wire.record() for _ in range(len(heard) + 1)]
        while records[-1]["type"] != 6:
            records.append(await wire.record())
        assert {record["target"] for record in records if record["type"] == 1} == heard
        fresh = await desk.market_hub(*methods)
        assert (await fresh.event("GatewayQuote"))[0] == MNQ


async def test_a_book_is_cleared_and_told_anew(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    wire = await desk.market_hub("SubscribeContractMarketDepth")
    await wire.event("GatewayDepth")
    desk.venue.faults.add("depth-reset")
    rows = (await wire.event("GatewayDepth"))[1]
    assert [row["type"] for row in rows] == [6, *[2] * 10, *[1] * 10, 3, 4]


async def test_silence_can_end_by_itself(desk: PracticeDesk) -> None:
    desk.trade(118_000)
    wire = await desk.market_hub("SubscribeContractQuotes")
    await wire.event("GatewayQuote")
    desk.venue.faults.add("silent-market", seconds=30)
    desk.quote(118_010, 118_011)
    desk.wait(30_000)
    desk.quote(118_020, 118_021)
    assert (await wire.event("GatewayQuote"))[1]["bestBid"] == 29_505


async def test_the_user_hub_falls_silent(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    desk.venue.faults.add("silent-user", on="place")
    await buy(desk)
    assert told(await hub.events(1)) == ["order"]
    await silent(hub, desk)
    assert len(await desk.positions()) == 1


async def test_f19_a_subscription_is_completed_and_lost(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.faults.add("lost-subscription", stream="quotes")
    lost = await desk.connect("market")
    await lost.handshake()
    for method in ("SubscribeContractQuotes", "SubscribeContractTrades"):
        assert "error" not in await lost.call(method, MNQ)
    desk.quote(118_001, 118_002)
    desk.trade(118_002)
    record = await lost.record()
    assert record["target"] == "GatewayTrade"
    assert (await lost.call("SubscribeContractQuotes", MNQ))["result"] is None
    assert await lost.event("GatewayQuote")


@pytest.mark.parametrize("goodbye", [False, True])
async def test_sockets_drop_with_and_without_a_close_record(desk: PracticeDesk, goodbye: bool) -> None:
    user, market = await desk.user_hub(), await desk.market_hub()
    desk.venue.faults.add("dropped-hubs", hub="user", goodbye=goodbye)
    if goodbye:
        assert await user.record() == {
            "type": 7,
            "allowReconnect": True,
            "error": "Connection closed with an error.",
        }
    message = await user.socket.receive(5)
    assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR)
    assert (message.type is WSMsgType.CLOSE) == goodbye
    assert "result" in await market.call("SubscribeContractQuotes", MNQ)


async def test_hubs_drop_between_an_order_and_its_fill(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    desk.venue.faults.add("dropped-hubs", on="place")
    await buy(desk)
    message = await hub.socket.receive(5)
    while message.type is WSMsgType.TEXT:
        assert "GatewayUserTrade" not in message.data
        message = await hub.socket.receive(5)
    assert len(await desk.positions()) == 1


async def test_drops_come_again_and_again(desk: PracticeDesk) -> None:
    drops = desk.venue.faults.add("dropped-hubs", at=10, every=60, times=3)
    for count in (0, 1, 1, 2, 2, 3, 3):
        assert drops.acted == count
        desk.wait(30_000 if count else 10_000)
    assert drops.over(desk.clock())


@pytest.mark.parametrize("close", [True, False])
async def test_the_server_logs_out(desk: PracticeDesk, close: bool) -> None:
    wires = await desk.user_hub(), await desk.market_hub()
    desk.venue.faults.add("logout", close=close)
    for wire in wires:
        [text] = await wire.event("GatewayLogout")
        assert "logged out" in text
        if close:
            assert (await wire.record())["type"] == 7
            assert (await wire.socket.receive(5)).type is WSMsgType.CLOSE
        else:
            assert await wire.call("Nothing")


async def test_f32_tokens_expire_while_hubs_stay(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    desk.venue.faults.add("expired-tokens", at=60)
    desk.wait(59_999)
    assert (await desk.post("Position/searchOpen", {"accountId": ACCOUNT}))[0] == 200
    desk.wait(1)
    assert (await desk.post("Position/searchOpen", {"accountId": ACCOUNT}))[0] == 401
    desk.quote(118_000, 118_001)
    desk.venue.platform.trade("MNQ", Side.BUY, 1)
    assert await hub.event("GatewayUserOrder")
    await desk.login()
    assert (await desk.post("Position/searchOpen", {"accountId": ACCOUNT}))[0] == 200


async def test_f32_the_key_is_changed_on_the_platform(desk: PracticeDesk) -> None:
    desk.venue.faults.add("rotated-key", key="new")
    answer = await desk.ask("Auth/loginKey", userName="practice", apiKey="practice")
    assert (answer["success"], answer["errorCode"]) == (False, 3)
    assert (await desk.ask("Auth/loginKey", userName="practice", apiKey="new"))["success"]
    assert (await desk.post("Position/searchOpen", {"accountId": ACCOUNT}))[0] == 200


async def test_the_bracket_is_told_in_the_platforms_order_without_faults(desk: PracticeDesk) -> None:
    hub = await desk.user_hub()
    await enter(desk)
    kinds = told(await hub.events(9))
    assert kinds == ["order", "order", "order", "fill", "order", "position", "account", "order", "order"]
