"""A book's days with their curves, from the fold alone: a restart tells the same."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from engine.market.calendars.known import calendar_of
from engine.model.equity import EquityDay, EquityHistory
from engine.model.view_limits import EquityPoint
from engine.state.state import BookState, State


def equity_history(book: BookState, state: State, total_usd: Decimal, wall: int) -> EquityHistory:
    """`total_usd` is what the running day has come to at `wall`, nanoseconds UTC."""
    calendar = calendar_of(book.calendar)
    days = [
        EquityDay(
            day.trade_date,
            calendar.day_bounds(date.fromisoformat(day.trade_date))[1],
            day.net_usd,
            day.high_usd,
            day.low_usd,
            day.max_drawdown_usd,
            tuple(day.curve),
        )
        for day in book.days
    ]
    now, today = book.day, state.day_of(book).trade_date
    points = (*now.curve, EquityPoint(wall, total_usd))
    high, low = max(now.high_usd, total_usd), min(now.low_usd, total_usd)
    fall = max(now.max_drawdown_usd, high - total_usd)
    return EquityHistory(
        book.book,
        (*days, EquityDay(today, wall, total_usd, high, low, fall, points)) if today else tuple(days),
    )
