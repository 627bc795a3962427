"""Alert rooms under the clock: from a message at Discord to its order on the wire; texts read a second."""

from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path

import aiohttp

from adapters.common.secret import Secret
from adapters.discord.config import DiscordConfig, DiscordRoom
from adapters.discord.source import DiscordSource
from bench.figures import ms, quantile, ratio, table
from bench.leaps import LeapingClock
from bench.orders import PLACE, PRICES, Trader, stamps, trader, until, venue
from bench.stamped import OPENING
from bench.terminal import ROOT
from engine.market.bars import BarsClosed
from engine.model.events import AlertReceived, AnyEvent, LinkState
from engine.model.market import NANOS
from engine.model.plans import Idea
from engine.model.rooms import AlertRoom
from engine.ports import Clock, Sink
from engine.signals.board import SignalBoard
from engine.strategies.alerts.room import RoomParser
from engine.strategies.protocol import Declined
from tests.discord.fake import CHANNEL, TOKEN
from tests.discord.scenes import RELAY, STRANGER

ALERTS = 200
PRICE = PRICES["MES"] // 4
ALERT = f"🚨 ES long {PRICE}: C\nStop: {PRICE - 10}\n@everyone"
TARGET_TICKS = 16
ROOM = AlertRoom("bench", {"ES": "MES"}, targets=(Decimal(TARGET_TICKS) / 4,), repeat_ns=0)
HELLO, IDENTIFY = 10, 2

PROSE = "Nice bounce off the low, I am flat for now; if ES holds 6316 into the open I may go long again."
HOSTILE = (
    "\u202e\u200b" * 6_000,
    "🚨 ES long " + "9" * 3_000 + ": A\nStop: 6316",
    "'; DROP TABLE orders; --[bold red]\x1b[2J`<@&1>`" * 80,
    "ES long 6326\n" * 300,
    "𝟞𝟛𝟚𝟞 ⑥③②⑥ " * 200,
)
VARIANTS = (
    "ES LONG 4750.25 STOP 4745 T1 4757 T2 4762",
    "ES LONG @ 4525.50\nStop: 4520.50\nTarget 1: 4532.50\nTarget 2: 4537.50\nSize: B (2 contracts)",
)
TEXTS = {
    "alerts in the room's own form": (ALERT,),
    "alerts in the looser forms": VARIANTS,
    "talk": (PROSE,),
    "hostile texts": HOSTILE,
}
NAIVE = re.compile(r"\b(ES|NQ|GC)\b\s+(LONG|SHORT)\D+([\d.]+).*?STOP\D*([\d.]+)", re.IGNORECASE | re.DOTALL)
"""What a script of ten lines would do."""
READING_S = 1.0


class Never:
    """Has no ideas of its own."""

    name = "never"

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        return ()


class TimedSource:
    """Notes when an alert comes to the engine."""

    def __init__(self, config: DiscordConfig, clock: Clock) -> None:
        self._source = DiscordSource(config, clock, rng=random.Random(1))
        self.heard_ns = 0

    async def run(self, sink: Sink) -> None:
        def heard(event: AnyEvent) -> None:
            if isinstance(event, AlertReceived):
                self.heard_ns = time.monotonic_ns()
            sink(event)

        await self._source.run(heard)


class Discord:
    """The loopback Discord, and whoever posts there."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        self._in, self._out = child.stdin, child.stdout
        self.api_url, self.gateway_url = json.loads(self._out.readline())

    async def post(self, author: str, text: str) -> int:
        """Monotonic nanoseconds at which it left."""
        return await asyncio.to_thread(self._post, author, text)

    def _post(self, author: str, text: str) -> int:
        self._in.write(json.dumps((author, text)) + "\n")
        self._in.flush()
        return int(self._out.readline())


@contextmanager
def room() -> Iterator[Discord]:
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.room"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True,
    )  # fmt: skip
    try:
        yield Discord(child)
    finally:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.close()
        child.wait(timeout=10)
        child.stdout.close()


@asynccontextmanager
async def bare_client(discord: Discord, url: str) -> AsyncIterator[None]:
    """The least that answers a stranger's message with an order: no journal, no checks, no account."""
    order = {"accountId": 0, "contractId": "", "type": 2, "side": 0, "size": 1, "customTag": "bare"}
    async with aiohttp.ClientSession() as http, http.ws_connect(discord.gateway_url) as socket:

        async def listen() -> None:
            async for frame in socket:
                packet = json.loads(frame.data)
                if packet["op"] == HELLO:
                    await socket.send_json({"op": IDENTIFY, "d": {"token": TOKEN, "intents": 0}})
                elif packet["t"] == "MESSAGE_CREATE" and packet["d"]["author"]["id"] == str(STRANGER.id):
                    async with http.post(url + PLACE, json=order) as reply:
                        await reply.read()

        task = asyncio.create_task(listen())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def arrival(hands: Trader) -> int:
    """When the next order arrives at the venue."""
    while True:
        if found := stamps(await hands.arrivals(), PLACE):
            return found[0]
        await asyncio.sleep(0.02)


async def orders(url: str, discord: Discord, home: Path) -> tuple[list[float], list[float], list[float]]:
    """Seconds to the order on the wire: from leaving Discord, from the engine's inbox, and the peer's."""
    config = DiscordConfig(
        token=Secret(TOKEN),
        rooms=(DiscordRoom(name=ROOM.name, channels=frozenset({CHANNEL}), authors=frozenset({RELAY.id})),),
        api_url=discord.api_url,
        gateway_url=discord.gateway_url,
    )
    source = TimedSource(config, LeapingClock(home / "clock"))
    left: list[float] = []
    heard: list[float] = []
    bare: list[float] = []
    async with (
        trader(url, home, ["MES"], Never(), (ROOM,), source) as hands,
        bare_client(discord, url),
    ):
        if not await until(lambda: _live(hands)):
            raise TimeoutError("the room is not read")
        for number in range(ALERTS + 1):
            await hands.arrivals()
            posted = await discord.post(RELAY.name, ALERT)
            arrived = await arrival(hands)
            if not await until(lambda: hands.held() == 1 and hands.protected()):
                raise TimeoutError("the alert was not traded")
            stranger = await discord.post(STRANGER.name, ALERT)
            peer = await arrival(hands)
            if number:  # the first one opens connections
                left.append((arrived - posted) / NANOS)
                heard.append((arrived - source.heard_ns) / NANOS)
                bare.append((peer - stranger) / NANOS)
            await hands.market(TARGET_TICKS + 5)
            if not await until(hands.flat):
                raise TimeoutError("the target was not filled")
            hands.feed.first_ns = 0
            await hands.market()
            await until(lambda: bool(hands.feed.first_ns))
    return left, heard, bare


def _live(hands: Trader) -> bool:
    link = hands.core.links.get("discord")
    return link is not None and link.state is LinkState.LIVE


def reading(read: Callable[[str], object], texts: Sequence[str]) -> float:
    """Seconds for one text."""
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < READING_S:
        for text in texts:
            read(text)
        count += len(texts)
    return passed / count


def run() -> None:
    """Measure and print."""
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        LeapingClock(home / "clock", OPENING)
        with venue(home / "clock") as url, room() as discord:
            left, heard, bare = asyncio.run(orders(url, discord, home))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    peer = {share: quantile(bare, share) for share in (0.5, 0.99)}
    rows = (
        ("message leaves Discord to order on the wire, journal commit between", left),
        ("of that, from the engine's hearing of it", heard),
        ("bare client: WebSocket, JSON, POST", bare),
    )
    table(
        f"alerts: from a message to the arrival of its order, {len(left)} of each, one before them left out",
        ("", "p50", "p99", "to the bare client, p50", "p99"),
        [
            (
                name,
                *(ms(quantile(times, share)) for share in peer),
                *(ratio(quantile(times, share), peer[share]) for share in peer),
            )
            for name, times in rows
        ],
    )
    parsers = {name: RoomParser(variants=texts is VARIANTS) for name, texts in TEXTS.items()}
    read = []
    for name, texts in TEXTS.items():
        ours, naive = reading(parsers[name].read, texts), reading(NAIVE.search, texts)
        length = sum(map(len, texts)) // len(texts)
        read.append((name, f"{length:,}", f"{1 / ours:,.0f} /s", f"{1e6 * ours:.1f} µs", ratio(ours, naive)))
    head = ("", "characters", "texts read", "one text", "to a bare regular expression")
    table("alerts: texts read, on one core", head, read)
