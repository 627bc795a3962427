"""Trades as rows, for tables, CSV and JSON: prices and amounts exact, times in UTC and by the calendar."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from engine.model.market import Side
from engine.portfolio.review import average, slippage_usd, tags_of
from engine.portfolio.statistics import efficiency
from engine.state.position import Trade
from tstream.clock import iso
from tstream.reports.history import BookHistory, ReportHistory
from tstream.reports.numbers import clock
from tui.number_format import held


class ReportRow(Struct, frozen=True):
    """One trade. Amounts are net of costs where they say nothing else, in `currency`."""

    section: str
    """Book and account."""
    book: str
    kind: str
    currency: str
    contract: str
    side: str
    """"long" or "short"."""
    qty: Decimal
    """Contracts, shares, coins."""
    entry: Decimal
    """Average price."""
    exit: Decimal
    opened: str
    """ISO 8601, UTC."""
    closed: str
    trade_date: str
    """The date that it was closed in, by the book's calendar."""
    clock: str
    """When it was closed, in the zone of ui.timezone, else on that calendar's wall."""
    gross: Decimal
    costs: Decimal
    net: Decimal
    r: float | None
    """Net result ÷ what it risked at its first stop."""
    mae: Decimal
    mfe: Decimal
    efficiency: float | None
    reason: str
    """Why it ended: T1, T2, stop, be_stop, trail, manual, ..."""
    by: str
    """Bot, room or strategy."""
    score: float | None
    """Out of ten, of its idea."""
    why: tuple[str, ...]
    """Reasons of its idea."""
    setup: str
    """The pattern that it came from, else who or what thought of it."""
    timeframe: str
    slippage: Decimal | None
    """What its fills were worse by than the prices that were asked for."""
    note: str
    """What a person has said of it,"""
    tags: tuple[str, ...]
    """and the words of that which begin with #."""
    trade: str
    """Names it in its book, for its note."""

    @property
    def signed_qty(self) -> str:
        """ "+2" of a long one, "−2" of a short one."""
        sign = 1 if self.side == "long" else -1
        return held(sign, self.qty)


def trade_rows(history: ReportHistory, book: BookHistory, zone: str = "") -> Iterator[ReportRow]:
    """Of one book, oldest first; `zone` is whose clock they are told by, empty for the calendar's."""
    for trade in book.trades:
        yield _row(history, book, trade, zone or book.calendar.zone)


def _row(history: ReportHistory, book: BookHistory, trade: Trade, zone: str) -> ReportRow:
    known, plan = history.instruments[trade.instrument], history.plans.get(trade.plan_id)
    share, note = efficiency(trade), book.notes.get(trade.key, "")
    return ReportRow(
        section=book.title,
        book=book.book,
        kind=book.kind,
        currency=book.currency,
        contract=trade.instrument,
        side="long" if trade.side is Side.BUY else "short",
        qty=known.qty(trade.qty),
        entry=average(known, trade.entry_sum, trade.qty),
        exit=average(known, trade.exit_sum, trade.qty),
        opened=iso(trade.opened_ts),
        closed=iso(trade.closed_ts),
        trade_date=book.calendar.trade_date(trade.closed_ts).isoformat(),
        clock=clock(trade.closed_ts, zone),
        gross=trade.gross_usd,
        costs=trade.costs_usd,
        net=trade.net_usd,
        r=None if trade.r is None else round(trade.r, 4),
        mae=trade.mae_usd,
        mfe=trade.mfe_usd,
        efficiency=None if share is None else round(share, 4),
        reason=trade.reason,
        by="" if plan is None else plan.owner,
        score=plan.score_tenths / 10 if plan is not None and plan.score_tenths else None,
        why=() if plan is None else plan.reasons,
        setup=trade.source.setup if trade.source is not None else "",
        timeframe=trade.source.timeframe if trade.source is not None else "",
        slippage=slippage_usd(trade, known),
        note=note,
        tags=tags_of(note),
        trade=trade.key,
    )


def csv_lines(rows: list[Struct]) -> Iterator[list[str]]:
    """A head and a line a row; a cell of text that a spreadsheet would take for a formula is quoted."""
    if not rows:
        return
    yield list(rows[0].__struct_fields__)
    for row in rows:
        yield [_cell(value) for value in asdict(row).values()]


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        value = "; ".join(value)
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return str(value)
