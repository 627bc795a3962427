"""A twin over real sockets: an order's life, the faults that every twin has, its own process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from adapters.common.steady import passing_ns
from adapters.simulator.exchange.store import StateError
from adapters.simulator.fault_plan.plan import FaultError
from adapters.simulator.process import Ready, VenueStart
from adapters.simulator.twins.config import TwinConfig
from adapters.simulator.twins.faults import catalogue, help_text
from adapters.simulator.twins.twin import Twin
from engine.model.market import NANOS
from tests.simulator.twins.bench import PRICE, bench
from tests.simulator.twins.example import INSTRUMENTS, ExampleWire
from tests.support.patience import patient
from tests.support.waits import until


async def test_an_order_lives_by_http_and_its_life_is_told_on_a_socket() -> None:
    async with bench() as made, made.listening("orders") as socket:
        placed = await made.place(tag="one")
        assert placed["status"] == "pending"
        told = [await socket.receive_json() for _ in range(3)]
        said = [(one["status"], one.get("maker")) for one in told]
        assert said == [("pending", None), ("filled", False), ("filled", None)]
        assert (await made.orders())[0]["filled"] == 4
        assert made.twin.account.held(INSTRUMENTS[0].symbol) == 4
        assert (await made.place(tag="one"))["why"] == "duplicate"


async def test_an_order_is_placed_over_a_socket_too() -> None:
    async with bench() as made, made.listening() as socket:
        await socket.send_json({"symbol": "no", "side": "buy", "type": "market", "qty": 1})
        assert (await socket.receive_json())["why"] == "symbol"
        await socket.send_json(
            {"symbol": "BTCUSDT.P", "side": "sell", "type": "limit", "qty": 5, "limit": PRICE + 90}
        )
        assert (await socket.receive_json())["status"] == "working"


@pytest.mark.parametrize("fault", ["lost-reply", "lost-request"])
async def test_a_connection_that_is_cut_leaves_the_outcome_open(fault: str) -> None:
    async with bench() as made:
        armed = made.twin.faults.add(fault, call="place")
        with pytest.raises(aiohttp.ClientError):
            await made.place(tag="one")
        assert armed.acted == 1
        assert len(await made.orders()) == (1 if fault == "lost-reply" else 0)


async def test_a_client_is_left_waiting_by_http_and_over_a_socket() -> None:
    async with bench() as made, made.listening() as socket:
        armed = made.twin.faults.add("hang", call="place", times=2, done=True)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await made.place(tag="one")
        await socket.send_json(
            {"symbol": "BTCUSDT.P", "side": "buy", "type": "market", "qty": 3, "tag": "two"}
        )
        await armed.happened(2)
        await socket.send_json({"listen": "orders"})
        assert await socket.receive_json() == {"listening": "orders"}
        assert [one["tag"] for one in await made.orders()] == ["one", "two"]


async def test_an_answer_comes_late_by_the_venues_time() -> None:
    async with bench(speed=20.0) as made:
        made.twin.faults.add("late-reply", call="place", seconds=3.0)
        asked = made.twin.now()
        await made.place()
        assert made.twin.now() - asked >= 3 * NANOS


@pytest.mark.parametrize(
    ("fault", "options", "status", "wait"),
    [
        ("refuse", {}, 400, None),
        ("rate-limit", {"seconds": 2.5}, 429, "3"),
        ("error", {"status": 502}, 502, None),
    ],
)
async def test_a_call_is_not_taken(
    fault: str, options: dict[str, Any], status: int, wait: str | None
) -> None:
    async with bench() as made:
        made.twin.faults.add(fault, call="place", **options)
        with pytest.raises(aiohttp.ClientResponseError) as raised:
            await made.place()
        assert raised.value.status == status
        assert raised.value.headers is not None
        assert raised.value.headers.get("Retry-After") == wait
        assert await made.orders() == []
        assert (await made.place())["status"] == "pending"


async def test_a_refusal_over_a_socket_has_the_wires_words() -> None:
    async with bench() as made, made.listening() as socket:
        made.twin.faults.add("refuse", call="place", text="not today")
        await socket.send_json({"symbol": "BTCUSDT.P", "side": "buy", "type": "market", "qty": 3})
        assert await socket.receive_json() == {"why": "refused", "text": "not today"}


@pytest.mark.parametrize("how", ["cut", "html", "empty", "null", "deep"])
async def test_an_answer_that_can_not_be_read(how: str) -> None:
    async with bench() as made:
        made.twin.faults.add("garbled-reply", call="place", how=how)
        body = {"symbol": "BTCUSDT.P", "side": "buy", "type": "market", "qty": 1}
        async with made.session.post("/order", json=body) as answer:
            with pytest.raises((ValueError, RecursionError, AssertionError)):
                assert isinstance(json.loads(await answer.text()), dict)
        assert len(await made.orders()) == 1


async def test_maintenance_closes_and_refuses_everything_until_it_is_over() -> None:
    async with bench(speed=20.0) as made, made.listening("trades") as socket:
        made.twin.faults.add("maintenance", seconds=2.0)
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert socket.close_code == 1012
        with pytest.raises(aiohttp.ClientResponseError) as raised:
            await made.place()
        assert raised.value.status == 503
        ends = made.twin.faults.maintenance_until
        await until(lambda: made.twin.now() > ends)
        assert (await made.place())["status"] == "pending"


@pytest.mark.parametrize("fault", ["drop", "reset"])
async def test_a_connection_ends_and_the_next_one_is_whole(fault: str) -> None:
    async with bench() as made:
        async with made.listening("trades") as socket:
            made.twin.faults.add(fault)
            ended = await socket.receive()
            assert ended.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
            assert socket.close_code == (1001 if fault == "drop" else 1006)
        async with made.listening("trades") as socket:
            made.trade(PRICE)
            assert (await socket.receive_json())["price"] == PRICE


async def test_a_connection_falls_silent_and_stays_open() -> None:
    async with bench() as made, made.listening("trades", "orders") as socket:
        made.twin.faults.add("silent", stream="trades")
        made.trade(PRICE)
        await made.place(type="limit", limit=PRICE - 50)
        assert (await socket.receive_json())["status"] == "working"
        async with made.listening("trades") as fresh:
            made.trade(PRICE + 1)
            assert (await fresh.receive_json())["price"] == PRICE + 1


@pytest.mark.parametrize(
    ("fault", "heard"),
    [("duplicate", [0, 0, 1, 2]), ("out-of-order", [1, 0, 2]), ("lost-message", [1, 2])],
)
async def test_messages_do_not_come_as_they_were_sent(fault: str, heard: list[int]) -> None:
    async with bench() as made, made.listening("trades") as socket:
        made.twin.faults.add(fault, stream="trades")
        for step in range(3):
            made.trade(PRICE + step)
        assert [(await socket.receive_json())["price"] - PRICE for _ in heard] == heard


async def test_an_order_fills_in_parts() -> None:
    async with bench() as made:
        armed = made.twin.faults.add("partial-fill", type="market", qty=1)
        await made.place(tag="one")
        await armed.happened()
        filled = [(await made.orders())[0]["filled"]]
        while filled[-1] < 4:
            made.quote(PRICE)
            await until(lambda: len(made.twin.account.fills) > len(filled))
            filled.append((await made.orders())[0]["filled"])
        assert filled == [1, 2, 3, 4]


async def test_the_venues_clock_is_off() -> None:
    async with bench() as made:
        before = made.twin.now()
        made.twin.faults.add("clock-error", by=-90.0)
        assert made.twin.now() < before - 80 * NANOS
        assert (await made.place())["status"] == "pending"


def test_faults_name_the_calls_and_streams_of_their_wire() -> None:
    spoken = ExampleWire.spoken()
    known = catalogue(spoken)
    with pytest.raises(FaultError, match="did you mean place"):
        known.parse("lost-reply:call=plaice")
    with pytest.raises(FaultError, match="did you mean out-of-order"):
        known.parse("out-of-ordr")
    for kind in known.values():
        assert str(known.parse(kind.example)).startswith(kind.name)
    said = help_text(spoken)
    assert all(f"\n  {name}\n" in said for name in known)


async def test_what_it_was_goes_on_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "venue.db"
    async with bench(state=state) as made:
        await made.place(tag="one")
        await until(lambda: made.twin.account.held("BTCUSDT.P") == 4)
        resting = await made.place(tag="two", type="limit", limit=PRICE - 500)
        money, seen = made.twin.account.holdings.money, made.twin.now()
        with pytest.raises(StateError):
            Twin(ExampleWire, TwinConfig(INSTRUMENTS, state=state))
    async with bench(state=state) as made:
        account = made.twin.account
        assert made.twin.exchange.now() >= seen - 60 * NANOS  # the scripted market begins anew
        assert account.held("BTCUSDT.P") == 4
        assert account.holdings.money == money
        assert account.find(client_id="two").id == resting["id"]
        assert [one.id for one in account.live()] == [resting["id"]]
        assert (await made.place(tag="one"))["why"] == "duplicate"
        assert (await made.place(tag="three"))["id"] > resting["id"]


async def test_the_generated_market_goes_on_where_it_was(tmp_path: Path) -> None:
    config = TwinConfig(INSTRUMENTS, state=tmp_path / "venue.db", speed=20.0)
    async with Twin(ExampleWire, config) as twin:
        await until(lambda: twin.exchange.trades("BTCUSDT.P"))
        stood, bars = twin.now(), twin.exchange.bars("BTCUSDT.P", 0, twin.now())
        last = twin.exchange.trades("BTCUSDT.P")[-1]
    async with Twin(ExampleWire, config) as twin:
        assert twin.now() >= stood
        again = twin.exchange.bars("BTCUSDT.P", 0, twin.now())
        assert again[: len(bars)] == bars
        await until(lambda: twin.exchange.trades("BTCUSDT.P"))
        first = twin.exchange.trades("BTCUSDT.P")[0]
        assert first.id > last.id
        assert abs(first.print.price - last.print.price) < last.print.price / 50


def test_it_is_a_process_of_its_own_that_ends_with_its_parent(tmp_path: Path) -> None:
    start = VenueStart(
        seed=7, speed=10.0, hold_s=60.0, key="0123456789abcdef", state=str(tmp_path / "venue.db")
    )
    with subprocess.Popen(
        [sys.executable, "-m", "tests.simulator.twins.example"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(msgspec.json.encode(start) + b"\n")
        child.stdin.flush()
        ready = msgspec.json.decode(child.stdout.readline(), type=Ready)
        assert (ready.seed, ready.rate) == (7, 10.0)
        assert ready.clock.at(passing_ns()) == ready.origin_ns  # it is held
        child.stdin.write(msgspec.json.encode({"real_origin_ns": passing_ns()}) + b"\n")
        child.stdin.close()
        assert child.wait(patient(10)) == 0
    assert (tmp_path / "venue.db").exists()


def test_a_process_that_can_not_start_says_why() -> None:
    start = VenueStart(faults=("no-such-fault",))
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulator.twins.example"],
        input=msgspec.json.encode(start) + b"\n",
        capture_output=True,
        timeout=patient(30),
        check=False,
    )
    assert done.returncode == 2
    assert b"practice venue example: there is no fault" in done.stderr
