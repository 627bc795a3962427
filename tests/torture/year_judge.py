"""What is held against the engine in a virtual year: days, deadlines, months, stops, fills and money."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from engine.core import Core
from engine.model import effects as fx
from engine.model import records as r
from engine.model.refusals import Refusal
from engine.state.state import State
from tests.torture import audit, dates
from tests.torture.year_accounts import BALANCE_USD, KEPT, LISTED, MARKETS, MOST_TRADES, YearAccount
from tests.torture.year_dates import DAY, MINUTE, NANOS, Market, Month

NAKED_NS = 5 * NANOS
"""So long may something be held without a stop while its venue can be reached and trades."""
LATE_NS = 2 * NANOS


@dataclass
class YearTally:
    """What a year came to."""

    trades: Counter[str] = field(default_factory=Counter)
    """By book."""
    fills: Counter[str] = field(default_factory=Counter)
    rolls: Counter[str] = field(default_factory=Counter)
    """Trade dates begun, by calendar."""
    months: int = 0
    carried: Counter[str] = field(default_factory=Counter)
    """Sessions at whose end a book held something, as its settings let it."""
    flattened: Counter[str] = field(default_factory=Counter)
    """By reason."""
    refused: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    untold: int = 0
    """Orders and fills that no stream carried."""
    naked_s: float = 0.0
    """The longest that something had no stop while its venue could be reached."""
    records: int = 0
    boots: int = 0


class YearJudge:
    """Looks on from outside. Every method raises AssertionError."""

    def __init__(self, accounts: Mapping[str, YearAccount], active: Mapping[str, Month], began: int) -> None:
        """`active` are the venues' months, by instrument."""
        self.tally = YearTally()
        self.unsure_until = 0
        """A process that was away over a roll may wait so long for a price that confirms its clock."""
        self._accounts = accounts
        self._active = active
        self._began = began
        self._taken: dict[str, list[r.FillApplied]] = defaultdict(list)
        self._entries: Counter[tuple[str, date]] = Counter()
        self._dates: dict[str, date] = {}
        self._naked: dict[tuple[str, str], int] = {}

    # -- what the engine does ----------------------------------------------------------------------

    def asked(self, effect: fx.AnyEffect, now: int) -> None:
        """Nothing is asked of a market that is closed, and nothing is opened near its deadline."""
        if not isinstance(effect, fx.PlaceOrder | fx.ClosePosition | fx.ModifyOrder):
            return
        market = MARKETS[KEPT[effect.book].venue]
        assert market.is_open(now), f"{effect} while the market is closed"
        if isinstance(effect, fx.PlaceOrder) and not effect.reduces:
            self._may_enter(effect.book, market, now)

    def _may_enter(self, book: str, market: Market, now: int) -> None:
        day = market.trade_date(now)
        limits = KEPT[book].limits
        end = market.deadline(day) if limits.must_be_flat else None
        session = market.session(day)
        assert session is not None, f"{book} enters on {day}, which is a holiday"
        if market.closes is not None:
            last = session[1] if end is None else end
            assert now < last - 14 * MINUTE, f"{book} enters too near to {day}'s end"
        if limits.hours_start:
            assert dates.wanted_hours(now), f"{book} enters outside of its hours"

    def written(self, records: Sequence[r.AnyRecord]) -> None:
        for record in records:
            match record:
                case r.FillApplied():
                    self._taken[record.book].append(record)
                case r.PlanOpened(plan=opened):
                    market = MARKETS[KEPT[opened.book].venue]
                    key = opened.book, market.trade_date(record.ts)
                    self._entries[key] += 1
                    assert self._entries[key] <= MOST_TRADES, f"{key} has {self._entries[key]} trades"
                    month = self._active.get(opened.instrument)
                    left = 99 if month is None else (month.last - market.trade_date(record.ts)).days
                    assert left > KEPT[opened.book].limits.expiry_days, f"{month} is entered"
                case r.FlattenStarted(reason=reason):
                    self.tally.flattened[reason] += 1
                    assert reason != "risk", f"{record}"
                case r.IdeaRefused(refusals=refusals):
                    self.tally.refused.update(str(one.value) for one in refusals)
                    assert Refusal.UNKNOWN_DAY not in refusals
                case r.DayRolled():
                    self._rolled(record)
                case _:
                    pass

    def _rolled(self, record: r.DayRolled) -> None:
        """One date after the other, each once, and on time where somebody was there."""
        market = next(one for one in MARKETS.values() if one.name == record.calendar)
        day = date.fromisoformat(record.trade_date)
        before = self._dates.get(record.calendar)
        assert before is None or day == before + DAY, f"{record.calendar} goes from {before} to {day}"
        self._dates[record.calendar] = day
        self.tally.rolls[record.calendar] += 1
        began = market.begins(day)
        assert record.day_open_ts == began, f"{day} of {record.calendar} began at {began}"
        late = record.ts - began
        assert late >= 0, f"{day} of {record.calendar} rolled {-late / NANOS:.0f} s too early"
        if before is not None and record.ts > self.unsure_until:
            assert late <= LATE_NS, f"{day} of {record.calendar} rolled {late / NANOS:.1f} s late"

    # -- what the venues show ----------------------------------------------------------------------

    def look(self, now: int, venue: str, market: Market, deadline: bool) -> None:
        """By the deadline nothing is held or works where nothing may; at the close, what stays is guarded."""
        for name, account in self._of(venue):
            symbols = [one.symbol for one in LISTED[venue]]
            held = {symbol: account.held(symbol) for symbol in symbols if account.held(symbol)}
            day = market.trade_date(now - 1)
            if KEPT[name].limits.must_be_flat:
                working = account.working(symbols)
                assert (held, working) == ({}, 0), f"{name} is not flat on {day}: {held}, {working} orders"
                continue
            if deadline:
                continue
            self.tally.carried[name] += bool(held)
            for symbol, qty in held.items():
                guarded = account.guarded(symbol)
                assert guarded >= abs(qty), f"{name} goes into the night of {day} with {qty} {symbol} naked"
                month = account.months.get(symbol) or self._active.get(symbol)
                assert month is None or day + DAY < month.last, f"{name} holds {month} on {day}"

    def watch(self, now: int, down: Iterable[str]) -> None:
        """For how long the venue holds something for which no stop works, while that could be helped."""
        for name, account in self._accounts.items():
            venue = KEPT[name].venue
            for symbol in (one.symbol for one in LISTED[venue]):
                key, held = (name, symbol), account.held(symbol)
                if not held or venue in down or account.guarded(symbol) >= abs(held):
                    self._naked.pop(key, None)
                elif MARKETS[venue].is_open(now):
                    spent = now - self._naked.setdefault(key, now)
                    self.tally.naked_s = max(self.tally.naked_s, spent / NANOS)
                    assert spent <= NAKED_NS, f"{name}: {held} {symbol} naked for {spent / NANOS:.1f} s"

    def compare(self, core: Core, folded: State, now: int) -> None:
        """Every fill was taken once, money is the venue's, no day is missing, the journal folds to this."""
        for calendar, day in self._dates.items():
            market = next(one for one in MARKETS.values() if one.name == calendar)
            assert day == market.trade_date(now), f"{calendar} is on {day}"
            asked = (market.trade_date(now) - market.trade_date(self._began)).days + 1
            assert self.tally.rolls[calendar] == asked, f"{calendar} has {self.tally.rolls[calendar]} days"
        for name, account in self._accounts.items():
            book = core.state.book(name)
            for symbol in (one.symbol for one in LISTED[KEPT[name].venue]):
                assert (book.position(symbol).qty, account.held(symbol)) == (0, 0), f"{name} is not flat"
                assert not account.working([symbol]), f"{name} has orders left"
            audit.same_fills([one.fill for one in self._taken[name]], account.every_fill)
            audit.same_money(book, account.account.balance_usd, BALANCE_USD)
            self.tally.trades[name], self.tally.fills[name] = len(book.trades), len(account.every_fill)
        for name in KEPT:
            trades = core.state.book(name).trades
            assert folded.book(name).trades == trades, "the journal folds to another year"

    def _of(self, venue: str) -> list[tuple[str, YearAccount]]:
        return [(name, account) for name, account in self._accounts.items() if KEPT[name].venue == venue]


def coming_looks(first: date, days: int, began: int) -> Iterator[tuple[int, str, Market, bool]]:
    """(When, venue, its market, whether it is the deadline): deadlines and closes, in order."""
    for n in range(-1, days + 3):
        day, looks = first + n * DAY, []
        for venue, market in MARKETS.items():
            session = market.session(day)
            if session is None or market.closes is None or session[1] <= began:
                continue
            deadline = market.deadline(day)
            assert deadline is not None
            looks += [(deadline, venue, market, True), (session[1], venue, market, False)]
        yield from sorted(looks, key=lambda look: look[0])
