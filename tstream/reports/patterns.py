"""Which patterns have earned money: closed trades by what their ideas came from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from statistics import fmean

from msgspec import Struct

from engine.model.plans import TradePlan
from engine.portfolio.statistics import r_multiples, record_of
from engine.state.position import Trade
from tstream.reports.history import BookHistory, ReportHistory
from tstream.reports.numbers import in_r, money, percent, ratio

_PRICE = re.compile(r"(?<!\S)×?[\d.,]+(?!\S)\s*")
"""A number that stands alone: a price, a count; never the "15m" of a timeframe."""


class PatternRow(Struct, frozen=True):
    """Closed trades of one pattern in one contract and book. Amounts net of costs, in `currency`."""

    pattern: str
    contract: str
    by: str
    """Bot, room or strategy."""
    book: str
    kind: str
    currency: str
    trades: int
    wins: int
    win_rate: float | None
    profit_factor: float | None
    expectancy_r: float | None
    net_usd: Decimal


def pattern_rows(
    history: ReportHistory, books: list[BookHistory], contract: str | None = None
) -> list[PatternRow]:
    """The best first."""
    rows = [row for book in books for row in _rows(history, book) if contract in (None, row.contract)]
    return sorted(rows, key=lambda row: (-row.net_usd, row.pattern))


def _rows(history: ReportHistory, book: BookHistory) -> Iterator[PatternRow]:
    found: dict[tuple[str, str, str], list[Trade]] = {}
    for trade in book.trades:
        plan = history.plans.get(trade.plan_id)
        key = pattern_of(plan), trade.instrument, "" if plan is None else plan.owner
        found.setdefault(key, []).append(trade)
    for (pattern, instrument, owner), trades in found.items():
        record, rs = record_of(trades), r_multiples(trades)
        yield PatternRow(
            pattern,
            instrument,
            owner,
            book.book,
            book.kind,
            book.currency,
            record.trades,
            record.wins,
            record.win_rate,
            record.profit_factor,
            fmean(rs) if rs else None,
            record.net_usd,
        )


def pattern_of(plan: TradePlan | None) -> str:
    """What an idea came from, with its timeframe and market: "block held 15m trending". Where that is no
    pattern, what it named first, without its prices; "by hand" and "not ours" where there is nothing.
    """
    if plan is None:
        return "not ours"
    if plan.pattern is not None:
        seen = plan.pattern
        return f"{seen.kind.replace('_', ' ')} {seen.timeframe} {seen.regime}".rstrip()
    if not plan.reasons:
        return "by hand" if plan.origin.startswith("manual:") else plan.strategy
    return " ".join(_PRICE.sub("", plan.reasons[0]).split())


PATTERN_HEAD = ("pattern", "contract", "by", "book", "trades", "won", "PF", "avg R", "net")


def pattern_cells(row: PatternRow) -> tuple[str, ...]:
    """A row as people read it, in the order of the head."""
    return (
        row.pattern,
        row.contract,
        row.by,
        row.book,
        f"{row.trades:,}",
        percent(row.win_rate, 0),
        ratio(row.profit_factor),
        in_r(row.expectancy_r).removesuffix(" R"),
        money(row.net_usd),
    )
