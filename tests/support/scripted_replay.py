"""The core against the one venue on a virtual clock: a market that a test moves, people that interfere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from engine.books.bots import Bot
from engine.books.opening import PAPER
from engine.core import Core, Outcome
from engine.lab.replay import BOOK, Replay
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import AnyCommand
from engine.model.config import BookConfig, EngineConfig, PaperConfig, TradingSwitch
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import Slot, VenueOrder
from engine.model.plans import Exit, Idea
from engine.model.rooms import AlertRoom
from engine.state.state import BookState
from engine.venue.fill_model import FillModel
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.invariants import Invariants

INSTRUMENTS = {symbol: CME_FUTURES[symbol] for symbol in ("MNQ", "MES")}
PRICE = 80_000
R = TypeVar("R")
Script = Callable[["ScriptedReplay"], Iterator[ev.Quote | ev.Print]]


class WatchedCore(Core):
    """A core whose every step is followed by a look at the invariants."""

    def watch(self, invariants: Invariants) -> None:
        self._invariants = invariants
        self.heard: list[ev.AnyEvent] = []
        """The tape of it."""

    def step(self, event: ev.AnyEvent) -> Outcome:
        self.heard.append(event)
        records, effects = super().step(event)
        self._invariants.after(self, records, effects)
        return records, effects


class ScriptedReplay:
    """One played market. `script` yields quotes and prints; between them it may speak as a person does."""

    def __init__(
        self,
        script: Script,
        ideas: Sequence[tuple[int, Idea] | tuple[int, Exit]],
        *,
        start: int = T0,
        risk: RiskLimits | None = None,
        brackets: bool = True,
        paper: PaperConfig | None = None,
        paper_risk: RiskLimits | None = None,
        paper_bots: tuple[str, ...] = (),
        trading: TradingSwitch = TradingSwitch.LIVE,
        rooms: Sequence[AlertRoom] = (),
        bots: Sequence[Bot] = (),
    ) -> None:
        """`bots` take the place of the one that has these ideas.

        Without `brackets` the venue refuses native ones; `paper` sets a paper book beside its book, which
        takes the ideas of `paper_bots` alone, if there are any."""
        self.now = start
        limits = RiskLimits() if risk is None else risk
        config = EngineConfig(
            tuple(INSTRUMENTS.values()),
            "play",
            "t",
            1,
            trading,
            books=()
            if paper is None
            else (BookConfig(PAPER, risk=paper_risk or limits, paper=paper, bots=paper_bots),),
            templates=(BookConfig(risk=limits),),
            rooms=tuple(rooms),
        )
        self.core = WatchedCore(config, bots or ScriptedStrategy(ideas, relative=True))
        self.invariants = Invariants()
        self.core.watch(self.invariants)
        self.journal: list[r.AnyRecord] = []
        self._price: dict[str, int] = dict.fromkeys(INSTRUMENTS, PRICE)
        self.replay = Replay(self.core, INSTRUMENTS, FillModel(), self._keep, brackets=brackets)
        self.replay.run(start, lambda _: (), script(self))

    def _keep(self, records: Sequence[r.AnyRecord]) -> None:
        self.journal.extend(records)
        if isinstance(records[0], r.RunStarted):  # start() is no step
            self.invariants.after(self.core, records, ())

    # -- looking -----------------------------------------------------------------------------------

    @property
    def book(self) -> BookState:
        return self.core.state.book(BOOK)

    def standing(self, instrument: str | None = None) -> list[VenueOrder]:
        """What lives at the venue, suspended legs too."""
        return [
            order
            for order in self.replay.venue.orders
            if order.status.live and (instrument is None or order.instrument == instrument)
        ]

    def stops(self, instrument: str = "MNQ") -> list[tuple[int, int | None]]:
        """(open quantity, price) of the stops at the venue."""
        return [(o.qty - o.filled_qty, o.stop) for o in self.standing(instrument) if o.stop is not None]

    def entry_price(self, instrument: str = "MNQ") -> int:
        """Of the first entry, ticks."""
        return next(
            taken.fill.price
            for taken in self.written(r.FillApplied)
            if taken.fill.instrument == instrument and self.book.orders[taken.client_id].slot is Slot.ENTRY
        )

    def written(self, kind: type[R]) -> list[R]:
        return [record for record in self.journal if isinstance(record, kind)]

    def answers(self) -> list[str]:
        return [taken.answer for taken in self.written(r.CommandTaken)]

    # -- the script's words ------------------------------------------------------------------------

    def say(self, command: AnyCommand) -> None:
        self.replay.tell(ev.CommandReceived(ts_recv=self.now, command=command))

    def pass_time(self, seconds: float) -> Iterator[ev.Quote | ev.Print]:
        """Quotes and prints at the present prices, five a second."""
        end = self.now + int(seconds * NANOS)
        while self.now < end:
            self.now += NANOS // 5
            for symbol, price in self._price.items():
                yield ev.Quote(
                    ts_recv=self.now,
                    ts_venue=self.now,
                    instrument=symbol,
                    bid=price,
                    ask=price + 1,
                    last=price,
                )
                yield ev.Print(ts_recv=self.now, ts_venue=self.now, instrument=symbol, price=price, size=50)

    def move(
        self, price: int, instrument: str = "MNQ", seconds: float = 1.0
    ) -> Iterator[ev.Quote | ev.Print]:
        self._price[instrument] = price
        yield from self.pass_time(seconds)

    def minutes(self, count: int) -> Iterator[ev.Quote | ev.Print]:
        """To just after the count-th next minute."""
        end = self.now - self.now % MINUTE + count * MINUTE + NANOS * 2
        yield from self.pass_time((end - self.now) / NANOS)


def idea(
    side: Side = Side.BUY, instrument: str = "MNQ", stop: int = 40, targets: Sequence[int] = (80, 160)
) -> tuple[int, Idea]:
    """At the first close; distances in ticks."""
    sign = side.sign
    return 0, Idea(
        "scripted", instrument, side, 0, -sign * stop, tuple(sign * t for t in targets), 80, ("test",), 0, 3
    )
