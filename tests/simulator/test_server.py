"""The practice venue as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession

from adapters.common.steady import passing_ns
from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.clock import PracticeClock
from adapters.simulator.market.hours import NANOS
from adapters.simulator.market.scripted import ManualClock, ScriptedMarket
from adapters.simulator.practice import PracticeVenue
from adapters.simulator.process import TapeChoice, VenueStart
from adapters.simulator.server import account
from tests.simulator.practice_venue import START, Wire
from tests.support.patience import patient
from tests.support.recordings import DATA, needs_recordings
from tstream.run.practice import VENUE_MODULE

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def child(**asked: Any) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    process = await started(**asked)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(patient(20)):
            yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def started(**asked: Any) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", VENUE_MODULE, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(VenueStart(**asked)) + b"\n")
    return process


async def refused(**asked: Any) -> tuple[int | None, str]:
    process = await started(**asked)
    assert process.stderr is not None
    text = await asyncio.wait_for(process.stderr.read(), patient(20))
    return await process.wait(), text.decode()


async def post(port: int, path: str, token: str = "", **body: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"http://127.0.0.1:{port}/api/{path}"
    async with ClientSession(headers=headers) as session, session.post(url, json=body) as reply:
        answer: dict[str, Any] = await reply.json()
        return answer


async def login(port: int) -> str:
    return str((await post(port, "Auth/loginKey", userName="practice", apiKey="practice"))["token"])


async def test_it_reports_what_its_parent_needs_and_ends_with_it() -> None:
    async with child(seed=9, speed=5.0) as (process, ready):
        assert set(ready) == {"port", "origin_ns", "real_origin_ns", "rate", "seed", "model"}
        assert (ready["seed"], ready["rate"]) == (9, 5.0)
        clock = PracticeClock(ready["origin_ns"], ready["real_origin_ns"], ready["rate"])
        assert clock.at(ready["real_origin_ns"] + 1000) == ready["origin_ns"] + 5000
        assert await login(ready["port"])
        assert process.stdin is not None
        process.stdin.close()
        assert await process.wait() == 0


async def test_held_time_goes_on_when_the_parent_says_so() -> None:
    async with child(speed=20.0, hold_s=600.0) as (process, ready):
        token = await login(ready["port"])
        contracts = (await post(ready["port"], "Contract/available", token, live=False))["contracts"]
        url = f"http://127.0.0.1:{ready['port']}/hubs/market?access_token={token}"
        async with ClientSession() as session, session.ws_connect(url) as socket:
            wire = Wire(socket)
            await wire.handshake()
            await wire.call("SubscribeContractQuotes", contracts[0]["id"])
            begun = datetime.fromtimestamp(ready["origin_ns"] // NANOS, UTC)
            _, first = await wire.event("GatewayQuote")
            assert datetime.fromisoformat(first["lastUpdated"]) == begun
            assert process.stdin is not None
            process.stdin.write(json.dumps({"real_origin_ns": passing_ns()}).encode() + b"\n")
            _, quote = await wire.event("GatewayQuote")
        assert begun < datetime.fromisoformat(quote["lastUpdated"]) < begun + timedelta(minutes=10)


async def test_time_is_not_held_for_ever() -> None:
    async with PracticeVenue(SimulatorConfig(hold_s=0.1), ScriptedMarket((), START)) as venue:
        assert venue.now() == START
        async with asyncio.timeout(patient(5)):
            while venue.now() == START:  # noqa: ASYNC110
                await asyncio.sleep(0)
        clock = venue.practice_clock
        assert clock.real_origin_ns <= passing_ns(), "nobody subscribed: it went on at the time it had said"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_end_it_gracefully(number: signal.Signals) -> None:
    async with child() as (process, _):
        process.send_signal(number)
        assert await process.wait() == 0
        assert process.stderr is not None
        assert await process.stderr.read() == b""


async def test_its_book_survives_sigkill(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    async with child(state=state) as (process, ready):
        token = await login(ready["port"])
        accounts = await post(ready["port"], "Account/search", token, onlyActiveAccounts=True)
        contracts = await post(ready["port"], "Contract/available", token, live=False)
        order = {"accountId": accounts["accounts"][0]["id"], "contractId": contracts["contracts"][0]["id"]}
        bracket = {"stopLossBracket": {"ticks": -1000, "type": 4}}
        placed = await post(ready["port"], "Order/place", token, **order, type=2, side=0, size=1, **bracket)
        assert placed["success"]
        positions = None
        while not positions:
            found = await post(ready["port"], "Position/searchOpen", token, accountId=order["accountId"])
            positions = found["positions"]
        process.kill()
        await process.wait()
    async with child(state=state) as (_, again):
        assert again["origin_ns"] > ready["origin_ns"]
        token = await login(again["port"])
        found = await post(again["port"], "Position/searchOpen", token, accountId=order["accountId"])
        assert found["positions"] == positions
        query = {"filter": {"accountId": order["accountId"], "statuses": [1, 8]}}
        legs = (await post(again["port"], "Order/v2/query", token, **query))["orders"]
        assert [leg["id"] for leg in legs] == [placed["orderId"] + 1]


async def test_a_state_file_in_use_is_one_clear_line(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    async with child(state=state):
        code, text = await refused(state=state)
    assert (code, text.count("\n")) == (2, 1)
    assert state in text


async def test_a_tape_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    code, text = await refused(tape=TapeChoice(str(tmp_path / "none.zip"), "ES"))
    assert (code, text.count("\n")) == (2, 1)
    assert "none.zip" in text


@pytest.mark.recordings
@needs_recordings
async def test_it_plays_a_tape() -> None:
    tape = str(DATA / "es_minutes" / "20131007_trade.zip")
    async with child(tape=TapeChoice(tape, "ES"), speed=20.0) as (_, ready):
        token = await login(ready["port"])
        [contract] = (await post(ready["port"], "Contract/available", token, live=False))["contracts"]
        assert contract["id"] == "CON.F.US.EP.Z13"
        url = f"http://127.0.0.1:{ready['port']}/hubs/market?access_token={token}"
        async with ClientSession() as session, session.ws_connect(url) as socket:
            wire = Wire(socket)
            await wire.handshake()
            await wire.call("SubscribeContractTrades", contract["id"])
            name, [trade, *_] = await wire.event("GatewayTrade")
        assert name == contract["id"]
        assert trade["timestamp"].startswith("2013-10-0")
        assert 1_600 < trade["price"] < 1_700


def test_practice_time_is_arithmetic() -> None:
    clock = PracticeClock(1_000, 500, 2.0)
    assert [clock.at(real) for real in (400, 500, 600)] == [1_000, 1_000, 1_200]


def test_a_manual_clock_does_not_go_back() -> None:
    clock = ManualClock(5)
    assert clock.advance(3) == clock() == 8
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)


def test_five_minis_per_50_000() -> None:
    assert [account(Decimal(usd)).max_minis for usd in (50_000, 150_000, 5_000)] == [5, 15, 1]
