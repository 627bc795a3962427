"""What many books cost: one idea to ten of them, and a tick that concerns none, or all."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median

from adapters.store.journal import SqliteJournal
from bench.figures import ms, quantile, ratio, table
from bench.orders import Always, until
from engine.core import Core
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.commands import Shutdown
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.errors import RefusedError
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.model.orders import Account, AccountKind, Capabilities
from engine.ports import Sink
from engine.runtime.engine import Engine
from engine.venue.fill_model import FillModel
from engine.venue.paper import PaperBroker

MNQ = CME_FUTURES["MNQ"]
START = 1_794_844_800 * NANOS
"""Monday 16 November 2026, ten in the morning in Chicago."""
PRICE = 100_000
MANY = 10
ROUNDS = 30
TICKS = 20_000
STRIDE = NANOS // 2
LIMITS = RiskLimits(max_trades=1_000_000, max_losses_in_a_row=0)


@dataclass
class Clock:
    now: int = START

    def __call__(self) -> int:
        return self.now


@dataclass
class NotingBroker:
    """A broker that notes when an order reaches it, and refuses it, so that the next minute asks anew."""

    book: str
    clock: Clock
    capabilities: Capabilities = field(default_factory=Capabilities)
    placed: list[int] = field(default_factory=list)

    @property
    def account(self) -> Account:
        return Account(self.book, self.book, AccountKind.PRACTICE, Decimal(50_000), can_trade=True)

    async def run(self, sink: Sink) -> None:
        sink(ev.AccountAdopted(ts_recv=self.clock(), book=self.book, account=self.account))
        sink(ev.LinkChanged(ts_recv=self.clock(), link="user", state=ev.LinkState.LIVE, book=self.book))
        await asyncio.Event().wait()

    async def place(self, order: fx.PlaceOrder) -> str:
        self.placed.append(time.perf_counter_ns())
        raise RefusedError("only measured")

    async def modify(self, change: fx.ModifyOrder) -> None: ...

    async def cancel(self, order: fx.CancelOrder) -> None: ...

    async def close(self, position: fx.ClosePosition) -> None: ...

    async def snapshot(self, since: int, *, urgent: bool = False) -> ev.SnapshotTaken:
        return ev.SnapshotTaken(
            ts_recv=self.clock(), book=self.book, since=since, account=self.account,
            orders=(), fills=(), positions=(),
        )  # fmt: skip


class Feed:
    """A market that whoever measures speaks for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sink: Sink = lambda event: None

    async def run(self, sink: Sink) -> None:
        now, self._sink = self._clock(), sink
        sink(ev.ContractResolved(ts_recv=now, instrument=MNQ, contract_id="z", name="MNQZ6"))
        for link in ("rest", "market"):
            sink(ev.LinkChanged(ts_recv=now, link=link, state=ev.LinkState.LIVE))
        await asyncio.Event().wait()

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        return ()

    def trade(self) -> None:
        for event in market(self._clock(), PRICE):
            self._sink(event)


def market(now: int, price: int) -> tuple[ev.Quote, ev.Print]:
    quote = ev.Quote(ts_recv=now, ts_venue=now, instrument="MNQ", bid=price, ask=price + 1, last=price)
    return quote, ev.Print(ts_recv=now, ts_venue=now, instrument="MNQ", price=price, size=1)


def config_of(count: int, install: str = "bench", boot: int = 1) -> EngineConfig:
    books = tuple(BookConfig(f"book{number}", risk=LIMITS) for number in range(count))
    return EngineConfig(
        (MNQ,), "bench", install, boot, TradingSwitch.LIVE, practice_time=True, books=books, templates=(),
        bar_grace_ns=0,
    )  # fmt: skip


# --- one idea to many books --------------------------------------------------------------------------------


@asynccontextmanager
async def trading(home: Path, count: int) -> AsyncIterator[tuple[Feed, Clock, list[NotingBroker], Core]]:
    """An engine with its journal on disk and so many books, verified with their brokers."""
    clock = Clock()
    accounts, feed = [NotingBroker(f"book{number}", clock) for number in range(count)], Feed(clock)
    async with await SqliteJournal.open(home / "journal.db") as journal:
        core = Core(config_of(count, journal.install, journal.boot), Always())
        engine = Engine(core, journal, journal.last_seq, {"": feed}, accounts, clock, warm_up=False)
        running = asyncio.create_task(engine.main())
        try:
            for _ in range(200):
                if core.books and all(book.recovered for book in core.books.values()):
                    break
                await asyncio.sleep(0.01)
                clock.now += STRIDE // 5
                feed.trade()
            yield feed, clock, accounts, core
            engine.ask(Shutdown(id="end"))
            await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def fan_out(home: Path, count: int, rounds: int) -> list[list[float]]:
    """By round, the seconds from the event that closes a minute to each book's order at its broker."""
    found: list[list[float]] = []
    async with trading(home, count) as (feed, clock, accounts, core):
        while len(found) < rounds:
            while (left := MINUTE - clock() % MINUTE) > STRIDE:
                clock.now += min(STRIDE, left - STRIDE // 2)
                feed.trade()
                await asyncio.sleep(0.001)
            before = [len(account.placed) for account in accounts]
            clock.now += left
            began = time.perf_counter_ns()
            feed.trade()
            if not await until(_placed(accounts, before), 2):
                raise TimeoutError(f"not every book placed its order: {dict(core.entries.refusals)}")
            found.append([(account.placed[-1] - began) / NANOS for account in accounts])
    return found


def _placed(accounts: Sequence[NotingBroker], before: Sequence[int]) -> Callable[[], bool]:
    """Whether every account has taken an order more than before."""
    return lambda: all(len(one.placed) > n for one, n in zip(accounts, before, strict=True))


def fan_out_rows() -> list[tuple[str, ...]]:
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        (home / "one").mkdir()
        alone = asyncio.run(fan_out(home / "one", 1, ROUNDS))
        many = asyncio.run(fan_out(home, MANY, ROUNDS))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    single = [one for (one,) in alone]
    first, last = [min(times) for times in many], [max(times) for times in many]
    peer = median(first)
    return [
        (name, ms(median(times)), ms(quantile(times, 0.95)), ratio(median(times), peer))
        for name, times in (
            ("the only book's order", single),
            (f"the first of {MANY}", first),
            (f"the last of {MANY}", last),
        )
    ]


# --- a tick ------------------------------------------------------------------------------------------------


class Books:
    """A core with so many accounts, each at a sans-I/O venue of its own."""

    def __init__(self, count: int, *, holding: bool) -> None:
        self.now = START
        self.core = Core(config_of(count), Always())
        self._brokers = {
            f"book{number}": PaperBroker(
                Account(str(number), str(number), AccountKind.PRACTICE, Decimal(50_000), can_trade=True),
                f"book{number}", {"MNQ": MNQ}, FillModel(),
            )
            for number in range(count)
        }  # fmt: skip
        self._take(self.core.start(self.now)[1])
        self.step(ev.ContractResolved(ts_recv=self.now, instrument=MNQ, contract_id="z", name="MNQZ6"))
        for name, broker in self._brokers.items():
            self.step(ev.AccountAdopted(ts_recv=self.now, book=name, account=broker.account))
        for link in ("rest", "user", "market"):
            self.step(ev.LinkChanged(ts_recv=self.now, link=link, state=ev.LinkState.LIVE))
        until_ts = START + (3 * MINUTE if holding else 10 * NANOS)
        while self.now < until_ts:
            self.now += STRIDE
            quote, trade = market(self.now, PRICE)
            for broker in self._brokers.values():
                broker.advance(self.now)
                broker.on_quote(quote)
                broker.on_print(trade)
            self.step(quote)
            self.step(trade)
        held = [self.core.state.book(name).position("MNQ").qty > 0 for name in self._brokers]
        if set(held) != {holding}:
            raise AssertionError(f"{sum(held)} of {count} books hold something")

    def step(self, event: ev.AnyEvent) -> None:
        self._take(self.core.step(event)[1])
        self._hear()

    def _hear(self) -> None:
        """Let the core hear what the accounts have said, until they say nothing more."""
        while told := [e for broker in self._brokers.values() for e in broker.outgoing]:
            for broker in self._brokers.values():
                broker.outgoing.clear()
            for event in told:
                self._take(self.core.step(event)[1])

    def _take(self, effects: Iterable[fx.AnyEffect]) -> None:
        for effect in list(effects):
            self._brokers[effect.book].now = self.now
            self._brokers[effect.book].execute(effect)

    def ticks(self, rate: int) -> float:
        """CPU seconds of one of so many ticks a second, at prices that wander."""
        events, price, chance = [], PRICE, Random(1)
        for number in range(TICKS):
            price += chance.choice((-1, 0, 0, 1))
            events.append(market(self.now + number * NANOS // rate, price)[number % 2])
        began = time.process_time()
        for event in events:
            _, effects = self.core.step(event)
            if effects:  # a look at the venue that is due, which a tick does not pay for alone
                self.now = event.ts_recv
                self._take(effects)
                self._hear()
        return (time.process_time() - began) / TICKS


def tick_rows() -> list[tuple[str, ...]]:
    """One book and many in turns, so that what else the machine does falls on both."""
    rows: list[tuple[str, ...]] = []
    for what, holding, rate in (
        ("nobody holds anything", False, 1000),
        ("every book holds it", True, 1000),
        ("every book holds it, fewer a second", True, 50),
    ):
        each = {count: float("inf") for count in (1, MANY)}
        for _ in range(3):
            for count in each:
                each[count] = min(each[count], Books(count, holding=holding).ticks(rate))
        for count, seconds in each.items():
            name = f"{what}, {count} book{'s' * (count > 1)}"
            rows.append((name, f"{1e6 * seconds:.2f} µs", ratio(seconds, each[1])))
    return rows


def run() -> None:
    """Measure and print."""
    table(
        f"books: from a minute's close to the order at the broker, journal on disk, {ROUNDS} ideas (aim 3x)",
        ("", "p50", "p95", "to the first"),
        fan_out_rows(),
    )
    table("books: one tick through the core (aim 1.5x)", ("", "a tick", ""), tick_rows())
