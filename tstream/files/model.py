"""What stands in the JSON files. Amounts are net of costs in the currency that stands beside them, also
those that end in `_usd`; prices are in price units; times are ISO 8601 in UTC; shares that end in `_pct` are
per cent.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class StatusAccount(Struct, frozen=True, kw_only=True):
    """One book."""

    book: str
    kind: str
    """live, practice, paper"""
    currency: str
    balance_usd: Decimal | None
    daily_pnl_usd: Decimal
    """Realized and open, of this trade date."""
    open_positions: int
    margin_used_usd: Decimal | None
    available_margin_usd: Decimal | None


class StatusPosition(Struct, frozen=True, kw_only=True):
    book: str
    contract: str
    side: str
    """LONG, SHORT"""
    quantity: Decimal
    entry_price: Decimal
    current_price: Decimal | None
    unrealized_pnl_usd: Decimal
    """Gross, of the whole quantity."""
    unrealized_pnl_ticks: Decimal
    """From entry to now, whatever the quantity."""
    stop_loss: Decimal | None
    take_profit: Decimal | None
    """The nearest."""


class StatusTrading(Struct, frozen=True, kw_only=True):
    can_trade: bool
    """An entry could pass in some contract of the books that count."""
    why_not: str
    current_stage: str
    """PRACTICE, PAPER, EVAL, FUNDED, LIVE"""
    active_contract: str
    """That is held, or else the first."""
    current_position: StatusPosition | None


class StatusPatterns(Struct, frozen=True, kw_only=True):
    """On the active contract's chart of fifteen minutes."""

    order_blocks: int
    support_resistance: int
    trend: str
    """BULLISH, BEARISH, NEUTRAL: the timeframes together."""


class StatusLink(Struct, frozen=True, kw_only=True):
    name: str
    state: str
    detail: str


class StatusFile(Struct, frozen=True, kw_only=True):
    """status.json. Who finds `timestamp` older than three times the pause looks whether the engine is
    alive.
    """

    timestamp: str
    """By the machine's clock, when it was written."""
    engine_time: str
    """By the engine's, which is practice time on a practice venue."""
    is_alive: bool
    """False once the run has ended in good order."""
    mode: str
    uptime_s: int
    account: StatusAccount | None
    """The first of those that count; None before one is known."""
    trading: StatusTrading
    patterns_detected: StatusPatterns
    accounts: tuple[StatusAccount, ...]
    positions: tuple[StatusPosition, ...]
    links: tuple[StatusLink, ...]


class DayTrade(Struct, frozen=True, kw_only=True):
    """A finished trade, flat to flat."""

    id: str
    book: str
    kind: str
    currency: str
    contract: str
    entry_time: str
    exit_time: str
    side: str
    """LONG, SHORT"""
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    pnl_usd: Decimal
    pnl_ticks: Decimal
    """From entry to exit, whatever the quantity."""
    gross_usd: Decimal
    costs_usd: Decimal
    pattern: str
    pattern_score: float | None
    """Out of ten."""
    timeframes_aligned: tuple[str, ...]
    stop_loss: Decimal | None
    """The first one of its first part."""
    take_profit: Decimal | None
    max_drawdown_usd: Decimal
    """Worst open result, zero or below."""
    max_profit_usd: Decimal
    duration_minutes: float
    exit_reason: str
    strategy: str
    r_multiple: float | None


class TradesSummary(Struct, frozen=True, kw_only=True):
    """Of trades of one kind of money in one currency."""

    currency: str
    total_trades: int
    winning_trades: int
    losing_trades: int
    """Those that earned nothing net among them."""
    total_pnl_usd: Decimal
    win_rate_pct: float | None
    average_win_usd: Decimal | None
    average_loss_usd: Decimal | None
    """Zero or below."""
    profit_factor: float | None
    """None where nothing was lost."""
    best_trade_usd: Decimal | None
    worst_trade_usd: Decimal | None
    average_duration_minutes: float | None


class TradesToday(Struct, frozen=True, kw_only=True):
    """trades_today.json: the trade date of the first book that counts."""

    date: str
    mode: str
    trades: tuple[DayTrade, ...]
    """Of all books, play money among them; oldest first."""
    summary: TradesSummary
    """Of those whose kind is the mode, in the currency that stands there."""


class DailyPerformance(Struct, frozen=True, kw_only=True):
    """performance/daily/DATE.json"""

    date: str
    mode: str
    summary: TradesSummary
    by_contract: dict[str, TradesSummary]
    by_pattern: dict[str, TradesSummary]


class WeeklyPerformance(Struct, frozen=True, kw_only=True):
    """performance/weekly/YEAR-Wnn.json: a week of trade dates, by ISO 8601."""

    week: str
    mode: str
    summary: TradesSummary
    by_day_usd: dict[str, Decimal]
    """Trade date to what its trades came to."""


class PatternRecord(Struct, frozen=True, kw_only=True):
    """What was learned of one pattern, timeframe, contract and regime (docs/learning.md#the-posterior)."""

    pattern: str
    timeframe: str
    contract: str
    regime: str
    trades: int
    wins: int
    win_rate_pct: float
    """Shrunk towards what is usual."""
    expectancy_r: float


class PatternPerformance(Struct, frozen=True, kw_only=True):
    """performance/patterns/patterns.json"""

    timestamp: str
    patterns: tuple[PatternRecord, ...]


FILES: dict[str, type[Struct]] = {
    "status.json": StatusFile,
    "trades_today.json": TradesToday,
    "performance/daily/DATE.json": DailyPerformance,
    "performance/weekly/WEEK.json": WeeklyPerformance,
    "performance/patterns/patterns.json": PatternPerformance,
}
