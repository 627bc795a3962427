"""Limits that act by themselves: the daily loss, and the time by which everything must be flat."""

from __future__ import annotations

from engine.market import sessions
from engine.model import records as r
from engine.model.config import RiskLimits
from engine.model.plans import PlanStatus
from engine.model.view import SessionPhase, TradingState
from engine.trading import flatten
from engine.trading.desk import Desk
from engine.trading.money import Marks, day_usd


class Guards:
    """Looks at every book at each pulse."""

    def __init__(self, limits: RiskLimits) -> None:
        self.limits = limits
        self._hours = (
            sessions.UserHours(limits.hours_start, limits.hours_end, limits.hours_zone)
            if limits.hours_start and limits.hours_end
            else None
        )

    def in_hours(self, now: int) -> bool:
        """Market open, and within the trader's own hours if any are set."""
        if sessions.phase(now) is SessionPhase.CLOSED:
            return False
        return self._hours is None or self._hours.open_at(now)

    def check(self, desk: Desk, marks: Marks) -> None:
        self._daily_loss(desk, marks)
        self._flat_time(desk)

    def _daily_loss(self, desk: Desk, marks: Marks) -> None:
        state = desk.turn.state
        now = desk.turn.now
        restriction = state.restrictions.get(f"{desk.book}/")
        if restriction is not None and restriction.state.rank >= TradingState.LOCKED.rank:
            if restriction.state is TradingState.LOCKED:
                self._keep_flat(desk)
            return
        lost = -day_usd(desk.state, state, marks)
        if lost < self.limits.daily_loss_usd:
            return
        desk.turn.commit(
            r.StateChanged(
                ts=now,
                book=desk.book,
                instrument=None,
                state=TradingState.LOCKED,
                reason=f"daily loss limit: {lost:.2f} USD lost of {self.limits.daily_loss_usd}",
                until=sessions.next_roll(now),
            )
        )
        flatten.start(desk, exposed(desk), "risk")

    def _keep_flat(self, desk: Desk) -> None:
        """While locked no trade of ours may live: an entry that was lost may yet fill after the flatten."""
        state = desk.state
        alive = {p.plan.instrument for p in state.plans.values() if p.plan.status is PlanStatus.OPEN}
        alive |= {p.plan.instrument for p in state.plans.values() if p.open_qty > 0}
        late = tuple(sorted(alive - state.flattening.keys()))
        if late:
            flatten.start(desk, late, "risk")

    def _flat_time(self, desk: Desk) -> None:
        now = desk.turn.now
        due = sessions.flat_by(sessions.trade_date(now)) - self.limits.flatten_before_flat_ns
        if now < due:
            return
        instruments = tuple(i for i in exposed(desk) if i not in desk.state.flattening)
        if instruments and sessions.phase(now) is not SessionPhase.CLOSED:
            flatten.start(desk, instruments, "flat_time")


def exposed(desk: Desk) -> tuple[str, ...]:
    """Instruments with a position or a live order."""
    held = {i for i, position in desk.state.positions.items() if position.qty}
    return tuple(sorted(held | {order.instrument for order in desk.state.live_orders()}))
