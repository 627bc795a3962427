"""One interface for how many contracts a trade begins with (docs/semantics.md#sizers); the limits come after
it.

A sizer says what a policy wants. The gate takes the smaller of that and what the limits allow.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, Protocol

from msgspec import Struct

from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.rooms import SizePolicy, Sizing
from engine.risk.sizing import loss_usd
from engine.state.track_record import TrackRecord


class Ask(Struct, frozen=True):
    """What a sizer may look at."""

    instrument: Instrument
    price: int
    """About where it is entered, ticks."""
    stop_ticks: int
    """Positive distance to the stop."""
    limits: RiskLimits
    asked: int | None = None
    """Contracts that the grade stands for."""
    confidence: Decimal = Decimal(1)
    """0..1."""
    equity_usd: Decimal | None = None
    record: TrackRecord = TrackRecord()

    @property
    def loss_usd(self) -> Decimal:
        """Of one contract at the stop, costs and slippage of both sides included."""
        return loss_usd(self.instrument, self.stop_ticks, self.limits)


class Sizer(Protocol):
    def contracts(self, ask: Ask) -> int:
        """Whole contracts, rounded down; 0 is no trade."""


class FixedGrade:
    """As many as the grade stands for."""

    def contracts(self, ask: Ask) -> int:
        return ask.asked or 0


class RiskOverStop:
    """As many as may lose the risk per trade."""

    def contracts(self, ask: Ask) -> int:
        return int(ask.limits.risk_per_trade_usd // ask.loss_usd)


class EquityShare:
    """As many as may lose so much per cent of the equity. None while the equity is not known."""

    def __init__(self, percent: Decimal) -> None:
        self._percent = percent

    def contracts(self, ask: Ask) -> int:
        equity = max(Decimal(0), ask.equity_usd or Decimal(0))
        return int(equity * self._percent / 100 // ask.loss_usd)


class Notional:
    """As many as are worth an amount."""

    def __init__(self, usd: Decimal) -> None:
        self._usd = usd

    def contracts(self, ask: Ask) -> int:
        worth = ask.instrument.usd(ask.price)
        return int(self._usd // worth) if worth > 0 else 0


class KellyCapped:
    """Another sizer's answer, and no more than a part of the Kelly fraction may lose. While that is not known
    the other one's answer stands.
    """

    def __init__(self, inner: Sizer, percent: int) -> None:
        self._inner = inner
        self._percent = percent

    def contracts(self, ask: Ask) -> int:
        share = ask.record.kelly()
        wanted = self._inner.contracts(ask)
        if share is None or ask.equity_usd is None:
            return wanted
        allowed = max(Decimal(0), ask.equity_usd) * share * self._percent / 100
        return min(wanted, int(allowed // ask.loss_usd))


class ConfidenceScaled:
    """Another sizer's answer, in full at full confidence, `least` of it at none."""

    def __init__(self, inner: Sizer, least: Decimal) -> None:
        self._inner = inner
        self._least = least

    def contracts(self, ask: Ask) -> int:
        confidence = min(Decimal(1), max(Decimal(0), ask.confidence))
        return int(self._inner.contracts(ask) * (self._least + (1 - self._least) * confidence))


class Wanted(NamedTuple):
    """Who says how large a trade should be. By default its risk, and its score is its confidence."""

    sizer: Sizer = RiskOverStop()
    asked: int | None = None
    """Contracts that an alert's grade stands for."""
    confidence: Decimal | None = None
    """0..1."""


BY_RISK = Wanted()


def sizer(plan: Sizing) -> Sizer:
    """The sizer of a policy, with its scale and its cap."""
    found: Sizer
    match plan.policy:
        case SizePolicy.GRADE:
            found = FixedGrade()
        case SizePolicy.RISK:
            found = RiskOverStop()
        case SizePolicy.EQUITY:
            found = EquityShare(plan.equity_percent)
        case SizePolicy.NOTIONAL:
            found = Notional(plan.notional_usd)
    if plan.confidence_least is not None:
        found = ConfidenceScaled(found, plan.confidence_least)
    if plan.kelly_percent:
        found = KellyCapped(found, plan.kelly_percent)
    return found
