"""What a report is about: which days, which books, what belongs together, and the figures of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from engine.model.rates import RatedSum, StatedRate, in_usd
from engine.portfolio.daily import Day, days_of
from engine.portfolio.ruin import Ruin, floor_in_r, risk_of_ruin
from engine.portfolio.statistics import Statistics, closed_equity, r_multiples
from engine.state.position import Trade
from tstream.reports.history import STRICTEST, BookHistory, ReportHistory
from tstream.reports.kinds import ReportType as ReportType


class ReportSection(Struct, frozen=True):
    """One book, or several of one kind and currency together."""

    told: BookHistory
    books: tuple[str, ...]
    statistics: Statistics
    days: list[Day]
    ruin: Ruin | None = None
    floor_usd: Decimal | None = None
    """How far the floor of the risk of ruin is below what the account is worth."""

    @property
    def net_usd(self) -> Decimal:
        """What its days came to, in its currency, with what is open where that is known."""
        return sum((day.net_usd for day in self.days), Decimal(0))


class Report(Struct, frozen=True):
    type: ReportType
    first: date
    last: date
    sections: list[ReportSection]
    together: dict[str, RatedSum] = {}
    """What money of a kind came to that is in several currencies, as one."""

    @property
    def title(self) -> str:
        """ "Week from 2026-03-02 to 2026-03-08"."""
        if self.type is ReportType.DAILY:
            return f"Day {self.first}"
        if self.type is ReportType.MONTHLY:
            return f"Month {self.first:%Y-%m}"
        name = "Week" if self.type is ReportType.WEEKLY else self.type.value.capitalize()
        return f"{name} from {self.first} to {self.last}"


def period(kind: ReportType, day: date) -> tuple[date | None, date]:
    """First and last trade date of the report that `day` is in; without a first one everything before."""
    if kind is ReportType.DAILY:
        return day, day
    if kind is ReportType.WEEKLY:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    if kind is ReportType.MONTHLY:
        return day.replace(day=1), (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(
            days=1
        )
    return None, day


def make_report(
    history: ReportHistory,
    kind: ReportType,
    day: date | None = None,
    floor_usd: Decimal | None = None,
    seed: int = 0,
    rates: Sequence[StatedRate] = (),
) -> Report | None:
    """Of the period around `day`, which is the newest trade date that anything is known of where none is
    given. None where nothing is known at all. `floor_usd` is how far the floor of the risk of ruin is below;
    `rates` are those by which several currencies are shown as one.
    """
    days = [book.last_day for book in history.books]
    newest = max((one for one in days if one is not None), default=None)
    if newest is None:
        return None
    first, last = period(kind, day or newest)
    begun = [_first_day(book) for book in history.books]
    first = first or min([last, *(one for one in begun if one is not None)])
    told = [book.within(first, last) for book in history.books]
    sections = [_section(one, (one.book,), floor_usd, seed) for one in told]
    sums = _in_usd(sections, rates)
    sections += [_section(one, names, floor_usd, seed) for one, names in _together(told)]
    return Report(kind, first, last, sections, sums)


def _in_usd(sections: Sequence[ReportSection], rates: Sequence[StatedRate]) -> dict[str, RatedSum]:
    """By kind of money, where that is in several currencies."""
    found: dict[str, dict[str, Decimal]] = {}
    for section in sections:
        own, currency = found.setdefault(section.told.kind, {}), section.told.currency
        own[currency] = own.get(currency, Decimal(0)) + section.net_usd
    sums = {kind: in_usd(amounts, rates) for kind, amounts in found.items()}
    return {kind: one for kind, one in sums.items() if one is not None}


def _first_day(book: BookHistory) -> date | None:
    stamps = [*(ts for ts, _ in book.equity[:1]), *(trade.opened_ts for trade in book.trades[:1])]
    return book.calendar.trade_date(min(stamps)) if stamps else None


def _section(
    told: BookHistory, books: tuple[str, ...], floor_usd: Decimal | None, seed: int
) -> ReportSection:
    found = told.statistics()
    curve = told.equity or closed_equity(told.trades, told.start_usd)
    distance = floor_usd or told.loss_limit_usd or told.start_usd / 10
    ruin = ruin_of(told.trades, distance, seed)
    days = days_of(curve, told.start_usd, told.calendar)
    return ReportSection(told, books, found, days, ruin, distance if ruin is not None else None)


def ruin_of(trades: Sequence[Trade], floor_usd: Decimal, seed: int = 0) -> Ruin | None:
    """Of an account whose floor is so far below, in units of what these trades risked on average."""
    floor_r = floor_in_r(trades, floor_usd)
    return None if floor_r is None else risk_of_ruin(r_multiples(trades), floor_r, Random(seed))


def _together(books: Sequence[BookHistory]) -> Iterator[tuple[BookHistory, tuple[str, ...]]]:
    """Several books of one kind of money, currency and calendar as one; others are in no sum."""
    for _, group in groupby(sorted(books, key=_alike), _alike):
        several = list(group)
        if len(several) < 2:
            continue
        known = all(book.start_usd > 0 for book in several)
        yield (
            replace(
                several[0],
                book=f"{len(several)} books together",
                account="",
                start_usd=sum((book.start_usd for book in several), Decimal(0)) if known else Decimal(0),
                trades=sorted((t for book in several for t in book.trades), key=lambda t: t.closed_ts),
                equity=_summed(several, known) if all(b.equity for b in several if b.trades) else [],
                deepest={},
                loss_limit_usd=Decimal(0),
            ),
            tuple(book.book for book in several),
        )


def _alike(book: BookHistory) -> tuple[int, str, str]:
    return STRICTEST.index(book.kind), book.currency, book.calendar.name


def _summed(books: Sequence[BookHistory], known: bool) -> list[tuple[int, Decimal]]:
    """What they were worth together whenever one of them changed; from 0 on where a start is not known."""
    latest = [Decimal(0) for _ in books]
    total = sum((book.start_usd for book in books), Decimal(0)) if known else Decimal(0)
    changes = sorted((ts, n, usd - book.start_usd) for n, book in enumerate(books) for ts, usd in book.equity)
    curve = []
    for ts, n, usd in changes:
        total += usd - latest[n]
        latest[n] = usd
        curve.append((ts, total))
    return curve
