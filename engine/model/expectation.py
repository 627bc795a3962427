"""What a backtest promises of a bot's trades: what its live results are held against (docs/scanner.md)."""

from __future__ import annotations

from msgspec import Struct


class Expectation(Struct, frozen=True):
    """Figures of trades that were not searched. R is the net result in units of the risk at the stop; shares
    are 0..1.
    """

    trades: int
    """How many it rests on."""
    win_rate: float
    mean_r: float
    most_r: float
    """The target: what a trade makes at most."""
    profit_factor: float | None = None
    """None where nothing was lost."""
    confidence: float | None = None
    """That it is no luck, as the backtest says it; None where it does not."""
