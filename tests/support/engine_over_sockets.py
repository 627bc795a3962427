"""An engine with a SQLite journal and the ProjectX adapter on a practice venue, over real sockets."""

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

from adapters.common.secret import Secret
from adapters.projectx.config import ProjectXConfig
from adapters.projectx.venue import ProjectXVenue
from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import accounts_of_a_login
from adapters.simulator.market.hours import market_open, practice_open
from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.practice import PracticeVenue
from adapters.store.journal import SqliteJournal
from engine.core import Core
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Shutdown
from engine.model.config import EngineConfig, TradingSwitch
from engine.model.events import LinkState, Print, Quote
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.orders import OrderStatus, Slot
from engine.model.plans import Idea
from engine.runtime.engine import Engine
from engine.state.fold import apply
from engine.state.state import State
from tests.projectx.conftest import QUICK
from tests.strategies.scripted import ScriptedStrategy
from tests.support.patience import patient
from tests.support.waits import until
from tstream.run.venues import last_known
from tstream.venues.kind import AskedBook
from tstream.venues.projectx import wanted_account

START = practice_open(date(2031, 10, 7))
PRICE = 84_000
ACCOUNT = 26_000_001
MNQ = CME_FUTURES["MNQ"]
LONG = Idea("scripted", "MNQ", Side.BUY, 0, -40, (80, 160), 80, ("test",), 0, 3)


BEFORE_CLOSE = NANOS // 4
"""So long before a minute ends its market is shown: it closes by the real clock, on data that are fresh."""


class Clock:
    """Real seconds from the opening on, and leaps over the time in which nothing is to be seen."""

    def __init__(self) -> None:
        self._begun = time.monotonic_ns()
        self._skipped = 0

    def __call__(self) -> int:
        return START + time.monotonic_ns() - self._begun + self._skipped

    def skip(self, nanos: int) -> None:
        self._skipped += nanos

    def to_end_of_next_minute(self, before: int = BEFORE_CLOSE) -> int:
        """Leap to so long before the end of the minute after this one; gives its open time."""
        now = self()
        opened = now - now % MINUTE + MINUTE
        self._skipped += opened + MINUTE - before - now
        return opened


class ToldStrategy(ScriptedStrategy):
    """Gives what it is told at the next close."""

    def __init__(self, *ideas: Idea) -> None:
        super().__init__([(0, idea) for idea in ideas], relative=True)

    def say(self, idea: Idea) -> None:
        self._script.append((0, idea))


@dataclass
class VenueSide:
    """The venue, and what the test asks it behind the engine's back."""

    practice: PracticeVenue
    clock: Clock
    session: ClientSession
    journal: Path
    runs: list[Run] = field(default_factory=list)

    @property
    def books(self) -> dict[str, str]:
        """The names of the accounts by the books that they are; one alone is called as its venue."""
        names = [spec.name for spec in self.practice.config.accounts]
        return {"practice" if len(names) == 1 else f"practice-{n}": name for n, name in enumerate(names, 1)}

    @property
    def instruments(self) -> dict[str, Instrument]:
        return {symbol: CME_FUTURES[symbol] for symbol in self.practice.listing.front}

    def market(self, price: int) -> None:
        """The same price in every contract."""
        now = self.clock()
        for symbol in self.instruments:
            self.practice.push(Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=price, ask=price + 1))
            self.practice.push(Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=50))

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
    async def engine(self, *ideas: Idea, heard: bool = True, **timing: float) -> AsyncIterator[Run]:
        """One run of the engine on this journal; `crash()` it, or it is shut down at the end.

        It is given when it has `heard` the venue, or at once.
        """
        async with AsyncExitStack() as stack:
            journal = await stack.enter_async_context(await SqliteJournal.open(self.journal))
            state = await _kept(journal)
            accounts = tuple(
                wanted_account(AskedBook(book, name if len(self.books) > 1 else "", last_known(state, book)))
                for book, name in self.books.items()
            )
            wanted = replace(_config(self, **timing), accounts=accounts)
            venue = ProjectXVenue(wanted, self.clock, session_open=market_open, rng=random.Random(1))
            stack.push_async_callback(venue.close)
            config = EngineConfig(
                tuple(self.instruments.values()),
                "practice",
                journal.install,
                journal.boot,
                TradingSwitch.LIVE,
                practice_time=True,  # its days are of a year whose holidays nobody knows
                bar_grace_ns=NANOS // 20,
            )
            strategy = ToldStrategy(*ideas)
            core = Core(config, strategy, state)
            events: list[ev.AnyEvent] = []
            feeds = {"practice": venue.feed}
            engine = Engine(core, journal, journal.last_seq, feeds, venue.brokers, self.clock, events.append)
            run = Run(self, core, strategy, engine, asyncio.create_task(engine.main()), events, journal)
            try:
                await until(lambda: run.ready() or not heard, 10)
                yield run
                if not run.main.done():
                    engine.ask(Shutdown(id="end"))
                    async with asyncio.timeout(patient(8)):
                        await run.main
            finally:
                run.main.cancel()
                await asyncio.gather(run.main, return_exceptions=True)


@dataclass
class Run:
    venue_side: VenueSide
    core: Core
    strategy: ToldStrategy
    engine: Engine
    main: asyncio.Task[None]
    events: list[ev.AnyEvent]
    """Everything that the engine has taken in."""
    journal: SqliteJournal

    def ready(self) -> bool:
        """The account is known, compared with the venue and told of by its stream, and the market flows."""
        orders = [book.orders for book in self.core.books.values()]
        known = bool(orders) and all(one.reconciled and one.inquiry.streaming for one in orders)
        return known and self.link("market") is LinkState.LIVE

    def link(self, name: str) -> LinkState | None:
        known = self.core.links.get(name)
        return known.state if known is not None else None

    def told(self, link: str, state: LinkState) -> ev.LinkChanged | None:
        """The first word of a link's being in a state."""
        words = (e for e in self.events if isinstance(e, ev.LinkChanged) and e.link == link)
        return next((e for e in words if e.state is state), None)

    def count(self, kind: type) -> int:
        """How many events of a kind the engine has taken in."""
        return sum(isinstance(event, kind) for event in self.events)

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

    async def minute(self) -> None:
        """Show one whole minute of the market to the engine, until it has closed."""
        opened = self.venue_side.clock.to_end_of_next_minute()
        self.venue_side.market(PRICE)
        await self.closed(opened)

    async def closed(self, opened: int) -> None:
        await until(
            lambda: (bars := self.core.market.bars.bars("MNQ", Timeframe.M1)) and bars[-1].open_ts >= opened
        )

    async def enter(self) -> None:
        """Let a minute close, so that the scripted idea becomes a protected position."""
        await self.minute()
        assert self.book.plans, self.core.entries.refusals
        await until(lambda: self.qty() == 5 and sum(q for q, _ in self.stops()) == 5)

    async def stored(self) -> None:
        """The journal has the position too, not only the memory: without this a crash may forget it."""
        async with asyncio.timeout(patient(10)):
            while (await _kept(self.journal)).book("practice").position("MNQ") != self.book.position("MNQ"):
                pass

    async def crash(self) -> None:
        """The process is gone: nothing is said to anybody."""
        self.main.cancel()
        await asyncio.gather(self.main, return_exceptions=True)


async def _kept(journal: SqliteJournal) -> State:
    """What a new run would know."""
    state = State()
    async for _, raw in journal.read():
        apply(state, r.decode(raw))
    return state


def _config(side: VenueSide, **timing: float) -> ProjectXConfig:
    url = side.practice.url
    return ProjectXConfig(
        user_name="practice",
        api_key=Secret("practice"),
        instruments=side.instruments,
        venue="practice",
        api_url=url,
        user_hub_url=f"{url}/hubs/user",
        market_hub_url=f"{url}/hubs/market",
        timing=replace(QUICK, **({"dead_s": 30.0, "act_s": 5.0, "protect_s": 1.5} | timing)),
    )


@asynccontextmanager
async def venue_side(
    tmp_path: Path, bars: Sequence[Bar] = (), *, symbols: Sequence[str] = ("MNQ",), accounts: int = 1
) -> AsyncIterator[VenueSide]:
    """`bars` are the venue's history of MNQ before START."""
    clock = Clock()
    source = ScriptedMarket([CME_FUTURES[symbol] for symbol in symbols], START, bars={"MNQ": bars})
    config = SimulatorConfig(accounts=accounts_of_a_login(accounts))
    async with PracticeVenue(config, source, clock) as practice, ClientSession() as session:
        made = VenueSide(practice, clock, session, tmp_path / "journal.db")
        await made.login()
        made.market(PRICE)
        yield made


def placed(run: Run) -> int:
    return int(run.core.state.issued)
