"""One book of late: the equity and the trades of its last thirty days, as far as the state keeps them
(docs/statistics.md#of-late).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct

from engine.market.calendars.calendar import Calendar
from engine.portfolio.daily import VAR_DAYS, days_of
from engine.state.days import DayResult
from engine.state.position import Trade
from engine.state.state import BookState, State

RECENT_DAYS = 30
_NOTHING = Decimal(0)


class Fall(Struct, frozen=True):
    """How far an account has been below its highest, and how far it is."""

    deepest_usd: Decimal
    deepest: float | None
    """As a share of the highest before it; None where the start is not known."""
    now_usd: Decimal
    now: float | None


class Recent(Struct, frozen=True):
    """Amounts in the book's currency, net."""

    trades: list[Trade]
    """Closed in these days, oldest first."""
    equity: list[tuple[int, Decimal]]
    """At the end of each trade date, and the points of the newest one; from `start_usd` on."""
    start_usd: Decimal
    """What the account was worth when they began; 0 where nobody knows."""
    fall: Fall
    """Of every event, not only of the points."""


def recent(
    book: BookState, state: State, calendar: Calendar, now: int, opening_usd: Decimal | None, day_usd: Decimal
) -> Recent:
    """Of a book at `now`, nanoseconds UTC. `opening_usd` is what it was worth when its trade date began, None
    where nobody knows, and `day_usd` what the date has come to, open positions at the mark.
    """
    today = calendar.trade_date(now)
    first = today - timedelta(days=RECENT_DAYS - 1)
    begin = calendar.day_bounds(first)[0]
    ended = [day for day in book.days if date.fromisoformat(day.trade_date) >= first]
    before = sum((day.net_usd for day in ended), _NOTHING)
    start = _NOTHING if opening_usd is None else max(_NOTHING, opening_usd - before)
    curve = curve_of(ended, calendar, start)
    curve += [(point.ts, start + before + point.usd) for point in book.day.curve]
    curve.append((max(now, curve[-1][0] if curve else 0), start + before + day_usd))
    day = book.day
    newest = DayResult("", day_usd, day.high_usd, day.low_usd, day.max_drawdown_usd)
    return Recent(
        [trade for trade in book.trades if trade.closed_ts >= begin and state.counts(book, trade.instrument)],
        curve,
        start,
        fall_of([*ended, newest], start),
    )


def curve_of(days: Sequence[DayResult], calendar: Calendar, start_usd: Decimal) -> list[tuple[int, Decimal]]:
    """The equity at the end of each of these trade dates."""
    usd, curve = start_usd, []
    for day in days:
        usd += day.net_usd
        curve.append((calendar.day_bounds(date.fromisoformat(day.trade_date))[1] - 1, usd))
    return curve


def results_of_days(book: BookState, calendar: Calendar) -> list[Decimal]:
    """What each trade date that is over came to, those without a trade among them; the newest VAR_DAYS."""
    kept = book.days[-VAR_DAYS:]
    return [day.net_usd for day in days_of(curve_of(kept, calendar, _NOTHING), _NOTHING, calendar)][
        -VAR_DAYS:
    ]


def fall_of(days: Sequence[DayResult], start_usd: Decimal) -> Fall:
    """Of days in a row, each with its extremes at every event; the last one is at its end now."""
    usd = peak = deepest = _NOTHING
    share = 0.0
    for day in days:
        # What came first on a day, its high or its low, its own drawdown says.
        for fall, top in (
            (peak - (usd + day.low_usd), peak),
            (day.max_drawdown_usd, max(peak, usd + day.high_usd)),
        ):
            deepest = max(deepest, fall)
            share = max(share, _share(fall, start_usd + top))
        peak = max(peak, usd + day.high_usd)
        usd += day.net_usd
        peak = max(peak, usd)
        deepest = max(deepest, peak - usd)
        share = max(share, _share(peak - usd, start_usd + peak))
    known = start_usd > 0
    return Fall(
        deepest, share if known else None, peak - usd, _share(peak - usd, start_usd + peak) if known else None
    )


def _share(fall: Decimal, top: Decimal) -> float:
    return float(fall / top) if top > 0 else 0.0
