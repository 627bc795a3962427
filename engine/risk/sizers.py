"""How many lots each policy wants a trade to begin with (docs/semantics.md#sizers); the limits come after it.

Every wish is exact to the last lot: what is divided is divided as fractions, and rounded down once.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from msgspec import Struct, structs

from engine.model.figures import percent
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.sizing import (
    ByConfidence,
    ByEquity,
    ByEquityNotional,
    ByGrade,
    ByKelly,
    ByNotional,
    ByRisk,
    Sizing,
)
from engine.risk.sizing import amount, loss_usd
from engine.state.track_record import KELLY_TRADES, TrackRecord

Amount = Decimal | Fraction


class Ask(Struct, frozen=True):
    """What a policy may look at."""

    instrument: Instrument
    price: int
    """About where it is entered, ticks."""
    stop_ticks: int
    """Positive distance to the stop."""
    limits: RiskLimits
    asked: int | None = None
    """Lots that an alert's grade stands for, or that a person typed."""
    confidence: Fraction = Fraction(1)
    """0..1: the score out of ten, or an alert's size out of its room's A."""
    equity_usd: Decimal | None = None
    """Of the book; None while it is not known."""
    record: TrackRecord = TrackRecord()
    """How trades of this bot or room have ended in the book."""
    loss_usd: Decimal = Decimal(0)
    """Of one lot at the stop, costs and slippage of both sides included; nobody gives it."""

    def __post_init__(self) -> None:
        lost = loss_usd(self.instrument, self.price, self.stop_ticks, self.limits)
        structs.force_setattr(self, "loss_usd", lost)

    def text(self, lots: int) -> str:
        """So many lots as people write them."""
        return self.instrument.qty_text(lots)


class Wish(NamedTuple):
    """Whole lots, rounded down, never below 0; and how they come about, in words with the numbers."""

    lots: int
    why: str


class Wanted(NamedTuple):
    """Who says how large a trade should be. By default its risk, and its score is its confidence."""

    sizing: Sizing = ByRisk()
    asked: int | None = None
    """Lots that an alert's grade stands for, or that a person typed."""
    confidence: Fraction | None = None
    """0..1."""
    whole: bool = False
    """A trade that may not be so large is refused and not made smaller: a person said how large."""


BY_RISK = Wanted()


def wish(sizing: Sizing, ask: Ask) -> Wish:
    """How many lots a policy wants."""
    match sizing:
        case ByGrade():
            return _by_grade(sizing, ask)
        case ByRisk():
            usd = ask.limits.risk_per_trade_usd if sizing.usd is None else sizing.usd
            return _at_risk(ask, usd, "")
        case ByEquity():
            return _of_equity(ask, Fraction(sizing.percent) / 100, f"{_plain(sizing.percent)} %")
        case ByEquityNotional():
            if ask.equity_usd is None:
                return Wish(0, _NO_EQUITY)
            share = Fraction(max(Decimal(0), ask.equity_usd)) * Fraction(sizing.percent) / 100
            return _worth(ask, share, f"{_plain(sizing.percent)} % of {amount(ask.equity_usd)} equity: ")
        case ByNotional():
            return _worth(ask, sizing.usd, "")
        case ByKelly():
            return _by_kelly(sizing, ask)
        case ByConfidence():
            return _by_confidence(sizing, ask)


_NO_EQUITY = "the book's equity is not known yet"


def _by_grade(sizing: ByGrade, ask: Ask) -> Wish:
    if ask.asked is not None:
        return Wish(max(0, ask.asked), f"{ask.text(ask.asked)} asked for")
    tenths = ask.confidence * 100
    if tenths >= sizing.a_tenths:
        letter, lots = "A", sizing.a
    elif tenths >= sizing.b_tenths:
        letter, lots = "B", sizing.b
    else:
        letter, lots = "C", sizing.c
    return Wish(lots, f"score {float(tenths) / 10:.1f} is grade {letter}: {ask.text(lots)}")


def _at_risk(ask: Ask, usd: Amount, before: str) -> Wish:
    each = ask.loss_usd
    lots = _times(usd, each)
    return Wish(lots, f"{before}{amount(usd)} at risk, {amount(each)} each: {ask.text(lots)}")


def _of_equity(ask: Ask, share: Fraction, words: str) -> Wish:
    if ask.equity_usd is None:
        return Wish(0, _NO_EQUITY)
    usd = Fraction(max(Decimal(0), ask.equity_usd)) * share
    return _at_risk(ask, usd, f"{words} of {amount(ask.equity_usd)} equity: ")


def _worth(ask: Ask, usd: Amount, before: str) -> Wish:
    each = ask.instrument.notional(ask.price)
    if each <= 0:
        return Wish(0, "one lot is worth nothing")
    lots = _times(usd, each)
    return Wish(lots, f"{before}a worth of {amount(usd)}, {amount(each)} each: {ask.text(lots)}")


def _by_kelly(sizing: ByKelly, ask: Ask) -> Wish:
    found = ask.record.kelly()
    if found is None or ask.equity_usd is None:
        base = wish(sizing.base, ask)
        missing = f"{ask.record.trades} of {KELLY_TRADES} trades for Kelly" if found is None else _NO_EQUITY
        return Wish(base.lots, f"{missing}, so {base.why}")
    used, most = found * Fraction(sizing.percent) / 100, Fraction(sizing.most_percent) / 100
    words = f"{_plain(sizing.percent)} % of Kelly's {float(found):.3f} by {ask.record.trades} trades"
    words += f", at most {_plain(sizing.most_percent)} %" if used > most else ""
    return _of_equity(ask, min(used, most), words)


def _by_confidence(sizing: ByConfidence, ask: Ask) -> Wish:
    base = wish(sizing.base, ask)
    least, most = Fraction(sizing.least_percent) / 100, Fraction(sizing.most_percent) / 100
    scale = least + (most - least) * min(Fraction(1), max(Fraction(0), ask.confidence))
    lots = int(base.lots * scale)
    return Wish(lots, f"{percent(scale)} of {ask.text(base.lots)} ({base.why}): {ask.text(lots)}")


def _times(usd: Amount, each: Decimal) -> int:
    """How often an amount holds another, whole and never below 0."""
    if isinstance(usd, Decimal):
        return max(0, int(usd // each))
    return max(0, usd // Fraction(each))


def _plain(number: Decimal) -> str:
    """Without the noughts at its end."""
    return f"{number.normalize():f}"
