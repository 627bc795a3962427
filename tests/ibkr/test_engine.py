"""The engine on Interactive Brokers' twin: entered and protected, a cut connection, a restart, flat again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ib_async")

from adapters.ibkr.config import CAPABILITIES, IbkrConfig, IbWaits
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.ibkr.gateway import IbGatewayTwin
from adapters.simulator.ibkr.records import IbListed
from adapters.store.journal import SqliteJournal
from engine.core import Core
from engine.model import records as r
from engine.model.commands import Flatten, Shutdown
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.events import AnyEvent, LinkChanged, LinkState, Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import NANOS, Side, Timeframe
from engine.model.orders import OrderType
from engine.model.plans import Idea
from engine.runtime.engine import Engine
from engine.state.fold import apply
from engine.state.state import State
from tests.support.engine_over_sockets import Clock, ToldStrategy
from tests.support.patience import patient
from tests.support.waits import until

MES = CME_FUTURES["MES"]
LISTED = IbListed(1001, MES, "20311219")
PRICE = 20_000
LONG = Idea("scripted", "MES", Side.BUY, 0, -40, (80, 160), 80, ("test",), 0, 3)
WAITS = IbWaits(backoff_first_s=0.01, backoff_cap_s=0.02, same_history_s=0.0, commission_s=0.05)


class IbRun:
    """One run of the engine on a journal."""

    def __init__(
        self, core: Core, engine: Engine, twin: IbGatewayTwin, clock: Clock, events: list[AnyEvent]
    ) -> None:
        self.core, self.engine, self.twin, self.clock = core, engine, twin, clock
        self.events = events
        self.main = asyncio.create_task(engine.main())

    def ready(self) -> bool:
        books = self.core.books.values()
        link = self.core.links.get("market")
        live = link is not None and link.state is LinkState.LIVE
        return bool(books) and live and all(one.orders.reconciled for one in books)

    def told(self, link: str, state: LinkState) -> int:
        """How often a link came into a state."""
        words = [one for one in self.events if isinstance(one, LinkChanged) and one.link == link]
        return sum(one.state is state for one in words)

    @property
    def book(self) -> Any:
        return self.core.state.book("ibkr")

    def qty(self) -> int:
        return int(self.book.position("MES").qty)

    def market(self, price: int) -> None:
        now, key = self.clock(), str(LISTED.con_id)
        self.twin.push(Quote(ts_recv=now, ts_venue=now, instrument=key, bid=price, ask=price + 1))
        self.twin.push(Print(ts_recv=now, ts_venue=now, instrument=key, price=price, size=500))

    async def minute(self) -> None:
        """One whole minute of the market, until it has closed."""
        opened = self.clock.to_end_of_next_minute()
        self.market(PRICE)
        bars = self.core.market.bars
        await until(lambda: (b := bars.bars("MES", Timeframe.M1)) and b[-1].open_ts >= opened)

    def resting(self, kind: OrderType) -> int:
        """Lots of the venue's own live orders of a kind."""
        return sum(
            o.qty - o.filled_qty for o in self.twin.account.venue.orders if o.status.live and o.type is kind
        )

    def held(self) -> int:
        return self.twin.account.positions.get(LISTED.con_id, (0, None))[0]


@asynccontextmanager
async def ib_run(path: Path, twin: IbGatewayTwin, clock: Clock, *ideas: Idea) -> AsyncIterator[IbRun]:
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(await SqliteJournal.open(path))
        state = State()
        async for _, raw in journal.read():
            apply(state, r.decode(raw))
        config = IbkrConfig(instruments={"MES": MES}, port=twin.port, waits=WAITS)
        venue = IbkrVenue(config, clock, rng=random.Random(1))
        stack.push_async_callback(venue.close)
        book = BookConfig("ibkr", "ibkr", RiskLimits(), capabilities=CAPABILITIES)
        engine_config = EngineConfig(
            (MES,),
            "ibkr",
            journal.install,
            journal.boot,
            TradingSwitch.LIVE,
            practice_time=True,
            books=(book,),
            bar_grace_ns=NANOS // 20,
        )
        core = Core(engine_config, ToldStrategy(*ideas), state)
        events: list[AnyEvent] = []
        feeds = {"ibkr": venue.feed}
        engine = Engine(core, journal, journal.last_seq, feeds, venue.brokers, clock, events.append)
        run = IbRun(core, engine, twin, clock, events)
        try:
            await until(run.ready)
            yield run
            engine.ask(Shutdown(id="end"))
            async with asyncio.timeout(patient(8)):
                await run.main
        finally:
            run.main.cancel()
            await asyncio.gather(run.main, return_exceptions=True)


async def test_a_trade_is_entered_protected_kept_over_a_restart_and_flattened(tmp_path: Path) -> None:
    clock = Clock()
    async with IbGatewayTwin([LISTED], clock) as twin:
        async with ib_run(tmp_path / "journal.db", twin, clock, LONG) as run:
            run.market(PRICE)
            await run.minute()
            assert run.book.plans, run.core.entries.refusals
            await until(lambda: run.qty() > 0 and run.qty() == run.held())
            size = run.qty()
            await until(lambda: run.resting(OrderType.STOP) == run.resting(OrderType.LIMIT) == size)
            twin.drop()
            await until(lambda: run.told("user", LinkState.DOWN) == 1)
            await until(lambda: run.told("user", LinkState.LIVE) == 2)
            await until(run.ready)
            assert run.resting(OrderType.STOP) == size
        async with ib_run(tmp_path / "journal.db", twin, clock) as again:
            assert (again.qty(), again.held()) == (size, size)
            assert again.resting(OrderType.STOP) == again.resting(OrderType.LIMIT) == size
            again.market(PRICE)
            again.engine.ask(Flatten(id="flat", source="test"))
            await until(lambda: again.held() == 0 and again.qty() == 0)
            await until(lambda: again.resting(OrderType.STOP) == again.resting(OrderType.LIMIT) == 0)
            bought = sum(f.qty for kept in twin.account.kept.values() for f in kept.fills)
            assert bought == 2 * size
