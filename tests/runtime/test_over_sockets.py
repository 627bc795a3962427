"""The whole engine over real sockets: strategy, core, SQLite journal, ProjectX adapter, practice venue."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from adapters.projectx.config import ProjectXConfig, Secret
from adapters.projectx.venue import ProjectXVenue
from adapters.simulator.config import SimulatorConfig
from adapters.simulator.hours import market_open, practice_open
from adapters.simulator.practice import PracticeVenue
from adapters.simulator.scripted import ScriptedMarket
from adapters.store.journal import Journal
from engine.core import Core
from engine.model import records as r
from engine.model.commands import Flatten, Shutdown
from engine.model.config import EngineConfig, TradingSwitch
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import OrderStatus, Slot
from engine.model.plans import Idea
from engine.runtime.engine import Engine
from engine.trading.fold import apply
from engine.trading.state import State
from tests.projectx.conftest import QUICK
from tests.runtime.parts import until
from tests.signals.scripted import ScriptedStrategy

START = practice_open(date(2031, 10, 7))
PRICE = 84_000
ACCOUNT = 26_000_001
MNQ = CME_FUTURES["MNQ"]
LONG = Idea("scripted", "MNQ", Side.BUY, 0, -40, (80, 160), 80, ("test",), 0, 3)


class Clock:
    """Real seconds from the opening on, and leaps over the minutes in which nothing is to be seen."""

    def __init__(self) -> None:
        self._begun = time.monotonic_ns()
        self._skipped = 0

    def __call__(self) -> int:
        return START + time.monotonic_ns() - self._begun + self._skipped

    def to_next_minute(self) -> None:
        self._skipped += MINUTE - self() % MINUTE


@dataclass
class Floor:
    """The venue, and what the test asks it behind the engine's back."""

    practice: PracticeVenue
    clock: Clock
    session: ClientSession
    journal: Path
    runs: list[Run] = field(default_factory=list)

    def market(self, price: int) -> None:
        now = self.clock()
        self.practice.push(Quote(ts_recv=now, ts_venue=now, instrument="MNQ", bid=price, ask=price + 1))
        self.practice.push(Print(ts_recv=now, ts_venue=now, instrument="MNQ", price=price, size=50))

    async def ask(self, path: str, **body: Any) -> Any:
        async with self.session.post(f"{self.practice.url}/api/{path}", json=body) as reply:
            return await reply.json()

    async def login(self) -> None:
        answer = await self.ask("Auth/loginKey", userName="practice", apiKey="practice")
        self.session.headers["Authorization"] = f"Bearer {answer['token']}"

    async def positions(self) -> Sequence[Any]:
        found: Sequence[Any] = (await self.ask("Position/searchOpen", accountId=ACCOUNT))["positions"]
        return found

    async def working(self) -> Sequence[Any]:
        """Open, pending and suspended orders, as the venue's own platform would list them."""
        wanted = {"accountId": ACCOUNT, "statuses": [1, 6, 8]}
        query = {"filter": wanted, "pageSize": 100, "pageOffset": 0, "sortBy": 1, "sortDirection": 0}
        found: Sequence[Any] = (await self.ask("Order/v2/query", **query))["orders"]
        return found

    @asynccontextmanager
    async def engine(self, *ideas: Idea) -> AsyncIterator[Run]:
        """One run of the engine on this journal; `crash()` it, or it is shut down at the end."""
        async with AsyncExitStack() as stack:
            journal = await stack.enter_async_context(await Journal.open(self.journal))
            state = State()
            async for _, raw in journal.read():
                apply(state, r.decode(raw))
            venue = ProjectXVenue(
                _config(self.practice), self.clock, session_open=market_open, rng=random.Random(1)
            )
            stack.push_async_callback(venue.close)
            config = EngineConfig(
                (MNQ,),
                "practice",
                journal.install,
                journal.boot,
                TradingSwitch.LIVE,
                bar_grace_ns=NANOS // 20,
            )
            core = Core(config, ScriptedStrategy([(0, one) for one in ideas], relative=True), state)
            engine = Engine(core, journal, journal.last_seq, venue.feed, [venue.broker], self.clock)
            run = Run(self, core, engine, asyncio.create_task(engine.main()))
            try:
                await until(lambda: core.desks and all(d.reconciled for d in core.desks.values()), 10)
                yield run
                if not run.main.done():
                    engine.send(Shutdown(id="end"))
                    async with asyncio.timeout(8):
                        await run.main
            finally:
                run.main.cancel()
                await asyncio.gather(run.main, return_exceptions=True)


@dataclass
class Run:
    floor: Floor
    core: Core
    engine: Engine
    main: asyncio.Task[None]

    @property
    def book(self) -> Any:
        return self.core.state.book("practice")

    def qty(self) -> int:
        return int(self.book.position("MNQ").qty)

    def stops(self) -> list[tuple[int, int]]:
        """(open quantity, price) of the working stops."""
        return sorted(
            (order.open_qty, order.stop)
            for order in self.book.live_orders("MNQ")
            if order.slot is Slot.STOP and order.status is OrderStatus.WORKING and not order.suspended
        )

    async def enter(self) -> None:
        """Let minutes close until the scripted idea has become a protected position."""
        for _ in range(3):
            self.floor.clock.to_next_minute()
            self.floor.market(PRICE)
            try:
                await until(lambda: self.book.plans, 0.5)
            except TimeoutError:
                continue
            break
        await until(lambda: self.qty() == 5 and sum(q for q, _ in self.stops()) == 5)

    async def crash(self) -> None:
        """The process is gone: nothing is said to anybody."""
        self.main.cancel()
        await asyncio.gather(self.main, return_exceptions=True)


def _config(practice: PracticeVenue) -> ProjectXConfig:
    return ProjectXConfig(
        user_name="practice",
        api_key=Secret("practice"),
        instruments={"MNQ": MNQ},
        book="practice",
        api_url=practice.url,
        user_hub_url=f"{practice.url}/hubs/user",
        market_hub_url=f"{practice.url}/hubs/market",
        timing=replace(QUICK, dead_s=30, act_s=5),
    )


@asynccontextmanager
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    clock = Clock()
    source = ScriptedMarket([MNQ], START)
    async with PracticeVenue(SimulatorConfig(), source, clock) as practice, ClientSession() as session:
        made = Floor(practice, clock, session, tmp_path / "journal.db")
        await made.login()
        made.market(PRICE)
        yield made


def placed(run: Run) -> int:
    return int(run.core.state.issued)


async def test_from_an_idea_to_flat_at_the_venue(tmp_path: Path) -> None:
    async with floor(tmp_path) as f, f.engine(LONG) as run:
        await run.enter()
        assert [p["size"] for p in await f.positions()] == [5]
        assert len(await f.working()) == 4
        # The first target fills: the runner's stop goes to break-even at the venue itself.
        f.market(PRICE + 95)
        entry = next(iter(run.book.plans.values())).legs[1]
        await until(lambda: run.stops() == [(3, -(-entry.entered_sum // entry.entered))])
        run.engine.send(Flatten(id="f"))
        await until(lambda: run.qty() == 0 and not run.book.flattening, 10)
        assert (await f.positions(), await f.working()) == ([], [])
        assert run.book.plans == {}
    assert run.book.trades[-1].reason == "manual"


async def test_a_crash_with_an_open_position_costs_no_protection(tmp_path: Path) -> None:
    async with floor(tmp_path) as f:
        async with f.engine(LONG) as run:
            await run.enter()
            stops = run.stops()
            await run.crash()
        before = await f.working()
        async with f.engine() as again:
            await until(lambda: again.stops() == stops)
            assert again.qty() == 5
            # Long enough for grace and retry pauses to run out: nothing is placed twice.
            f.clock._skipped += 5 * NANOS
            await asyncio.sleep(0.3)
            assert placed(again) == 0
            after = await f.working()
            assert [o["id"] for o in after] == [o["id"] for o in before]
            # The stop is hit while this run watches.
            f.market(PRICE - 60)
            await until(lambda: again.qty() == 0 and not again.book.plans)
            await until(lambda: again.book.live_orders() == [])
        assert (await f.positions(), await f.working()) == ([], [])
    assert again.book.trades[-1].reason == "stop"


async def test_a_hub_dropped_while_a_stop_is_hit(tmp_path: Path) -> None:
    async with floor(tmp_path) as f, f.engine(LONG) as run:
        await run.enter()
        hubs = f.practice.exchange.hubs
        for connection in (*hubs.user.connections, *hubs.market.connections):
            connection.abort()
        f.market(PRICE - 60)
        await until(lambda: run.qty() == 0 and not run.book.plans, 10)
        await until(lambda: all(d.reconciled for d in run.core.desks.values()), 10)
        assert (await f.positions(), await f.working()) == ([], [])
        assert placed(run) == 2
        assert run.core.state.restrictions == {}
    assert run.book.trades[-1].reason == "stop"
