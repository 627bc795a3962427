"""The order manager of one book: makes the venue agree with the plans, and the state agree with the venue."""

from __future__ import annotations

from engine.execution import excursions, flatten, foreign, protection, reconcile, reports, resplit, stops
from engine.execution import fills as executions
from engine.execution.desired import Cancel, Modify, Place, at_rest, difference
from engine.execution.inquiry import LOOK_AGAIN_NS
from engine.execution.ledger import Ledger
from engine.model import events as ev
from engine.model import records as r
from engine.model.config import EngineConfig
from engine.model.effects import Request
from engine.model.market import NANOS
from engine.model.orders import Fill, OrderStatus, Slot, VenueOrder
from engine.model.plans import PlanStatus, TradePlan
from engine.model.records import OrderEvent as E
from engine.portfolio.money import Marks
from engine.state.state import Order, plan_finished
from engine.state.turn import Turn

ANSWER_NS = 40 * NANOS
"""A place request that is not answered by then is lost on our side: its outcome is unknown."""

UNHEARD_NS = 5 * NANOS
"""While the stream of the book is not to be trusted, the venue is asked this often."""

STALE_FAILURES = 2
"""After so many looks in a row that failed, what is known counts as stale."""

_AT_WORK = (OrderStatus.WORKING, OrderStatus.PARTIAL)


class Desk(Ledger):
    """Takes the venue's events of one book in; writes records and requests effects through the turn."""

    def __init__(self, book: str, turn: Turn, config: EngineConfig, marks: Marks | None = None) -> None:
        super().__init__(book, turn, config, marks)
        self.failures = 0
        """Looks at the venue that failed in a row."""

    # --- what strategies and people want ---------------------------------------------------------------

    def open_plan(self, plan: TradePlan) -> None:
        self.turn.commit(r.PlanOpened(ts=self.turn.now, plan=plan))
        self.work()

    def cancel_entries(self, instrument: str | None) -> int:
        """Cancel resting entries and give their number. Their plans take no further entry."""
        count = 0
        for order in self.state.live_orders(instrument):
            if order.slot is Slot.ENTRY:
                self.cancel(order)
                count += 1
        return count

    def flatten(self, instruments: tuple[str, ...], reason: str) -> None:
        """Latch instruments to be got flat; see `engine.execution.flatten`."""
        flatten.start(self, instruments, reason)

    def to_break_even(self, instrument: str, bid: int | None, ask: int | None) -> str:
        """Move the stops of an instrument's plans to where they lose nothing; the answer in words."""
        answer = stops.to_break_even(self, instrument, bid, ask)
        self.work()
        return answer

    # --- the diff --------------------------------------------------------------------------------------

    def work(self) -> None:
        """Bring the venue towards every plan; cheap when nothing differs.

        Nothing is done before the venue's own word has been heard once: start-up is recovery.
        """
        if not self.heard:
            return
        state = self.state
        protection.cancel_strays(self)
        for found in list(state.plans.values()):
            stops.after_first_target(self, found)
            resplit.even_out(self, found)
            for action in list(
                difference(
                    found,
                    state.orders,
                    self.turn.now,
                    self.config.bracket_grace_ns,
                    brackets=state.brackets,
                    rigid=self.rigid,
                )
            ):
                match action:
                    case Place(leg, slot, spec):
                        if protection.may_place(self, found, leg, slot):
                            self.place(found.plan, leg, slot, spec)
                    case Modify(order, qty, limit, stop):
                        self.modify(order, qty, limit, stop)
                    case Cancel(order):
                        self.cancel(order)
            if plan_finished(found, state.orders):
                self.turn.commit(
                    r.PlanChanged(
                        ts=self.turn.now,
                        book=self.book,
                        plan_id=found.plan.plan_id,
                        status=PlanStatus.CLOSED,
                    )
                )
                self.best_marks.pop(found.plan.plan_id, None)
                self.trailed_ts.pop(found.plan.plan_id, None)

    # --- the venue's truth -----------------------------------------------------------------------------

    def on_order(self, reported: VenueOrder) -> None:
        reports.on_order(self, reported)
        self.work()

    def on_fill(self, fill: Fill) -> None:
        executions.on_fill(self, fill)
        self.work()

    def on_reply(self, reply: ev.Replied) -> None:
        match reply.request:
            case Request.PLACE:
                reports.on_placed(self, reply)
            case Request.MODIFY:
                reports.on_modified(self, reply)
            case Request.CANCEL:
                reports.on_cancelled(self, reply)
                return
            case Request.CLOSE:
                flatten.on_closed(self, reply)
                return
        self.work()

    def on_account(self, reported: ev.AccountReported) -> None:
        reports.on_account(self, reported)

    def on_link(self, live: bool) -> None:
        """The stream of the book came or went: only the venue's own word can be trusted now."""
        self.reconciled = False
        self.streaming = live
        self.blind_ts = self.turn.now
        if live:
            self.inquiry.hurry()

    def on_snapshot(self, snapshot: ev.SnapshotTaken) -> None:
        """Act on a snapshot only once all of it is known: half of it looks like lost stops."""
        asked = self.inquiry.answered(snapshot.since)
        if asked is None:
            return
        self.failures = 0
        self.can_trade = snapshot.account.can_trade
        self.balance_usd = snapshot.account.balance_usd
        reconcile.merge(self, snapshot, asked)
        flatten.on_snapshot(self, snapshot, asked)
        self.work()

    def on_snapshot_failed(self) -> bool:
        """Says nothing about positions: everything stays as it was, and is asked again.

        True when it is the first failure in a row.
        """
        self.inquiry.failed()
        self.failures += 1
        if self.failures >= STALE_FAILURES:
            self.reconciled = False  # as it was, but no longer verified: nothing is opened on it
        return self.failures == 1

    # --- market and time -------------------------------------------------------------------------------

    def on_mark(self, instrument: str) -> None:
        """The price at which a position could be closed has changed; called at every quote."""
        state = self.state
        if not state.plans and not state.positions:
            return
        self.marks.excursion(state, self.turn.state, instrument)
        if state.plans and stops.on_mark(self, instrument):
            self.work()

    def pulse(self) -> None:
        """Whatever is due by time alone."""
        now = self.turn.now
        executions.take_orphans(self)
        for order in self.state.live_orders():
            if order.status not in _AT_WORK or order.cancel_wanted:
                self._remind(order, now)
        flatten.drive(self)
        self.work()
        excursions.write_down(self)
        if self.heard and now - self.inquiry.ended_ts >= (
            self.config.slow_cycle_ns if self.reconciled and self.streaming else UNHEARD_NS
        ):
            self.look(0)
        self.inquiry.ask(reconcile.since(self))

    def tend(self) -> None:
        """What is done by itself for contracts of others; only where tstream may act on the account."""
        if self.heard and foreign.tend(self):
            self.work()

    def _remind(self, order: Order, now: int) -> None:
        """See to a request whose result has not shown."""
        waited = now - order.changed_ts
        if order.status is OrderStatus.SENT and waited >= ANSWER_NS:
            self.moved(order.client_id, E.TIMED_OUT, reason="no answer")
        if order.status is OrderStatus.UNKNOWN or (
            order.status in (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_MODIFY, OrderStatus.SENT)
            and waited >= LOOK_AGAIN_NS
        ):
            self.look(0)
        if order.cancel_wanted and waited >= LOOK_AGAIN_NS:
            self.send_cancel(order)

    @property
    def holding(self) -> bool:
        """A position is open."""
        return any(position.qty for position in self.state.positions.values())

    @property
    def busy(self) -> bool:
        """Something is due soon: the core should pulse often."""
        state = self.state
        return bool(
            self.inquiry.due_ts is not None
            or self.orphans
            or state.flattening
            or self.excess
            or any(not at_rest(found, state.orders, state.brackets) for found in state.plans.values())
            or any(
                order.plan_id is None or order.status not in _AT_WORK or order.plan_id not in state.plans
                for order in state.live_orders()
            )
        )
