"""One core, three accounts on two venues, each with a sans-I/O venue of its own, and a paper book."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from engine.books.opening import PAPER
from engine.core import Core
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import AnyCommand
from engine.model.config import BookConfig, EngineConfig, PaperConfig, TradingSwitch
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.notices import Notice
from engine.model.orders import Account, AccountKind, Slot
from engine.model.plans import Idea
from engine.state.fold import apply
from engine.state.state import BookState, State
from engine.venue.fill_model import FillModel
from engine.venue.paper import PaperBroker
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.invariants import Invariants

R = TypeVar("R")

MNQ = CME_FUTURES["MNQ"]
ALPHA, BETA = "alpha", "beta"
ACCOUNTS = {"one": ALPHA, "two": ALPHA, "three": BETA}
"""Books by name, and where their accounts are."""
EVERY = (*ACCOUNTS, PAPER)
PRICE = 100_000
SIZES, LARGE = {"MNQ": 50}, 1_000_000
"""Lots of a print: more than anybody trades here."""
STEP_NS = NANOS // 5


def book_configs(risk: RiskLimits | None = None, **ratios: str) -> tuple[BookConfig, ...]:
    """The four books; `ratios` by name."""
    limits = risk or RiskLimits()
    return (
        *(
            BookConfig(name, venue, limits, copy_ratio=Decimal(ratios.get(name, "1")))
            for name, venue in ACCOUNTS.items()
        ),
        BookConfig(PAPER, risk=limits, paper=PaperConfig(), copy_ratio=Decimal(ratios.get(PAPER, "1"))),
    )


def long_idea(qty_stop: int = 40) -> Idea:
    return Idea("scripted", "MNQ", Side.BUY, 0, -qty_stop, (80, 160), 80, ("test",), 0, 3)


class ManyBooks:
    """Both ends of one run. A venue that is down takes no requests and tells nothing; its market goes on."""

    def __init__(
        self,
        ideas: Iterable[tuple[int, Idea]] = (),
        books: Sequence[BookConfig] | None = None,
        sources: dict[str, tuple[str, ...]] | None = None,
        instrument: Instrument = MNQ,
        others: Mapping[Instrument, int] | None = None,
        start: int = T0,
    ) -> None:
        """`ideas` by the seconds after the start at which a minute's close gives them. `instrument` stands
        for MNQ; `others` are traded beside it, each with the price that it begins at, ticks.
        """
        self.now = start
        self.prices = {"MNQ": PRICE, **{one.symbol: price for one, price in (others or {}).items()}}
        """By instrument, ticks."""
        self.instruments = (instrument, *(others or {}))
        self.step_ns = STEP_NS
        self.up = {ALPHA, BETA}
        self.configs = tuple(book_configs() if books is None else books)
        self.sources = dict.fromkeys(self.prices, (ALPHA, BETA)) if sources is None else sources
        self.script = [(start + seconds * NANOS, idea) for seconds, idea in ideas]
        self.boots = 0
        self.invariants = Invariants()
        self.effects: list[fx.AnyEffect] = []
        self.accounts = {
            name: PaperBroker(
                Account(
                    f"{venue}-{name}", name.upper(), AccountKind.PRACTICE, Decimal(50_000), can_trade=True
                ),
                name,
                {one.symbol: one for one in self.instruments},
                FillModel(),
            )
            for name, venue in ACCOUNTS.items()
        }
        self.core = self._boot()

    @property
    def price(self) -> int:
        """Of MNQ, ticks."""
        return self.prices["MNQ"]

    @price.setter
    def price(self, ticks: int) -> None:
        self.prices["MNQ"] = ticks

    # -- the process -------------------------------------------------------------------------------

    def _boot(self) -> Core:
        self.boots += 1
        state = State()
        for record in self.invariants.journal:
            apply(state, record)
        script = [one for one in self.script if one[0] > self.now]
        config = EngineConfig(
            self.instruments, "many", "t", self.boots, TradingSwitch.LIVE, books=self.configs, templates=(),
            sources=self.sources, bar_grace_ns=0,
        )  # fmt: skip
        core = Core(config, ScriptedStrategy(script, relative=True), state)
        self._take(core, *core.start(self.now))
        return core

    def restart(self, connect: bool = True) -> None:
        """A new process on the same journal; what was under way never arrives."""
        for broker in self.accounts.values():
            broker.outgoing.clear()
        self.core = self._boot()
        if connect:
            self.connect()

    def connect(self) -> None:
        """Contracts, accounts and links of the venues that are up, and a first look."""
        for venue in sorted(self.up):
            self._connect(venue)
        self.pass_time(2)

    def _connect(self, venue: str) -> None:
        for one in self.instruments:
            self.step(
                ev.ContractResolved(
                    ts_recv=self.now, instrument=one, contract_id=f"{venue}-{one.symbol}",
                    name=f"{one.symbol}Z6", venue=venue,
                )
            )  # fmt: skip
        for name, broker in self.of(venue):
            self.step(ev.AccountAdopted(ts_recv=self.now, book=name, account=broker.account, venue=venue))
        self.links(venue, ev.LinkState.LIVE)

    def of(self, venue: str) -> list[tuple[str, PaperBroker]]:
        return [(name, broker) for name, broker in self.accounts.items() if ACCOUNTS[name] == venue]

    def links(
        self, venue: str, state: ev.LinkState, names: Sequence[str] = ("rest", "market", "user")
    ) -> None:
        for name in names:
            self.step(ev.LinkChanged(ts_recv=self.now, link=name, state=state, venue=venue))

    def down(self, venue: str) -> None:
        self.up.discard(venue)
        self.links(venue, ev.LinkState.DOWN)

    def back(self, venue: str) -> None:
        self.up.add(venue)
        self._connect(venue)

    # -- time and events ---------------------------------------------------------------------------

    def step(self, event: ev.AnyEvent) -> None:
        self._take(self.core, *self.core.step(event))

    def _take(self, core: Core, records: Sequence[r.AnyRecord], effects: Sequence[fx.AnyEffect]) -> None:
        records, effects = list(records), list(effects)
        self.invariants.after(core, records, effects)
        self.effects += effects
        for effect in effects:
            broker = self.accounts[effect.book]
            broker.now = self.now
            if ACCOUNTS[effect.book] in self.up:
                broker.execute(effect)
            elif isinstance(effect, fx.TakeSnapshot):
                failed = ev.SnapshotFailed(ts_recv=self.now, book=effect.book, reason="no connection")
                broker.outgoing.append(failed)
            else:
                broker.outgoing.append(ev.reply(effect, self.now, ev.Outcome.UNSENT, "no connection"))

    def settle(self) -> None:
        """Let the core hear what the accounts have said; of a venue that is down only failed requests."""
        while any(broker.outgoing for broker in self.accounts.values()):
            for name, broker in self.accounts.items():
                if broker.outgoing:
                    event = broker.outgoing.popleft()
                    told = isinstance(event, ev.Replied | ev.SnapshotFailed)
                    if told or ACCOUNTS[name] in self.up:
                        self.step(event)

    def pass_time(self, seconds: float, price: int | None = None) -> None:
        """Quotes and prints at one price, five a second, from every venue that is up."""
        self.price = self.price if price is None else price
        end = self.now + int(seconds * NANOS)
        while self.now < end:
            self.now += self.step_ns
            told = list(self._told())
            for broker in self.accounts.values():
                broker.advance(self.now)
                for quote, trade in told:
                    broker.on_quote(quote)
                    broker.on_print(trade)
            self.settle()
            for venue in sorted(self.up):
                self.market(venue)
            self.step(ev.TimeAdvanced(ts_recv=self.now))
            self.settle()

    def market(self, venue: str) -> None:
        """Quotes and prints as one venue tells them."""
        for quote, trade in self._told(venue):
            self.step(quote)
            self.step(trade)

    def _told(self, venue: str = "") -> Iterator[tuple[ev.Quote, ev.Print]]:
        now = self.now
        for symbol, price in self.prices.items():
            yield (
                ev.Quote(
                    ts_recv=now, ts_venue=now, instrument=symbol, bid=price, ask=price + 1, last=price,
                    venue=venue,
                ),
                ev.Print(
                    ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=SIZES.get(symbol, LARGE),
                    venue=venue,
                ),
            )  # fmt: skip

    def minute(self) -> None:
        """To just after the next full minute."""
        self.pass_time((MINUTE - self.now % MINUTE) / NANOS + 1)

    def say(self, command: AnyCommand) -> str:
        """The answer to a command, once what it asked for has been heard of."""
        self.step(ev.CommandReceived(ts_recv=self.now, command=command))
        tried = self.core.turn.tried
        answer = tried[0].text if tried else self.written(r.CommandTaken)[-1].answer
        self.settle()
        return answer

    # -- what came out -----------------------------------------------------------------------------

    def written(self, kind: type[R]) -> list[R]:
        return [record for record in self.invariants.journal if isinstance(record, kind)]

    def book(self, name: str) -> BookState:
        return self.core.state.book(name)

    def held(self) -> dict[str, int]:
        """By book, what the core believes to be held."""
        return {name: self.book(name).position("MNQ").qty for name in EVERY}

    def entered(self) -> list[str]:
        """Books whose gate let the ideas pass, in this order."""
        return [record.plan.book for record in self.written(r.PlanOpened)]

    @property
    def notices(self) -> list[Notice]:
        return list(self.core.turn.notices)


def at_work(**options: object) -> ManyBooks:
    many = ManyBooks([(60, long_idea()), (600, long_idea())], **options)  # type: ignore[arg-type]
    many.connect()
    return many


def entered(**options: object) -> ManyBooks:
    """Every book holds the same trade, each with its stop at its own venue."""
    many = at_work(**options)
    many.minute()
    many.minute()
    assert set(many.held()) == set(EVERY)
    return many


def stops(many: ManyBooks, name: str) -> int:
    return sum(o.open_qty for o in many.book(name).live_orders() if o.slot is Slot.STOP and not o.suspended)
