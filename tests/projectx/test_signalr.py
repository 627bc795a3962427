"""The hub client over real sockets: framing, handshake, keep-alive, completions, ends of all kinds."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from adapters.projectx import signalr
from adapters.projectx.signalr import (
    Hub,
    HubClosed,
    HubUnauthorized,
    InvocationFailed,
    RecordSplitter,
    socket_url,
)
from tests.projectx.conftest import QUICK
from tests.projectx.gateway import SEPARATOR, Gateway, HubSide
from tests.support.waits import Changes

RECORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x1e"), min_size=1))


class Ear(Changes):
    """Collects what a hub hands out."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, bytes]] = []
        self.junk: list[tuple[str, bytes]] = []

    def receive(self, target: str, arguments: Raw) -> None:
        self.heard.append((target, bytes(arguments)))
        self.tell()

    def note(self, reason: str, record: bytes) -> None:
        self.junk.append((reason, record))
        self.tell()


@asynccontextmanager
async def connected(gateway: Gateway, ear: Ear, **timing: float) -> AsyncIterator[tuple[Hub, HubSide]]:
    hub = await Hub.connect(
        f"{gateway.url}/hubs/user",
        gateway.token(),
        ear.receive,
        ear.note,
        dataclasses.replace(QUICK, **timing),
    )
    try:
        yield hub, gateway.hubs[-1]
    finally:
        await hub.close()


@given(RECORDS, st.lists(st.integers(1, 7)))
def test_records_survive_any_cut_of_the_bytes(texts: list[str], cuts: list[int]) -> None:
    stream = "".join(text + SEPARATOR for text in texts).encode()
    splitter = RecordSplitter()
    found: list[bytes] = []
    sizes = iter(cuts)
    while stream:
        size = next(sizes, len(stream))
        found += splitter.feed(stream[:size])
        stream = stream[size:]
    assert [record.decode() for record in found] == texts


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/hubs/user", "wss://a.example/hubs/user?access_token=t%2F%3D"),
        ("http://127.0.0.1:9/hubs/user", "ws://127.0.0.1:9/hubs/user?access_token=t%2F%3D"),
        ("wss://a.example/h?x=1", "wss://a.example/h?x=1&access_token=t%2F%3D"),
    ],
)
def test_socket_url(url: str, expected: str) -> None:
    assert socket_url(url, "t/=") == expected


async def test_an_invocation_is_awaited_until_its_completion(gateway: Gateway) -> None:
    ear = Ear()
    async with connected(gateway, ear) as (hub, side):
        await hub.invoke("SubscribeOrders", 123)
        await hub.invoke("SubscribeAccounts")
        assert side.invocations == [("SubscribeOrders", [123]), ("SubscribeAccounts", [])]


async def test_completions_may_come_in_any_order(gateway: Gateway) -> None:
    gateway.completion = lambda *_: None
    async with connected(gateway, Ear()) as (hub, side):
        calls = [asyncio.create_task(hub.invoke(f"M{i}")) for i in range(3)]
        await gateway.until(lambda: len(side.invocations) == 3)
        for i, still_open in ((3, [1, 2]), (1, [2]), (2, [])):
            await side.record({"type": 3, "invocationId": str(i)})
            await calls[i - 1]
            assert [n for n, call in enumerate(calls, 1) if not call.done()] == still_open


async def test_an_error_completion_is_an_exception(gateway: Gateway) -> None:
    gateway.completion = lambda *_: {"error": "Method does not exist."}
    async with connected(gateway, Ear()) as (hub, _):
        with pytest.raises(InvocationFailed, match="Method does not exist"):
            await hub.invoke("SubscribeNothing")
        assert not hub.closed.done()


async def test_a_missing_completion_ends_in_time(gateway: Gateway) -> None:
    gateway.completion = lambda *_: None
    async with connected(gateway, Ear(), invoke_s=0.05) as (hub, _):
        with pytest.raises(HubClosed, match="not acknowledged"):
            await hub.invoke("SubscribeOrders", 1)


async def test_records_split_and_joined_across_frames(gateway: Gateway) -> None:
    ear = Ear()
    async with connected(gateway, ear) as (_, side):
        one = '{"type":1,"target":"A","arguments":["é",1]}' + SEPARATOR
        two = '{"type":6}' + SEPARATOR + '{"type":1,"target":"B","arguments":[]}' + SEPARATOR
        await side.raw(one[:20])
        await side.raw(one[20:] + two[:30])
        await side.raw(two[30:])
        await ear.until(lambda: len(ear.heard) == 2)
    assert ear.heard == [("A", '["é",1]'.encode()), ("B", b"[]")]


async def test_records_in_the_handshakes_frame_are_not_lost(gateway: Gateway) -> None:
    gateway.handshake_reply = (
        "{}" + SEPARATOR + '{"type":1,"target":"Early","arguments":[1]}' + SEPARATOR + '{"type":1,"targ'
    )
    ear = Ear()
    async with connected(gateway, ear) as (_, side):
        await side.raw('et":"Late","arguments":[2]}' + SEPARATOR)
        await ear.until(lambda: len(ear.heard) == 2)
    assert ear.heard == [("Early", b"[1]"), ("Late", b"[2]")]


async def test_junk_records_are_reported_and_the_rest_goes_on(gateway: Gateway) -> None:
    ear = Ear()
    async with connected(gateway, ear) as (hub, side):
        for junk in ("not json", "[]", '{"type":"x"}', '{"type":99}', "7"):
            await side.raw(junk + SEPARATOR)
        await side.send("Good", 1)
        await ear.until(lambda: ear.heard)
        assert not hub.closed.done()
    assert len(ear.junk) == 5


async def test_a_refused_handshake(gateway: Gateway) -> None:
    gateway.handshake_reply = '{"error":"Requested protocol is not available."}' + SEPARATOR
    with pytest.raises(HubClosed, match="protocol is not available"):
        async with connected(gateway, Ear()):
            pass


async def test_a_handshake_that_never_comes(gateway: Gateway) -> None:
    gateway.handshake_reply = ""
    with pytest.raises(HubClosed, match="no handshake"):
        async with connected(gateway, Ear(), handshake_s=0.05):
            pass


async def test_a_refused_token(gateway: Gateway) -> None:
    with pytest.raises(HubUnauthorized, match="401"):
        await Hub.connect(f"{gateway.url}/hubs/user", "nobody", Ear().receive, Ear().note, QUICK)


async def test_nobody_listens() -> None:
    with pytest.raises(HubClosed, match="the hub can't be reached: nothing listens there"):
        await Hub.connect("http://127.0.0.1:1/hubs/user", "token-x", Ear().receive, Ear().note, QUICK)


async def test_a_close_record_ends_the_connection_with_its_reason(gateway: Gateway) -> None:
    async with connected(gateway, Ear()) as (hub, side):
        await side.record({"type": 7, "error": "Connection closed with an error.", "allowReconnect": True})
        reason = await asyncio.wait_for(asyncio.shield(hub.closed), 5)
        assert "Connection closed with an error." in reason
        with pytest.raises(HubClosed):
            await hub.invoke("SubscribeOrders", 1)


async def test_a_cut_connection_fails_the_calls_under_way(gateway: Gateway) -> None:
    gateway.completion = lambda *_: None
    async with connected(gateway, Ear()) as (hub, side):
        call = asyncio.create_task(hub.invoke("SubscribeOrders", 1))
        await gateway.until(lambda: side.invocations)
        await side.drop()
        with pytest.raises(HubClosed):
            await asyncio.wait_for(call, 5)
        assert await hub.closed == "the connection to the hub broke: it hung up without a word"


async def test_we_ping(gateway: Gateway) -> None:
    async with connected(gateway, Ear(), ping_s=0.01) as (_, side):
        await gateway.until(lambda: side.pings >= 3)


async def test_a_silent_hub_is_dead(gateway: Gateway) -> None:
    async with connected(gateway, Ear(), dead_s=0.1) as (hub, _):
        assert "no record from the hub" in await asyncio.wait_for(asyncio.shield(hub.closed), 5)


async def test_pings_of_the_hub_keep_it_alive(gateway: Gateway) -> None:
    ear = Ear()
    async with connected(gateway, ear, dead_s=0.3) as (hub, side):
        loop = asyncio.get_running_loop()
        end = loop.time() + 0.6
        while loop.time() < end:
            await side.record({"type": 6})
            await asyncio.wait({hub.closed}, timeout=0.05)
        assert not hub.closed.done()


async def test_a_fault_of_a_callback_ends_the_connection_visibly(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(target: str, arguments: Raw) -> None:
        raise KeyError(target)

    ear = Ear()
    hub = await Hub.connect(f"{gateway.url}/hubs/user", gateway.token(), broken, ear.note, QUICK)
    await gateway.hubs[-1].send("Anything", 1)
    assert await asyncio.wait_for(asyncio.shield(hub.closed), 5) == "internal error, see the log"
    await hub.close()
    assert "hub task failed" in caplog.text


async def test_a_flood_of_records_ends_the_connection(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signalr, "_MOST_RECORDS", 50)
    async with connected(gateway, Ear()) as (hub, side):
        await side.raw(('{"type":6}' + SEPARATOR) * 51)
        assert "more than 50 records in 10 s" in await asyncio.wait_for(asyncio.shield(hub.closed), 5)


async def test_a_frame_of_thousands_of_records_leaves_the_loop_its_turns(gateway: Gateway) -> None:
    """What was held up comes all at once: nothing else may wait for the whole of it."""
    ear = Ear()
    among = [0]
    async with connected(gateway, ear) as (_, side):
        await side.raw(
            "".join(f'{{"type":1,"target":"A","arguments":[{n}]}}{SEPARATOR}' for n in range(1_100))
        )
        async with asyncio.timeout(5):
            while len(ear.heard) < 1_100:
                await asyncio.sleep(0)
                among.append(len(ear.heard))
    steps = [later - before for before, later in itertools.pairwise(among)]
    assert max(steps) <= 250
    assert [int(told[1:-1]) for _, told in ear.heard] == list(range(1_100))


async def test_the_token_is_in_no_log(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = gateway.token()
    hub = await Hub.connect(f"{gateway.url}/hubs/user", token, Ear().receive, Ear().note, QUICK)
    await hub.invoke("SubscribeOrders", 1)
    await gateway.hubs[-1].drop()
    reason = await asyncio.wait_for(asyncio.shield(hub.closed), 5)
    await hub.close()
    assert token not in reason
    assert token not in "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("aiohttp"))
