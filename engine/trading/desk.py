"""The order manager of one book: makes the venue agree with the plans, and the state agree with the venue."""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from engine.model import events as ev
from engine.model import records as r
from engine.model.config import EngineConfig
from engine.model.effects import CancelOrder, ModifyOrder, PlaceOrder, TakeSnapshot
from engine.model.market import NANOS
from engine.model.orders import Fill, OrderStatus, Slot
from engine.model.plans import Leg, PlanStatus, TradePlan
from engine.model.records import OrderEvent as E
from engine.trading import flatten, reconcile, reports
from engine.trading.desired import Cancel, Modify, Place, Want, break_even, difference
from engine.trading.state import BookState, Order, PlanState, plan_finished
from engine.trading.turn import Turn

LOOK_AGAIN_NS = 2 * NANOS
"""A request that has not shown its result by then is looked up."""


class Desk:
    """Takes the venue's events of one book in; writes records and requests effects through the turn."""

    def __init__(self, book: str, turn: Turn, config: EngineConfig) -> None:
        self.book = book
        self.turn = turn
        self.config = config
        self.reconciled = False
        self.can_trade = True
        self.balance_usd: Decimal | None = None
        self.closing: dict[str, int] = {}
        """Instrument to the time of a close request that has no answer yet."""
        self.verify_from: dict[str, int] = {}
        """Instrument to the time from which a snapshot counts as proof that it is flat."""
        self.snapshot_asked: int | None = None
        self.snapshot_done = 0
        """When the venue's truth last came; 0 before the first of this run, when nothing may be placed."""
        self.failures = 0
        self.snapshot_due: int | None = None
        self.absent: dict[str, int] = {}
        """Client id to the number of snapshots in a row that did not show the order."""
        self.mismatches: dict[str, int] = {}
        self.orphans: list[tuple[int, Fill]] = []
        self.changes: dict[str, ModifyOrder] = {}
        self.cancel_sent: dict[str, int] = {}

    @property
    def state(self) -> BookState:
        return self.turn.state.book(self.book)

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

    def to_break_even(self, instrument: str, bid: int | None, ask: int | None) -> str:
        """Move the stops of an instrument's plans to where they lose nothing; the answer in words."""
        moved = 0
        known = self.turn.state.instruments[instrument]
        costs = -(-2 * known.cost_usd // known.tick_value_usd)
        for found in list(self.state.plans.values()):
            plan = found.plan
            if plan.instrument != instrument or not found.open_qty or plan.status is not PlanStatus.OPEN:
                continue
            legs = list(plan.legs)
            for k, done in enumerate(found.legs):
                if done.open_qty <= 0:
                    continue
                price = break_even(done.entered_sum, done.entered, plan.side, int(costs))
                mark = bid if plan.side.sign > 0 else ask
                if mark is None or (mark - price) * plan.side.sign <= 0:
                    return (
                        f"{instrument}: price has not passed break-even {known.text(price)} yet; stops stay"
                    )
                legs[k] = _with_stop(legs[k], price)
                moved += 1
            self.turn.commit(
                r.PlanChanged(
                    ts=self.turn.now,
                    book=self.book,
                    plan_id=plan.plan_id,
                    legs=tuple(legs),
                    reason="break-even",
                )
            )
        self.work()
        return f"{instrument}: {moved} stop(s) to break-even" if moved else f"{instrument}: no open trade"

    # --- the diff --------------------------------------------------------------------------------------

    def work(self) -> None:
        """Bring the venue towards every plan; cheap when nothing differs.

        Nothing is done before the venue's own word has been heard once: start-up is recovery.
        """
        if not self.snapshot_done:
            return
        state = self.state
        for found in list(state.plans.values()):
            self._protect_runner(found)
            for action in list(difference(found, state.orders, self.turn.now, self.config.bracket_grace_ns)):
                match action:
                    case Place(leg, want):
                        self._place(found, leg, want)
                    case Modify(order, qty, limit, stop):
                        self._modify(order, qty, limit, stop)
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

    def _protect_runner(self, found: PlanState) -> None:
        """Once the first target has filled for good, the later legs' stops go to break-even."""
        plan = found.plan
        if not self.config.risk.break_even_after_first_target or len(plan.legs) < 2:
            return
        target = self.state.orders.get(found.legs[0].slots.get(Slot.TARGET, ""))
        if target is None or target.status is not OrderStatus.FILLED or plan.status is not PlanStatus.OPEN:
            return
        legs = list(plan.legs)
        for k, done in enumerate(found.legs[1:], start=1):
            if done.open_qty > 0 and legs[k].stop is None:
                legs[k] = _with_stop(legs[k], break_even(done.entered_sum, done.entered, plan.side, 0))
        if tuple(legs) != plan.legs:
            self.turn.commit(
                r.PlanChanged(
                    ts=self.turn.now,
                    book=self.book,
                    plan_id=plan.plan_id,
                    legs=tuple(legs),
                    reason="first target",
                )
            )

    def _place(self, found: PlanState, leg: int, want: Want) -> None:
        plan = found.plan
        state = self.turn.state
        client_id = f"ts-{state.install}-{_base36(state.boot)}-{_base36(state.issued + 1)}"
        self.turn.commit(
            r.OrderIntended(
                ts=self.turn.now,
                book=self.book,
                client_id=client_id,
                plan_id=plan.plan_id,
                leg=leg,
                slot=want.slot,
                instrument=plan.instrument,
                side=want.side,
                type=want.type,
                qty=want.qty,
                limit=want.limit,
                stop=want.stop,
                stop_offset=want.stop_offset,
                target_offset=want.target_offset,
            )
        )
        self.moved(client_id, E.SENT)
        self.turn.request(
            PlaceOrder(
                self.book,
                client_id,
                plan.instrument,
                want.side,
                want.type,
                want.qty,
                want.limit,
                want.stop,
                want.stop_offset,
                want.target_offset,
                reduces=want.slot is not Slot.ENTRY,
            )
        )

    def _modify(self, order: Order, qty: int | None, limit: int | None, stop: int | None) -> None:
        if order.venue_id is None:
            return
        change = ModifyOrder(
            self.book, order.client_id, order.venue_id, order.instrument, qty=qty, limit=limit, stop=stop
        )
        self.changes[order.client_id] = change
        self.moved(order.client_id, E.MODIFY_REQUESTED, qty=qty, limit=limit, stop=stop)
        self.turn.request(change)

    def cancel(self, order: Order) -> None:
        """Ask for a cancel; while the venue's id is unknown it waits for it."""
        if not order.cancel_wanted:
            self.moved(order.client_id, E.CANCEL_REQUESTED)
        self.send_cancel(order)

    def send_cancel(self, order: Order) -> None:
        if order.venue_id is None or not order.live:
            return
        sent = self.cancel_sent.get(order.client_id)
        if sent is None or self.turn.now - sent >= LOOK_AGAIN_NS:
            self.cancel_sent[order.client_id] = self.turn.now
            self.turn.request(CancelOrder(self.book, order.client_id, order.venue_id, order.instrument))

    # --- the venue's truth -----------------------------------------------------------------------------

    def look(self, delay_ns: int) -> None:
        """Have the venue's truth looked up, after a delay in nanoseconds."""
        due = self.turn.now + delay_ns
        self.snapshot_due = due if self.snapshot_due is None else min(self.snapshot_due, due)

    def on_snapshot(self, snapshot: ev.SnapshotTaken) -> None:
        asked, self.snapshot_asked = self.snapshot_asked or 0, None
        self.snapshot_done = self.turn.now
        self.failures = 0
        self.can_trade = snapshot.account.can_trade
        self.balance_usd = snapshot.account.balance_usd
        reconcile.merge(self, snapshot)
        flatten.on_snapshot(self, snapshot, asked)
        self.work()

    def on_snapshot_failed(self) -> bool:
        """Says nothing about positions: everything stays as it was, and is asked again.

        True when it is the first failure in a row.
        """
        self.snapshot_asked = None
        self.look(LOOK_AGAIN_NS)
        self.failures += 1
        return self.failures == 1

    def pulse(self) -> None:
        """Whatever is due by time alone."""
        now = self.turn.now
        reports.take_orphans(self)
        for order in self.state.live_orders():
            if order.status is OrderStatus.UNKNOWN or (
                order.status in (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_MODIFY, OrderStatus.SENT)
                and now - order.changed_ts >= LOOK_AGAIN_NS
            ):
                self.look(0)
                if order.status is OrderStatus.PENDING_CANCEL:
                    self.send_cancel(order)
        flatten.drive(self)
        self.work()
        if self.reconciled and now - self.snapshot_done >= self.config.slow_cycle_ns:
            self.look(0)
        if self.snapshot_due is not None and now >= self.snapshot_due and self._may_ask(now):
            self.snapshot_due = None
            self.snapshot_asked = now
            self.turn.request(TakeSnapshot(self.book, reconcile.since(self)))

    def _may_ask(self, now: int) -> bool:
        """One query at a time, and at most one a second: a flood of questions answers nothing sooner."""
        if self.snapshot_asked is not None:
            return now - self.snapshot_asked >= 15 * NANOS
        return now - self.snapshot_done >= NANOS or not self.reconciled

    @property
    def busy(self) -> bool:
        """Something is due soon: the core should pulse often."""
        return bool(
            self.snapshot_due is not None
            or self.orphans
            or self.state.flattening
            or self.state.plans
            or any(o.live and o.plan_id is None for o in self.state.orders.values())
        )

    def moved(
        self,
        client_id: str,
        event: E,
        *,
        venue_id: str | None = None,
        qty: int | None = None,
        limit: int | None = None,
        stop: int | None = None,
        suspended: bool | None = None,
        ts_venue: int = 0,
        reason: str = "",
    ) -> None:
        self.turn.commit(
            r.OrderMoved(
                ts=self.turn.now,
                book=self.book,
                client_id=client_id,
                event=event,
                venue_id=venue_id,
                qty=qty,
                limit=limit,
                stop=stop,
                suspended=suspended,
                ts_venue=ts_venue,
                reason=reason,
            )
        )


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits


def _with_stop(leg: Leg, price: int) -> Leg:
    return structs.replace(leg, stop=price)
