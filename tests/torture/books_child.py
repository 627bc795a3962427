"""The engine that is killed while it trades several accounts: `python -m tests.torture.books_child ORDERS`.

Orders are JSON; a person's commands come on stdin, one a line.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from adapters.common.secret import Secret
from adapters.common.steady import passing_ns
from adapters.projectx.config import ProjectXConfig, RateLimits, WantedAccount
from adapters.projectx.venue import ProjectXVenue
from adapters.simulator.market.hours import market_open
from adapters.simulator.process import Ready
from adapters.store.journal import SqliteJournal
from engine.books.bots import Bot
from engine.core import Core
from engine.market.bars import BarsClosed
from engine.model.bots import BotConfig
from engine.model.commands import Flatten, Resume, Shutdown
from engine.model.config import BookConfig, EngineConfig, PaperConfig, TradingSwitch
from engine.model.events import AlertKind, AlertReceived
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import Side, Timeframe
from engine.model.plans import Idea
from engine.model.rooms import AlertRoom
from engine.ports import Clock, Sink
from engine.runtime.engine import Engine
from engine.runtime.recovery import restore
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Declined
from tests.projectx.conftest import QUICK
from tests.torture.child import bug
from tests.torture.venue_process import KEY, USER
from tstream.run.wiring import in_real_time

PAPER = "paper"
BOTS = "first", "second"
"""Both trade every contract in every book."""
REPEATED = 5
"""Messages of before that a run of the room hears again."""
TICKS = {"MNQ": (40, 80, 160), "MES": (12, 24, 48), "MGC": (20, 40, 80)}
"""Of stop, first and second target."""
ROOM = AlertRoom("room", {"MES": "MES"}, entry_distance=Decimal(50))
LIMITS = RiskLimits(
    risk_per_trade_usd=Decimal(1_000),
    daily_loss_usd=Decimal(1_000_000),
    max_trades=1_000_000,
    max_open_trades=100,
    plans_per_contract=len(BOTS) + 1,  # and the room
    account_preset="none",
    reduce_on_unknown_days=False,
)


class VenueOrders(Struct, frozen=True):
    """A venue of the run."""

    name: str
    ready: Ready
    books: dict[str, str]
    """Name of the book to that of its account."""
    symbols: tuple[str, ...]


class Orders(Struct, frozen=True):
    """What one run is to do."""

    venues: tuple[VenueOrders, ...]
    journal: str
    seed: int


class Restless:
    """Has an idea of each contract with every minute that closes; its seed decides the sides."""

    name = "restless"

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        ideas = []
        for bar in closed.bars:
            if bar.timeframe is Timeframe.M1:
                side = random.Random(f"{self._seed}:{bar.instrument}:{closed.ts}").choice(list(Side))
                stop, *ends = TICKS[bar.instrument]
                targets = tuple(bar.close + side.sign * ticks for ticks in ends)
                ideas.append(
                    Idea(
                        self.name, bar.instrument, side, bar.close, bar.close - side.sign * stop,
                        targets, 80, ("seeded",), closed.ts, 3,
                    )
                )  # fmt: skip
        return ideas


class Room:
    """Somebody posts a trade of MES every few seconds. What was posted is kept, as a chat service does: each
    run hears the newest messages of those before again.
    """

    def __init__(self, history: Path, clock: Clock, seed: int) -> None:
        self._history = history
        self._clock = clock
        self._rng = random.Random(seed)
        self.price: Callable[[], int | None] = lambda: None
        """Of MES, in ticks."""

    async def run(self, sink: Sink) -> None:
        kept = self._history.read_bytes().splitlines() if self._history.exists() else []
        for line in kept[-REPEATED:]:
            old = msgspec.json.decode(line, type=AlertReceived)
            sink(structs.replace(old, ts_recv=self._clock(), caught_up=True))
        number = len(kept)
        while True:
            await asyncio.sleep(self._rng.uniform(0.5, 3.0))
            if (price := self.price()) is None:
                continue
            number += 1
            message = self._message(number, price)
            with self._history.open("ab") as file:
                file.write(msgspec.json.encode(message) + b"\n")
            for _ in range(2):  # as two paths tell it
                sink(message)

    def _message(self, number: int, price: int) -> AlertReceived:
        tick, side = CME_FUTURES["MES"].tick_size, self._rng.choice(list(Side))
        stop = price - side.sign * TICKS["MES"][0]
        text = f"🚨 MES {'long' if side is Side.BUY else 'short'} {price * tick}: A\nStop: {stop * tick}"
        now = self._clock()
        return AlertReceived(
            ts_recv=now, ts_venue=now, room=ROOM.name, message_id=str(number), revision=text,
            kind=AlertKind.POSTED, author="1", text=text, posted_ts=now,
        )  # fmt: skip


def _venue(orders: VenueOrders, seed: int, clock: Clock) -> ProjectXVenue:
    url, real = orders.ready.url, RateLimits()
    rate = orders.ready.rate
    return ProjectXVenue(
        ProjectXConfig(
            user_name=USER,
            api_key=Secret(KEY),
            instruments={symbol: CME_FUTURES[symbol] for symbol in orders.symbols},
            venue=orders.name,
            accounts=tuple(WantedAccount(book=book, name=account) for book, account in orders.books.items()),
            api_url=url,
            user_hub_url=f"{url}/hubs/user",
            market_hub_url=f"{url}/hubs/market",
            timing=replace(QUICK, first_message_s=5, dead_s=30, act_s=5, protect_s=1.5),
            limits=replace(
                real, period_s=real.period_s / rate, history_period_s=real.history_period_s / rate
            ),
        ),
        clock,
        session_open=market_open,
        rng=random.Random(seed),
    )


async def main(orders: Orders) -> None:
    """Run until killed or told to shut down."""
    first = orders.venues[0].ready

    def clock() -> int:
        return first.clock.at(passing_ns())

    async with await SqliteJournal.open(Path(orders.journal)) as journal:
        state = await restore(journal)
        venues = [_venue(one, orders.seed, clock) for one in orders.venues]
        brokers = [broker for venue in venues for broker in venue.brokers]
        books = [
            BookConfig(name, venue=one.name, risk=LIMITS, capabilities=brokers[0].capabilities)
            for one in orders.venues
            for name in one.books
        ]
        symbols = {symbol: one.name for one in orders.venues for symbol in one.symbols}
        config = EngineConfig(
            tuple(CME_FUTURES[symbol] for symbol in symbols), "torture", journal.install, journal.boot,
            TradingSwitch.LIVE, practice_time=True, templates=(),
            books=(*books, BookConfig(PAPER, risk=LIMITS, paper=PaperConfig())),
            sources={symbol: (venue,) for symbol, venue in symbols.items()}, rooms=(ROOM,),
        )  # fmt: skip
        bots = [Bot(BotConfig(name, Restless.name), Restless(f"{orders.seed}{name}")) for name in BOTS]
        core = Core(in_real_time(config, first.rate), bots, state)
        feeds = {one.name: venue.feed for one, venue in zip(orders.venues, venues, strict=True)}
        room = Room(Path(orders.journal).with_name("room.jsonl"), clock, orders.seed + journal.boot)
        room.price = lambda: getattr(core.market.quotes.get("MES"), "last", None)
        engine = Engine(core, journal, journal.last_seq, feeds, brokers, clock, speed=first.rate, alerts=room)
        core.turn.on_fault = bug
        listening = asyncio.create_task(_listen(engine))
        try:
            await engine.main()
        finally:
            listening.cancel()
            await asyncio.gather(*(venue.close() for venue in venues))


async def _listen(engine: Engine) -> None:
    """A person at the keyboard: "flatten", or "flatten BOOK"."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        word, _, book = line.decode().strip().partition(" ")
        match word:
            case "flatten":
                engine.ask(Flatten(id=word, book=book or None))
            case "resume":
                engine.ask(Resume(id=word, book=book or None))
            case _:
                engine.ask(Shutdown(id=word))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Orders)))
