"""A market with a paper book beside a practice book, and a process that is killed at chosen steps."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from msgspec import structs

from engine.books.opening import PAPER
from engine.core import Core, Outcome
from engine.lab.replay import Replay
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.config import BookConfig, EngineConfig, PaperConfig, TradingSwitch
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import VenueOrder
from engine.model.plans import Idea
from engine.state.fold import apply
from engine.state.state import State
from engine.venue.fill_model import FillModel
from engine.venue.paper import PaperBroker
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.invariants import Invariants
from tests.support.scripted_replay import INSTRUMENTS, PRICE

SECONDS = 240
_TICK_NS = NANOS // 4


def broker_of(core: Core) -> PaperBroker:
    return core.inside[0].broker


def alive(broker: PaperBroker) -> list[VenueOrder]:
    """What stands at the paper venue with the changes on their way, which a restart makes at once. When it
    was last changed is not remembered to the nanosecond."""
    found = [order for order in broker.venue.state().orders if order.status.live]
    for order in found:
        for change in order.changes:
            order.change(0, change)
    return [structs.replace(order.report(), ts_venue=0) for order in found]


def facts(core: Core) -> dict[str, Any]:
    """All that a restart must find again: the venue's side of the paper book, and the money."""
    broker, book = broker_of(core), core.state.book(PAPER)
    return {
        "orders": alive(broker),
        "held": {symbol: broker.held(symbol) for symbol in INSTRUMENTS},
        "balance": broker.account.balance_usd,
        "trades": list(book.trades),
        "ours": {symbol: book.position(symbol).qty for symbol in INSTRUMENTS},
    }


class PaperReplay(Replay):
    """Ideas every minute over a random walk. At the steps in `kills` a new core goes on from the journal."""

    def __init__(self, seed: int, kills: Collection[int] = ()) -> None:
        self.rng = random.Random(seed)
        self.journal: list[r.AnyRecord] = []
        self.events: list[ev.AnyEvent] = []
        self.invariants = Invariants()
        self.boots = 0
        self.steps = 0
        self.kills = frozenset(kills)
        self.killed_with: list[dict[str, Any]] = []
        self.opened_at: list[int] = []
        """Steps at which the paper book opened plans."""
        super().__init__(self.boot(), INSTRUMENTS, FillModel(), self.journal.extend, self.events.append)

    def boot(self) -> Core:
        self.boots += 1
        state = State()
        for record in self.journal:
            apply(state, r.decode(r.encode(record)))
        return paper_core(self.boots, state, after=self.now if self.boots > 1 else 0)

    def _step(self, event: ev.AnyEvent) -> None:
        super()._step(event)
        self.steps += 1
        if any(isinstance(x, r.PlanOpened) and x.plan.book == PAPER for x in self.newest):
            self.opened_at.append(self.steps)
        if self.steps in self.kills:
            before = facts(self._core)
            self.outgoing.clear()
            self._core = self.boot()
            self._take(self._core.start(self.now))
            assert facts(self._core) == before
            self.killed_with.append(before)
            self._opening(lambda _: ())

    def _take(self, outcome: Outcome) -> None:
        self.newest = records = list(outcome[0])
        effects = list(outcome[1])
        self.invariants.after(self._core, records, effects)
        assert not any(effect.book == PAPER for effect in effects), "a paper order got out"
        super()._take((records, effects))

    def play(self) -> None:
        self.run(T0, lambda _: (), self._day())

    def _day(self) -> Iterator[ev.Quote | ev.Print]:
        price, now = PRICE, T0
        for step in range(SECONDS * NANOS // _TICK_NS + 40):
            now += _TICK_NS
            price += self.rng.randint(-2, 2)
            for symbol in INSTRUMENTS:
                yield ev.Quote(
                    ts_recv=now, ts_venue=now, instrument=symbol, bid=price, ask=price + 1, last=price
                )
                size = self.rng.choice([1, 2, 50])
                yield ev.Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=size)
            if step == SECONDS * NANOS // _TICK_NS:
                self.tell(ev.CommandReceived(ts_recv=now, command=Flatten(id="end")))


def paper_core(boot: int, state: State | None = None, after: int = 0) -> Core:
    """A core with both books, and an idea for each contract every minute after a time."""
    script = [
        (T0 + minute * MINUTE, _idea(symbol, list(Side)[(minute + k) % 2]))
        for minute in range(1, SECONDS // 60)
        for k, symbol in enumerate(INSTRUMENTS)
        if T0 + minute * MINUTE > after
    ]
    books = (BookConfig(PAPER, paper=PaperConfig()),)
    config = EngineConfig(tuple(INSTRUMENTS.values()), "day", "t", boot, TradingSwitch.LIVE, books=books)
    return Core(config, ScriptedStrategy(script, relative=True), state)


def _idea(symbol: str, side: Side) -> Idea:
    targets = (side.sign * 24, side.sign * 60)
    return Idea("scripted", symbol, side, 0, -side.sign * 16, targets, 80, ("test",), 0, 3)


def won_usd(core: Core) -> Decimal:
    """Net of the paper book's finished trades."""
    return sum((trade.net_usd for trade in core.state.book(PAPER).trades), Decimal(0))
