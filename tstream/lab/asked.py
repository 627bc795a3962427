"""What is asked of a backtest: plain values that another process can be handed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tstream.errors import UsageError

Params = Mapping[str, str]
"""Parameters of the strategy, and keys of the settings with their table ("risk.per_trade_usd"), as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRequest:
    """One backtest, or the base of a sweep. Dates are "YYYY-MM-DD", of the trade date or UTC's day."""

    tape: str
    contract: str
    strategy: str = "zones"
    timeframe: str | None = None
    """The strategy is asked when a bar of it closes; None leaves it to the strategy."""
    month: str | None = None
    stamp: str | None = None
    symbol: str | None = None
    zone: str | None = None
    since: str | None = None
    until: str | None = None
    """The last day of it."""
    days: int | None = None
    """The last days of what is recorded."""
    cash: Decimal | None = None
    """What the account begins with, USD."""
    costs: Decimal | None = None
    """Of a lot and side, USD, in place of the product's own."""
    slippage: int | None = None
    """Ticks; None takes the fill model's."""
    model: str | None = None
    """A model's name, champion or off; None takes what the settings say of a second opinion."""
    in_sample: bool = False
    """It is played though the model was trained on it."""
    config: Path | None = None


def params_of(texts: Sequence[str]) -> dict[str, str]:
    """Of "fast=10" and the like. Raises UsageError."""
    found: dict[str, str] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not (sign and key.strip() and value.strip()):
            raise UsageError(f'"{text}" is no parameter: write key=value, as in fast=10')
        found[key.strip()] = value.strip()
    return found
