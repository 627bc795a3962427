"""How a trade that a pattern led to has ended, in R, written down for what is learned
(docs/learning.md#outcomes).
"""

from __future__ import annotations

from decimal import Decimal

from engine.execution.context import BookContext
from engine.model import records as r
from engine.model.plans import PlanStatus
from engine.state.fold_shares import result_usd
from engine.state.state import PlanState


def close_plan(context: BookContext, found: PlanState, reason: str = "") -> None:
    """All of a plan is over: write down what it came to, while its fills are known, and close it."""
    _write_outcome(context, found)
    context.turn.commit(
        r.PlanChanged(
            ts=context.now,
            book=context.book,
            plan_id=found.plan.plan_id,
            status=PlanStatus.CLOSED,
            reason=reason,
        )
    )


def _write_outcome(context: BookContext, found: PlanState) -> None:
    pattern, state = found.plan.pattern, context.turn.state
    if pattern is None:
        return
    instrument = state.instruments[found.plan.instrument]
    legs = zip(found.plan.legs, found.legs, strict=False)
    risk = instrument.usd(sum(abs(leg.stop_offset) * had.entered for leg, had in legs))
    if not risk:
        return  # nothing was entered

    def in_r(usd: Decimal) -> float:
        return round(float(usd / risk), 4)

    newest = context.state.trades[-1] if context.state.trades else None
    own = newest is not None and newest.plan_id == found.plan.plan_id and not found.shared
    mae, mfe = (in_r(newest.mae_usd), in_r(newest.mfe_usd)) if own and newest is not None else (None, None)
    context.turn.commit(
        r.PatternEnded(
            ts=context.now,
            book=context.book,
            plan_id=found.plan.plan_id,
            instrument=found.plan.instrument,
            pattern=pattern,
            r=in_r(result_usd(state, found)),
            mae_r=mae,
            mfe_r=mfe,
        )
    )
