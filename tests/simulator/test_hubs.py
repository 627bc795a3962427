"""SignalR as it goes over the wire: framing, keep-alive, subscriptions, market records."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.wire.projectx.market_stream import MarketPublisher
from adapters.simulator.wire.projectx.signalr import HubTiming
from engine.model.events import Print
from engine.model.market import Side
from tests.simulator.practice_venue import ACCOUNT, MNQ, SEPARATOR, PracticeDesk, bench
from tests.support.recordings import DATA, needs_recordings

QUOTES, TRADES, DEPTH = "SubscribeContractQuotes", "SubscribeContractTrades", "SubscribeContractMarketDepth"


# -- connecting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 1])
async def test_handshake_is_answered_with_nothing_whatever_the_version(
    desk: PracticeDesk, version: int
) -> None:
    wire = await desk.connect("market")
    assert await wire.handshake(version) == {}
    assert wire.frames == ["{}" + SEPARATOR]


async def test_other_protocols_are_refused(desk: PracticeDesk) -> None:
    wire = await desk.connect("user")
    await wire.raw('{"protocol":"messagepack","version":1}' + SEPARATOR)
    assert "messagepack" in (await wire.record())["error"]
    assert (await wire.socket.receive()).type is WSMsgType.CLOSE


async def test_the_token_comes_by_query_or_header(desk: PracticeDesk) -> None:
    url = f"{desk.venue.url}/hubs/user"
    async with desk.session.ws_connect(url, headers={"Authorization": f"Bearer {desk.token}"}) as socket:
        assert not socket.closed
    for query in ("", "?access_token=nonsense", "?id=never-given"):
        with pytest.raises(WSServerHandshakeError) as refused:
            await desk.session.ws_connect(url + query)
        assert refused.value.status == (404 if "id=" in query else 401)


@pytest.mark.parametrize(("query", "key"), [("", "connectionId"), ("?negotiateVersion=1", "connectionToken")])
async def test_negotiation(desk: PracticeDesk, query: str, key: str) -> None:
    url = f"{desk.venue.url}/hubs/market/negotiate{query}"
    async with desk.session.post(url) as refused:
        assert refused.status == 401
    async with desk.session.post(url, headers={"Authorization": f"Bearer {desk.token}"}) as reply:
        answer = await reply.json()
    assert answer["availableTransports"][0]["transport"] == "WebSockets"
    wire = await desk.connect("market", f"id={answer[key]}")
    assert await wire.handshake() == {}


async def test_records_of_the_client_may_come_in_pieces_and_several_at_once(desk: PracticeDesk) -> None:
    wire = await desk.connect("market")
    call = {"type": 1, "target": QUOTES, "arguments": [MNQ], "invocationId": "a"}
    text = (
        '{"protocol":"json","version":1}'
        + SEPARATOR
        + json.dumps(call)
        + SEPARATOR
        + '{"type":6}'
        + SEPARATOR
    )
    for start in range(0, len(text), 37):
        await wire.raw(text[start : start + 37])
    assert await wire.record() == {}
    assert await wire.record() == {"type": 3, "invocationId": "a", "result": None}


async def test_completions(desk: PracticeDesk) -> None:
    wire = await desk.connect("market")
    await wire.handshake()
    assert await wire.call("subscribecontractquotes", MNQ) == {"type": 3, "invocationId": "1", "result": None}
    unknown = await wire.call("SubscribeContractDepth", MNQ)
    assert unknown["error"] == (
        "Failed to invoke 'SubscribeContractDepth' due to an error on the server. "
        "HubException: Method does not exist."
    )
    assert "result" not in unknown
    for arguments in ((), (1,), (MNQ, 2), (True,)):
        assert "error" in await wire.call(QUOTES, *arguments)


async def test_a_call_without_id_gets_no_completion(desk: PracticeDesk) -> None:
    wire = await desk.connect("market")
    await wire.handshake()
    await wire.raw(json.dumps({"type": 1, "target": QUOTES, "arguments": [MNQ]}) + SEPARATOR)
    await wire.raw(json.dumps({"type": 1, "target": "Nonsense", "arguments": []}) + SEPARATOR)
    await wire.raw("no json" + SEPARATOR)
    assert (await wire.call(TRADES, MNQ))["invocationId"] == "1"
    desk.quote(400, 401)
    assert (await wire.record())["target"] == "GatewayQuote"


async def test_pings_come_and_silent_clients_go() -> None:
    async with bench(SimulatorConfig(timing=HubTiming(ping_s=0.02, silence_s=0.1))) as desk:
        wire = await desk.connect("user")
        await wire.handshake()
        for _ in range(10):
            await wire.raw('{"type":6}' + SEPARATOR)
            assert await wire.record() == {"type": 6}
        records = []
        while (message := await asyncio.wait_for(wire.socket.receive(), 5)).type is WSMsgType.TEXT:
            records.append(message.data)
        assert '"type":7' in records[-1]
        assert message.type is WSMsgType.CLOSE


async def test_a_client_that_never_shakes_hands_is_dropped() -> None:
    async with bench(SimulatorConfig(timing=HubTiming(handshake_s=0.02))) as desk:
        wire = await desk.connect("user")
        assert (await asyncio.wait_for(wire.socket.receive(), 5)).type is WSMsgType.CLOSE


async def test_a_graceful_end_is_announced() -> None:
    async with bench() as desk:
        wire = await desk.connect("user")
        await wire.handshake()
        await desk.venue.hubs.close()
        assert await wire.record() == {"type": 7, "allowReconnect": True}


# -- market --------------------------------------------------------------------------------------------


async def quotes(wire: Any, count: int) -> list[dict[str, Any]]:
    found = []
    for _ in range(count):
        contract, payload = await wire.event("GatewayQuote")
        assert contract == payload["contract"] == MNQ
        found.append(payload)
    return found


async def test_the_first_quote_is_full_and_later_ones_name_what_changed(desk: PracticeDesk) -> None:
    desk.trade(117_990, 3)
    desk.trade(118_000, 2)
    desk.quote(118_000, 118_001)
    wire = await desk.market_hub(QUOTES)
    [full] = await quotes(wire, 1)
    assert full == {
        "symbol": "F.US.MNQ", "symbolName": "/MNQ", "lastPrice": 29500, "bestBid": 29500, "bestAsk": 29500.25,
        "open": 29497.5, "high": 29500, "low": 29497.5, "volume": 5,
        "lastUpdated": "2026-11-20T14:25:00+00:00", "timestamp": "2026-11-20T14:25:00+00:00", "contract": MNQ,
    }  # fmt: skip
    desk.quote(118_000, 118_001)
    await quotes(wire, 1)
    desk.quote(118_001, 118_003)
    desk.trade(118_002, 1)
    desk.quote(118_001, 118_003)
    desk.trade(118_002, 4)
    desk.quote(118_002, 118_003)
    touch, last, both = await quotes(wire, 3)
    always = {"symbol", "lastUpdated", "timestamp", "contract"}
    assert set(touch) == always | {"bestBid", "bestAsk"}
    assert set(last) == always | {"lastPrice", "open", "high", "low", "volume"}
    assert (last["volume"], last["high"]) == (6, 29500.5)
    assert set(both) == always | {"lastPrice", "bestBid", "bestAsk", "volume"}


async def test_prints_of_one_instant_share_a_message(desk: PracticeDesk) -> None:
    wire = await desk.market_hub(TRADES)
    desk.clock.advance(5_000_000)
    now = desk.clock()
    publisher = MarketPublisher(desk.venue.hubs.market, desk.clock)
    publisher.add(desk.venue.exchange.tickers["MNQ"])
    for price, size, side in ((118_000, 1, Side.SELL), (117_999, 2, Side.SELL)):
        trade = Print(ts_recv=now, ts_venue=now, instrument="MNQ", price=price, size=size, aggressor=side)
        publisher.on_print(trade, now)
    publisher.flush(now)
    contract, rows = await wire.event("GatewayTrade")
    assert contract == MNQ
    assert rows == [
        {
            "symbolId": "F.US.MNQ", "price": price, "timestamp": "2026-11-20T14:25:00.005+00:00", "type": 1,
            "volume": volume, "contractId": MNQ,
        }
        for price, volume in ((29500, 1), (29499.75, 2))
    ]  # fmt: skip
    desk.trade(118_000, side=Side.BUY)
    assert (await wire.event("GatewayTrade"))[1][0]["type"] == 0


async def test_depth_begins_with_a_snapshot_from_the_year_one(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    for price, size in ((118_000, 3), (118_004, 2), (118_000, 5)):
        desk.trade(price, size)
    wire = await desk.market_hub(DEPTH)
    contract, rows = await wire.event("GatewayDepth")
    assert contract == MNQ
    assert {row["timestamp"] for row in rows} == {"0001-01-01T00:00:00+00:00"}
    assert [row["type"] for row in rows[-5:]] == [3, 4, 8, 7, 5]
    profile = [row for row in rows[:-5] if row["type"] == 5]
    book = {(row["type"], row["price"]): row["volume"] for row in rows[len(profile) : -5]}
    assert {price for kind, price in book if kind == 2} == {29500 - n * 0.25 for n in range(10)}
    assert {price for kind, price in book if kind == 1} == {29500.25 + n * 0.25 for n in range(10)}
    assert all(size > 0 for size in book.values())
    assert sum(row["volume"] for row in profile) == 10
    assert (rows[-3]["price"], rows[-2]["price"], rows[-1]["price"]) == (29501, 29500, 29500)
    desk.trade(118_004, 7)
    [live] = (await wire.event("GatewayDepth"))[1]
    assert (live["type"], live["price"], live["currentVolume"]) == (5, 29501, 7)
    before = next(row["volume"] for row in profile if row["price"] == 29501)
    assert live["volume"] == before + 7
    desk.quote(118_003, 118_004)
    touch = (await wire.event("GatewayDepth"))[1]
    assert [(row["type"], row["price"], row["currentVolume"]) for row in touch[:2]] == [
        (3, 29501, 0),
        (4, 29500.75, 0),
    ]
    assert all(row["volume"] > 0 for row in touch[:2])
    for row in touch[2:]:  # a size of 0 takes a level out
        book[row["type"], row["price"]] = row["volume"]
    left = {(kind, price) for (kind, price), size in book.items() if size}
    assert {price for kind, price in left if kind == 2} == {29500.75 - n * 0.25 for n in range(10)}
    assert {price for kind, price in left if kind == 1} == {29501 + n * 0.25 for n in range(10)}


async def test_subscriptions_belong_to_one_connection_and_end(desk: PracticeDesk) -> None:
    one, other = await desk.market_hub(QUOTES), await desk.market_hub(TRADES)
    desk.quote(400, 401)
    desk.trade(400)
    assert (await one.record())["target"] == "GatewayQuote"
    assert (await other.record())["target"] == "GatewayTrade"
    await one.call("UnsubscribeContractQuotes", MNQ)
    desk.quote(401, 402)
    assert (await one.call(TRADES, MNQ))["type"] == 3
    desk.trade(401)
    assert (await one.record())["target"] == "GatewayTrade"
    await one.socket.close()
    desk.trade(402)
    assert (await other.events(2))[1][1][1][0]["price"] == 100.5


async def test_user_events_go_to_the_account_that_was_asked_for(desk: PracticeDesk) -> None:
    wire = await desk.connect("user")
    await wire.handshake()
    await wire.call("SubscribeOrders", 7)
    await desk.place()
    await wire.call("SubscribeOrders", ACCOUNT)
    second = await desk.place()
    [told] = await wire.event("GatewayUserOrder")
    assert told["data"]["id"] == second["orderId"]


async def test_batches_may_be_cut_inside_a_record() -> None:
    async with bench(SimulatorConfig(timing=HubTiming(split_every=1))) as desk:
        wire = await desk.market_hub(QUOTES)
        wire.frames.clear()
        desk.quote(118_000, 118_001)
        assert (await wire.event("GatewayQuote"))[1]["bestAsk"] == 29500.25
        assert len(wire.frames) == 2
        assert SEPARATOR not in wire.frames[0]


async def test_records_of_one_turn_leave_together(desk: PracticeDesk) -> None:
    wire = await desk.market_hub(QUOTES)
    wire.frames.clear()
    for bid in range(20):
        desk.quote(bid + 1, bid + 2)
    await quotes(wire, 20)
    assert len(wire.frames) == 1


async def test_a_client_that_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.simulator.wire.projectx.signalr._MOST_WAITING", 2000)
    async with bench() as desk:
        wire = await desk.market_hub(QUOTES)
        for bid in range(20):
            desk.quote(bid + 1, bid + 2)
        message = await asyncio.wait_for(wire.socket.receive(), 5)
        assert message.type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)


@pytest.mark.recordings
@needs_recordings
async def test_records_have_the_fields_of_the_captured_ones(desk: PracticeDesk) -> None:
    text = (DATA / "projectx" / "stream_event_samples.json").read_text()
    captured = {s["event_type"]: s["raw_payload"] for s in json.loads(text)["samples"]}
    desk.quote(118_000, 118_001)
    wire = await desk.market_hub(TRADES, DEPTH, QUOTES)
    desk.trade(118_000)
    desk.quote(118_000, 118_002)
    events = {target: arguments[1] for target, arguments in await wire.events(5)}
    assert set(events["GatewayTrade"][0]) == set(captured["market_trade"]["payload"][0])
    assert set(captured["depth"]["payload"]) - {"contractId"} == set(events["GatewayDepth"][0])
    assert set(captured["quote"]["payload"]) <= set(events["GatewayQuote"]) | {"lastPrice", "volume"}
