"""A scripted stretch of trading on the virtual clock, in which exactly the drawn mishaps happen."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import structs

from engine.books.bots import Bot
from engine.books.opening import PAPER
from engine.core import Core, Outcome
from engine.lab.replay import BOOK, START_BALANCE_USD, Replay
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.commands import AnyCommand, BreakEven, Flatten, ReduceManual
from engine.model.config import BookConfig, Brackets, EngineConfig, PaperConfig, TradingSwitch
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import OrderType, VenueOrder, VenueStatus
from engine.model.plans import Idea
from engine.model.records import ReverseBegun
from engine.model.sizing import ByRisk
from engine.state.fold import apply
from engine.state.state import State
from engine.strategies.protocol import Strategy
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.coins_set_aside import CoinsSetAside
from tests.support.lossy_wire import LossyReplay, _unknown
from tests.support.scripted_replay import INSTRUMENTS
from tests.torture import audit, by_hand
from tests.torture.messages import kind_of, unheard
from tests.torture.mishap_kinds import OTHERS_COINS, TRADED
from tests.torture.mishaps import FUTURES, STOP_TICKS, TARGET_TICKS, Fate, Kind, Mishap, Mode, Scene

MILLI = 1_000_000
TICK_NS = NANOS // 2
LOOK_NS = NANOS // 2
"""Nothing changes without a record; only what takes too long has to be looked for at other times."""
TRADING_NS, CALM_NS, ENDING_NS = 150 * NANOS, 40 * NANOS, 30 * NANOS
FOUND_OUT_NS = 12 * NANOS
"""A difference that no mishap excuses any more is found and mended within this."""
GIVES_UP_NS = {True: 3 * NANOS // 2, False: 10 * NANOS}
"""So long is waited for the answer to what protects or closes, and to an entry."""
NAKED_NS = {False: 3 * NANOS, True: 5 * NANOS}
"""Own stops: no position is longer without one because a request about it hangs. Of coins (True) a stop that
may be on its way is looked for before they are sold.
"""
PATIENT_NS = 20 * NANOS
"""So long after a mishap a second close may be right: the first one counts as lost."""
LIMITS = RiskLimits(daily_loss_usd=Decimal(10_000), max_contracts=8)
ROOM_TO_ADD = ByRisk(Decimal(115))
"""Five contracts of a future, to which a person may add."""
_KILLS = (Fate.KILLED_BEFORE, Fate.KILLED_AFTER)


class KilledError(Exception):
    """The process is no more."""


class MishapReplay(CoinsSetAside, LossyReplay):
    """A storm whose every mishap is known beforehand; what none befalls goes well, and at once."""

    trading_ns, calm_ns, ending_ns = TRADING_NS, CALM_NS, ENDING_NS

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.suffered: list[Mishap] = []
        """The mishaps that came to pass."""
        self._mishaps = {(m.kind, m.nth): m for m in scene.mishaps}
        self._counts: Counter[Kind] = Counter()
        self._queue: list[tuple[int, int, ev.AnyEvent, Mishap | None]] = []
        """What is on its way to the engine: (arrival, number, event, what befalls it there)."""
        self._travelling: list[tuple[int, int, fx.AnyEffect]] = []
        """Requests that reach the venue when nobody waits for them any more: (arrival, number, effect)."""
        self._hears_at: int | None = None
        self._connects_at: int | None = None
        self._blind_until = 0
        """Until then something is on its way that the engine can't know."""
        self._looked = self._right_at = 0
        self._befell: list[tuple[int, Mishap, fx.AnyEffect | None]] = []
        """When each mishap came to pass, and to which request."""
        self._naked_at: int | None = None
        self._naked_boots = 0
        self._naked_qty = 0
        """What was held then."""
        self.naked: list[int] = []
        """How long the venue held something without its stop, where stops are our own, nanoseconds."""
        self.naked_by_hanging: list[int] = []
        """The same where nothing but a request about an order was to blame."""
        self.traded = TRADED[scene.mode]
        self.symbol = self.traded.instrument.symbol
        self.sets_aside = scene.mode in (Mode.PAIR, Mode.ONE_EXIT, Mode.ANEW)
        self.stops_move = scene.mode is not Mode.ANEW
        known = INSTRUMENTS if self.symbol in INSTRUMENTS else {self.symbol: self.traded.instrument}
        super().__init__(0, brackets=scene.mode is Mode.NATIVE, instruments=known)
        if scene.mode is Mode.COINS:
            self.wallet.deposit(self.traded.instrument.base, OTHERS_COINS)
        self.storming = False
        if scene.portion_ms:
            self.venue.divide_fills(self._portion)
        self._portions: dict[str, int] = {}

    def _portion(self, order: VenueOrder, qty: int) -> int:
        """A contract at a time of orders at market, as long as it is not calm."""
        if order.type is not OrderType.MARKET or not self.storming:
            return qty
        if self.now < self._portions.get(order.venue_id, 0):
            return 0
        self._portions[order.venue_id] = self.now + self.scene.portion_ms * MILLI
        return 1

    # -- the process -------------------------------------------------------------------------------

    def _boot(self) -> Core:
        self.boots += 1
        state = State()
        for record in self.journal:
            apply(state, record)
        sign, symbol = self.side.sign, self.symbol
        targets = tuple(sign * ticks for ticks in TARGET_TICKS[: self.scene.targets])
        idea = Idea("scripted", symbol, self.side, 0, -sign * STOP_TICKS, targets, 80, ("test",), 0, 3)
        script = [(T0 + minute * MINUTE, idea) for minute in range(1, 4)]
        brackets = Brackets.OWN if self.scene.mode is Mode.OWN else Brackets.AUTO
        config = EngineConfig(
            (self.traded.instrument,), "scene", "t", self.boots, TradingSwitch.LIVE,
            books=(BookConfig(PAPER, risk=LIMITS, paper=PaperConfig()),) if self.scene.paper else (),
            templates=(
                BookConfig(
                    risk=LIMITS,
                    capabilities=self.traded.capabilities,
                    brackets=brackets,
                    sizing=ROOM_TO_ADD if self.scene.mode in FUTURES else None,
                ),
            ),
        )  # fmt: skip
        return Core(config, self._strategies(script), state)

    @property
    def side(self) -> Side:
        """Coins are bought first."""
        return Side.BUY if self.scene.mode.coins else self.scene.side

    def _strategies(self, ideas: Sequence[tuple[int, Idea]]) -> Strategy | Sequence[Bot]:
        return ScriptedStrategy(ideas, relative=True)

    def _die(self, mishap: Mishap) -> None:
        self._connects_at = self.now + mishap.ms * MILLI
        raise KilledError

    def kill(self) -> None:
        """A new process on the same journal; it is connected a little later."""
        self._queue.clear()
        self.outgoing.clear()
        self._core = self._boot()
        self.hub_up = False
        self._hears_at = None
        try:
            self._take(self._core.start(self.now))
        except KilledError:
            self.kill()

    def _step(self, event: ev.AnyEvent) -> None:
        try:
            super()._step(event)
        except KilledError:
            self.kill()

    def _take(self, outcome: Outcome) -> None:
        records, effects = list(outcome[0]), list(outcome[1])
        mishap = self._next(Kind.COMMIT) if records else None
        if mishap is not None and mishap.fate is Fate.KILLED_BEFORE:
            self._die(mishap)
        if records or effects or self.now - self._looked >= LOOK_NS:
            self._looked = self.now
            if self.now < self._blind_until:
                audit.excuse(self.invariants)
            self.invariants.after(self._core, records, effects)
            self._compare()
        self.journal += records
        if mishap is not None:
            self._die(mishap)
        for effect in effects:
            self._send(effect)

    # -- to the venue ------------------------------------------------------------------------------

    def _next(self, kind: Kind, request: fx.AnyEffect | None = None) -> Mishap | None:
        """What befalls the next message of a kind."""
        if not self.storming:
            return None
        found = self._mishaps.get((kind, self._counts[kind]))
        self._counts[kind] += 1
        if found is not None:
            self.suffered.append(found)
            self._befell.append((self.now, found, request))
            self._blind_until = max(self._blind_until, self.now + found.ms * MILLI)
        return found

    def _send(self, effect: fx.AnyEffect) -> None:
        if self._connects_at is not None:
            self.outgoing.append(unheard(effect, ev.Outcome.UNSENT, self.now))
            return
        mishap = None if isinstance(effect, fx.TakeSnapshot) else self._next(Kind.REQUEST, effect)
        if mishap is None:
            self._arrive(effect)
        elif mishap.fate in _KILLS:
            if mishap.fate is Fate.KILLED_AFTER:
                self._arrive(effect)
            self._die(mishap)
        else:
            if mishap.fate in (Fate.LATE, Fate.HUNG_LATE):
                due = self.now + mishap.ms * MILLI
                heapq.heappush(self._travelling, (due, self._number(), effect))
            outcome = ev.Outcome.UNSENT if mishap.fate is Fate.UNSENT else ev.Outcome.UNKNOWN
            answer = unheard(effect, outcome, self.now)
            if mishap.fate in (Fate.HUNG, Fate.HUNG_LATE):
                self._give_up(effect, answer)
            else:
                self.outgoing.append(answer)

    def _give_up(self, effect: fx.AnyEffect, answer: ev.AnyEvent) -> None:
        """Nobody answers: the sender says so when it has waited long enough."""
        urgent = not isinstance(effect, fx.PlaceOrder) or effect.reduces
        due = self.now + GIVES_UP_NS[urgent]
        self._blind_until = max(self._blind_until, due if not urgent else self.now)
        heapq.heappush(self._queue, (due, self._number(), answer, None))

    def _arrive(self, effect: fx.AnyEffect) -> None:
        if isinstance(effect, fx.ClosePosition) and self._close_under_way():
            assert self.now < self._blind_until + PATIENT_NS, "a close was sent twice"
            self.outgoing.append(unheard(effect, ev.Outcome.REFUSED, self.now))
        else:
            Replay._take(self, ([], [effect]))

    def _close_under_way(self) -> bool:
        """The platform takes no second close while the order of the first is in the market; a venue of coins
        sells what is there.
        """
        closes = (order.status.live and order.client_id is None for order in self.venue.orders)
        return not self.scene.mode.coins and any(closes)

    def _number(self) -> int:
        self._sent += 1
        return self._sent

    # -- and back ----------------------------------------------------------------------------------

    def _settle(self) -> None:
        self._recover()
        while self._travelling and self._travelling[0][0] <= self.now:
            self._arrive(heapq.heappop(self._travelling)[2])
            self.outgoing.pop()  # nobody waits for the reply
        while True:
            while self.outgoing:
                self._dispatch(self.outgoing.popleft())
            if not self._queue or self._queue[0][0] > self.now:
                return
            _, _, event, mishap = heapq.heappop(self._queue)
            if mishap is not None and mishap.fate is Fate.KILLED_BEFORE:
                self._killed_by(mishap)
                continue
            boots = self.boots
            self._step(event)
            if mishap is not None and self.boots == boots:
                self._killed_by(mishap)

    def _killed_by(self, mishap: Mishap) -> None:
        self._connects_at = self.now + mishap.ms * MILLI
        self.kill()

    def _recover(self) -> None:
        """What was down is up again when its time has come."""
        if self._connects_at is not None and self.now >= self._connects_at:
            self._connects_at = None
            self.hub_up = True
            self._opening(lambda _: ())
        if self._hears_at is not None and self.now >= self._hears_at:
            self._hears_at = None
            self.hub_up = True
            for state in (ev.LinkState.DOWN, ev.LinkState.LIVE):
                self._step(ev.LinkChanged(ts_recv=self.now, link="user", state=state))

    def _dispatch(self, event: ev.AnyEvent) -> None:
        """Put an event on its way, or lose it."""
        kind = kind_of(event)
        if kind is Kind.STREAM and not self.hub_up:
            return
        mishap = self._next(kind) if kind is not None else None
        if mishap is not None and mishap.fate is Fate.UNTOLD:
            return
        if mishap is not None and mishap.fate is Fate.ABSURD:
            for fill in (_absurd(event),) if isinstance(event, ev.FillReported) else ():
                heapq.heappush(self._queue, (self.now, self._number(), fill, None))
            mishap = None
        if mishap is not None and mishap.fate is Fate.HUNG:
            assert isinstance(event, ev.Replied)
            due = self.now + GIVES_UP_NS[True]
            heapq.heappush(self._queue, (due, self._number(), _unknown(event), None))
            return
        delay, fate = (0, None) if mishap is None else (mishap.ms * MILLI, mishap.fate)
        if fate in (Fate.DEAF, Fate.DOWN):
            self.hub_up = False
            self._hears_at = self.now + delay
            if fate is Fate.DOWN:
                self._step(ev.LinkChanged(ts_recv=self.now, link="user", state=ev.LinkState.DOWN))
            return
        if fate is Fate.FORGOTTEN:
            event = _unknown(event)
        elif fate is Fate.LOST:
            event = ev.SnapshotFailed(ts_recv=self.now, book=BOOK, reason="lost")
        dies = mishap if fate in _KILLS else None
        arrivals = (0, delay) if fate is Fate.DOUBLED else (0,) if dies else (delay,)
        for wait in arrivals:
            heapq.heappush(self._queue, (self.now + wait, self._number(), event, dies))

    # -- the market --------------------------------------------------------------------------------

    def _day(self) -> Iterator[ev.Quote | ev.Print]:
        calm = T0 + MINUTE + self.trading_ns
        deeds = {T0 + MINUTE + deed.second * NANOS: deed.command for deed in self.scene.deeds}
        now, path = T0, self.scene.path(MINUTE // TICK_NS, NANOS // TICK_NS, self.side)
        self.storming = True
        while now < calm + self.calm_ns + self.ending_ns:
            now += TICK_NS
            price, symbol = self.traded.price + next(path), self.symbol
            yield ev.Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=price, ask=price + 1, last=price)
            yield ev.Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=50)
            if now in deeds:
                self.tell(ev.CommandReceived(ts_recv=now, command=self._here(deeds[now])))
            elif now == calm:
                self.storming = False
            elif now == calm + self.calm_ns:
                self._look_around()
                self.tell(ev.CommandReceived(ts_recv=now, command=Flatten(id="end")))
        self._look_back()

    def _here(self, command: AnyCommand) -> AnyCommand:
        """Of what is traded in this scene."""
        if isinstance(command, BreakEven | Flatten | ReduceManual):
            return structs.replace(command, instrument=self.symbol)
        book = self._core.state.book(BOOK)
        return by_hand.here(command, self.traded.instrument, self.side, self.traded.price, book)

    # -- the verdict -------------------------------------------------------------------------------

    def _compare(self) -> None:
        """What we and the venue hold differs no longer than it takes to find out; nor is it naked."""
        held = self.held(self.symbol)
        self._watch(held)
        turned = held * self.side.sign < 0 and not any(isinstance(one, ReverseBegun) for one in self.journal)
        assert self.suffered or not turned, f"turned to {held}, and nothing went wrong"
        guarded = self._guarded()
        right = self._core.state.book(BOOK).position(self.symbol).qty == held and guarded >= abs(held)
        if right or self.now < self._blind_until:
            self._right_at = self.now
        assert self.now - self._right_at <= FOUND_OUT_NS, f"the venue holds {held}, {guarded} guarded"

    def _watch(self, held: int) -> None:
        """For how long the venue holds contracts for which no stop of ours works: each for itself, as others
        may have come meanwhile.
        """
        if self.scene.mode is Mode.NATIVE:
            return
        guarded = self._guarded()
        if self._naked_at is not None and guarded >= min(self._naked_qty, abs(held)):
            spent = self.now - self._naked_at
            self.naked.append(spent)
            late = self._naked_at - max(GIVES_UP_NS.values())
            about = [(mishap, request) for ts, mishap, request in self._befell if ts >= late]
            if (
                about
                and all(isinstance(what, fx.PlaceOrder | fx.ModifyOrder) for _, what in about)
                and self._naked_boots == self.boots
                and not any(mishap.fate in _KILLS for mishap, _ in about)
            ):
                self.naked_by_hanging.append(spent)
                assert spent <= NAKED_NS[self.scene.mode.coins], (
                    f"naked for {spent / NANOS:.1f} s after {about}"
                )
            self._naked_at = None
        if self._naked_at is None and guarded < abs(held):
            self._naked_at, self._naked_boots, self._naked_qty = self.now, self.boots, abs(held)

    def _stops(self) -> int:
        """Contracts in working stops at the venue."""
        return sum(
            order.qty - order.filled_qty
            for order in self.venue.orders
            if order.status is VenueStatus.WORKING and order.type is OrderType.STOP
        )

    def _guarded(self) -> int:
        """The same, and those that a close in the market still has to fill: however slow that is, nothing
        sooner can be done for them. Of coins one close goes after another, so what an entry still brings
        beside one is being closed, too.
        """
        closing = sum(
            order.qty - order.filled_qty
            for order in self.venue.orders
            if order.status.live
            and (order.client_id is None or order.type is OrderType.MARKET)
            and order.side.sign * self.held(self.symbol) < 0
        )
        one_after_another = closing > 0 and self.scene.mode.coins
        return max(self._stops() + closing, abs(self.held(self.symbol)) if one_after_another else 0)

    def _look_around(self) -> None:
        """After a while without mishaps: the truth is known, and what is held is protected."""
        book = self._core.state.book(BOOK)
        held, ours = self.held(self.symbol), book.position(self.symbol).qty
        assert ours == held, f"we hold {ours}, the venue {held}"
        assert self._stops() == abs(held), f"stops for {self._stops()} where {held} are held"

    def _look_back(self) -> None:
        """After the flatten: flat, nothing works, and every fill and cent is in the journal, once."""
        book = self._core.state.book(BOOK)
        live = [order for order in self.venue.orders if order.status.live]
        assert (self.held(self.symbol), live) == (0, []), "the venue is not flat"
        ours = book.position(self.symbol).qty
        assert (ours, book.plans, book.flattening, book.live_orders()) == (0, {}, {}, [])
        others = OTHERS_COINS if self.scene.mode is Mode.COINS else 0
        assert not any(one.total != others for one in self.wallet.balances()), "other coins were sold"
        audit.same_fills(audit.fills_of(self.journal, BOOK), self._fills)
        audit.nothing_from_outside(self.journal)
        audit.same_money(book, self._balance, START_BALANCE_USD)
        audit.sent_once(order.client_id for order in self.venue.orders)
        audit.strategies_wait(self.journal)


def _absurd(event: ev.FillReported) -> ev.FillReported:
    """A fill of a thousand million contracts more, of the same order."""
    fill = structs.replace(event.fill, trade_id=f"absurd-{event.fill.trade_id}", qty=10**9)
    return structs.replace(event, fill=fill)


def play(scene: Scene) -> MishapReplay:
    """Play a scene to its end. Raises AssertionError where an invariant breaks."""
    played = MishapReplay(scene)
    played.play()
    return played
