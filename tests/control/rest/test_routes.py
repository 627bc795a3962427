"""What the routes answer, and which commands they become."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from engine.model.commands import (
    CancelManual,
    ChangeManual,
    Command,
    Flatten,
    Halt,
    Pause,
    PlaceManual,
    ReduceManual,
    Resume,
    ReverseManual,
    Shutdown,
)
from engine.model.market import Side, Timeframe
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import OrderType
from tests.control.fake import a_view
from tests.control.rest.serving import Obedient, served
from tests.tui import opinions

VIEW = opinions.deciding()


def _plain(rows: object) -> Any:
    return json.loads(msgspec.json.encode(rows))


async def test_what_is_read_is_what_the_view_says(tmp_path: Path) -> None:
    handle = Obedient(VIEW)
    handle.tell(NoticeKind.RISK, "half of the loss limit is used", Severity.WARNING)
    handle.tell(NoticeKind.FILL, "bought", Severity.GOOD)
    async with served(handle, tmp_path) as api:
        status = await api.get("/system/status")
        assert status["contracts"] == [one.instrument for one in VIEW.contracts]
        assert status["books"] == [one.book for one in VIEW.books]
        positions = (await api.get("/positions"))["positions"]
        assert positions == _plain(VIEW.positions)
        assert positions
        for path, rows in (("orders", VIEW.orders), ("trades", VIEW.trades)):
            told = (await api.get({"orders": "/trading/orders", "trades": "/trades"}[path]))[path]
            assert told == _plain(rows)
        first = VIEW.contracts[0]
        ticker = (await api.get(f"/data/{first.instrument}/ticker"))["ticker"]
        assert (ticker["bid"], ticker["tick_size"]) == (str(first.bid), str(first.tick_size))
        assert (await api.get(f"/data/{first.name}/ticker"))["ticker"]["symbol"] == first.instrument
        books = (await api.get("/performance"))["books"]
        assert books == _plain(VIEW.books)
        assert (await api.get("/health"))["links"] == _plain(VIEW.links)
        assert (await api.get("/patterns"))["patterns"] == _plain(VIEW.patterns)
        assert (await api.get("/opinion"))["opinion"] == _plain(VIEW.opinion)
        alerts = await api.get("/alerts")
        assert alerts["alerts"] == _plain(VIEW.alerts)
        assert {one["severity"] for one in alerts["warnings"]} <= {"warning", "critical"}
        assert alerts["warnings"][-1]["text"] == "half of the loss limit is used"
        assert (await api.get("/trades?limit=1"))["trades"] == _plain(VIEW.trades[-1:])
        none = await api.get("/trading/orders?book=nobody")
        assert none["orders"] == []


async def test_klines_are_prices_and_the_newest_is_told_to_be_forming(tmp_path: Path) -> None:
    async with served(Obedient(a_view(), bars=5), tmp_path) as api:
        told = await api.get("/data/MNQ/klines?interval=5m&limit=3")
        assert (told["symbol"], told["interval"], len(told["klines"])) == ("MNQ", "5m", 3)
        assert told["klines"][0] == {
            "open_ts": 0,
            "close_ts": Timeframe.M1.nanos,
            "open": "21000.00",
            "high": "21002.50",
            "low": "20997.50",
            "close": "21000.25",
            "volume": "12",
            "closed": True,
            "gap": False,
        }
        reply = await api.ask("GET", "/data/BTCUSDT/klines")
        assert reply.status == 404
        assert await reply.json() == {
            "error": "not_found",
            "message": "BTCUSDT is not watched by this engine; it watches MNQ",
            "remedy": "add it to contracts in tstream.toml and start the engine again",
        }


@pytest.mark.parametrize(
    ("method", "path", "body", "command"),
    [
        ("POST", "/system/start", None, Resume(id="")),
        ("POST", "/system/start", {"halted": True}, Resume(id="", halted=True)),
        ("POST", "/system/stop", None, Pause(id="")),
        ("POST", "/system/stop", {"how": "halt"}, Halt(id="")),
        ("POST", "/system/stop", {"how": "flatten"}, Flatten(id="")),
        ("POST", "/system/stop", {"how": "shutdown"}, Shutdown(id="")),
        ("POST", "/positions/close", {"all": True}, Flatten(id="")),
        (
            "POST",
            "/positions/close",
            {"symbol": "MNQ", "book": "eval"},
            Flatten(id="", instrument="MNQ", book="eval"),
        ),
        ("DELETE", "/trading/order/3-17", None, CancelManual(id="", order="3-17")),
        (
            "POST",
            "/positions/close",
            {"symbol": "MNQ", "qty": 1},
            ReduceManual(id="", instrument="MNQ", qty=1),
        ),
        (
            "POST",
            "/positions/reverse",
            {"symbol": "MNQ", "stop_ticks": 40, "target_ticks": [80], "book": "eval"},
            ReverseManual(id="", instrument="MNQ", book="eval", stop_ticks=40, target_ticks=(80,)),
        ),
        (
            "PATCH",
            "/trading/order/3-17",
            {"stop": "21000.25", "trail_ticks": 30, "drop_targets": [21020]},
            ChangeManual(
                id="",
                order="3-17",
                stop=Decimal("21000.25"),
                trail_ticks=30,
                drop_targets=(Decimal(21020),),
            ),
        ),
    ],
)
async def test_each_request_becomes_its_command(
    tmp_path: Path, method: str, path: str, body: Any, command: Command
) -> None:
    handle = Obedient(a_view())
    async with served(handle, tmp_path) as api:
        reply = await api.ask(method, path, "admin", json=body)
        told = await reply.json()
        assert reply.status == 200, told
        [sent] = handle.sent
        assert told == {"id": sent.id, "message": f"did {sent.id}"}
        assert replace(sent, id="", source="keyboard") == command
        assert sent.source == "api admin"
    log = (tmp_path / "access.log").read_text()
    assert '"event": "commanded"' in log
    assert f"did {sent.id}" in log


async def test_numbers_of_an_order_are_those_that_were_written(tmp_path: Path) -> None:
    handle = Obedient(a_view())
    raw = (
        b'{"symbol": "MNQ", "side": "sell", "risk_usd": "250.10", "type": "limit", "price": 21000.30000000,'
        b' "stop": 21010.1, "targets": [20990, "20980.75"], "minutes": 5, "override": ["hours"],'
        b' "dry_run": true}'
    )
    async with served(handle, tmp_path) as api:
        headers = {
            "Authorization": f"Bearer {api.tokens['trade']}",
            "Idempotency-Key": "one",
            "Content-Type": "application/json",
        }
        async with api.session.post(f"{api.server.url}/trading/order", data=raw, headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            assert (await reply.json())["dry_run"] is True
    [sent] = handle.sent
    assert isinstance(sent, PlaceManual)
    assert (sent.side, sent.entry, sent.minutes, sent.override) == (Side.SELL, OrderType.LIMIT, 5, ("hours",))
    assert (sent.risk_usd, sent.price, sent.stop) == (
        Decimal("250.10"),
        Decimal("21000.3"),
        Decimal("21010.1"),
    )
    assert str(sent.price) == "21000.30000000"
    assert sent.targets == (Decimal(20990), Decimal("20980.75"))
    assert type(sent.price) is Decimal
    assert msgspec.json.decode(msgspec.json.encode(sent), type=PlaceManual) == sent


@pytest.mark.parametrize(
    "wrong",
    [
        {"qty": 0},
        {"qty": -1},
        {"qty": True},
        {"price": "1e5"},
        {"price": -1},
        {"price": 0},
        {"price": "NaN"},
        {"price": " 1"},
        {"price": "1_0"},
        {"price": "٣"},
        {"price": 1e300},
        {"price": 1e-300},
        {"price": True},
        {"side": "hold"},
        {"symbol": "MNQ; DROP"},
        {"targets": [1, 2, 3]},
        {"override": ["everything"]},
        {"book": "x" * 61},
        {"account": "x"},
    ],
)
async def test_an_order_of_nonsense_reaches_nobody(tmp_path: Path, wrong: dict[str, Any]) -> None:
    handle = Obedient(a_view())
    order = {"symbol": "MNQ", "side": "buy", "qty": 1, "stop_ticks": 40} | wrong
    async with served(handle, tmp_path) as api:
        reply = await api.ask("POST", "/trading/order", "trade", json=order, **{"Idempotency-Key": "k"})
        assert reply.status == 400
        assert (await reply.json())["error"] == "bad_request"
    assert handle.sent == []


async def test_quantities_are_contracts_and_coins_in_whole_steps(tmp_path: Path) -> None:
    view = a_view()
    coin = replace(view.contracts[0], instrument="BTCUSDT", lot_size=Decimal("0.0001"))
    handle = Obedient(replace(view, contracts=(*view.contracts, coin)))
    table = [("MNQ", 2, 2), ("MNQ", "3.0", 3), ("BTCUSDT", 0.0137, 137), ("BTCUSDT", "1", 10_000)]
    async with served(handle, tmp_path) as api:
        for number, (symbol, qty, lots) in enumerate(table):
            order = {"symbol": symbol, "side": "buy", "qty": qty, "stop_ticks": 40}
            key = {"Idempotency-Key": f"k{number}"}
            assert (await api.ask("POST", "/trading/order", "trade", json=order, **key)).status == 200
            sent = handle.sent[-1]
            assert isinstance(sent, PlaceManual)
            assert sent.qty == lots
        for symbol, qty, status, told in (
            ("MNQ", 1.5, 409, "MNQ is traded in steps of 1"),
            ("BTCUSDT", 0.00015, 409, "BTCUSDT is traded in steps of 0.0001"),
            ("DOGE", 1, 404, "DOGE is not watched by this engine; it watches MNQ, BTCUSDT"),
        ):
            order = {"symbol": symbol, "side": "buy", "qty": qty, "stop_ticks": 40}
            reply = await api.ask("POST", "/trading/order", "trade", json=order, **{"Idempotency-Key": "k"})
            assert (reply.status, (await reply.json())["message"]) == (status, told)
    assert len(handle.sent) == len(table)


async def test_what_the_engine_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    handle = Obedient(a_view())
    handle.obey = lambda command: handle.tell(  # type: ignore[method-assign]
        NoticeKind.COMMAND, "refused: halted by hand", command_id=command.id, done=False
    )
    async with served(handle, tmp_path) as api:
        reply = await api.ask("POST", "/positions/close", "trade", json={"all": True})
        told = await reply.json()
        assert (reply.status, told["error"], told["message"]) == (409, "refused", "refused: halted by hand")


async def test_closing_everything_has_to_be_said(tmp_path: Path) -> None:
    handle = Obedient(a_view())
    async with served(handle, tmp_path) as api:
        for body in ({}, {"book": "eval"}, {"symbol": "MNQ", "all": True}):
            reply = await api.ask("POST", "/positions/close", "trade", json=body)
            assert reply.status == 409
            assert "give a symbol, or all: true" in (await reply.json())["remedy"]
    assert handle.sent == []


async def test_settings_are_those_of_the_run(tmp_path: Path) -> None:
    shown = {"api": {"token": "**********"}}
    async with served(Obedient(a_view()), tmp_path, settings=lambda: shown) as api:
        assert await api.get("/settings", "admin") == {"settings": shown}


async def test_many_who_look_cost_the_engine_few_pictures(tmp_path: Path) -> None:
    handle = Obedient(a_view())
    async with served(handle, tmp_path) as api:
        await asyncio.gather(*(api.get("/positions") for _ in range(100)))
        assert handle.view().version < 40
