"""What a journal tells of each book: its trades, its equity over time, and the plans behind its trades.

The state is folded as at a start; beside it stands what a state forgets: the equity curve, and every plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_of
from engine.model import records as r
from engine.model.errors import FatalError, JournalError
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.plans import TradePlan
from engine.portfolio.money import realized_usd
from engine.portfolio.statistics import Statistics, statistics
from engine.risk.presets import resolve
from engine.state.fold import apply
from engine.state.position import Trade
from engine.state.state import BookState, State

STRICTEST = ("live", "practice", "paper", "unknown")
"""Kinds of money, in the order in which they are told."""


class BookHistory(Struct):
    """One account in one book. Amounts are in its currency, and trades in another one are not among it."""

    book: str
    kind: str
    """Whose money it is, one of `STRICTEST`."""
    account: str
    currency: str
    calendar: Calendar
    start_usd: Decimal
    """Balance when the account was first known; 0 where nobody says it."""
    trades: list[Trade] = field(default_factory=list)
    """Oldest first."""
    equity: list[tuple[int, Decimal]] = field(default_factory=list)
    """At the mark, from `start_usd` on: nanoseconds UTC, and the worth."""
    deepest: dict[date, Decimal] = field(default_factory=dict)
    """By trade date the deepest fall from the day's high, at every event."""
    loss_limit_usd: Decimal = Decimal(0)
    """The firm's, as the account's name tells it; 0 where it tells none."""
    notes: dict[str, str] = field(default_factory=dict)
    """What a person has said of trades, by their keys."""
    today: date | None = None
    """The trade date that the journal ends in; None where no day has begun."""

    @property
    def title(self) -> str:
        return self.book if self.account in ("", self.book) else f"{self.book} · {self.account}"

    @property
    def last_day(self) -> date | None:
        """The newest trade date of which something is known."""
        stamps = [*(ts for ts, _ in self.equity[-1:]), *(trade.closed_ts for trade in self.trades[-1:])]
        days = [self.calendar.trade_date(ts) for ts in stamps]
        return max([*days, *([self.today] if self.today else [])], default=None)

    def within(self, first: date, last: date) -> BookHistory:
        """The same of the trade dates from `first` to `last`: it begins with what the account was worth."""
        begin, end = self.calendar.day_bounds(first)[0], self.calendar.day_bounds(last)[1]
        start = next((usd for ts, usd in reversed(self.equity) if ts < begin), self.start_usd)
        return replace(
            self,
            start_usd=start,
            trades=[trade for trade in self.trades if begin <= trade.closed_ts < end],
            equity=[(ts, usd) for ts, usd in self.equity if begin <= ts < end],
            deepest={day: usd for day, usd in self.deepest.items() if first <= day <= last},
        )

    def statistics(self) -> Statistics:
        deepest = max(self.deepest.values(), default=None)
        return statistics(self.trades, self.equity, self.start_usd, self.calendar, deepest)


class ReportHistory(Struct):
    """Everything that a journal tells for reports."""

    books: list[BookHistory]
    """Those with money of one kind beside each other; accounts that are gone among them."""
    plans: dict[str, TradePlan]
    instruments: dict[str, Instrument]

    def owners(self) -> dict[str, str]:
        """Plan id to the bot, room or strategy that opened it."""
        return {plan_id: plan.owner for plan_id, plan in self.plans.items()}


def read_history(records: Iterable[tuple[int, bytes]]) -> ReportHistory:
    """Fold a journal. Raises FatalError for a record that can't be read, or does not fit the others."""
    reader = JournalHistory()
    for seq, raw in records:
        try:
            reader.take(r.decode(raw))
        except JournalError as error:
            raise FatalError(f"record {seq} of the journal can't be read: {error}") from error
        except (KeyError, IndexError, ValueError) as error:
            raise FatalError(f"record {seq} of the journal does not fit the others: {error!r}") from error
    return reader.history()


class _Curve(Struct):
    """The equity of one account as it grows."""

    start_usd: Decimal
    points: list[tuple[int, Decimal]] = field(default_factory=list)
    days: dict[str, Decimal] = field(default_factory=dict)
    """What the trade dates that are over came to."""
    before_usd: Decimal = Decimal(0)
    """Sum of them."""
    deepest: dict[date, Decimal] = field(default_factory=dict)

    def day_ended(self, known: BookState) -> None:
        """Take in the newest day that is over; it may have been counted again."""
        if known.days and self.days.get(known.days[-1].trade_date) != known.days[-1].net_usd:
            self.days[known.days[-1].trade_date] = known.days[-1].net_usd
            self.before_usd = sum(self.days.values(), Decimal(0))

    def add(self, ts: int, day_usd: Decimal) -> None:
        last = self.points[-1][0] if self.points else ts
        self.points.append((max(ts, last), self.start_usd + self.before_usd + day_usd))


class JournalHistory:
    """Takes records in their order."""

    def __init__(self) -> None:
        self.state = State()
        self._curves: dict[str, _Curve] = {}
        self._plans: dict[str, TradePlan] = {}
        self._gone: list[BookHistory] = []

    def take(self, record: r.AnyRecord) -> None:
        """Raises KeyError, IndexError, ValueError for one that does not fit those before it."""
        if isinstance(record, r.AccountKnown):
            self._account(record)
        elif isinstance(record, r.PlanOpened | r.PositionFostered):
            self._plans[record.plan.plan_id] = record.plan
        elif isinstance(record, r.EquityNoted):
            self._equity(record)
        apply(self.state, record)
        if isinstance(record, r.DayRolled):
            self._day(record)
        elif isinstance(record, r.FillApplied | r.FillSettled | r.DayMarked):
            self._curve(record.book).day_ended(self.state.book(record.book))

    def history(self) -> ReportHistory:
        told = [*self._gone, *(one for known in self.state.books.values() for one in self._told(known))]
        told.sort(key=lambda one: (STRICTEST.index(one.kind), one.currency, one.book))
        return ReportHistory(told, self._plans, dict(self.state.instruments))

    def _curve(self, book: str) -> _Curve:
        return self._curves.setdefault(book, _Curve(Decimal(0)))

    def _account(self, record: r.AccountKnown) -> None:
        """Of another account nothing that is known is about."""
        known = self.state.book(record.book)
        if known.account is not None and known.account.id != record.account.id:
            self._gone += self._told(known)
            self._curves.pop(record.book, None)
        self._curves.setdefault(record.book, _Curve(record.account.balance_usd))

    def _day(self, record: r.DayRolled) -> None:
        for known in self.state.books.values():
            if known.calendar == record.calendar and known.days:
                curve = self._curve(known.book)
                curve.day_ended(known)
                curve.add(record.day_open_ts - 1, Decimal(0))

    def _equity(self, record: r.EquityNoted) -> None:
        """Before the record is folded: new extremes were reached a little earlier than they are told."""
        known, curve = self.state.book(record.book), self._curve(record.book)
        if record.low_usd < known.day.low_usd:
            curve.add(record.ts, record.low_usd)
        if record.high_usd > known.day.high_usd:
            curve.add(record.ts, record.high_usd)
        curve.add(record.ts, record.total_usd)
        day = calendar_of(known.calendar).trade_date(record.ts)
        curve.deepest[day] = max(curve.deepest.get(day, Decimal(0)), record.drawdown_usd)

    def _told(self, known: BookState) -> list[BookHistory]:
        """A book, and beside it what it traded in other currencies, by closed trades alone."""
        account, curve = known.account, self._curve(known.book)
        if account is None and not known.trades:
            return []
        if curve.points and not any(position.qty for position in known.positions.values()):
            curve.add(self.state.last_ts, realized_usd(known, self.state))
        day = self.state.day_of(known).trade_date
        by_currency: dict[str, list[Trade]] = {}
        for trade in known.trades:
            by_currency.setdefault(self.state.instruments[trade.instrument].currency, []).append(trade)
        traded = next(iter(by_currency), "USD")
        own = traded if account is None or not account.currency else account.currency
        return [
            BookHistory(
                known.book,
                "unknown" if account is None else account.kind.value,
                "" if account is None else account.name,
                currency,
                calendar_of(known.calendar),
                curve.start_usd if currency == own else Decimal(0),
                by_currency.get(currency, []),
                curve.points if currency == own else [],
                curve.deepest if currency == own else {},
                resolve(RiskLimits(), account).max_loss_usd if currency == own else Decimal(0),
                dict(known.notes),
                date.fromisoformat(day) if day else None,
            )
            for currency in dict.fromkeys((own, *by_currency))
        ]
