"""One interface for how many contracts a trade begins with (docs/semantics.md#sizers); the limits come after
it.

A sizer says what a policy wants. The gate takes the smaller of that and what the limits allow.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import NamedTuple

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
        return loss_usd(self.instrument, self.price, self.stop_ticks, self.limits)


Sizer = Callable[[Ask], int]
"""Whole contracts, rounded down; 0 is no trade."""


def over_stop(ask: Ask, usd: Decimal | None = None) -> int:
    """As many as may lose an amount at their stop: without one, the risk per trade."""
    return int((ask.limits.risk_per_trade_usd if usd is None else usd) // ask.loss_usd)


def of_grade(ask: Ask) -> int:
    """As many as the grade stands for."""
    return ask.asked or 0


def equity_share(ask: Ask, share: Decimal) -> int:
    """As many as may lose a share of the equity; none while that is not known."""
    return over_stop(ask, max(Decimal(0), ask.equity_usd or Decimal(0)) * share)


def notional(ask: Ask, usd: Decimal) -> int:
    """As many as are worth an amount."""
    worth = ask.instrument.usd(ask.price)
    return int(usd // worth) if worth > 0 else 0


def kelly_capped(ask: Ask, inner: Sizer, percent: int) -> int:
    """Another sizer's answer, and no more than a part of the Kelly fraction may lose. While that is not known
    the other one's answer stands.
    """
    share, wanted = ask.record.kelly(), inner(ask)
    if share is None or ask.equity_usd is None:
        return wanted
    return min(wanted, equity_share(ask, share * percent / 100))


def confidence_scaled(ask: Ask, inner: Sizer, least: Decimal) -> int:
    """Another sizer's answer, in full at full confidence, `least` of it at none."""
    confidence = min(Decimal(1), max(Decimal(0), ask.confidence))
    return int(inner(ask) * (least + (1 - least) * confidence))


class Wanted(NamedTuple):
    """Who says how large a trade should be. By default its risk, and its score is its confidence."""

    sizer: Sizer = over_stop
    asked: int | None = None
    """Contracts that an alert's grade stands for."""
    confidence: Decimal | None = None
    """0..1."""
    whole: bool = False
    """A trade that may not be so large is refused and not made smaller: a person said how large."""


BY_RISK = Wanted()


def sizer(plan: Sizing) -> Sizer:
    """The sizer of a policy, with its scale and its cap."""
    found: Sizer
    match plan.policy:
        case SizePolicy.GRADE:
            found = of_grade
        case SizePolicy.RISK:
            found = over_stop
        case SizePolicy.EQUITY:
            found = partial(equity_share, share=plan.equity_percent / 100)
        case SizePolicy.NOTIONAL:
            found = partial(notional, usd=plan.notional_usd)
    if plan.confidence_least is not None:
        found = partial(confidence_scaled, inner=found, least=plan.confidence_least)
    if plan.kelly_percent:
        found = partial(kelly_capped, inner=found, percent=plan.kelly_percent)
    return found
