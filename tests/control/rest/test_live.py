"""The WebSocket: everything first, then what changes; who does not read holds up nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from msgspec.structs import replace

from adapters.control.rest import live
from adapters.control.rest.live import changed
from adapters.control.tokens import TokenFile
from engine.model.notices import NoticeKind, Severity
from tests.control.fake import a_view
from tests.control.rest.serving import Obedient, Served, served
from tests.support.fake_engine import FakeEngine
from tests.support.patience import patient


class Still(FakeEngine):
    """Its picture changes when a test says so."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PERIOD_S", 0.01)
    monkeypatch.setattr("adapters.control.rest.service.FRESH_S", 0.005)
    monkeypatch.setattr("adapters.common.fresh_view.FRESH_S", 0.01)


@asynccontextmanager
async def socket(api: Served, scope: str = "read") -> AsyncIterator[ClientWebSocketResponse]:
    headers = {"Authorization": f"Bearer {api.tokens[scope]}"}
    async with api.session.ws_connect(f"{api.server.url}/ws", headers=headers) as ws:
        yield ws


async def heard(ws: ClientWebSocketResponse) -> Any:
    async with asyncio.timeout(patient(10)):
        message = await ws.receive()
    assert message.type is WSMsgType.TEXT, message
    return json.loads(message.data)


def move(handle: FakeEngine, bid: str) -> None:
    view = handle.view()
    contract = replace(view.contracts[0], bid=Decimal(bid))
    handle.show(contracts=(contract, *view.contracts[1:]))


async def test_a_snapshot_comes_first_and_then_what_has_changed(tmp_path: Path) -> None:
    handle = Still(a_view())
    async with served(handle, tmp_path) as api, socket(api) as ws:
        first = await heard(ws)
        assert first["type"] == "snapshot"
        assert [one["symbol"] for one in first["tickers"]] == ["MNQ"]
        assert first["positions"] == []
        move(handle, "21001")
        update = await heard(ws)
        assert update["type"] == "update"
        assert update["tickers"][0]["bid"] == "21001"
        assert set(update) == {"type", "ts", "tickers"}
        handle.tell(NoticeKind.FILL, "bought", Severity.GOOD)
        assert [one["text"] for one in (await heard(ws))["notices"]] == ["bought"]
        assert "tstream_api_websockets 1.0" in await (await api.ask("GET", "/metrics")).text()
    log = (tmp_path / "access.log").read_text()
    assert '"event": "attached"' in log
    assert '"event": "left"' in log


async def test_prices_come_of_what_was_asked_for(tmp_path: Path) -> None:
    view = a_view()
    handle = Still(replace(view, contracts=(view.contracts[0], replace(view.contracts[0], instrument="ES"))))
    async with served(handle, tmp_path) as api:
        reply = await api.ask("POST", "/data/subscribe", "read", json={"symbols": ["ES"]})
        assert await reply.json() == {"symbols": ["ES"], "url": "/ws"}
        async with socket(api) as ws, socket(api, "trade") as all_of_it:
            assert [one["symbol"] for one in (await heard(ws))["tickers"]] == ["ES"]
            assert len((await heard(all_of_it))["tickers"]) == 2
            await ws.send_str('{"subscribe": ["MNQ"]}')
            assert [one["symbol"] for one in (await heard(ws))["tickers"]] == ["MNQ"]
            for wrong in ('{"subscribe": ["BTC"]}', "[", '{"order": 1}', '{"subscribe": "MNQ"}'):
                await ws.send_str(wrong)
                assert (await heard(ws))["type"] == "error"
        assert (await api.ask("POST", "/data/subscribe", "read", json={"symbols": ["BTC"]})).status == 404


async def test_who_floods_or_sends_too_much_is_hung_up_on(tmp_path: Path) -> None:
    async with served(Still(a_view()), tmp_path) as api:
        for sent in (["x" * (live.MESSAGE_BYTES + 1)], ["["] * 30):
            async with socket(api) as ws:
                for text in sent:
                    await ws.send_str(text)
                async with asyncio.timeout(patient(10)):
                    async for _ in ws:
                        pass
                assert ws.close_code in (1008, 1009)


async def test_a_revoked_token_ends_its_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PROOF_S", 0.0)
    monkeypatch.setattr("adapters.control.tokens._LOOK_S", 0.0)
    async with served(Obedient(a_view()), tmp_path) as api, socket(api) as ws, socket(api, "trade") as other:
        await heard(ws)
        TokenFile(tmp_path / "api-tokens.json").revoke("read")
        async with asyncio.timeout(patient(10)):
            async for _ in ws:
                pass
        assert ws.close_code == 1008
        assert (await heard(other))["type"] == "snapshot"
        assert (await api.ask("GET", "/positions", "read")).status == 401


async def test_who_does_not_read_holds_up_nobody(tmp_path: Path) -> None:
    view = a_view()
    big = replace(view.contracts[0], name="x" * 200_000)
    handle = Obedient(replace(view, contracts=(big,)))
    async with served(handle, tmp_path) as api, socket(api) as quick_one:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.server.url.rpartition(":")[2]))
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {api.tokens['trade']}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        bids = 0
        while bids < 60:
            move(handle, str(21_000 + bids))
            told = await heard(quick_one)
            bids += bool(told.get("tickers"))
        assert api.server.api.live == 2
        writer.transport.abort()
        assert reader is not None


def test_equal_views_have_nothing_to_tell() -> None:
    view = a_view()
    assert changed(view, replace(view, version=2, ts=3)) is None
    whole = changed(None, view)
    assert whole is not None
    assert whole.type == "snapshot"
