"""Trades that are over as people look back on them: one by one, and by what they have in common
(docs/reviewing.md). Pure functions of what the state keeps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from statistics import fmean

from msgspec import Struct

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_of
from engine.model.instrument import Instrument
from engine.model.orders import STRICTEST_FIRST, AccountKind
from engine.model.review import (
    DAYS_TOLD,
    TRADES_TOLD,
    DayTold,
    Group,
    Grouping,
    JournalAsked,
    JournalTold,
    ReviewedTrade,
    Span,
)
from engine.portfolio.ruin import wilson
from engine.portfolio.statistics import efficiency, r_multiples, record_of
from engine.state.position import Trade
from engine.state.state import TRADES_KEPT, State

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TAG = re.compile(r"(?<!\S)#(\w[\w-]{0,30})")


class BookTrades(Struct, frozen=True):
    """One account in one book, with what was said of its trades."""

    book: str
    kind: AccountKind
    currency: str
    calendar: str
    trades: Sequence[Trade]
    """Oldest first."""
    notes: Mapping[str, str]


class DatedTrade(Struct, frozen=True):
    """A trade with the day that it is of."""

    book: str
    calendar: Calendar
    trade: Trade
    day: date
    note: str

    @property
    def tags(self) -> tuple[str, ...]:
        return tags_of(self.note)


def tags_of(note: str) -> tuple[str, ...]:
    """Words of a note that begin with #, each once, as they stand but for their case."""
    return tuple(dict.fromkeys(found.casefold() for found in _TAG.findall(note)))


def books_of(state: State) -> list[BookTrades]:
    """A copy that another thread may read: trades never change, their lists do."""
    return [
        BookTrades(
            book.book,
            book.account.kind,
            book.account.currency or "USD",
            book.calendar,
            tuple(book.trades),
            dict(book.notes),
        )
        for book in state.books.values()
        if book.account is not None
    ]


def span_of(span: Span, day: date) -> tuple[date | None, date | None]:
    """First and last trade date of the range that a day is in; None is open."""
    match span:
        case Span.DAY:
            return day, day
        case Span.WEEK:
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=6)
        case Span.MONTH:
            first = day.replace(day=1)
            return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        case Span.YEAR:
            return date(day.year, 1, 1), date(day.year, 12, 31)
        case Span.ALL:
            return None, None


def told(books: Sequence[BookTrades], known: Mapping[str, Instrument], asked: JournalAsked) -> JournalTold:
    """The answer to a question. A day that is none counts as none."""
    kinds = [one.kind for one in books]
    kind = next((one for one in STRICTEST_FIRST if one in kinds), AccountKind.PRACTICE)
    if asked.book:
        kind = next((one.kind for one in books if one.book == asked.book), kind)
    meant = [one for one in books if (one.book == asked.book if asked.book else one.kind is kind)]
    currency = meant[0].currency if meant else "USD"
    meant = [one for one in meant if one.currency == currency]
    every = [dated for book in meant for dated in dated_trades(book)]
    counted = [one for one in every if known[one.trade.instrument].currency == currency]
    counted.sort(key=lambda one: one.trade.closed_ts)
    first, last = _range(asked, counted)
    inside = [one for one in counted if (not first or one.day >= first) and (not last or one.day <= last)]
    return JournalTold(
        span=asked.span,
        first=f"{first or inside[0].day}" if first or inside else "",
        last=f"{last or inside[-1].day}" if last or inside else "",
        kind=kind,
        currency=currency,
        books=tuple(one.book for one in meant),
        total=group("all", [one.trade for one in inside]),
        trades=tuple(_reviewed(one, known) for one in reversed(inside[-TRADES_TOLD:])),
        groupings=groupings(inside),
        days=_days([one for one in counted if not last or one.day <= last]),
        other_currency=len(every) - len(counted),
        cut=any(len(one.trades) >= TRADES_KEPT for one in meant),
    )


def dated_trades(book: BookTrades) -> list[DatedTrade]:
    calendar = calendar_of(book.calendar)
    return [
        DatedTrade(book.book, calendar, one, calendar.trade_date(one.closed_ts), book.notes.get(one.key, ""))
        for one in book.trades
    ]


def groupings(trades: Sequence[DatedTrade]) -> tuple[Grouping, ...]:
    """By everything that they can have in common; what has no order of its own by the number of trades."""
    ways: tuple[tuple[str, Callable[[DatedTrade], Iterable[str]], bool], ...] = (
        ("setup", lambda one: [one.trade.source.setup if one.trade.source else "not ours"], False),
        ("contract", lambda one: [one.trade.instrument], False),
        ("hour", lambda one: [f"{one.calendar.hhmm(one.trade.opened_ts)[:2]}:00"], True),
        ("weekday", lambda one: [WEEKDAYS[one.day.weekday()]], True),
        ("timeframe", lambda one: [_timeframe(one.trade)], False),
        ("book", lambda one: [one.book], False),
        ("tag", lambda one: one.tags, False),
    )
    found = []
    for by, names, ordered in ways:
        parts: dict[str, list[Trade]] = {}
        for one in trades:
            for name in names(one):
                parts.setdefault(name, []).append(one.trade)
        groups = [group(name, own) for name, own in parts.items()]
        groups.sort(key=lambda one: _place(one.name) if ordered else (-one.trades, one.name))
        found.append(Grouping(by, tuple(groups)))
    return tuple(found)


def _place(name: str) -> tuple[int, str]:
    return (WEEKDAYS.index(name) if name in WEEKDAYS else 0, name)


def _timeframe(trade: Trade) -> str:
    return (trade.source.timeframe if trade.source is not None else "") or "none"


def group(name: str, trades: Sequence[Trade]) -> Group:
    record = record_of(trades)
    rs = r_multiples(trades)
    count = record.trades
    low, high = wilson(record.wins, count) if count else (None, None)
    best = sum((one.mfe_usd for one in trades), Decimal(0))
    gross = sum((one.gross_usd for one in trades), Decimal(0))
    worst = sum((one.mae_usd for one in trades), Decimal(0))
    return Group(
        name,
        count,
        record.wins,
        record.net_usd,
        record.profit_factor,
        fmean(rs) if rs else None,
        len(rs),
        (worst / count).quantize(Decimal("0.01")) if count else None,
        (best / count).quantize(Decimal("0.01")) if count else None,
        float(gross / best) if best else None,
        low,
        high,
    )


def _range(asked: JournalAsked, trades: Sequence[DatedTrade]) -> tuple[date | None, date | None]:
    try:
        day = date.fromisoformat(asked.day) if asked.day else None
    except ValueError:
        day = None
    day = day or (trades[-1].day if trades else None)
    return (None, None) if day is None else span_of(asked.span, day)


def _days(trades: Sequence[DatedTrade]) -> tuple[DayTold, ...]:
    nets: dict[date, tuple[Decimal, int]] = {}
    for one in trades:
        net, count = nets.get(one.day, (Decimal(0), 0))
        nets[one.day] = net + one.trade.net_usd, count + 1
    return tuple(DayTold(f"{day}", *nets[day]) for day in sorted(nets)[-DAYS_TOLD:])


def _reviewed(one: DatedTrade, instruments: Mapping[str, Instrument]) -> ReviewedTrade:
    trade, known = one.trade, instruments[one.trade.instrument]
    source = trade.source
    return ReviewedTrade(
        key=trade.key,
        book=one.book,
        instrument=trade.instrument,
        side=trade.side,
        qty=trade.qty,
        entry=average(known, trade.entry_sum, trade.qty),
        exit=average(known, trade.exit_sum, trade.qty),
        opened_ts=trade.opened_ts,
        closed_ts=trade.closed_ts,
        trade_date=f"{one.day}",
        net_usd=trade.net_usd,
        gross_usd=trade.gross_usd,
        costs_usd=trade.costs_usd,
        r=trade.r,
        mae_usd=trade.mae_usd,
        mfe_usd=trade.mfe_usd,
        efficiency=efficiency(trade),
        reason=trade.reason,
        slippage_usd=slippage_usd(trade, known),
        owner=source.owner if source is not None else "",
        setup=source.setup if source is not None else "",
        timeframe=source.timeframe if source is not None else "",
        score_tenths=source.score_tenths if source is not None else 0,
        reasons=source.reasons if source is not None else (),
        note=one.note,
        tags=one.tags,
    )


def slippage_usd(trade: Trade, known: Instrument) -> Decimal | None:
    """What the fills of a trade were worse by than what was asked for; None where nobody knows."""
    return None if trade.slip_sum is None else known.usd(trade.slip_sum)


def average(known: Instrument, total: int, qty: int) -> Decimal:
    """With the digits of the tick, or one or two more where it lies between two."""
    exact = known.tick_size * total / qty
    shown = [exact.quantize(Decimal(1).scaleb(-known.decimals - more)) for more in range(3)]
    return next((price for price in shown if price == exact), shown[-1])
