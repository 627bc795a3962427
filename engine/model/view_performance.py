"""What each book has come to of late, and how what the engine is made of and runs on is."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class RuinView(Struct, frozen=True):
    """How likely the account is to fall to its floor (docs/statistics.md#risk-of-ruin). Shares 0..1."""

    probability: float
    low: float
    high: float
    floor_usd: Decimal
    """How far the floor is below what the account is worth."""


class PerformanceView(Struct, frozen=True):
    """One book over its last thirty days, and its risk (docs/statistics.md#of-late). Amounts are net, in the
    book's currency; what is too short for a figure is None.
    """

    book: str
    days: int
    """Trade dates among the last thirty days of which something is known."""
    trades: int
    wins: int
    net_usd: Decimal
    """What the equity gained, open positions at the mark."""
    profit_factor: float | None
    sharpe: float | None
    volatility: float | None
    """Yearly, as a share."""
    max_drawdown_usd: Decimal | None
    max_drawdown: float | None
    """As a share of the highest equity before it."""
    drawdown: float | None
    """How far the equity is below its highest now, as a share of that."""
    run: int
    """How many of the newest trades won in a row; below 0: lost."""
    recovery_factor: float | None
    var_95_usd: Decimal | None
    """Value at risk of a day by the last 250 days, a positive loss."""
    var_99_usd: Decimal | None
    kelly: float | None
    """Share of the equity, by all trades that are kept."""
    ruin: RuinView | None


class ComponentView(Struct, frozen=True):
    """Something that the engine needs, or that runs beside it."""

    name: str
    ok: bool
    detail: str = ""
    """What is wrong with it, or what is to be known of it."""
    since: int = 0
    """When it came into this state, nanoseconds UTC; 0 where nobody knows."""


class ProcessView(Struct, frozen=True):
    """What the engine's process takes, and what the disk of its journal has left."""

    cpu_percent: float
    """Of one processor, over the last few seconds."""
    memory_bytes: int
    """Resident."""
    disk_free_bytes: int
    disk_bytes: int
