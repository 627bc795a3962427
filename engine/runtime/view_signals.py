"""Signals and patterns as people see them: made of the fold alone, so a journal gives what an engine does."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from engine.model import records as r
from engine.model.view_signals import OrderFact, PatternView, SignalFate, SignalView
from engine.state.state import Order, State
from engine.strategies.learning import table

SIGNALS_SHOWN = 15
PATTERNS_SHOWN = 40

Signal = r.IdeaRefused | r.IdeaDeclined | r.PlanOpened


def signal_views(state: State, signals: Iterable[Signal]) -> tuple[SignalView, ...]:
    """Each with the orders that came of it, as far as the fold still has them."""
    return tuple(_view(state, signal) for signal in signals)


def _view(state: State, signal: Signal) -> SignalView:
    match signal:
        case r.IdeaDeclined():
            return SignalView(
                signal.ts,
                SignalFate.DECLINED,
                signal.instrument,
                signal.side,
                signal.score_tenths,
                (signal.reason,),
                signal.strategy,
                signal.bot,
                parts=signal.parts,
                checks=signal.checks,
                pattern=signal.pattern,
                pattern_price=_pattern_price(state, signal.instrument, signal),
            )
        case r.IdeaRefused():
            idea = signal.idea
            return SignalView(
                signal.ts,
                SignalFate.REFUSED,
                idea.instrument,
                idea.side,
                idea.score_tenths,
                signal.words or tuple(refusal.sentence for refusal in signal.refusals),
                idea.strategy,
                idea.bot,
                signal.book,
                reference=_price(state, idea.instrument, idea.reference),
                parts=idea.parts,
                checks=idea.checks,
                pattern=idea.pattern,
                pattern_price=_pattern_price(state, idea.instrument, idea),
                opinion=idea.opinion,
            )
    plan = signal.plan
    return SignalView(
        signal.ts,
        SignalFate.ENTERED,
        plan.instrument,
        plan.side,
        plan.score_tenths,
        plan.reasons,
        plan.strategy,
        plan.bot,
        plan.book,
        plan.plan_id,
        _price(state, plan.instrument, plan.entry_price),
        plan.size_reason,
        plan.parts,
        plan.checks,
        plan.pattern,
        _pattern_price(state, plan.instrument, plan),
        _orders(state, plan.book, plan.plan_id),
        plan.opinion,
    )


def _price(state: State, instrument: str, ticks: int | None) -> Decimal | None:
    known = state.instruments.get(instrument)
    return None if known is None or ticks is None else known.price(ticks)


def _pattern_price(state: State, instrument: str, of: object) -> str:
    pattern, known = getattr(of, "pattern", None), state.instruments.get(instrument)
    return "" if pattern is None or known is None else known.text(pattern.price)


def _orders(state: State, book: str, plan_id: str) -> tuple[OrderFact, ...]:
    orders = (order for order in state.book(book).orders.values() if order.plan_id == plan_id)
    return tuple(_order(state, order) for order in sorted(orders, key=lambda order: order.created_ts))


def _order(state: State, order: Order) -> OrderFact:
    ticks = order.limit if order.limit is not None else order.stop
    return OrderFact(
        order.created_ts,
        order.changed_ts,
        order.slot,
        order.side,
        order.type,
        order.qty,
        order.filled_qty,
        _price(state, order.instrument, ticks),
        order.status,
        order.reason,
    )


def pattern_views(state: State, least: int) -> tuple[PatternView, ...]:
    """What was learned, the most outcomes first; those with `least` of them count in scores."""
    rows = sorted(table(state.experience), key=lambda row: -row.posterior.trades)[:PATTERNS_SHOWN]
    return tuple(
        PatternView(
            *key,
            known.trades,
            known.wins,
            round(known.win_rate, 4),
            round(known.expectancy_r, 4),
            round(known.expectancy_sd, 4),
            0 < least <= known.trades,
        )
        for key, known in rows
    )
