"""Flatten: one latch per instrument that only the venue's own word releases.

Entries are cancelled, the position is closed, the legs are cancelled, and then the venue is asked; it repeats
until the venue shows no position and no order, working or suspended. Cancels and closes pass in every state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.model import events as ev
from engine.model import records as r
from engine.model.effects import ClosePosition
from engine.model.market import NANOS
from engine.model.orders import OrderType, Slot
from engine.model.plans import PlanStatus
from engine.model.view import NoticeKind, Severity

if TYPE_CHECKING:
    from engine.trading.desk import Desk

CLOSE_RETRY_NS = 2 * NANOS
"""A close that was answered and shows no fill after this long is repeated: it closes what there is.

While it is under way, a second one could close twice what there is, and open the other side.
"""

CLOSE_LOST_NS = 15 * NANOS
"""A close without an answer by then, or whose order still waits in the market, is given up."""

LONGEST_RETRY_NS = 32 * NANOS


@dataclass(slots=True)
class Closing:
    """A close request: when it was made, when it was answered, and how many in a row were refused."""

    asked: int
    answered: int | None = None
    refusals: int = 0

    def again(self, now: int, pending: bool) -> bool:
        """Whether it is time for another one; `pending` while an order of the close is in the market."""
        if now - self.asked >= max(CLOSE_LOST_NS, self._pause):
            return True
        return not pending and self.answered is not None and now - self.answered >= self._pause

    @property
    def _pause(self) -> int:
        return int(min(CLOSE_RETRY_NS << self.refusals, LONGEST_RETRY_NS))


def start(desk: Desk, instruments: tuple[str, ...], reason: str) -> None:
    """Latch the instruments. `reason`: manual, risk or flat_time, as trades will carry it."""
    fresh = tuple(i for i in instruments if i not in desk.state.flattening)
    if fresh:
        desk.turn.commit(r.FlattenStarted(ts=desk.turn.now, book=desk.book, instruments=fresh, reason=reason))
    drive(desk)


def drive(desk: Desk) -> None:
    """Take the next step for every latched instrument."""
    if not desk.heard:
        return
    for instrument in list(desk.state.flattening):
        _step(desk, instrument)


def _step(desk: Desk, instrument: str) -> None:
    state = desk.state
    now = desk.turn.now
    live = state.live_orders(instrument)
    for order in live:
        if order.slot is Slot.ENTRY or (order.slot is None and order.type is not OrderType.MARKET):
            desk.cancel(order)
    qty = state.position(instrument).qty
    if qty:
        last = desk.closing.get(instrument)
        pending = any(o.slot is None and o.type is OrderType.MARKET for o in live)
        if last is None or last.again(now, pending):
            desk.closing[instrument] = Closing(now, refusals=last.refusals if last is not None else 0)
            desk.turn.commit(r.CloseRequested(ts=now, book=desk.book, instrument=instrument, qty=qty))
            desk.turn.request(ClosePosition(desk.book, instrument))
        return
    for order in live:
        if order.type is not OrderType.MARKET:
            desk.cancel(order)
    if not live:
        desk.verify_from.setdefault(instrument, now)
    desk.look(0)


def on_closed(desk: Desk, reply: ev.CloseReplied) -> None:
    """The answer to a close. Only the fill and the venue's own position say that it is closed."""
    closing = desk.closing.get(reply.instrument)
    refused = reply.outcome in (ev.Outcome.REFUSED, ev.Outcome.UNSENT)
    if closing is not None:
        closing.answered = desk.turn.now
        closing.refusals = closing.refusals + 1 if refused else 0
    if refused:
        desk.turn.say(
            NoticeKind.RISK,
            Severity.CRITICAL,
            f"close of {reply.instrument} refused: {reply.reason}; stops stay, trying again",
            reply.instrument,
            desk.book,
        )
    desk.look(0)


def on_snapshot(desk: Desk, snapshot: ev.SnapshotTaken, asked: int) -> None:
    """Release the latch where a snapshot, asked for after the last step, shows nothing left."""
    held = {p.instrument for p in snapshot.positions if p.qty}
    working = {order.instrument for order in snapshot.orders if order.status.live}
    for instrument in list(desk.state.flattening):
        proven = desk.verify_from.get(instrument, asked + 1) <= asked
        ours = desk.state.position(instrument).qty or desk.state.live_orders(instrument)
        if proven and not ours and instrument not in held and instrument not in working:
            desk.turn.commit(r.FlattenEnded(ts=desk.turn.now, book=desk.book, instrument=instrument))
            desk.closing.pop(instrument, None)
            _end_plans(desk, instrument)
        desk.verify_from.pop(instrument, None)
    drive(desk)


def _end_plans(desk: Desk, instrument: str) -> None:
    """Nothing is left at the venue, so nothing of its trades is left to manage."""
    for found in list(desk.state.plans.values()):
        if found.plan.instrument == instrument and found.plan.status is PlanStatus.CLOSING:
            desk.turn.commit(
                r.PlanChanged(
                    ts=desk.turn.now,
                    book=desk.book,
                    plan_id=found.plan.plan_id,
                    status=PlanStatus.CLOSED,
                    reason="flattened",
                )
            )
