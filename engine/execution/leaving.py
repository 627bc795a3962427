"""Plans that are left by no order of theirs: at a signal of their strategy, at their time, or at a target for
which none can rest
(docs/semantics.md#leaving-a-plan).

A contract that one plan alone holds is flattened: the close at market, its retries and its proof are those of
every flatten. Beside trades of others that would close theirs too, so there its stop is drawn to a tick
behind the market and follows it: one exit order, which protects until it fills.
"""

from __future__ import annotations

from engine.execution.context import BookContext
from engine.execution.desired import target_of
from engine.execution.flatten import Flattener
from engine.execution.inquiry import NEVER
from engine.execution.resting import RestingEntries
from engine.model import records as r
from engine.model.notices import NoticeKind, Severity
from engine.model.plans import PlanStatus, Trail
from engine.portfolio.bounds import Bounds
from engine.state.state import PlanState

SIGNAL = "signal"
TIME = "time"
TARGET = "target"
"""Why a trade was left, as it carries it."""

DRAWN = Trail(1, None)


class Leaving:
    """Of one book. What it has begun stands in the journal, as the latch or as the plan's own trail."""

    def __init__(self, context: BookContext, flattener: Flattener, resting: RestingEntries) -> None:
        self._book = context
        self._flattener = flattener
        self._resting = resting

    def leave(self, found: PlanState, reason: str, why: str) -> None:
        """Begin to close what is held of a plan, once; `why` in words for people."""
        plan = found.plan
        if _going(found):
            return
        self._resting.take_back(found)
        alone = self._alone(found)
        trail = None if alone else DRAWN
        self._book.turn.commit(
            r.PlanChanged(
                ts=self._book.now,
                book=self._book.book,
                plan_id=plan.plan_id,
                reason=f"{reason}: {why}",
                trail=trail,
            )
        )
        how = "closing at market" if alone else "its stop is drawn behind the market, beside other trades"
        text = f"{plan.instrument}: {why}: {how}"
        self._book.say(NoticeKind.ORDER, Severity.INFO, text, plan.instrument)
        if alone:
            self._flattener.start((plan.instrument,), reason)

    def _alone(self, found: PlanState) -> bool:
        """Whether everything that is held of the contract, and every plan there, is this one's."""
        state, symbol = self._book.state, found.plan.instrument
        others = any(one is not found and one.plan.instrument == symbol for one in state.plans.values())
        return not others and state.position(symbol).qty == state.shares(symbol)

    def on_mark(self, instrument: str, bounds: Bounds) -> bool:
        """Leave the plans whose target the market has reached, where the stop alone can rest; whether there
        were any. Narrows the bounds to where there are none.
        """
        if not self._book.watches_target(instrument):
            return False
        reached = []
        for found in self._book.state.plans.values():
            plan = found.plan
            if plan.instrument != instrument or _going(found):
                continue
            sign, mark = plan.side.sign, self._book.marks.reached(instrument, plan.side)
            prices = [
                target
                for k, done in enumerate(found.legs)
                if done.open_qty > 0 and (target := target_of(plan, k, done)) is not None
            ]
            if not prices:
                continue
            first = sign * min(sign * price for price in prices)
            if mark is None:
                bounds.keep_until(0)
            elif (mark - first) * sign >= 0:
                reached.append((found, first))
            else:
                bounds.keep_reached(plan.side, first - sign)
        known = self._book.turn.state.instruments[instrument]
        for found, price in reached:
            self.leave(found, TARGET, f"its target {known.text(price)} is reached")
        return bool(reached)

    def end(self) -> bool:
        """Leave the plans whose time has come; whether there were any."""
        wall = self._book.turn.wall
        late = [found for found in self._book.state.plans.values() if (ends := _ends(found)) and wall >= ends]
        for found in late:
            self.leave(found, TIME, "its time is over")
        return bool(late)

    def next_due(self) -> int:
        """When the next plan's time comes, nanoseconds of the core's time."""
        ends = [ends for found in self._book.state.plans.values() if (ends := _ends(found))]
        return min(ends) - self._book.turn.wall_offset if ends else NEVER


def _going(found: PlanState) -> bool:
    return found.plan.status is not PlanStatus.OPEN or found.plan.trail == DRAWN


def _ends(found: PlanState) -> int | None:
    return None if _going(found) else found.plan.exit_ts
