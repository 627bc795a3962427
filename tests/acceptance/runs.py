"""A venue under test at its port, and an engine with its journal on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapters.store.journal import SqliteJournal
from engine.core import Core
from engine.model import records as r
from engine.model.commands import AnyCommand, PlaceManual, Shutdown
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.events import FillReported, LinkChanged, OrderReported
from engine.model.limits import RiskLimits
from engine.model.market import NANOS, Side
from engine.model.notices import Notice
from engine.model.orders import OrderStatus, OrderType, Slot, VenueOrder, VenueStatus
from engine.ports import Broker, OpenVenue
from engine.runtime.engine import Engine
from engine.state.fold import apply
from engine.state.state import BookState, State
from tests.acceptance.venue_under_test import VenueUnderTest
from tests.strategies.scripted import ScriptedStrategy
from tests.support.patience import patient
from tests.support.waits import Inbox, until
from tstream.run.wiring import in_real_time


@dataclass
class AtPort:
    """Feed and broker of one adapter at work, and all that they told."""

    venue: VenueUnderTest
    open: OpenVenue
    inbox: Inbox

    @property
    def broker(self) -> Broker:
        return self.open.brokers[0]

    def order(self, client_id: str) -> VenueOrder | None:
        """The newest that was told of an order."""
        told = [e.order for e in self.inbox.of(OrderReported) if e.order.client_id == client_id]
        return told[-1] if told else None

    def filled(self) -> int:
        """Lots of all fills, each counted once."""
        return sum({e.fill.trade_id: e.fill.qty for e in self.inbox.of(FillReported)}.values())

    async def told(self, client_id: str, holds: Callable[[VenueOrder], bool]) -> VenueOrder:
        """Wait for a report of an order of which something holds."""
        await self.inbox.until(lambda: (one := self.order(client_id)) is not None and holds(one))
        found = self.order(client_id)
        assert found is not None
        return found

    async def ended(self, client_id: str, status: VenueStatus) -> VenueOrder:
        return await self.told(client_id, lambda one: one.status is status)


@asynccontextmanager
async def at_port(venue: VenueUnderTest) -> AsyncIterator[AtPort]:
    """An adapter of its own, live."""
    opened, inbox = venue.open(), Inbox()
    assert opened.feed is not None
    parts = [opened.feed.run(inbox), *(broker.run(inbox) for broker in opened.brokers)]
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await inbox.live("market")
        await inbox.live("user")
        yield AtPort(venue, opened, inbox)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await opened.close()


@dataclass
class EngineRun:
    """One run of the engine, and a person who trades by it."""

    venue: VenueUnderTest
    core: Core
    engine: Engine
    main: asyncio.Task[None]
    journal: SqliteJournal
    links: list[LinkChanged] = field(default_factory=list)
    """All that was told of connections."""
    number: int = 0

    @property
    def book(self) -> BookState:
        return self.core.state.book(self.venue.name)

    def qty(self) -> int:
        """Signed lots that the engine knows."""
        return self.book.position(self.venue.symbol).qty

    def live(self, slot: Slot) -> list[tuple[int, int | None]]:
        """(Open lots, price) of the working orders of a kind."""
        return sorted(
            (order.open_qty, order.price)
            for order in self.book.live_orders(self.venue.symbol)
            if order.slot is slot and order.status is OrderStatus.WORKING
        )

    def quiet(self) -> bool:
        """Both sides have neither position nor order."""
        nothing = not self.qty() and not self.book.live_orders(self.venue.symbol)
        return nothing and not self.venue.held() and not self.venue.working()

    def protected(self, stop: int) -> bool:
        """All that is held, by both sides the same, has its stop at the venue."""
        held = self.venue.held()
        resting = [one for one in self.venue.working() if one.type is OrderType.STOP and one.stop == stop]
        covered = sum(one.qty - one.filled_qty for one in resting) == held
        return held > 0 and held == self.qty() and covered and self.live(Slot.STOP) == [(held, stop)]

    def standing(self, stop: int) -> bool:
        """All that is held has its stop, and its target where one can rest; nothing is under way."""
        known = self.core.books[self.venue.name].config.capabilities
        exits = 1 if known.watches_target(self.venue.instrument.kind) else 2
        live = self.book.live_orders(self.venue.symbol)
        calm = all(order.status is OrderStatus.WORKING for order in live)
        return self.protected(stop) and calm and len(live) == len(self.venue.working()) == exits

    def ready(self) -> bool:
        book = self.core.books.get(self.venue.name)
        symbol = self.venue.symbol
        return (
            book is not None
            and book.recovered
            and book.orders.reconciled
            and symbol in self.core.market.quotes
            and not self.core.entries.against(book, symbol)
        )

    async def say(self, command: AnyCommand) -> Notice:
        async with asyncio.timeout(patient(10)):
            return await asyncio.wrap_future(self.engine.ask(command))

    async def buy(self, *, entry: int | None = None, stop: int, target: int) -> str:
        """A person buys: at market, or at a limit; prices in ticks. Gives the command's id."""
        self.number += 1
        name = f"by-hand-{self.core.config.boot}-{self.number}"
        answer = await self.order(name, entry=entry, stop=stop, target=target)
        assert answer.text.startswith("placed as"), answer.text
        return name

    async def order(self, name: str, *, entry: int | None = None, stop: int, target: int) -> Notice:
        """The same by a command of this id, whatever is said to it."""
        venue, known = self.venue, self.venue.instrument
        return await self.say(
            PlaceManual(
                id=name,
                source="cli",
                instrument=venue.symbol,
                side=Side.BUY,
                qty=venue.qty,
                entry=OrderType.MARKET if entry is None else OrderType.LIMIT,
                price=None if entry is None else known.price(entry),
                stop=known.price(stop),
                targets=(known.price(target),),
                book=venue.name,
            )
        )

    async def crash(self) -> None:
        """The process is gone: nothing is said to anybody."""
        self.main.cancel()
        await asyncio.gather(self.main, return_exceptions=True)


@asynccontextmanager
async def engine_on(venue: VenueUnderTest, folder: Path, speed: float = 1.0) -> AsyncIterator[EngineRun]:
    """A run on the journal in a folder, once it may trade; `crash()` it, or it is shut down at the end.
    `speed` is how fast the venue's clock runs.
    """
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(await SqliteJournal.open(folder / "journal.db"))
        opened = venue.open()
        stack.push_async_callback(opened.close)
        assert opened.feed is not None
        [broker] = opened.brokers
        book = BookConfig(
            name=venue.name,
            venue=venue.name,
            risk=RiskLimits(max_contracts=100 * venue.qty, reward_to_risk_min=0.1),
            capabilities=broker.capabilities,
        )
        config = EngineConfig(
            (venue.instrument,),
            venue.name,
            journal.install,
            journal.boot,
            TradingSwitch.LIVE,
            practice_time=True,
            books=(book,),
            bar_grace_ns=NANOS // 20,
        )
        core = Core(in_real_time(config, speed), ScriptedStrategy([]), await kept(journal))
        links: list[LinkChanged] = []
        engine = Engine(
            core,
            journal,
            journal.last_seq,
            {venue.name: opened.feed},
            opened.brokers,
            venue.clock,
            lambda event: links.append(event) if isinstance(event, LinkChanged) else None,
            speed,
        )
        run = EngineRun(venue, core, engine, asyncio.create_task(engine.main()), journal, links)
        try:
            venue.market(venue.price)
            await until(run.ready, 15)
            yield run
            if not run.main.done():
                engine.ask(Shutdown(id="end"))
                async with asyncio.timeout(patient(10)):
                    await run.main
        finally:
            run.main.cancel()
            await asyncio.gather(run.main, return_exceptions=True)


async def kept(journal: SqliteJournal) -> State:
    """What a new run would know."""
    state = State()
    async for _, raw in journal.read():
        apply(state, r.decode(raw))
    return state
