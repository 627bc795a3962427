"""Finished trades as they stand in the files, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from engine.market.calendars.known import calendar_of
from engine.model.market import MINUTE, Side
from engine.model.orders import AccountKind
from engine.model.plans import TradePlan
from engine.portfolio.statistics import record_of
from engine.state.position import Trade
from engine.state.state import BookState, State
from tstream.clock import iso
from tstream.files.model import DailyPerformance, DayTrade, TradesSummary, TradesToday, WeeklyPerformance
from tstream.history.rows import average, money_kind
from tstream.reports.patterns import pattern_of

_PER_CENT = 100


def trade_id(book: BookState, trade: Trade) -> str:
    """By which a trade is known again in the next run."""
    return f"{book.book} {trade.instrument} {trade.opened_ts} {trade.closed_ts}"


def day_trade(state: State, book: BookState, trade: Trade, plan: TradePlan | None) -> DayTrade:
    known = state.instruments[trade.instrument]
    stop, target = (None, None) if plan is None else _exits(plan, trade)
    ticks = Decimal(trade.exit_sum - trade.entry_sum) * trade.side.sign / trade.qty
    r = trade.r
    return DayTrade(
        id=trade_id(book, trade),
        book=book.book,
        kind=money_kind(book),
        currency=known.currency,
        contract=trade.instrument,
        entry_time=iso(trade.opened_ts),
        exit_time=iso(trade.closed_ts),
        side="LONG" if trade.side is Side.BUY else "SHORT",
        quantity=known.qty(trade.qty),
        entry_price=average(known, trade.entry_sum, trade.qty),
        exit_price=average(known, trade.exit_sum, trade.qty),
        pnl_usd=trade.net_usd,
        pnl_ticks=ticks.quantize(Decimal("0.01")),
        gross_usd=trade.gross_usd,
        costs_usd=trade.costs_usd,
        pattern=pattern_of(plan),
        pattern_score=plan.score_tenths / 10 if plan is not None and plan.score_tenths else None,
        timeframes_aligned=_aligned(plan),
        stop_loss=None if stop is None else known.price(stop),
        take_profit=None if target is None else known.price(target),
        max_drawdown_usd=trade.mae_usd,
        max_profit_usd=trade.mfe_usd,
        duration_minutes=round((trade.closed_ts - trade.opened_ts) / MINUTE, 2),
        exit_reason=trade.reason,
        strategy=plan.owner if plan is not None else "",
        r_multiple=None if r is None else round(r, 2),
    )


def with_details(row: DayTrade, before: DayTrade) -> DayTrade:
    """A trade whose plan nobody knows any more, with what was told of that when it was known."""
    return replace(
        row,
        pattern=before.pattern,
        pattern_score=before.pattern_score,
        timeframes_aligned=before.timeframes_aligned,
        stop_loss=before.stop_loss,
        take_profit=before.take_profit,
        strategy=before.strategy,
    )


def _exits(plan: TradePlan, trade: Trade) -> tuple[int | None, int | None]:
    """Stop and target of the first leg as they were planned, in ticks, about the average entry."""
    leg, entry = plan.legs[0], round(trade.entry_sum / trade.qty)
    stop = leg.stop if leg.stop is not None else entry + leg.stop_offset
    if leg.target is not None:
        return stop, leg.target
    return stop, None if leg.target_offset is None else entry + leg.target_offset


def _aligned(plan: TradePlan | None) -> tuple[str, ...]:
    """Timeframes that pointed its way."""
    if plan is None:
        return ()
    return tuple(part.name for part in plan.parts if part.weight_pct and part.direction == plan.side.sign)


def trade_date_of(book: BookState, trade: Trade) -> date:
    """The one that it ended in, by the book's calendar."""
    return calendar_of(book.calendar).trade_date(trade.closed_ts)


def summary_of(state: State, trades: Iterable[Trade], currency: str) -> TradesSummary:
    """Of those whose money is in a currency."""
    own = [trade for trade in trades if state.instruments[trade.instrument].currency == currency]
    record = record_of(own)
    minutes = [(trade.closed_ts - trade.opened_ts) / MINUTE for trade in own]
    factor = record.profit_factor
    return TradesSummary(
        currency=currency,
        total_trades=record.trades,
        winning_trades=record.wins,
        losing_trades=record.losses,
        total_pnl_usd=record.net_usd,
        win_rate_pct=None if record.win_rate is None else round(record.win_rate * _PER_CENT, 1),
        average_win_usd=_mean(record.won_usd, record.wins),
        average_loss_usd=_mean(-record.lost_usd, record.losses),
        profit_factor=None if factor is None else round(factor, 2),
        best_trade_usd=max((trade.net_usd for trade in own), default=None),
        worst_trade_usd=min((trade.net_usd for trade in own), default=None),
        average_duration_minutes=round(sum(minutes) / len(minutes), 2) if minutes else None,
    )


def _mean(total: Decimal, count: int) -> Decimal | None:
    return (total / count).quantize(Decimal("0.01")) if count else None


Owned = tuple[BookState, Trade]
"""A trade and the book that it is of."""


def trades_today(
    state: State, mode: AccountKind, day: date, rows: Sequence[DayTrade], owned: Sequence[Owned]
) -> TradesToday:
    """`rows` are all trades of the day, `owned` the same as the state has them."""
    return TradesToday(
        date=day.isoformat(),
        mode=mode.value,
        trades=tuple(rows),
        summary=_counted(state, mode, owned),
    )


def daily(
    state: State, mode: AccountKind, day: date, owned: Sequence[Owned], patterns: Mapping[str, str]
) -> DailyPerformance:
    """`patterns` has the pattern of each trade by its id."""
    by_contract: dict[str, list[Owned]] = {}
    by_pattern: dict[str, list[Owned]] = {}
    for book, trade in counted(mode, owned):
        by_contract.setdefault(trade.instrument, []).append((book, trade))
        by_pattern.setdefault(patterns.get(trade_id(book, trade), "unknown"), []).append((book, trade))
    return DailyPerformance(
        date=day.isoformat(),
        mode=mode.value,
        summary=_counted(state, mode, owned),
        by_contract={name: _counted(state, mode, own) for name, own in sorted(by_contract.items())},
        by_pattern={name: _counted(state, mode, own) for name, own in sorted(by_pattern.items())},
    )


def week_of(day: date) -> str:
    """By ISO 8601: "2026-W10"."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def weekly(state: State, mode: AccountKind, week: str, owned: Sequence[Owned]) -> WeeklyPerformance:
    """`owned` are the trades of that week."""
    summary = _counted(state, mode, owned)
    days: dict[str, Decimal] = {}
    for book, trade in counted(mode, owned):
        if state.instruments[trade.instrument].currency == summary.currency:
            day = trade_date_of(book, trade).isoformat()
            days[day] = days.get(day, Decimal(0)) + trade.net_usd
    return WeeklyPerformance(
        week=week, mode=mode.value, summary=summary, by_day_usd=dict(sorted(days.items()))
    )


def counted(mode: AccountKind, owned: Iterable[Owned]) -> list[Owned]:
    """Those with money of the mode's kind: play money never counts beside real money."""
    return [(book, trade) for book, trade in owned if money_kind(book) == mode.value]


def _counted(state: State, mode: AccountKind, owned: Iterable[Owned]) -> TradesSummary:
    own = [trade for _, trade in counted(mode, owned)]
    currency = state.instruments[own[0].instrument].currency if own else "USD"
    return summary_of(state, own, currency)
