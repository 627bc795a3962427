"""The order manager of one book: makes the venue agree with the plans, and the state agree with the venue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from msgspec import structs

from engine.model import events as ev
from engine.model import records as r
from engine.model.config import EngineConfig
from engine.model.effects import CancelOrder, ModifyOrder, PlaceOrder
from engine.model.market import NANOS
from engine.model.orders import Fill, OrderStatus, Slot
from engine.model.plans import Leg, PlanStatus, TradePlan
from engine.model.records import OrderEvent as E
from engine.trading import flatten, protection, reconcile, reports
from engine.trading.desired import Cancel, Modify, Place, Want, break_even, cost_ticks, difference
from engine.trading.inquiry import LOOK_AGAIN_NS, Inquiry
from engine.trading.state import BookState, Order, PlanState, plan_finished
from engine.trading.turn import Turn

ANSWER_NS = 40 * NANOS
"""A place request that is not answered by then is lost on our side: its outcome is unknown."""

UNHEARD_NS = 5 * NANOS
"""While the stream of the book is not to be trusted, the venue is asked this often."""


class Desk:
    """Takes the venue's events of one book in; writes records and requests effects through the turn."""

    def __init__(self, book: str, turn: Turn, config: EngineConfig) -> None:
        self.book = book
        self.turn = turn
        self.started_ts = turn.now
        self.config = config
        self.reconciled = False
        self.can_trade = True
        self.balance_usd: Decimal | None = None
        self.closing: dict[str, flatten.Closing] = {}
        """The newest close request of each instrument that is being flattened."""
        self.blind_ts = turn.now
        """Since when what the stream has told is all that it had to tell: the last change of its link."""
        self.verify_from: dict[str, int] = {}
        """Instrument to the time from which a snapshot counts as proof that it is flat."""
        self.inquiry = Inquiry(book, turn)
        self.failures = 0
        """Looks at the venue that failed in a row."""
        self.absent: dict[str, int] = {}
        """Client id to the number of snapshots in a row that did not show the order."""
        self.mismatches: dict[str, reconcile.Mismatch] = {}
        self.orphans: list[tuple[int, Fill]] = []
        self.changes: dict[str, ModifyOrder] = {}
        """Changes under way by client id; the ones that a stopped run left are not among them."""
        self.unanswered: dict[str, int] = {}
        """Client id to the time at which the outcome of its change became unknown."""
        self.refused: dict[str, tuple[int, int]] = {}
        """Client id to how often its change was refused, and until when it is not tried again."""
        self.told_ts: dict[str, int] = {}
        """Client id to the venue's time of the newest report of the order."""
        self.cancel_sent: dict[str, int] = {}
        self.strangers: set[str] = set()
        """Instruments that we don't trade and have said so."""
        self._merging = False

    @property
    def state(self) -> BookState:
        return self.turn.state.book(self.book)

    @property
    def heard(self) -> bool:
        """The venue's own word has been heard in this run. Before that nothing is placed or closed."""
        return self.inquiry.answered_ts > 0

    def knows(self, instrument: str) -> bool:
        """Whether we trade it, or once did. Others' instruments in the account are none of our business."""
        return instrument in self.turn.state.instruments or any(
            instrument == known.symbol for known in self.config.instruments
        )

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
        known = self.turn.state.instruments.get(instrument)
        if known is None:
            return f"{instrument}: the venue has not told its contract yet; stops stay"
        for found in list(self.state.plans.values()):
            plan = found.plan
            if plan.instrument != instrument or not found.open_qty or plan.status is not PlanStatus.OPEN:
                continue
            legs = list(plan.legs)
            for k, done in enumerate(found.legs):
                if done.open_qty <= 0:
                    continue
                price = break_even(done.entered_sum, done.entered, plan.side, cost_ticks(known))
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
        if not self.heard or self._merging:
            return
        state = self.state
        protection.cancel_strays(self)
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
        if not protection.may_place(self, found, leg, want.slot):
            return
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
        if order.venue_id is None or self.turn.now < self.refused.get(order.client_id, (0, 0))[1]:
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
        self.inquiry.want(delay_ns)

    def on_link(self, live: bool) -> None:
        """The stream of the book came or went: only the venue's own word can be trusted now."""
        self.reconciled = False
        self.blind_ts = self.turn.now
        if live:
            self.inquiry.hurry()

    def on_snapshot(self, snapshot: ev.SnapshotTaken) -> None:
        asked = self.inquiry.answered(snapshot.since)
        if asked is None:
            return
        self.failures = 0
        self.can_trade = snapshot.account.can_trade
        self.balance_usd = snapshot.account.balance_usd
        with self._held():
            reconcile.merge(self, snapshot, asked)
        flatten.on_snapshot(self, snapshot, asked)
        self.work()

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Act on a snapshot only once all of it is known: half of it looks like lost stops."""
        self._merging = True
        try:
            yield
        finally:
            self._merging = False

    def on_snapshot_failed(self) -> bool:
        """Says nothing about positions: everything stays as it was, and is asked again.

        True when it is the first failure in a row.
        """
        self.inquiry.failed()
        self.failures += 1
        return self.failures == 1

    def pulse(self) -> None:
        """Whatever is due by time alone."""
        now = self.turn.now
        reports.take_orphans(self)
        for order in self.state.live_orders():
            self._remind(order, now)
        flatten.drive(self)
        self.work()
        if self.heard and now - self.inquiry.ended_ts >= (
            self.config.slow_cycle_ns if self.reconciled else UNHEARD_NS
        ):
            self.look(0)
        self.inquiry.ask(reconcile.since(self))

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
    def busy(self) -> bool:
        """Something is due soon: the core should pulse often."""
        return bool(
            self.inquiry.due_ts is not None
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
