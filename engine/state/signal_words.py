"""What is told of a signal beside its sentence: its plan in prices and USD, for a phone and a screen."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from engine.model import records as r
from engine.model.market import Side
from engine.model.notices import PatternFacts, SignalFacts
from engine.model.orders import OrderType
from engine.model.plans import Idea, TradePlan
from engine.state.state import State
from engine.state.track_record import TrackRecord


def facts(state: State, record: r.AnyRecord) -> SignalFacts | None:
    """Of a plan that begins, or of a signal that is told though its paper book has not entered it; None of
    everything else.
    """
    match record:
        case r.PlanOpened():
            return _of_plan(state, record.plan)
        case r.IdeaRefused() if record.told_qty is not None:
            return _of_idea(state, record, record.told_qty)
    return None


def _of_plan(state: State, plan: TradePlan) -> SignalFacts | None:
    known = state.instruments.get(plan.instrument)
    if known is None:
        return None
    entry = plan.entry_price
    targets = {entry + leg.target_offset for leg in plan.legs if leg.target_offset is not None}
    targets |= {entry + leg.touch_offset for leg in plan.legs if leg.touch_offset is not None}
    risk = sum(
        (
            (known.usd(abs(leg.stop_offset)) + known.round_trip(entry, entry + leg.stop_offset)) * leg.qty
            for leg in plan.legs
        ),
        Decimal(0),
    )
    return SignalFacts(
        side=plan.side,
        qty=plan.qty,
        entry=known.price(entry),
        stop=known.price(entry + plan.legs[0].stop_offset),
        targets=tuple(known.price(t) for t in sorted(targets, reverse=plan.side is Side.SELL)),
        risk_usd=risk,
        strategy=plan.strategy,
        market=plan.entry_type is OrderType.MARKET,
        score_tenths=plan.score_tenths,
        timeframe=_timeframe(plan),
        reasons=plan.reasons,
        size_reason=plan.size_reason,
        pattern=_backtest(plan)
        or _pattern(plan.owner, state.books[plan.book].records if plan.book in state.books else {}),
        regime="" if plan.pattern is None else plan.pattern.regime,
    )


def _of_idea(state: State, record: r.IdeaRefused, qty: int) -> SignalFacts | None:
    idea = record.idea
    known = state.instruments.get(idea.instrument)
    if known is None:
        return None
    each = known.usd(abs(idea.stop_ticks)) + known.round_trip(idea.reference, idea.stop)
    return SignalFacts(
        side=idea.side,
        qty=qty,
        entry=known.price(idea.reference),
        stop=known.price(idea.stop),
        targets=tuple(known.price(target) for target in idea.targets),
        risk_usd=each * qty,
        strategy=idea.strategy,
        score_tenths=idea.score_tenths,
        timeframe=_timeframe(idea),
        reasons=idea.reasons,
        pattern=_backtest(idea),
        regime="" if idea.pattern is None else idea.pattern.regime,
        against="; ".join(record.words or (refusal.sentence for refusal in record.refusals)),
    )


def _timeframe(of: Idea | TradePlan) -> str:
    """Of an edge's signal; elsewhere the reasons tell it."""
    return "" if of.pattern is None or of.expectation is None else of.pattern.timeframe


def _backtest(of: Idea | TradePlan) -> PatternFacts | None:
    told = of.expectation
    if told is None:
        return None
    return PatternFacts(
        of.strategy, told.trades, told.win_rate, told.profit_factor, told.confidence, "backtest", told.mean_r
    )


def _pattern(strategy: str, records: Mapping[str, TrackRecord]) -> PatternFacts | None:
    """How this book's trades of the strategy or room have ended so far."""
    past = records.get(strategy)
    if past is None or not past.trades:
        return None
    rate = past.win_rate or 0.0
    return PatternFacts(strategy, past.trades, rate, past.profit_factor, source="this account")
