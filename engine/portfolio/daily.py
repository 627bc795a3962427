"""Figures of an equity curve and of its days: returns, drawdown, value at risk (docs/statistics.md#equity).

Pure floats over short sequences; whatever a sample is too short for is None, never 0 and never NaN.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from math import sqrt
from statistics import NormalDist, fmean, stdev

from msgspec import Struct

from engine.market.calendars.calendar import Calendar

Equity = Sequence[tuple[int, Decimal]]
"""What an account was worth over time, oldest first: nanoseconds UTC, and USD with open positions at what
they could be closed for.
"""

RETURN_DAYS = 10
"""Of fewer days mean and spread of returns say nothing."""
VAR_DAYS = 250
"""Value at risk is that of so many days, the newest."""


class Day(Struct, frozen=True):
    """A trade date on which the market opened, or money moved."""

    date: date
    close_usd: Decimal
    """Equity at its end."""
    net_usd: Decimal
    """By how much it is above the end of the day before, or above the start."""
    share: float | None
    """The same as a share of what the day began with; None where that was not above 0."""


class Drawdown(Struct, frozen=True):
    """A fall of the equity from its highest point so far."""

    usd: Decimal
    """Deepest, zero or above."""
    share: float | None
    """Deepest as a share of the highest point at that time; None where the curve does not begin above 0."""
    longest_ns: int
    """The longest time below a high, until it was reached again or the curve ended, nanoseconds."""


def days_of(equity: Equity, start_usd: Decimal, calendar: Calendar) -> list[Day]:
    """One entry for each trade date from the first point to the last, those without a trade among them.

    What moves while no market is open counts for the next day, or for the last one there is.
    """
    if not equity:
        return []
    first, last = calendar.trade_date(equity[0][0]), calendar.trade_date(equity[-1][0])
    times = [ts for ts, _ in equity]
    found: list[Day] = []
    before = start_usd
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        so_far = bisect_right(times, calendar.day_bounds(day)[1] - 1)
        close = equity[so_far - 1][1] if so_far else start_usd
        opens = calendar.session_close(day) > calendar.session_bounds(day)[0]
        if not opens and (close == before or day != last):
            continue
        net = close - before
        found.append(Day(day, close, net, float(net / before) if before > 0 else None))
        before = close
    return found


def drawdown(equity: Equity, start_usd: Decimal) -> Drawdown:
    """Of a curve that begins at `start_usd`; high points are looked for in that too."""
    peak, deepest, share, longest = start_usd, Decimal(0), 0.0, 0
    peak_ts, below = equity[0][0] if equity else 0, False
    for ts, usd in equity:
        if below:
            longest = max(longest, ts - peak_ts)
        if usd >= peak:
            peak, peak_ts, below = usd, ts, False
            continue
        below = True
        deepest = max(deepest, peak - usd)
        if peak > 0:
            share = max(share, float((peak - usd) / peak))
    return Drawdown(deepest, share if start_usd > 0 else None, longest)


def days_a_year(calendar: Calendar) -> int:
    """By which daily figures are made yearly ones: 365 for markets that never close, else 252."""
    return 365 if calendar.name == "always" else 252


def sharpe(returns: Sequence[float], a_year: int) -> float | None:
    """Mean over standard deviation (of a sample) of daily returns, yearly. None of too few days, and where
    they are all alike.
    """
    spread = _spread(returns)
    return fmean(returns) / spread * sqrt(a_year) if spread else None


def sortino(returns: Sequence[float], a_year: int) -> float | None:
    """The same over the root of the mean square of the losing days' returns alone, all days counted."""
    if len(returns) < RETURN_DAYS:
        return None
    downside = sqrt(fmean(min(0.0, one) ** 2 for one in returns))
    return fmean(returns) / downside * sqrt(a_year) if downside else None


def volatility(returns: Sequence[float], a_year: int) -> float | None:
    """Standard deviation (of a sample) of daily returns, yearly, as a share."""
    spread = _spread(returns)
    return None if spread is None else spread * sqrt(a_year)


def _spread(returns: Sequence[float]) -> float | None:
    return stdev(returns) if len(returns) >= RETURN_DAYS else None


def historical_var(nets: Sequence[Decimal], percent: int) -> Decimal | None:
    """The loss, USD, that at most 100 − `percent` in a hundred of the last days were worse than; 0 where even
    that day won. None until there are days enough for one to be worse.
    """
    recent = sorted(nets[-VAR_DAYS:])
    worse = len(recent) * (100 - percent) // 100
    return max(Decimal(0), -recent[worse]) if worse else None


def parametric_var(nets: Sequence[Decimal], percent: int) -> Decimal | None:
    """The same as a normal distribution of the days' mean and spread would have it."""
    recent = [float(net) for net in nets[-VAR_DAYS:]]
    spread = _spread(recent)
    if spread is None:
        return None
    loss = NormalDist().inv_cdf(percent / 100) * spread - fmean(recent)
    return max(Decimal(0), Decimal(loss).quantize(Decimal("0.01")))
