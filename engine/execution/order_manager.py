"""The order manager of one book: makes the venue agree with the plans, and the state agree with the venue.

Its parts each keep their own memory and know only the parts before them, in the order in which they are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from engine.execution import desired
from engine.execution.adoption import Adoption
from engine.execution.brackets import NativeBrackets
from engine.execution.coins import balance_usd, set_dust_aside
from engine.execution.context import BookContext
from engine.execution.equity import EquityWatch
from engine.execution.excursions import Excursions
from engine.execution.fills import Fills
from engine.execution.flatten import Flattener
from engine.execution.foreign import ForeignContracts
from engine.execution.inquiry import LOOK_AGAIN_NS, Inquiry
from engine.execution.leaving import Leaving
from engine.execution.order_requests import OrderRequests
from engine.execution.outcomes import close_plan
from engine.execution.protection import Protection
from engine.execution.reconcile import Reconciler
from engine.execution.reports import OrderReports
from engine.execution.resplit import even_out
from engine.execution.resting import RestingEntries
from engine.execution.stops import TrailingStops
from engine.execution.trying_again import heard_again
from engine.model import events as ev
from engine.model import records as r
from engine.model.config import BookConfig, EngineConfig
from engine.model.effects import Request
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Account, Fill, Margin, OrderStatus, OrderType, Slot, VenueOrder
from engine.model.plans import TradePlan
from engine.model.records import OrderEvent as E
from engine.portfolio.bounds import Bounds
from engine.portfolio.money import Marks, near
from engine.state import alarms
from engine.state.alarms import Alarm
from engine.state.state import Order
from engine.state.turn import Turn

ANSWER_NS = 40 * NANOS
"""A place request that is not answered by then is lost on our side: its outcome is unknown."""

UNPROVEN_STOP_NS = NANOS // 2
"""A stop that is not known to stand by then is looked up: it has two seconds."""

UNTOLD_NS = 5 * NANOS
"""For so long a market entry may hold contracts of which nobody has told: looks at it wait for no others."""

_MAY_BARE = (Slot.ENTRY, Slot.PART)
_AT_WORK = (OrderStatus.WORKING, OrderStatus.PARTIAL)


class OrderManager:
    """Takes the venue's events of one book in; writes records and requests effects through the turn."""

    def __init__(self, config: BookConfig, turn: Turn, run: EngineConfig, marks: Marks) -> None:
        self.balance_usd: Decimal | None = None
        self.margin: Margin | None = None
        self.can_trade = True
        self.stirred = False
        """A price has made something to be written down since the last pulse."""
        self._blind = False
        """The last look at the venue failed."""
        self.context = context = BookContext(config, turn, run, marks)
        self.book, self.turn, self.state = context.book, turn, context.state
        self.inquiry = inquiry = Inquiry(config.name, turn)
        self._orders = orders = OrderRequests(context)
        self.flattener = Flattener(context, self._orders, self.inquiry)
        self.protection = protection = Protection(context, self._orders, self.inquiry, self.flattener)
        self._brackets = NativeBrackets(context, self._orders, lambda: self.reconciled and self.can_trade)
        self._stops = TrailingStops(context)
        self.resting = RestingEntries(context, self._orders)
        self.leaving = Leaving(context, self.flattener, self.resting)
        self._excursions = Excursions(context)
        self.equity = EquityWatch(context)
        self._foreign = foreign = ForeignContracts(context, protection)
        self._adoption = adoption = Adoption(context)
        self._fills = fills = Fills(context, orders, inquiry, adoption, self._excursions, foreign, protection)
        self._reports = reports = OrderReports(
            context, orders, inquiry, adoption, fills, self._brackets, protection, self.flattener
        )
        self.reconciler = Reconciler(context, orders, inquiry, adoption, fills, reports, protection, foreign)
        self._brackets.configured()

    # --- looking ---------------------------------------------------------------------------------------

    @property
    def reconciled(self) -> bool:
        """Positions agree with the venue's own word."""
        return self.inquiry.reconciled

    @property
    def holding(self) -> bool:
        """A position is open."""
        return bool(self.state.held())

    @property
    def busy(self) -> bool:
        """Something is under way that time alone moves on: to be looked at often."""
        state, exits, proven = self.state, self.context.exits, self.inquiry.proven_ts
        return bool(
            self._fills.waiting
            or any(
                not desired.at_rest(
                    one, state.orders, state.brackets, exits=exits(one.plan.instrument, proven)
                )
                for one in state.plans.values()
            )
            or any(
                order.status not in _AT_WORK
                or order.cancel_wanted
                or order.type is OrderType.MARKET
                or (order.plan_id not in state.plans and self.context.made(order))
                for order in state.live_orders()
            )
        )

    def next_due(self) -> int:
        """When `pulse` or `tend` has more to do next than `note`, unless it is `busy`, nanoseconds UTC."""
        return min(
            self.inquiry.next_due(self.context.run.slow_cycle_ns),
            self.flattener.next_due(),
            self._foreign.next_due(),
            self.resting.next_due(),
            self.leaving.next_due(),
        )

    def note_due(self) -> int:
        """When `note` has something to write down next, nanoseconds UTC."""
        return min(self._excursions.next_due(), self.equity.next_due())

    # --- what strategies and people want ---------------------------------------------------------------

    def open_plan(self, plan: TradePlan) -> None:
        self.turn.commit(r.PlanOpened(ts=self.turn.now, plan=plan))
        self.work()

    def cancel_entries(self, instrument: str | None) -> int:
        """Cancel resting entries and give their number. Their plans take no further entry."""
        return self.resting.cancel(instrument)

    def flatten(self, instruments: tuple[str, ...], reason: str) -> None:
        """Latch instruments to be got flat. `reason`: manual, risk or flat_time, as trades will carry it."""
        self.flattener.start(instruments, reason)

    def to_break_even(self, instrument: str, bid: int | None, ask: int | None) -> str:
        """Move the stops of an instrument's plans to break-even; the answer in words."""
        answer = self._stops.to_break_even(instrument, bid, ask)
        self.work()
        return answer

    def look(self, delay_ns: int) -> None:
        """Have the venue's truth looked up, after a delay in nanoseconds."""
        self.inquiry.want(delay_ns)

    def look_now(self) -> None:
        """Ask for it in this very step, where no question is under way."""
        self.inquiry.hurry()
        self.inquiry.ask(self.reconciler.since, self.context.run.slow_cycle_ns)

    # --- the diff --------------------------------------------------------------------------------------

    def work(self) -> None:
        """Bring the venue towards every plan; cheap when nothing differs.

        Nothing is done before the venue's own word has been heard once: start-up is recovery.
        """
        if not self.inquiry.heard:
            return
        context, state, orders = self.context, self.state, self.state.orders
        self._cancel_strays()
        set_dust_aside(context)
        for found in list(state.plans.values()):
            if len(found.legs) > 1:
                self._stops.after_first_target(found)
                even_out(context, found)
            grace_ns, rigid = context.run.bracket_grace_ns, self._orders.rigid
            exits, now = context.exits(found.plan.instrument, self.inquiry.proven_ts), context.now
            if desired.agreed(found, orders, now, grace_ns, exits=exits):
                continue
            wanted = desired.difference(
                found, orders, now, grace_ns, brackets=state.brackets, exits=exits, rigid=rigid
            )
            for action in list(wanted):
                match action:
                    case desired.Place(leg, slot, spec):
                        if self.protection.may_place(found, leg, slot):
                            self._orders.place(found.plan, leg, slot, spec)
                    case desired.Modify(order, qty, limit, stop):
                        self._orders.modify(order, qty, limit, stop)
                    case desired.Cancel(order):
                        self._orders.cancel(order)
            if desired.finished(found, orders):
                close_plan(context, found)
                self._stops.forget(found.plan.plan_id)
        self.protection.watch()

    def _cancel_strays(self) -> None:
        """Cancel exits of ours that a newer one has replaced, and those whose trade is over."""
        state = self.state
        for order in state.live_orders():
            if order.slot is None and not self.context.made(order):
                continue
            plan = state.plans.get(order.plan_id or "")
            if order.suspended and (plan is not None or self._awaits_its_entry(order)):
                continue
            if plan is None:
                # An exit of ours whose trade is over has nothing to close. Other legs that carry our tag may
                # be all that protects a position whose story we have lost.
                flat = not state.position(order.instrument).qty
                idle = flat and order.instrument not in self.reconciler.mismatches
                if self.reconciled and (idle or order.slot is not None) and not self._fills.awaits():
                    self._orders.cancel(order)
            elif order.slot in (Slot.STOP, Slot.TARGET):
                holder = state.orders.get(plan.legs[order.leg].slots.get(order.slot, ""))
                if holder is not None and holder is not order and desired.at_work(holder):
                    self._orders.cancel(order)

    def _awaits_its_entry(self, order: Order) -> bool:
        """Whether a leg of a bracket waits for an entry that lives: with that it goes, or comes to work."""
        entry = self.state.orders.get(order.client_id[:-3]) if desired.native(order) else None
        return entry is not None and entry.live

    # --- the venue's truth -----------------------------------------------------------------------------

    def on_order(self, reported: VenueOrder) -> None:
        self._reports.on_order(reported)
        self.work()

    def on_fill(self, fill: Fill) -> None:
        self._fills.on_fill(fill)
        self.equity.look()
        self.work()

    def on_reply(self, reply: ev.Replied) -> None:
        match reply.request:
            case Request.PLACE:
                self._reports.on_placed(reply)
                self.work()
            case Request.MODIFY:
                self._reports.on_modified(reply)
                self.work()
            case Request.CANCEL:
                self._reports.on_cancelled(reply)
            case Request.CLOSE:
                self.flattener.on_closed(reply)

    def on_position(self, reported: ev.PositionReported) -> None:
        """The stream's word on a position: a difference is looked up once fills have had time to come."""
        if self.state.position(reported.position.instrument).qty != reported.position.qty:
            self.look(LOOK_AGAIN_NS)

    def on_account(self, reported: ev.AccountReported) -> None:
        """The stream's word on the account: a balance that is far from the last one is looked up."""
        known = self.balance_usd
        if known is None or near(reported.balance_usd, known):
            self.balance_usd = reported.balance_usd
        else:
            self.look(0)
        self.margin = reported.margin or self.margin
        self._may_trade(reported.can_trade)

    def _may_trade(self, may: bool) -> None:
        """Take over whether the venue lets the account trade, and tell people where that has changed."""
        name = alarms.blocked(self.context.book)
        if self.can_trade and not may:
            text = (
                "the venue has blocked this account from trading: no entries until it lifts that; stops stay"
            )
            self.context.say(NoticeKind.RISK, Severity.CRITICAL, text, alarm=Alarm(name))
        elif may and not self.can_trade:
            text = "the venue lets this account trade again"
            self.context.say(NoticeKind.RISK, Severity.GOOD, text, alarm=Alarm(ended=(name,)))
        self.can_trade = may

    def on_adopted(self, account: Account) -> None:
        """The account that the book trades on has been found."""
        self.balance_usd = balance_usd(self.context, account)
        self.margin = account.margin or self.margin
        self._may_trade(account.can_trade)
        self.look(0)

    def on_link(self, live: bool) -> None:
        """The stream of the book came or went."""
        self.inquiry.on_link(live)
        heard_again(self.context, live)

    def on_snapshot(self, snapshot: ev.SnapshotTaken) -> None:
        """Act on a snapshot only once all of it is known: half of it looks like lost stops."""
        asked = self.inquiry.answered(snapshot.since)
        if asked is None:
            return
        self._may_trade(snapshot.account.can_trade)
        heard_again(self.context, self._blind)
        if self._blind:
            self._blind = False
            ended = Alarm(ended=(alarms.lookup(self.context.book),))
            text = "positions and orders can be looked up again"
            self.context.say(NoticeKind.CONNECTION, Severity.INFO, text, alarm=ended)
        self.margin = snapshot.account.margin or self.margin
        self.reconciler.merge(snapshot, asked)
        self.balance_usd = balance_usd(self.context, snapshot.account)
        self.equity.look()
        self.flattener.on_snapshot(snapshot, asked)
        self.work()

    def on_snapshot_failed(self, event: ev.SnapshotFailed) -> None:
        if self.inquiry.failed():
            text = f"positions could not be looked up ({event.reason}); nothing is assumed, asking again"
            self._blind = True
            alarm = Alarm(alarms.lookup(self.context.book))
            self.context.say(NoticeKind.CONNECTION, Severity.WARNING, text, alarm=alarm)

    # --- market and time -------------------------------------------------------------------------------

    def on_mark(self, instrument: str, bounds: Mapping[str, Bounds]) -> None:
        """Look at what the market of an instrument is at, and narrow its bounds to where that need not be
        done again.
        """
        state, bound = self.context.state, bounds[instrument]
        held = state.positions.get(instrument)
        if held is not None and held.qty:
            news, room = self._excursions.on_mark(held)
            self.stirred = self.equity.on_mark(bounds, (held, room)) or news or self.stirred
        if not state.plans:
            return
        if self.leaving.on_mark(instrument, bound) | self._stops.on_mark(instrument, bound):
            self.work()

    def stood_still(self, by_ns: int) -> None:
        """Nothing ran for so long: what came meanwhile is not heard yet, and held against nobody."""
        self.inquiry.blind_ts = self.turn.now
        self.protection.stood_still(by_ns)

    def pulse(self) -> None:
        """Whatever is due by time alone."""
        now, self.stirred = self.turn.now, False
        self._fills.take_waiting()
        self.resting.end()
        for order in self.state.live_orders():
            if order.status not in _AT_WORK or order.cancel_wanted or order.type is OrderType.MARKET:
                self._remind(order, now)
        self.flattener.drive()
        self.work()
        self._excursions.write_down()
        self.equity.write_down()
        self.inquiry.ask(self.reconciler.since, self.context.run.slow_cycle_ns)

    def note(self) -> None:
        """Write down what a price has made, where nothing else can be due."""
        self.stirred = False
        self._excursions.write_down()
        self.equity.write_down()

    def tend(self) -> None:
        """What is done by itself at a time, and for contracts of others; only where tstream may act on the
        account.
        """
        late = self.leaving.end()
        if self.inquiry.heard and (self._foreign.tend(reconciled=self.reconciled) or late):
            self.work()

    def _remind(self, order: Order, now: int) -> None:
        """See to a request whose result has not shown."""
        waited, age = now - order.changed_ts, now - order.created_ts
        if order.unacknowledged and age >= ANSWER_NS:
            self._orders.moved(order.client_id, E.TIMED_OUT, reason="no answer")
        # At market it should have filled at once: perhaps it has, nobody tells, and nothing protects that, or
        # what of coins it was to close.
        naked = order.slot in _MAY_BARE and order.type is OrderType.MARKET and age < UNTOLD_NS
        if order.status is OrderStatus.UNKNOWN or (
            order.status in (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_MODIFY, OrderStatus.SENT)
            and waited >= LOOK_AGAIN_NS
        ):
            self.inquiry.insist(order.client_id, urgent=naked)
        if order.type is OrderType.MARKET and order.stands and age >= LOOK_AGAIN_NS:
            self.inquiry.insist(f"fill {order.client_id}", urgent=naked)
        if order.slot is Slot.STOP and not order.stands and waited >= UNPROVEN_STOP_NS:
            self.inquiry.insist(f"stop {order.client_id}", urgent=True)
        if order.cancel_wanted and waited >= LOOK_AGAIN_NS:
            self._orders.send_cancel(order)

    def recover(self) -> None:
        """At the start of a run: requests whose answer was lost with the last one are to be looked up."""
        for order in list(self.state.orders.values()):
            if order.unacknowledged:
                self._orders.moved(order.client_id, E.TIMED_OUT, reason="stopped before the answer")
            elif order.status is OrderStatus.NEW:
                self._orders.moved(order.client_id, E.DENIED, reason="stopped before it was sent")
