"""A virtual week: one engine, one process, five trading days, and everything that goes on and off in them."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from adapters.store.virtual import SyncJournal
from engine.core import Core, Outcome
from engine.lab.replay import BOOK, START_BALANCE_USD, Played, Replay
from engine.market.bars import BarsClosed
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.orders import Fill
from engine.model.plans import Idea
from engine.signals.board import SignalBoard
from engine.state.fold import apply
from engine.state.state import State
from engine.strategies.protocol import Declined
from engine.venue.fill_model import FillModel
from engine.venue.orders import VenueEvent
from tests.support.invariants import Invariants
from tests.torture import audit, dates
from tests.torture.messages import unheard
from tests.torture.outages import Outage, outages

INSTRUMENTS = {symbol: CME_FUTURES[symbol] for symbol in ("MNQ", "MES")}
STEP_NS = 5 * NANOS
"""Between two quotes of a contract."""
DEVIATION = 4.0
"""Of the price in one step, ticks."""
OPENING = {"MNQ": 84_000, "MES": 26_000}
HOUR_NS = 60 * MINUTE
CHOOSY_NS = 30 * MINUTE
"""A link waits so long for a position to be held before it drops: Murphy's law."""
LOOK_NS = 5 * NANOS
BARS_KEPT = 240
PAST_DAYS = 30
LIMITS = RiskLimits(
    daily_loss_usd=Decimal(1_000_000),
    max_trades=1_000_000,
    account_preset="none",
    hours_start=dates.USER_HOURS[0],
    hours_end=dates.USER_HOURS[1],
    hours_zone=dates.USER_HOURS[2],
)


class Seldom:
    """Has an idea now and then, about once in forty minutes of a contract."""

    name = "seldom"

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.newest: dict[str, int] = {}
        """Opening time of the latest minute of each contract."""

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        ideas = []
        for bar in closed.bars:
            if bar.timeframe is not Timeframe.M1:
                continue
            assert bar.open_ts > self.newest.get(bar.instrument, 0), "a minute was closed twice"
            self.newest[bar.instrument] = bar.open_ts
            if self._rng.random() < 1 / 40:
                side, stop = self._rng.choice(list(Side)), self._rng.choice([20, 30, 40])
                prices = (bar.close + side.sign * ticks for ticks in (-stop, 2 * stop, 4 * stop))
                below, *targets = prices
                ideas.append(
                    Idea(
                        self.name,
                        bar.instrument,
                        side,
                        bar.close,
                        below,
                        tuple(targets),
                        80,
                        (),
                        closed.ts,
                        3,
                    )
                )
        return ideas


@dataclass
class Tally:
    """What a week came to."""

    fills: int = 0
    trades: int = 0
    rolls: list[str] = field(default_factory=list)
    drops: Counter[str] = field(default_factory=Counter)
    missed_on_air: int = 0
    """Stream events that no hub carried, and that were found all the same."""
    records: int = 0


class Week(Replay):
    """Plays trading days through one core; links fail by plan. Every assertion is about the engine."""

    def __init__(self, folder: Path, seed: int, days: int = 5, *, watched: bool = True) -> None:
        """Without `watched` nobody looks on, and only the engine's own memory grows."""
        self.seed = seed
        self.tally = Tally()
        self._prices = random.Random(f"{seed}:prices")
        self._days = tuple(dates.days(days))
        self._journal = SyncJournal(folder / "week.db", install="week")
        self._plan = [outage for n, day in enumerate(self._days) for outage in outages(seed + n, day)]
        self._down: Counter[str] = Counter()
        self._ending: list[Outage] = []
        self._taken: list[Fill] = []
        self._costs: dict[str, Decimal] = defaultdict(Decimal)
        self._entries: Counter[str] = Counter()
        self._day_before: tuple[str, Decimal, int] = ("", Decimal(0), 0)
        self._invariants = Invariants() if watched else None
        self._looked = 0
        self._bars: dict[str, dict[int, Bar]] = {symbol: {} for symbol in INSTRUMENTS}
        self.strategy = Seldom(random.Random(f"{seed}:ideas"))
        core = Core(
            EngineConfig(
                tuple(INSTRUMENTS.values()),
                "week",
                "week",
                1,
                TradingSwitch.LIVE,
                templates=(BookConfig(risk=LIMITS),),
            ),
            self.strategy,
        )
        self.sample: Callable[[int], None] = lambda ts: None
        """Called at every full hour of the market."""
        super().__init__(core, INSTRUMENTS, FillModel(), self._written)

    def play(self) -> Tally:
        """Play all days and compare at the end. Raises AssertionError."""
        with self._journal:
            self.run(dates.opening(self._days[0]), self._past, self._market_days())
            self._compare()
        return self.tally

    # -- the market --------------------------------------------------------------------------------

    def _past(self, symbol: str) -> Sequence[Bar]:
        """Minutes of so many trade dates before: every store of bars is as full as it gets."""
        if self._invariants is not None:
            return ()
        rng, price, bars = random.Random(f"{self.seed}:{symbol}"), OPENING[symbol], []
        for ts in dates.minutes_before(self._days[0], PAST_DAYS):
            last, price = price, price + round(rng.gauss(0, DEVIATION))
            low, high = sorted((last, price))
            bars.append(Bar(symbol, Timeframe.M1, ts, last, high, low, price, 240, backfilled=True))
        return bars

    def _market_days(self) -> Iterator[ev.Quote | ev.Print]:
        at = {symbol: float(price) for symbol, price in OPENING.items()}
        for day in self._days:
            now, closing, flat_by = dates.opening(day), dates.at(day, 16), dates.at(day, 15, 10)
            while now < closing:
                now += STEP_NS
                self._links(now)
                if now % HOUR_NS == 0:
                    self.sample(now)
                for symbol in INSTRUMENTS:
                    at[symbol] += self._prices.gauss(0, DEVIATION)
                    yield from self._trade(symbol, round(at[symbol]), now)
                if flat_by <= now < flat_by + STEP_NS or now >= closing:
                    self._flat()

    def _trade(self, symbol: str, price: int, now: int) -> Iterator[ev.Quote | ev.Print]:
        yield ev.Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=price, ask=price + 1, last=price)
        yield ev.Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=20)
        bars, open_ts = self._bars[symbol], now - now % MINUTE
        bar = bars.get(open_ts)
        high, low = (price, price) if bar is None else (max(bar.high, price), min(bar.low, price))
        first, volume = (price, 0) if bar is None else (bar.open, bar.volume)
        bars[open_ts] = Bar(
            symbol, Timeframe.M1, open_ts, first, high, low, price, volume + 20, backfilled=True
        )
        if len(bars) > BARS_KEPT:
            del bars[next(iter(bars))]

    def _market(self, event: Played) -> None:
        if isinstance(event, ev.BarReported) or not self._down["market"]:
            super()._market(event)
            return
        told = self._venue.on_quote(event) if isinstance(event, ev.Quote) else self._venue.on_print(event)
        self._report(told)
        self._settle()

    def _flat(self) -> None:
        """By the firm's deadline, and at the close, nothing is held and nothing works."""
        live = [order for order in self._venue.orders if order.status.live]
        held = {symbol: self.held(symbol) for symbol in INSTRUMENTS if self.held(symbol)}
        assert (held, live) == ({}, []), f"not flat on {dates.trade_date(self.now)}"

    # -- links -------------------------------------------------------------------------------------

    def _links(self, now: int) -> None:
        trading = any(self.held(symbol) for symbol in INSTRUMENTS)
        while self._plan and self._plan[0].start + (0 if trading else CHOOSY_NS) <= now:
            outage = self._plan.pop(0).beginning(now)
            self._ending.append(outage)
            self.tally.drops[" and ".join(outage.links)] += 1
            for link in outage.links:
                self._down[link] += 1
                if self._down[link] == 1:
                    self._link(link, ev.LinkState.DOWN)
        for outage in [one for one in self._ending if one.end <= now]:
            self._ending.remove(outage)
            for link in outage.links:
                self._down[link] -= 1
                if not self._down[link]:
                    self._link(link, ev.LinkState.LIVE)

    def _link(self, link: str, state: ev.LinkState) -> None:
        live = state is ev.LinkState.LIVE
        until = self.now + 24 * HOUR_NS if live and link == "token" else 0
        self._step(ev.LinkChanged(ts_recv=self.now, link=link, state=state, until=until))
        if live and link == "market":
            for symbol, bars in self._bars.items():
                closed = tuple(bar for bar in bars.values() if bar.close_ts <= self.now)
                self._step(ev.HistoryLoaded(ts_recv=self.now, instrument=symbol, bars=closed))

    def _report(self, events: Sequence[VenueEvent]) -> None:
        if not self._down["user"]:
            super()._report(events)
            return
        self.tally.missed_on_air += len(events)
        for event in events:
            if isinstance(event, Fill):
                self._count(event)

    # -- the engine --------------------------------------------------------------------------------

    def _take(self, outcome: Outcome) -> None:
        records, effects = outcome
        if self._invariants is not None and (records or effects or self.now - self._looked >= LOOK_NS):
            self._looked = self.now
            self._invariants.after(self._core, records, effects)
        if records:
            self._keep(records)
        for effect in effects:
            if not isinstance(effect, fx.TakeSnapshot | fx.CancelOrder):
                assert not dates.must_be_flat(self.now), f"too late for {effect}"
            if self._down["rest"]:
                self.outgoing.append(unheard(effect, ev.Outcome.UNSENT, self.now))
            else:
                super()._take(([], [effect]))

    def _written(self, records: Sequence[r.AnyRecord]) -> None:
        self._journal.append([r.encode(record) for record in records], self._journal.last_seq + 1)
        for record in records:
            match record:
                case r.FillApplied(fill=fill):
                    self._taken.append(fill)
                    self._costs[dates.trade_date(fill.ts_venue)] += fill.cost_usd
                case r.PlanOpened(ts=ts):
                    assert dates.wanted_hours(ts), "an entry outside the user's hours"
                    assert not dates.must_be_flat(ts + 15 * MINUTE), "an entry too near the deadline"
                    self._entries[dates.trade_date(ts)] += 1
                case r.DayRolled():
                    self._rolled(record)
                case _:
                    pass
        day = self._core.state.book(BOOK).day
        self._day_before = self._core.state.days["cme"].trade_date, day.costs_usd, day.entries

    def _rolled(self, record: r.DayRolled) -> None:
        """The day that ends had its own fills and entries, and no others; the new one begins on time."""
        assert record.trade_date == dates.trade_date(record.ts), "rolled to a wrong trade date"
        self.tally.rolls.append(record.trade_date)
        ended, costs, entries = self._day_before
        if ended:
            assert (costs, entries) == (self._costs[ended], self._entries[ended]), f"{ended} was miscounted"
        late = record.ts - dates.opening(date.fromisoformat(record.trade_date))
        assert 0 <= late <= 2 * NANOS, f"rolled {late / NANOS:.1f} s after the opening"

    def _compare(self) -> None:
        book = self._core.state.book(BOOK)
        assert self.tally.rolls == [day.isoformat() for day in self._days]
        audit.same_fills(self._taken, self._fills)
        audit.same_money(book, self._balance, START_BALANCE_USD)
        audit.sent_once(order.client_id for order in self._venue.orders)
        state = State()
        for _, body in self._journal.read():
            apply(state, r.decode(body))
        assert state.book(BOOK).trades == book.trades, "the journal folds to another week"
        self.tally.fills, self.tally.trades = len(self._fills), len(book.trades)
        self.tally.records = self._journal.last_seq
