"""The order path under the clock: from an event to the request on the wire, and from a key to flat."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import aiohttp
import msgspec

from adapters.common.secret import Secret
from adapters.projectx.config import ProjectXConfig, RateLimits, WantedAccount
from adapters.projectx.venue import ProjectXVenue
from adapters.store.journal import SqliteJournal
from bench.figures import ms, quantile, ratio, table
from bench.leaps import LeapingClock
from bench.stamped import OPENING, Arrival
from bench.terminal import ROOT
from engine.core import Core
from engine.market.bars import BarsClosed
from engine.model.commands import Flatten, Resume, Shutdown
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.events import AnyEvent, Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.plans import Idea
from engine.model.rooms import AlertRoom
from engine.ports import AlertSource, MarketFeed, Sink
from engine.runtime.engine import Engine
from engine.runtime.recovery import restore
from engine.signals.board import SignalBoard
from engine.state.state import BookState
from engine.strategies.protocol import Declined, Strategy

ENTRIES = 200
SETTLE_S = 0.03
"""Until the records of one round are on disk: the next order is not to wait for them."""
FLATTENS = 12
PRICES = {"MNQ": 84_000, "NQ": 84_000, "MES": 26_000, "ES": 26_000, "MGC": 41_000, "GC": 41_000}
STOP_TICKS, TARGET_TICKS = 40, 80
LIMITS = RiskLimits(
    risk_per_trade_usd=Decimal(10_000),
    max_contracts=1,
    max_trades=1_000_000,
    daily_loss_usd=Decimal(10_000_000),
    account_preset="none",
)
STRIDE = 4 * NANOS
PLACE, CLOSE, CANCEL = "/api/Order/place", "/api/Position/closeContract", "/api/Order/cancel"


SNAPSHOT = ("/api/Order/v2/query", "/api/Order/search", "/api/Trade/search", "/api/Position/searchOpen")
BESIDE = NANOS // 200
"""So near to an entry a snapshot of the venue competes with it."""


class Entry(NamedTuple):
    seconds: float
    """From the event's coming in to the order's arrival at the venue."""
    beside_snapshot: bool


class Always:
    """Wants to be long everything, at every minute."""

    name = "always"

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        return [
            Idea(
                self.name, bar.instrument, Side.BUY, bar.close, bar.close - STOP_TICKS,
                (bar.close + TARGET_TICKS,), 80, (), closed.ts, 3,
            )
            for bar in closed.bars
            if bar.timeframe is Timeframe.M1
        ]  # fmt: skip


class TimedFeed:
    """Notes when an event of the market comes to the engine."""

    def __init__(self, feed: MarketFeed) -> None:
        self._feed = feed
        self.first_ns = 0
        """Monotonic time of the first event since it was last set to 0."""

    async def run(self, sink: Sink) -> None:
        def heard(event: AnyEvent) -> None:
            if not self.first_ns and isinstance(event, Quote | Print):
                self.first_ns = time.monotonic_ns()
            sink(event)

        await self._feed.run(heard)

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        return await self._feed.history(instrument, start, end, timeframe)


class Trader:
    """One engine on the venue, and the hands that move clock and market."""

    def __init__(
        self, engine: Engine, core: Core, feed: TimedFeed, clock: LeapingClock, http: aiohttp.ClientSession
    ) -> None:
        self.engine = engine
        self.core = core
        self.feed = feed
        self._clock = clock
        self._http = http
        self._symbols = list(core.instruments)
        self.missed = 0
        """Minutes that closed without the entries that were wanted; each is tried again."""

    async def market(self, away: int = 0) -> None:
        """Move all contracts to so many ticks from their opening prices."""
        prices = {symbol: PRICES[symbol] + away for symbol in self._symbols}
        await self._http.post("/bench/market", json=prices)

    async def arrivals(self) -> list[Arrival]:
        """What has arrived at the venue since the last call."""
        async with self._http.get("/bench/arrivals") as reply:
            return msgspec.json.decode(await reply.read(), type=list[Arrival])

    async def bare(self) -> float:
        """Seconds from a bare POST to its arrival. It names no account, so nothing is traded."""
        await self.arrivals()
        order = {"accountId": 0, "contractId": "", "type": 2, "side": 0, "size": 1, "customTag": "bare"}
        began = time.monotonic_ns()
        async with self._http.post(PLACE, json=order) as reply:
            await reply.read()
        return (stamps(await self.arrivals(), PLACE)[0] - began) / NANOS

    async def enter(self, positions: int) -> list[Entry]:
        """Close a minute, so that so many positions are opened."""
        for _ in range(4):
            await self._approach()
            await self.arrivals()
            self.feed.first_ns = 0
            self._clock.leap(MINUTE - self._clock() % MINUTE)
            await self.market()
            if await until(lambda: self.held() == positions and self.protected(), 2.0):
                began, arrived = self.feed.first_ns, await self.arrivals()
                placed = stamps(arrived, PLACE)
                if len(placed) != positions:
                    raise AssertionError(f"{positions} positions by {len(placed)} orders")
                asked = stamps(arrived, *SNAPSHOT)
                return [
                    Entry((at - began) / NANOS, any(began - BESIDE < other < at + BESIDE for other in asked))
                    for at in placed
                ]
            self.missed += 1
        raise TimeoutError(f"{self.held()} positions were opened: {dict(self.core.entries.refusals)}")

    async def _approach(self) -> None:
        """On to the last seconds of the minute, in strides: one leap would look like a machine that slept."""
        while (left := MINUTE - self._clock() % MINUTE) > STRIDE:
            self._clock.leap(min(STRIDE, left - STRIDE // 2))
            self.feed.first_ns = 0
            await self.market()
            await until(lambda: self.feed.first_ns > 0)
        await asyncio.sleep(SETTLE_S)

    def held(self) -> int:
        return sum(1 for position in self._book.positions.values() if position.qty)

    def protected(self) -> bool:
        """Every position's bracket is at work."""
        live = self._book.live_orders()
        return len(live) == 2 * self.held() and not any(order.suspended for order in live)

    def flat(self) -> bool:
        book = self._book
        return not (book.plans or book.flattening or book.live_orders() or self.held())

    @property
    def _book(self) -> BookState:
        return self.core.state.book("bench")


def stamps(arrivals: Sequence[Arrival], *paths: str) -> list[int]:
    return [at for where, at in arrivals if where in paths]


async def until(met: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.001)
    return True


@contextmanager
def venue(clock: Path) -> Iterator[str]:
    """The venue's address."""
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.stamped", str(clock)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip()
    finally:
        child.stdin.close()
        child.wait(timeout=10)
        child.stdout.close()


@asynccontextmanager
async def trader(
    url: str,
    home: Path,
    symbols: Sequence[str],
    strategy: Strategy | None = None,
    rooms: tuple[AlertRoom, ...] = (),
    alerts: AlertSource | None = None,
    bar_grace_ns: int = NANOS,
) -> AsyncIterator[Trader]:
    """An engine with its journal on disk, trading these contracts, until the end."""
    instruments = {symbol: CME_FUTURES[symbol] for symbol in symbols}
    clock = LeapingClock(home / "clock")
    adapter = ProjectXVenue(
        ProjectXConfig(
            user_name="practice", api_key=Secret("practice"), instruments=instruments, venue="practice",
            accounts=(WantedAccount(book="bench"),),
            api_url=url, user_hub_url=f"{url}/hubs/user", market_hub_url=f"{url}/hubs/market",
            limits=RateLimits(requests=1_000_000, history_requests=1_000_000),
        ),
        clock,
        rng=random.Random(1),
    )  # fmt: skip
    async with (
        await SqliteJournal.open(home / "journal.db") as journal,
        aiohttp.ClientSession(url) as http,
    ):
        config = EngineConfig(
            tuple(instruments.values()), "bench", journal.install, journal.boot, TradingSwitch.LIVE,
            practice_time=True, templates=(BookConfig(risk=LIMITS),), rooms=rooms, bar_grace_ns=bar_grace_ns,
        )  # fmt: skip
        core = Core(config, strategy or Always(), await restore(journal))
        feed = TimedFeed(adapter.feed)
        engine = Engine(
            core,
            journal,
            journal.last_seq,
            {"practice": feed},
            adapter.brokers,
            clock,
            warm_up=False,
            alerts=alerts,
        )
        hands = Trader(engine, core, feed, clock, http)
        await hands.market()
        running = asyncio.create_task(engine.main())
        try:
            books = core.books
            if not await until(lambda: bool(books) and all(b.orders.reconciled for b in books.values())):
                raise TimeoutError("the engine did not come up")
            yield hands
            engine.ask(Shutdown(id="end"))
            await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await adapter.close()


async def entries(url: str, home: Path) -> tuple[list[Entry], list[float], int]:
    """Entries, the seconds of bare POSTs in between, and how many minutes brought no entry."""
    ours: list[Entry] = []
    bare: list[float] = []
    # Without a grace the first event behind a minute closes it.
    async with trader(url, home, ["MNQ"], bar_grace_ns=0) as hands:
        for _ in range(ENTRIES):
            ours += await hands.enter(1)
            bare.append(await hands.bare())
            await hands.market(TARGET_TICKS + 5)
            if not await until(hands.flat):
                raise TimeoutError("the target was not filled")
            await asyncio.sleep(SETTLE_S)
    return ours, bare, hands.missed


async def flattens(url: str, home: Path) -> dict[str, list[float]]:
    """Seconds from a key to the last close, to the last cancel, and to flat by the venue's own word."""
    seen: dict[str, list[float]] = {CLOSE: [], CANCEL: [], "flat": []}
    async with trader(url, home, list(PRICES)) as hands:
        for number in range(FLATTENS):
            await hands.enter(len(PRICES))
            began = time.monotonic_ns()
            hands.engine.ask(Flatten(id=f"flatten-{number}"))
            if not await until(lambda: hands.held() == 0) or not await until(hands.flat):
                raise TimeoutError("not flat")
            seen["flat"].append((time.monotonic_ns() - began) / NANOS)
            arrived = await hands.arrivals()
            for path in (CLOSE, CANCEL):
                seen[path].append((max(stamps(arrived, path)) - began) / NANOS)
            hands.engine.ask(Resume(id=f"resume-{number}"))
    return seen


def run() -> None:
    """Measure and print."""
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        LeapingClock(home / "clock", OPENING)
        with venue(home / "clock") as url:
            ours, bare, missed = asyncio.run(entries(url, home))
            seen = asyncio.run(flattens(url, home))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    with_one = [entry.seconds for entry in ours if entry.beside_snapshot]
    without = [entry.seconds for entry in ours if not entry.beside_snapshot]
    rows = [
        ("event in to order on the wire, journal commit between", [entry.seconds for entry in ours]),
        (f"of these, {len(with_one)} with a snapshot of the venue beside them", with_one),
        (f"of these, {len(without)} without", without),
        ("bare aiohttp POST", bare),
    ]
    peer = {share: quantile(bare, share) for share in (0.5, 0.99)}
    table(
        f"orders: from the quote that closes a minute to the arrival of its order, {len(ours)} of each; "
        f"{missed} minutes closed without an order",
        ("", "p50", "p99", "to the bare POST, p50", "p99"),
        [
            (
                name,
                *(ms(quantile(times, share)) if times else "none" for share in peer),
                *(ratio(quantile(times, share), peer[share]) if times else "" for share in peer),
            )
            for name, times in rows
        ],
    )
    names = {CLOSE: "last close on the wire", CANCEL: "last cancel on the wire", "flat": "flat, verified"}
    table(
        f"orders: flatten of {len(PRICES)} bracketed positions, from the key, {FLATTENS} times",
        ("", "p50", "worst"),
        [(name, ms(quantile(seen[key], 0.5)), ms(max(seen[key]))) for key, name in names.items()],
    )
