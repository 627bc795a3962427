"""Stops that move: to break-even by key, after the first target or at its touch, and behind the best mark.

Every move is a change of the plan, written down with its reason; the diff carries it to the venue. A stop is
only ever tightened, and never set where the market is already through it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from msgspec import structs

from engine.execution.break_even import break_even, cost_ticks
from engine.execution.context import BookContext
from engine.model import records as r
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Slot
from engine.model.plans import Leg, PlanStatus, StopRule
from engine.portfolio.bounds import Bounds
from engine.state.legs import LegState
from engine.state.position import usd
from engine.state.state import Order, PlanState

TRAIL_PAUSE_NS = NANOS
ANEW_PAUSE_NS = 15 * NANOS
"""The same where a stop has to be cancelled and placed anew: nothing protects in between."""
TRAIL_STEP_TICKS = 2
"""A stop that follows moves no more often and by no less: every move is a request to the venue."""


class TrailingStops:
    """The stops of one book's plans."""

    def __init__(self, context: BookContext) -> None:
        self._book = context
        self._best_marks: dict[str, int] = {}
        """Plan to the best mark of this run, ticks."""
        self._trailed_ts: dict[str, int] = {}
        """Plan to the time at which its stop last followed."""

    def forget(self, plan_id: str) -> None:
        """The plan is over."""
        self._best_marks.pop(plan_id, None)
        self._trailed_ts.pop(plan_id, None)

    def to_break_even(self, instrument: str, bid: int | None, ask: int | None) -> str:
        """Move the stops of an instrument's plans to break-even; the answer in words."""
        known = self._book.turn.state.instruments.get(instrument)
        if known is None:
            return f"{instrument}: the venue has not told its contract yet; stops stay"
        moved = better = 0
        at_stake, short = Decimal(0), ""
        for found in list(self._book.state.plans.values()):
            plan = found.plan
            if plan.instrument != instrument or not found.open_qty or plan.status is not PlanStatus.OPEN:
                continue
            prices = {k: self._even(found, k) for k, done in enumerate(found.legs) if done.open_qty > 0}
            mark = bid if plan.side.sign > 0 else ask
            ahead = {k: price for k, price in prices.items() if self._ahead(found, k, price) > 0}
            better += len(prices) - len(ahead)
            beyond = [p for p in ahead.values() if mark is None or (mark - p) * plan.side.sign <= 0]
            if beyond:  # all stops of a trade, or none
                short = short or f"price has not passed break-even {known.text(beyond[0])} yet"
                continue
            tighter = self._tighten(found, prices, StopRule.BREAK_EVEN, "break-even")
            moved += len(tighter)
            at_stake += self._at_stake(found, tighter)
        if moved:
            rest = f"; of another trade {short}" if short else ""
            return f"{instrument}: {moved} stop(s) to break-even{_may_lose(at_stake, known.currency)}{rest}"
        if short:
            return f"{instrument}: {short}; stops stay"
        return (
            f"{instrument}: stops are at break-even or better" if better else f"{instrument}: no open trade"
        )

    def after_first_target(self, found: PlanState) -> None:
        """Once the first target has filled, be it in part, what is still open goes to break-even
        (docs/semantics.md#break-even). Not beyond the tick before the target: the market has only just been
        there.
        """
        plan = found.plan
        if not self._book.config.risk.break_even_after_first_target or len(plan.legs) < 2:
            return
        if plan.status is not PlanStatus.OPEN:
            return
        target = self._book.state.orders.get(found.legs[0].slots.get(Slot.TARGET, ""))
        if target is None or not target.filled_qty or target.limit is None:
            return
        sign = plan.side.sign
        prices = {}
        for k, done in enumerate(found.legs):
            if done.open_qty > 0 and plan.legs[k].rule is StopRule.INITIAL:
                prices[k] = sign * min(sign * self._even(found, k), sign * target.limit - 1)
        self._tell(found, self._tighten(found, prices, StopRule.BREAK_EVEN, "first target"))

    def on_mark(self, instrument: str, bounds: Bounds) -> bool:
        """Stops that the price itself moves, and narrow the bounds to where it moves none. True when one was
        moved.
        """
        moved = 0
        for found in list(self._book.state.plans.values()):
            plan = found.plan
            if plan.instrument != instrument or plan.status is not PlanStatus.OPEN or found.open_qty <= 0:
                continue
            mark = self._book.marks.reached(instrument, plan.side)
            if mark is not None:
                moved += self._touch(found, mark, bounds)
                moved += self._trail(found, mark, bounds)
            else:
                bounds.keep_until(0)
        return moved > 0

    def _touch(self, found: PlanState, mark: int, bounds: Bounds) -> int:
        """A leg that is held beyond its first target goes to break-even at the touch of it."""
        plan = found.plan
        prices = {}
        for k, (leg, done) in enumerate(zip(plan.legs, found.legs, strict=True)):
            if leg.touch_offset is None or leg.rule is not StopRule.INITIAL or done.open_qty <= 0:
                continue
            touch = leg.touch if leg.touch is not None else done.average + leg.touch_offset
            if (mark - touch) * plan.side.sign >= 0:
                prices[k] = _behind(plan.side.sign, self._even(found, k), mark)
                bounds.keep_reached(plan.side, mark)
            else:
                bounds.keep_reached(plan.side, touch - plan.side.sign)
        if not prices:
            return 0
        tighter = self._tighten(found, prices, StopRule.BREAK_EVEN, "first target touched")
        self._tell(found, tighter)
        return len(tighter)

    def _trail(self, found: PlanState, mark: int, bounds: Bounds) -> int:
        limits, plan = self._book.config.risk, found.plan
        own = plan.trail
        distance = limits.trail_ticks if own is None else own.distance
        if distance <= 0:
            return 0
        sign, key = plan.side.sign, plan.plan_id
        best = self._best_marks[key] = sign * max(sign * self._best_marks.get(key, mark), sign * mark)
        # A mark that is worse than the best moves nothing, unless the stop would be too close to it.
        close = sign * (mark - best) < 1 - distance
        bounds.keep_reached(plan.side, mark if close else best)
        pause = TRAIL_PAUSE_NS if self._book.exits(plan.instrument).stops_move else ANEW_PAUSE_NS
        again = self._trailed_ts.get(key, 0) + pause
        if self._book.now < again:
            bounds.keep_until(again)
            return 0
        prices = {}
        for k, (leg, done) in enumerate(zip(plan.legs, found.legs, strict=True)):
            if done.open_qty <= 0:
                continue
            after = limits.trail_after_r * abs(leg.stop_offset) if own is None else own.after
            if after is not None and (best - done.average) * sign < after:
                continue
            price = _behind(sign, best - sign * distance, mark)
            if self._ahead(found, k, price) >= TRAIL_STEP_TICKS:
                prices[k] = price
        moved = len(self._tighten(found, prices, StopRule.TRAIL, "trail"))
        if moved:
            self._trailed_ts[key] = self._book.now
        return moved

    def _even(self, found: PlanState, k: int) -> int:
        done, plan = found.legs[k], found.plan
        limits = self._book.config.risk
        offset = limits.break_even_offset_ticks
        if offset is None:
            known = self._book.turn.state.instruments[plan.instrument]
            offset = cost_ticks(known, done.average, plan.side) + limits.slippage_ticks
        return break_even(done.entered_sum, done.entered, plan.side, offset)

    def _ahead(self, found: PlanState, k: int, price: int) -> int:
        """Ticks by which a price is better than the present stop of a leg; negative where it is worse."""
        sign = found.plan.side.sign
        return sign * (price - present(self._book.state.orders, found.plan.legs[k], found.legs[k], sign))

    def _at_stake(self, found: PlanState, prices: Mapping[int, int]) -> Decimal:
        """What legs that are stopped out at these prices lose, USD, with costs and the assumed slippage."""
        plan, slippage = found.plan, self._book.config.risk.slippage_ticks
        known = self._book.turn.state.instruments[plan.instrument]
        lost = Decimal(0)
        for k, price in prices.items():
            done = found.legs[k]
            ticks = done.entered_sum - (price - plan.side.sign * slippage) * done.entered
            each = usd(known, Fraction(ticks * plan.side.sign, done.entered))
            each += known.round_trip(done.average, price)
            lost += max(Decimal(0), each) * done.open_qty
        return lost

    def _tell(self, found: PlanState, prices: Mapping[int, int]) -> None:
        """Say what break-even does not cover here, if it does not."""
        instrument = found.plan.instrument
        currency = self._book.turn.state.instruments[instrument].currency
        words = _may_lose(self._at_stake(found, prices), currency)
        if words:
            text = f"{instrument}: {len(prices)} stop(s) to break-even{words}"
            self._book.say(NoticeKind.ORDER, Severity.INFO, text, instrument)

    def _tighten(
        self, found: PlanState, prices: Mapping[int, int], rule: StopRule, reason: str
    ) -> dict[int, int]:
        """Set the stops that a price improves, and give them by leg."""
        better = {k: price for k, price in prices.items() if self._ahead(found, k, price) > 0}
        if better:
            legs = tuple(
                structs.replace(leg, stop=better[k], rule=rule)
                if k in better
                else _along(found, leg, found.legs[k], better.values())
                for k, leg in enumerate(found.plan.legs)
            )
            self._book.turn.commit(
                r.PlanChanged(
                    ts=self._book.now,
                    book=self._book.book,
                    plan_id=found.plan.plan_id,
                    legs=legs,
                    reason=reason,
                )
            )
        return better


def _along(found: PlanState, leg: Leg, done: LegState, prices: Iterable[int]) -> Leg:
    """What was added and still rests goes along with the trade's stop, as long as that is behind it."""
    sign = found.plan.side.sign
    if leg.entry_limit is None or done.entered or leg.stop is None:
        return leg
    stop = sign * min(sign * price for price in prices)
    if sign * (stop - leg.stop) <= 0 or (leg.entry_limit - stop) * sign <= 0:
        return leg
    return structs.replace(leg, stop=stop, stop_offset=stop - leg.entry_limit)


def _may_lose(at_stake_usd: Decimal, currency: str) -> str:
    if not at_stake_usd:
        return ""
    return f"; it may still lose {at_stake_usd:.2f} {currency}, as costs and slippage are not covered"


def _behind(sign: int, price: int, mark: int) -> int:
    """The price, but at least a tick on the losing side of the mark: a stop beyond it is rejected."""
    return sign * min(sign * price, sign * mark - 1)


def present(orders: Mapping[str, Order], leg: Leg, done: LegState, sign: int) -> int:
    """Where a leg with open contracts would be stopped out at best, ticks: by its plan or by its order."""
    planned = leg.stop if leg.stop is not None else done.average + leg.stop_offset
    order = orders.get(done.slots.get(Slot.STOP, ""))
    if order is None or not order.live or order.stop is None:
        return planned
    return sign * max(sign * planned, sign * order.stop)
