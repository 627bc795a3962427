"""One core and the sans-I/O venue around it, with instruments of every kind, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

from msgspec.structs import replace

from engine.core import Core, Outcome
from engine.lab.replay import BOOK, Replay
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import AnyCommand
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.limits import RiskLimits
from engine.model.market import NANOS, Side
from engine.model.orders import Capabilities
from engine.model.plans import Idea
from engine.state.fold import apply
from engine.state.position import Position
from engine.state.state import BookState, State
from engine.venue.fill_model import FillModel
from engine.venue.paper import CAPABILITIES
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.instruments import PERPETUAL, SHARE, SPOT
from tests.support.invariants import Invariants

R = TypeVar("R")

NEVER = 1 << 63
AS_USD = {"currency": "USD", "max_quantity": Decimal("0.0137")}
COIN = replace(SPOT, **AS_USD)
"""Ether for dollars; its fees are paid in dollars."""
COIN_FEES = replace(COIN, symbol="SOLUSDT", root="SOLUSDT", base="SOL", fee_in_base=True)
"""Its fees are taken out of what is bought."""
SWAP = replace(PERPETUAL, **AS_USD)
KINDS = {one.symbol: one for one in (SWAP, COIN, COIN_FEES, SHARE, CME_FUTURES["MNQ"])}
LIMITS = RiskLimits(max_contracts=137, max_open_trades=9, daily_loss_usd=Decimal(0))


def idea(symbol: str, stop: int, *targets: int, side: Side = Side.BUY) -> Idea:
    """Prices as signed ticks from the close that gives it."""
    return Idea("scripted", symbol, side, 0, stop, targets, 80, ("test",), 0, 3)


class Kinds(Replay):
    """Prices move where a test says so; time passes as the core and the venue have something to do in it."""

    def __init__(
        self,
        *ideas: tuple[float, Idea],
        instruments: Iterable[Instrument] = KINDS.values(),
        limits: RiskLimits = LIMITS,
        books: Sequence[BookConfig] = (),
        model: FillModel | None = None,
        brackets: bool = True,
        capabilities: Capabilities = CAPABILITIES,
        calendar: str = "cme",
    ) -> None:
        """`ideas` by the seconds after the start at which a minute's close gives them."""
        self.hears: Callable[[ev.AnyEvent], ev.AnyEvent | None] = lambda event: event
        """What of the venue's events the core gets to hear."""
        self.now = T0
        self.boots = 0
        self.invariants = Invariants()
        self.known = {one.symbol: one for one in instruments}
        self._books = (
            BookConfig(BOOK, risk=limits, capabilities=capabilities, calendar=calendar),
            *books,
        )
        self._script = [(T0 + int(seconds * NANOS), one) for seconds, one in ideas]
        super().__init__(self._boot(), self.known, model or FillModel(), lambda _: None, brackets=brackets)
        self.now = T0
        self._begin()

    def _boot(self) -> Core:
        self.boots += 1
        state = State()
        for record in self.invariants.journal:
            apply(state, r.decode(r.encode(record)))
        config = EngineConfig(
            tuple(self.known.values()), "kinds", "t", self.boots, TradingSwitch.LIVE, books=self._books,
            templates=(), bar_grace_ns=0,
        )  # fmt: skip
        coming = [one for one in self._script if one[0] > self.now]
        return Core(config, ScriptedStrategy(coming, relative=True), state)

    def _begin(self) -> None:
        self._take(self._core.start(self.now))
        self._opening(lambda _: ())
        self._settle()

    def restart(self) -> None:
        """A new process on the same journal; what was under way never arrives."""
        self.outgoing.clear()
        self._core = self._boot()
        self._begin()
        self.wait(1)

    def _step(self, event: ev.AnyEvent) -> None:
        heard = self.hears(event)
        if heard is not None:
            super()._step(heard)

    def _take(self, outcome: Outcome) -> None:
        records, effects = list(outcome[0]), list(outcome[1])
        self.invariants.after(self._core, records, effects)
        super()._take((records, effects))

    # -- what happens ------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        end = self.now + int(seconds * NANOS)
        while self.now < end:
            due = self.next_due()
            due = NEVER if due is None else due
            self.now = max(self.now, min(self._core.next_deadline(), due, end))
            if due <= self.now:
                self.advance(self.now)
            else:
                self._step(ev.TimeAdvanced(ts_recv=self.now))
            self._settle()

    def tick(self, symbol: str, price: int, size: int = 10_000) -> None:
        """A quote at a price and the next, and a print at it; prices in ticks."""
        now = self.now
        quote = ev.Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=price, ask=price + 1, last=price)
        self._market(quote)
        self._market(ev.Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=size))
        self._settle()

    def minute(self, *symbols_and_prices: tuple[str, int]) -> None:
        """Prices that hold for one minute, and the close of it."""
        for second in range(0, 61, 5):
            for symbol, price in symbols_and_prices:
                self.tick(symbol, price)
            self.wait(5 if second < 60 else 1)

    def say(self, command: AnyCommand) -> str:
        self._step(ev.CommandReceived(ts_recv=self.now, command=command))
        tried = self.core.turn.tried
        answer = tried[0].text if tried else self.written(r.CommandTaken)[-1].answer
        self._settle()
        return answer

    # -- what came of it ---------------------------------------------------------------------------

    @property
    def core(self) -> Core:
        return self._core

    @property
    def book(self) -> BookState:
        return self._core.state.book(BOOK)

    def position(self, symbol: str) -> Position:
        return self.book.position(symbol)

    def written(self, kind: type[R]) -> list[R]:
        return [record for record in self.invariants.journal if isinstance(record, kind)]

    def fills(self, symbol: str) -> list[tuple[str, str, str, str]]:
        """Side, quantity and price of each as people write them, and what it cost in money."""
        known = self.known[symbol]
        return [
            (f.side.value, known.qty_text(f.qty), known.text(f.price), f"{f.cost_usd.normalize():f}")
            for f in (record.fill for record in self.written(r.FillApplied))
            if f.instrument == symbol
        ]
