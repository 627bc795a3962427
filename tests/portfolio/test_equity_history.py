"""A book's days with their curves, of the fold alone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from engine.model import records as r
from engine.model.market import MINUTE, NANOS
from engine.portfolio.equity_history import equity_history
from engine.state.days import CURVES_KEPT, ENDED_POINTS
from engine.state.fold import apply
from engine.state.state import State

HOUR = 60 * MINUTE
FIRST = int(datetime(2026, 5, 31, 22, tzinfo=UTC).timestamp()) * NANOS


def played(days: int) -> State:
    """A run of days, each with a point a minute for some hours."""
    state = State()
    state.kept_book("a")
    for n in range(days):
        begin = FIRST + n * 24 * HOUR
        apply(
            state,
            r.DayRolled(ts=begin, trade_date=f"2026-06-{n + 1:02d}", day_open_ts=begin),
        )
        for minute in range(0, 400, 3):
            total = Decimal(minute)
            noted = r.EquityNoted(
                ts=begin + minute * MINUTE, book="a", total_usd=total, high_usd=total, low_usd=Decimal(-5),
                drawdown_usd=Decimal(5),
            )  # fmt: skip
            apply(state, noted)
    return state


def test_days_that_are_over_keep_thin_curves_and_old_ones_none() -> None:
    state = played(CURVES_KEPT + 4)
    book = state.book("a")
    now = FIRST + (CURVES_KEPT + 3) * 24 * HOUR + 8 * HOUR
    told = equity_history(book, state, Decimal(7), now)
    sizes = [len(day.points) for day in told.days]
    assert sizes[:3] == [0, 0, 0]
    assert all(10 < size <= ENDED_POINTS + 2 for size in sizes[3:-1])
    ended, today = told.days[-2], told.days[-1]
    assert (ended.points[0].usd, ended.points[-1].usd) == (Decimal(0), Decimal(399))
    assert [ended.high_usd, ended.low_usd, ended.drawdown_usd] == [399, -5, 5]
    assert [today.net_usd, today.ends_ts, today.points[-1].usd] == [7, now, 7]
    assert today.drawdown_usd == 399 - 7, "how far it is below its high now counts too"
    assert [day.ends_ts for day in told.days] == sorted(day.ends_ts for day in told.days)
    assert equity_history(State().book("b"), State(), Decimal(0), now).days == ()
