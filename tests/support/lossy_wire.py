"""A wire that loses, doubles, delays and reorders; hubs that drop; a process that is killed. All seeded."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Mapping, Sequence

from msgspec import structs

from engine.books.bots import Bot
from engine.core import Core, Outcome
from engine.lab.replay import BOOK, Replay
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.bots import BotConfig
from engine.model.commands import Flatten
from engine.model.config import EngineConfig, TradingSwitch
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import OrderSpec, OrderType
from engine.model.plans import Exit, Idea, Trail
from engine.state.fold import apply
from engine.state.state import State
from engine.venue.fill_model import FillModel
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.invariants import Invariants
from tests.support.scripted_replay import INSTRUMENTS, PRICE

LOSSY_S = 150
CALM_S = 60
_REPLIES = (ev.Replied,)
_STREAM = (ev.OrderReported, ev.FillReported)


class LossyReplay(Replay):
    """A replay in bad weather: three minutes of it, then calm, then everything is flattened.

    Without `brackets` the account refuses native ones, and the order manager keeps the exits itself. With
    `hands` a person trades the same instrument on the venue's own platform. Several `bots` have ideas in it.
    With `leaving` they leave at signals and times, and their stops follow.
    """

    def __init__(
        self,
        seed: int,
        *,
        brackets: bool = True,
        hands: bool = False,
        bots: int = 1,
        leaving: bool = False,
        instruments: Mapping[str, Instrument] = INSTRUMENTS,
    ) -> None:
        self.hands = hands
        self._leaving = leaving
        self._bots = bots
        self.together = 0
        """In how many steps trades stood beside each other."""
        self.rng = random.Random(seed)
        self.journal: list[r.AnyRecord] = []
        self.invariants = Invariants()
        self.invariants.protection_due = False
        self.boots = 0
        self.storming = True
        self.hub_up = True
        self.at_calm: tuple[int, int] | None = None
        self._wire: list[tuple[int, int, ev.AnyEvent]] = []
        self._sent = 0
        super().__init__(self._boot(), instruments, FillModel(), self.journal.extend, brackets=brackets)

    # -- the process -------------------------------------------------------------------------------

    def _boot(self) -> Core:
        self.boots += 1
        state = State()
        for record in self.journal:
            apply(state, record)
        config = EngineConfig(tuple(INSTRUMENTS.values()), "storm", "t", self.boots, TradingSwitch.LIVE)
        if self._bots == 1:
            return Core(config, self._strategy(), state)
        names = (f"bot{n}" for n in range(self._bots))
        bots = [Bot(BotConfig(name, "scripted"), self._strategy()) for name in names]
        return Core(config, bots, state)

    def _strategy(self) -> ScriptedStrategy:
        side = self.rng.choice(list(Side))
        far = self.rng.choice([40, 60])
        script = [
            (0, Idea("scripted", "MNQ", side, 0, -side.sign * 40, (side.sign * far * 2, side.sign * 160), 80,
                     ("test",), 0, 3))
        ]  # fmt: skip
        if not self._leaving:
            return ScriptedStrategy(script * 5, relative=True)
        idea = script[0][1]
        if self.rng.random() < 0.5:
            idea = structs.replace(
                idea, targets=(), leaves="at a signal", trail=Trail(self.rng.randint(10, 40))
            )
        said: list[tuple[int, Idea] | tuple[int, Exit]] = []
        for _ in range(5):
            ends = T0 + self.rng.randint(70, 240) * NANOS
            said.append((0, structs.replace(idea, exit_ts=self.rng.choice([None, ends]))))
        for minute in range(2, 5):
            if self.rng.random() < 0.6:
                said.append((T0 + minute * MINUTE, Exit("scripted", "MNQ", side, "signal", 0)))
        return ScriptedStrategy(said, relative=True)

    def kill(self) -> None:
        """What was under way on the wire never arrives; a new process starts from the journal."""
        self._wire.clear()
        self.outgoing.clear()
        self._core = self._boot()
        self._take(self._core.start(self.now))
        self._opening(lambda _: ())
        self.hub_up = True

    # -- the wire ----------------------------------------------------------------------------------

    def _take(self, outcome: Outcome) -> None:
        records, effects = list(outcome[0]), list(outcome[1])
        self.invariants.after(self._core, records, effects)
        self.together += sum(one.open_qty > 0 for one in self._core.state.book(BOOK).plans.values()) > 1
        if records:
            self._keep(records)
        for effect in effects:
            if self.storming and self._lost(effect):
                continue
            super()._take(([], [effect]))

    def _lost(self, effect: fx.AnyEffect) -> bool:
        """Some requests never get there. Whether the sender learns of it is another matter."""
        if self.rng.random() > 0.12:
            return False
        outcome = self.rng.choice([ev.Outcome.UNKNOWN, ev.Outcome.UNSENT])
        if isinstance(effect, fx.TakeSnapshot):
            reply: ev.AnyEvent = ev.SnapshotFailed(ts_recv=self.now, book=BOOK, reason="storm")
        else:
            reply = ev.reply(effect, self.now, outcome)
        self.outgoing.append(reply)
        return True

    def _settle(self) -> None:
        while self.outgoing:
            event = self.outgoing.popleft()
            for delay in self._delays(event):
                self._sent += 1
                heapq.heappush(self._wire, (self.now + delay, self._sent, event))
        while self._wire and self._wire[0][0] <= self.now:
            event = heapq.heappop(self._wire)[2]
            if self.storming and isinstance(event, _REPLIES) and self.rng.random() < 0.1:
                event = _unknown(event)
            self._step(event)
            while self.outgoing:
                late = self.outgoing.popleft()
                for delay in self._delays(late):
                    self._sent += 1
                    heapq.heappush(self._wire, (self.now + delay, self._sent, late))

    def _delays(self, event: ev.AnyEvent) -> Sequence[int]:
        """When copies of an event arrive; none is a loss, which needs a hub that is down."""
        if isinstance(event, _STREAM) and not self.hub_up:
            return ()
        if not self.storming or isinstance(event, ev.CommandReceived):
            return (0,)
        delay = int(self.rng.choice([0, 0, 1, 30, 200, 1500]) * 1_000_000 * self.rng.random())
        if isinstance(event, ev.SnapshotTaken):
            return (delay,)
        if isinstance(event, _STREAM) and self.rng.random() < 0.15:
            return (delay, delay + 300_000_000)
        return (delay,)

    def weather(self) -> None:
        """Something happens to the links, or to the process."""
        chance = self.rng.random()
        if chance < 0.02:
            self.hub_up = not self.hub_up
            state = ev.LinkState.LIVE if self.hub_up else ev.LinkState.DOWN
            self._step(ev.LinkChanged(ts_recv=self.now, link="user", state=state))
        elif chance < 0.024:
            self.kill()
        elif chance < 0.04 and self.hands:
            order = OrderSpec(self.rng.choice(list(Side)), OrderType.MARKET, self.rng.randint(1, 3))
            self._report(self.venue.place("MNQ", order, self.now).events)

    # -- the day -----------------------------------------------------------------------------------

    def play(self) -> None:
        self.run(T0, lambda _: (), self._day())

    def _day(self) -> Iterator[ev.Quote | ev.Print]:
        price = PRICE
        now = T0
        for second in range(2 * (60 + LOSSY_S + CALM_S + 30)):
            now += NANOS // 2
            price += self.rng.randint(-14, 14) if self.storming else 0
            for symbol in INSTRUMENTS:
                yield ev.Quote(
                    ts_recv=now, ts_venue=now, instrument=symbol, bid=price, ask=price + 1, last=price
                )
                # Small prints fill targets in parts.
                size = self.rng.choice([1, 2, 50]) if self.storming else 50
                yield ev.Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=size)
            elapsed = now - T0
            if MINUTE < elapsed < MINUTE + LOSSY_S * NANOS:
                self.weather()
            elif elapsed == MINUTE + LOSSY_S * NANOS:
                self._clear_up()
            elif elapsed == MINUTE + (LOSSY_S + CALM_S) * NANOS:
                local = self._core.state.book(BOOK).position("MNQ").qty
                self.at_calm = local, self.held("MNQ")
                self.tell(ev.CommandReceived(ts_recv=now, command=Flatten(id=f"end{second}")))

    def _clear_up(self) -> None:
        self.storming = False
        self.hub_up = True
        self._step(ev.LinkChanged(ts_recv=self.now, link="user", state=ev.LinkState.LIVE))


def _unknown(event: ev.AnyEvent) -> ev.AnyEvent:
    """The same answer, lost on its way back."""
    if isinstance(event, ev.Replied):
        return structs.replace(event, outcome=ev.Outcome.UNKNOWN, venue_id=None, reason="", cause=None)
    return event
