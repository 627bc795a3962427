"""A virtual year: one engine, six books at venues of futures, perpetuals, coins and shares, and all that
comes and goes in it: changes of the clock, midnights, holidays, months, maintenance, drops and restarts.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from adapters.store.virtual import SyncJournal
from engine.core import Core
from engine.market.bars import BarsClosed
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.config import EngineConfig, TradingSwitch
from engine.model.market import Bar, Side, Timeframe
from engine.model.plans import Idea
from engine.signals.board import SignalBoard
from engine.state.fold import apply
from engine.state.state import State
from engine.strategies.protocol import Declined
from tests.support.invariants import Invariants
from tests.torture.year_accounts import (
    DEARER,
    DEVIATION,
    KEPT,
    LISTED,
    MARKETS,
    OPENING,
    VENUE_OF,
    YearAccount,
    books,
)
from tests.torture.year_dates import DAY, MINUTE, NANOS, Month, months, utc
from tests.torture.year_judge import YearJudge, YearTally, coming_looks
from tests.torture.year_plan import LINKS, Happening, What, plan

FIRST = date(2025, 12, 30)
"""A year from here has both changes of both continents' clocks."""
DAYS = 366
BARS_KEPT = 60
LOTS = 1_000_000
ONE_IN = 120
"""Minutes of a contract for an idea."""


class NowAndThen:
    """Has an idea now and then, with its stop some minutes' swing away, or some hours'."""

    name = "now-and-then"

    def __init__(self, rng: random.Random, one_in: int) -> None:
        self._rng = rng
        self._one_in = one_in

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        ideas = []
        for bar in closed.bars:
            if bar.timeframe is not Timeframe.M1 or self._rng.randrange(self._one_in):
                continue
            side = self._rng.choice(list(Side))
            far = round(DEVIATION[bar.instrument] * self._rng.choice((8, 12, 80))) * side.sign
            targets = (bar.close + 2 * far, bar.close + 4 * far)
            ideas.append(
                Idea(
                    self.name, bar.instrument, side, bar.close, bar.close - far, targets, 80, (), closed.ts, 3
                )
            )
        return ideas


class Year:
    """Plays so many days. Every assertion is about the engine. `step_ns` lies between two prices."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        first: date = FIRST,
        days: int = DAYS,
        *,
        step_ns: int = 5 * MINUTE,
        one_in: int = ONE_IN,
        watched: bool = False,
    ) -> None:
        """`watched` looks at every invariant after every step, which costs more the longer it lasts."""
        self.first, self.days, self.step_ns = first, days, step_ns
        self.now = utc(first, 12)
        self.end = utc(first + days * DAY, 18)
        self.invariants = Invariants() if watched else None
        self.accounts = {name: YearAccount(name, self.now) for name in KEPT}
        self.strategy = NowAndThen(random.Random(f"{seed}:ideas"), one_in)
        self._prices = random.Random(f"{seed}:prices")
        self._at = {symbol: float(price) for symbol, price in OPENING.items()}
        self._journal = SyncJournal(folder / "year.db", install="year")
        self._down: dict[str, set[str]] = {venue: set() for venue in MARKETS}
        self._away_until: int | None = None
        self._agenda = sorted(
            [(one.start, 0, one) for one in plan(seed, first, days, MARKETS) if one.end < self.end],
            key=lambda entry: entry[:2],
        )
        self._ending: list[Happening] = []
        self._months = self._coming_months()
        self._active = {symbol: ahead.popleft() for symbol, ahead in self._months.items()}
        self._bars: dict[str, deque[Bar]] = {symbol: deque(maxlen=BARS_KEPT) for symbol in OPENING}
        self.judge = YearJudge(self.accounts, self._active, self.now)
        self._looks = coming_looks(first, days, self.now)
        self._next_look = next(self._looks)
        self._stirred = False
        """Something has happened to an account since it was looked at."""
        self._core = self._boot()

    def play(self) -> YearTally:
        """Play it all and compare at the end. Raises AssertionError."""
        with self._journal:
            self._begin()
            while self.now < self.end:
                self._pass(min(self.now - self.now % self.step_ns + self.step_ns, self.end))
                self._trade()
            assert self._away_until is None
            assert not any(self._down.values())
            self._say_flatten()
            self._pass(self.now + MINUTE)
            self.judge.compare(self._core, self._folded(), self.now)
            self.tally.records = self._journal.last_seq
        return self.tally

    @property
    def tally(self) -> YearTally:
        return self.judge.tally

    # -- the process -------------------------------------------------------------------------------

    def _folded(self) -> State:
        state = State()
        for _, body in self._journal.read():
            apply(state, r.decode(body))
        return state

    def _boot(self) -> Core:
        self.tally.boots += 1
        state = self._folded()
        instruments = tuple(one for listed in LISTED.values() for one in listed)
        config = EngineConfig(
            instruments, "year", "year", self.tally.boots, TradingSwitch.LIVE, books=books(), templates=(),
            sources={symbol: (venue,) for symbol, venue in VENUE_OF.items()},
            slow_cycle_ns=3 * self.step_ns,
        )  # fmt: skip
        return Core(config, self.strategy, state)

    def _begin(self) -> None:
        self._take(*self._core.start(self.now))
        for venue in MARKETS:
            if not self._down[venue]:
                self._connect(venue, ("rest", "market", "user"))
        self._settle()

    def _connect(self, venue: str, links: Sequence[str]) -> None:
        for one in LISTED[venue]:
            month = self._active.get(one.symbol)
            name = one.symbol if month is None else month.name
            self._step(
                ev.ContractResolved(
                    ts_recv=self.now, instrument=one, contract_id=f"id.{name}", name=name, venue=venue
                )
            )
        for book, account in self._of(venue):
            self._step(ev.AccountAdopted(ts_recv=self.now, book=book, account=account.account, venue=venue))
        for link in links:
            self._link(venue, link, ev.LinkState.LIVE)
        if "market" in links:
            for one in LISTED[venue]:
                bars = tuple(bar for bar in self._bars[one.symbol] if bar.close_ts <= self.now)
                self._step(ev.HistoryLoaded(ts_recv=self.now, instrument=one.symbol, bars=bars, venue=venue))

    def _of(self, venue: str) -> list[tuple[str, YearAccount]]:
        return [(name, account) for name, account in self.accounts.items() if KEPT[name].venue == venue]

    def _link(self, venue: str, link: str, state: ev.LinkState) -> None:
        until = self.now + int(timedelta(days=1).total_seconds()) * NANOS if link == "token" else 0
        self._step(ev.LinkChanged(ts_recv=self.now, link=link, state=state, venue=venue, until=until))

    # -- time --------------------------------------------------------------------------------------

    def _pass(self, end: int) -> None:
        """Everything that is due until then, each at its own time."""
        while True:
            core = self._core.next_deadline() if self._away_until is None else end + 1
            agenda = self._agenda[0][0] if self._agenda else end + 1
            over = min((one.end for one in self._ending), default=end + 1)
            venues = min(account.next_due() or end + 1 for account in self.accounts.values())
            due = min(core, agenda, over, venues, self._next_look[0])
            if due > end:
                break
            self.now = max(self.now, due)
            for account in self.accounts.values():
                account.advance(self.now)
            self._settle()
            if over <= self.now:
                self._ends()
            if agenda <= self.now:
                self._happens(self._agenda.pop(0)[2])
            if self._away_until is None and self._core.next_deadline() <= self.now:
                self._step(ev.TimeAdvanced(ts_recv=self.now))
                self._settle()
            while self._next_look[0] <= self.now:
                self.judge.look(self.now, *self._next_look[1:])
                self._next_look = next(self._looks)
            if self._stirred:
                self._watch()
        self.now = end

    def _happens(self, one: Happening) -> None:
        self.tally.happened[one.what] += 1
        if one.what in (What.RESTART, What.AWAY):
            for account in self.accounts.values():
                account.outgoing.clear()
            self._away_until = one.end
        else:
            self._down[one.venue] = set(LINKS[one.what])
            for link in LINKS[one.what]:
                self._link(one.venue, link, ev.LinkState.DOWN)
            self._settle()
        self._ending.append(one)

    def _ends(self) -> None:
        for one in [one for one in self._ending if one.end <= self.now]:
            self._ending.remove(one)
            if one.venue:
                self._down[one.venue] = set()
                if self._away_until is None:
                    self._connect(one.venue, LINKS[one.what])
            else:
                self._away_until = None
                self.judge.unsure_until = (
                    self.now + 2 * self.step_ns + 2 * MINUTE if one.end > one.start else 0
                )
                self._core = self._boot()
                self._begin()
            self._settle()

    # -- the market --------------------------------------------------------------------------------

    def _coming_months(self) -> dict[str, deque[Month]]:
        last = self.first + (self.days + 1) * DAY
        return {symbol: deque(months(symbol, self.first, last)) for symbol in DEARER}

    def _trade(self) -> None:
        """Every market that is open has a price."""
        swings = (self.step_ns / MINUTE) ** 0.5
        for symbol, venue in VENUE_OF.items():
            market = MARKETS[venue]
            if not market.is_open(self.now):
                continue
            if symbol in self._active and market.trade_date(self.now) >= self._active[symbol].active_until:
                self._rolls(symbol)
            self._at[symbol] += self._prices.gauss(0, DEVIATION[symbol] * swings)
            if any("rest" in links for name, links in self._down.items() if name == venue):
                continue  # nobody trades at a venue that is under maintenance
            self._tell(symbol, venue, round(self._at[symbol]))
        self._settle()
        self._watch()

    def _tell(self, symbol: str, venue: str, price: int) -> None:
        now = self.now
        quote = ev.Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=price, ask=price + 1, venue=venue)
        trade = ev.Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=LOTS, venue=venue)
        old = DEARER.get(symbol, 0)
        for _, account in self._of(venue):
            account.advance(now)
            account.hears(quote, trade, old)
        self._keep_bar(symbol, price)
        self._settle()
        if self._away_until is not None or "market" in self._down[venue]:
            return
        self._step(quote)
        self._step(trade)
        held = next((a.months[symbol] for _, a in self._of(venue) if symbol in a.months), None)
        if held is not None:
            contract = f"id.{held.name}"
            for told in ({"bid": price - old, "ask": price + 1 - old}, {"last": price - old}):
                self._step(
                    ev.HeldPriced(
                        ts_recv=now,
                        ts_venue=now,
                        instrument=symbol,
                        contract_id=contract,
                        venue=venue,
                        **told,
                    )
                )

    def _keep_bar(self, symbol: str, price: int) -> None:
        bars, open_ts = self._bars[symbol], (self.now - 1) // MINUTE * MINUTE
        bars.append(Bar(symbol, Timeframe.M1, open_ts, price, price, price, price, 20, backfilled=True))

    def _rolls(self, symbol: str) -> None:
        """The venue's active month is the next one, which is dearer."""
        before, venue = self._active[symbol], VENUE_OF[symbol]
        self._active[symbol] = month = self._months[symbol].popleft()
        self.tally.months += 1
        self._at[symbol] += DEARER[symbol]
        self._bars[symbol].clear()
        for _, account in self._of(venue):
            account.rolls(before)
        if self._away_until is None and not self._down[venue]:
            known = next(one for one in LISTED[venue] if one.symbol == symbol)
            self._step(
                ev.ContractResolved(
                    ts_recv=self.now, instrument=known, contract_id=f"id.{month.name}", name=month.name,
                    venue=venue,
                )
            )  # fmt: skip

    # -- the engine --------------------------------------------------------------------------------

    def _step(self, event: ev.AnyEvent) -> None:
        if self._away_until is None:
            self._take(*self._core.step(event))

    def _settle(self) -> None:
        """Let the core hear what the accounts have said, where it is heard."""
        told = True
        while told:
            told = False
            for name, account in self.accounts.items():
                while account.outgoing:
                    event, told = account.outgoing.popleft(), True
                    self._stirred = True
                    streamed = isinstance(event, ev.OrderReported | ev.FillReported)
                    if self._away_until is not None or (streamed and "user" in self._down[KEPT[name].venue]):
                        self.tally.untold += streamed
                    else:
                        self._step(event)

    def _take(self, records: Sequence[r.AnyRecord], effects: Sequence[fx.AnyEffect]) -> None:
        records, effects = list(records), list(effects)
        if self.invariants is not None:
            self.invariants.protection_due = not any(self._down.values())
            self.invariants.after(self._core, records, effects)
        if records:
            self._journal.append([r.encode(record) for record in records], self._journal.last_seq + 1)
            self.judge.written(records)
        for effect in effects:
            account, venue = self.accounts[effect.book], KEPT[effect.book].venue
            account.now = max(account.now, self.now)
            self.judge.asked(effect, self.now)
            if "rest" not in self._down[venue]:
                account.execute(effect)
            elif isinstance(effect, fx.TakeSnapshot):
                failed = ev.SnapshotFailed(ts_recv=self.now, book=effect.book, reason="no connection")
                account.outgoing.append(failed)
            else:
                account.outgoing.append(ev.reply(effect, self.now, ev.Outcome.UNSENT, "no connection"))

    def _watch(self) -> None:
        self._stirred = False
        away = self._away_until is not None
        self.judge.watch(self.now, {venue for venue, links in self._down.items() if links or away})

    def _say_flatten(self) -> None:
        self._step(ev.CommandReceived(ts_recv=self.now, command=Flatten(id="end")))
        self._settle()
