"""What trades and an equity curve come to: each figure is defined here, once (docs/statistics.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from statistics import fmean

from msgspec import Struct

from engine.market.calendars.calendar import Calendar
from engine.portfolio.daily import (
    Equity,
    days_a_year,
    days_of,
    drawdown,
    historical_var,
    parametric_var,
    sharpe,
    sortino,
    volatility,
)
from engine.state.position import Trade
from engine.state.track_record import TrackRecord


class Statistics(Struct, frozen=True):
    """Amounts in USD (the book's currency), net of costs. What a sample is too short for is None."""

    trades: int
    wins: int
    losses: int
    """Trades that earned nothing net among them."""
    net_usd: Decimal
    costs_usd: Decimal
    win_rate: float | None
    """0..1."""
    profit_factor: float | None
    """None where nothing was lost."""
    average_usd: Decimal | None
    average_win_usd: Decimal | None
    average_loss_usd: Decimal | None
    """Zero or below."""
    best_usd: Decimal | None
    worst_usd: Decimal | None
    expectancy_r: float | None
    """Mean result in units of what a trade risked at its first stop."""
    r_trades: int
    """Trades of which that is known."""
    most_wins_in_a_row: int
    most_losses_in_a_row: int
    run: int
    """How many of the newest trades won in a row; below 0: lost."""
    average_mae_usd: Decimal | None
    """Worst open result of a trade, on average: zero or below."""
    average_mfe_usd: Decimal | None
    efficiency: float | None
    """What was made, gross, of the best open results: 1 sold every trade at its best."""
    average_held_ns: int | None
    """From the first fill to flat, nanoseconds."""
    kelly: float | None
    """Share of the equity; None of fewer than 30 trades."""
    max_drawdown_usd: Decimal | None
    max_drawdown: float | None
    """As a share of the highest equity before it; None where the account's start is not known."""
    drawdown_at_mark: bool
    """Open positions at what they could be closed for; else the figure is of closed trades."""
    longest_drawdown_ns: int | None
    recovery_factor: float | None
    """Net profit over the deepest drawdown."""
    days: int
    """Trade dates that the curve goes over."""
    winning_days: int
    sharpe: float | None
    sortino: float | None
    volatility: float | None
    """Yearly, as a share."""
    var_95_usd: Decimal | None
    """Value at risk of a day by the last 250 days, a positive loss."""
    var_99_usd: Decimal | None
    normal_var_95_usd: Decimal | None
    """The same as a normal distribution has it."""
    normal_var_99_usd: Decimal | None


def statistics(
    trades: Iterable[Trade],
    equity: Equity,
    start_usd: Decimal,
    calendar: Calendar,
    deepest_usd: Decimal | None = None,
) -> Statistics:
    """`equity` begins at `start_usd`, which is 0 where nobody knows what the account began with: figures as a
    share of it are None then. `deepest_usd` is the deepest drawdown at every event, where the curve has fewer
    points than there were. Without a curve the closed trades make one.
    """
    ended = sorted(trades, key=lambda trade: trade.closed_ts)
    at_mark = bool(equity)
    curve = equity if at_mark else closed_equity(ended, start_usd)
    found = drawdown(curve, start_usd)
    deepest = None if not curve else max(found.usd, deepest_usd or Decimal(0))
    days = days_of(curve, start_usd, calendar)
    nets = [day.net_usd for day in days]
    shares = [day.share for day in days if day.share is not None]
    returns, a_year = shares if len(shares) == len(days) else [], days_a_year(calendar)
    record = record_of(ended)
    rs = r_multiples(ended)
    kelly = record.kelly()
    most_wins, most_losses, run = streaks([trade.net_usd > 0 for trade in ended])
    best_open = sum((trade.mfe_usd for trade in ended), Decimal(0))
    gross = sum((trade.gross_usd for trade in ended), Decimal(0))
    earned = curve[-1][1] - start_usd if curve else record.net_usd
    return Statistics(
        trades=record.trades,
        wins=record.wins,
        losses=record.losses,
        net_usd=record.net_usd,
        costs_usd=sum((trade.costs_usd for trade in ended), Decimal(0)),
        win_rate=record.win_rate,
        profit_factor=record.profit_factor,
        average_usd=_mean(record.net_usd, record.trades),
        average_win_usd=_mean(record.won_usd, record.wins),
        average_loss_usd=_mean(-record.lost_usd, record.losses),
        best_usd=max((trade.net_usd for trade in ended), default=None),
        worst_usd=min((trade.net_usd for trade in ended), default=None),
        expectancy_r=fmean(rs) if rs else None,
        r_trades=len(rs),
        most_wins_in_a_row=most_wins,
        most_losses_in_a_row=most_losses,
        run=run,
        average_mae_usd=_mean(sum((trade.mae_usd for trade in ended), Decimal(0)), len(ended)),
        average_mfe_usd=_mean(best_open, len(ended)),
        efficiency=float(gross / best_open) if best_open else None,
        average_held_ns=sum(t.closed_ts - t.opened_ts for t in ended) // len(ended) if ended else None,
        kelly=None if kelly is None else float(kelly),
        max_drawdown_usd=deepest,
        max_drawdown=found.share if curve else None,
        drawdown_at_mark=at_mark,
        longest_drawdown_ns=found.longest_ns if curve else None,
        recovery_factor=float(earned / deepest) if deepest else None,
        days=len(days),
        winning_days=sum(net > 0 for net in nets),
        sharpe=sharpe(returns, a_year),
        sortino=sortino(returns, a_year),
        volatility=volatility(returns, a_year),
        var_95_usd=historical_var(nets, 95),
        var_99_usd=historical_var(nets, 99),
        normal_var_95_usd=parametric_var(nets, 95),
        normal_var_99_usd=parametric_var(nets, 99),
    )


def closed_equity(trades: Iterable[Trade], start_usd: Decimal) -> list[tuple[int, Decimal]]:
    """An equity curve of closed trades alone, oldest first."""
    usd, curve = start_usd, []
    for trade in sorted(trades, key=lambda one: one.closed_ts):
        usd += trade.net_usd
        curve.append((trade.closed_ts, usd))
    return curve


def record_of(trades: Iterable[Trade]) -> TrackRecord:
    """How these trades have ended."""
    record = TrackRecord()
    for trade in trades:
        record = record.with_trade(trade.net_usd)
    return record


def r_multiples(trades: Iterable[Trade]) -> list[float]:
    """Results in units of what was risked, of the trades of which that is known."""
    return [r for trade in trades if (r := trade.r) is not None]


def efficiency(trade: Trade) -> float | None:
    """What a trade made, gross, of its best open result; None where it never was ahead."""
    return float(trade.gross_usd / trade.mfe_usd) if trade.mfe_usd else None


def streaks(won: Sequence[bool]) -> tuple[int, int, int]:
    """Most wins in a row, most losses in a row, and the newest run: below 0 where it is one of losses."""
    most = {True: 0, False: 0}
    run = 0
    for win in won:
        run = run + 1 if win and run >= 0 else run - 1 if not win and run <= 0 else 1 if win else -1
        most[win] = max(most[win], abs(run))
    return most[True], most[False], run


def _mean(total: Decimal, count: int) -> Decimal | None:
    """To the last digit that the sum has, or to the cent."""
    if not count:
        return None
    return (total / count).quantize(Decimal(1).scaleb(min(-2, int(total.as_tuple().exponent))))
