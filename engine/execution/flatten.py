"""Flatten: one latch per instrument that only the venue's own word releases.

Entries are cancelled, the position is closed, the legs are cancelled, and then the venue is asked; it repeats
until the venue shows no position and no order, working or suspended. Cancels and closes pass in every state.
A position has its stops until a close works for all of it, and no exit beside that: two that fill turn it.
The longer it takes, the louder it gets. A closed market is waited for: stops stay meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.execution.coins import concerns, set_dust_aside
from engine.execution.context import BookContext
from engine.execution.inquiry import NEVER, Inquiry
from engine.execution.order_requests import OrderRequests
from engine.execution.outcomes import close_plan
from engine.execution.trying_again import pause_ns, same_words, unsent_pause_ns
from engine.execution.venue_exits import unseen
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_in
from engine.model import events as ev
from engine.model import records as r
from engine.model.effects import ClosePosition
from engine.model.errors import Cause
from engine.model.market import MINUTE, NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import OrderStatus, OrderType, Slot
from engine.model.plans import PlanStatus
from engine.state import alarms
from engine.state.alarms import Alarm
from engine.state.state import Order

BLIND_NS = 5 * NANOS
"""Where the venue answers no query for so long, what the journal knows is closed without its word."""

STEPS_NS = (3 * NANOS, 10 * NANOS, 30 * NANOS, 60 * NANOS)
"""How long after the latch people are told what is still open; after that once a minute."""

CLOSED_STEP_NS = 10 * MINUTE
"""How often they are told while a closed market is waited for."""

CLOSE_RETRY_NS = 2 * NANOS
"""A close that was answered, and of which a look shows no order and no fill after this long, is repeated: it
closes what there is. While one works, a second could close twice what there is, and open the other side.
"""

CLOSE_LOST_NS = 15 * NANOS
"""A close without an answer by then is lost, and one whose order fills no more is cancelled."""

CLOSE_BLIND_NS = 30 * NANOS
"""Where no look is answered for so long, a close of unknown outcome is repeated all the same."""

PROBE_NS = 5 * MINUTE
"""A market that should be closed is tried this often all the same: the calendar may be wrong."""


@dataclass(slots=True)
class FlattenProgress:
    """How far one instrument's flatten is, in this run. All times are the core's now."""

    since: int
    asked: int | None = None
    """When the newest close was requested."""
    qty: int = 0
    """Signed contracts that it was to close."""
    answered: int | None = None
    """When it was answered, lost, or its order ended: what came of it is known by a look after that."""
    working: bool = False
    """An order of it was in the market when it was last looked at."""
    refusals: int = 0
    """Closes in a row that were refused or not sent."""
    unsent: bool = False
    """The last of them was not sent."""
    futile: int = 0
    """Closes in a row that were asked for the same contracts."""
    why: str = ""
    """What the venue said to the last of them."""
    reopens: int | None = None
    """When a closed market will take orders again, if the calendar knows."""
    steps: int = 0
    """Escalation steps that people were told of."""
    tell_ts: int = 0

    def due(self, now: int, proven_ts: int, afresh_ts: int, *, blind: bool = True) -> bool:
        """Whether it is time for a close, where none works. `proven_ts`: up to when the venue's truth is
        known; what was asked before `afresh_ts` need not wait longer than the first; `blind`: one more than
        what is known of does no harm, as it closes what is open and no more.
        """
        if self.asked is None:
            return True
        if self.reopens is not None:
            return now >= self.reopens or now - self.asked >= PROBE_NS
        if self.answered is None:
            if now - self.asked >= CLOSE_LOST_NS:
                self.answered = now
            return False
        waited = blind and now - self.answered >= CLOSE_BLIND_NS
        known = self.refusals or proven_ts >= self.answered or waited
        times = 1 if self.asked < afresh_ts else max(self.refusals + 1, self.futile)
        pause = (unsent_pause_ns if self.unsent else pause_ns)(times, CLOSE_RETRY_NS)
        return bool(known) and now - self.answered >= pause


class Flattener:
    """The latches of one book, and how far the close of each instrument is."""

    def __init__(self, context: BookContext, orders: OrderRequests, inquiry: Inquiry) -> None:
        self._book = context
        self._orders = orders
        self._inquiry = inquiry
        self._closing: dict[str, FlattenProgress] = {}
        """The newest close request of each instrument that is being flattened."""
        self._verify_from: dict[str, int] = {}
        """Instrument to the time from which a snapshot counts as proof that it is flat."""

    def start(self, instruments: tuple[str, ...], reason: str) -> None:
        """Latch instruments. `reason`: manual, risk, flat_time, expiry, signal, time, target."""
        self._book.stay_flat(instruments, "it is being flattened")
        fresh = tuple(i for i in instruments if i not in self._book.state.flattening)
        if fresh:
            self._book.turn.commit(
                r.FlattenStarted(ts=self._book.now, book=self._book.book, instruments=fresh, reason=reason)
            )
        self.drive()

    def next_due(self) -> int:
        """When `drive` has something to do next, nanoseconds UTC: often, but for a market that is closed."""
        due = NEVER
        for instrument in self._book.state.flattening:
            closing = self._closing.get(instrument)
            if closing is None or closing.asked is None or closing.reopens is None:
                return self._book.now
            due = min(due, closing.reopens, closing.asked + PROBE_NS, closing.tell_ts)
        return due

    def latched_since(self, ts: int) -> tuple[str, ...]:
        """Instruments whose latch was set after a time, and is not what the journal had."""
        return tuple(i for i, closing in self._closing.items() if closing.since > ts)

    def drive(self) -> None:
        """Take the next step for every latched instrument."""
        now = self._book.now
        set_dust_aside(self._book)
        for instrument in list(self._book.state.flattening):
            closing = self._closing.get(instrument)
            if closing is None:
                closing = self._closing[instrument] = FlattenProgress(now, tell_ts=now + STEPS_NS[0])
            if self._inquiry.heard or now - closing.since >= BLIND_NS:
                self._step(instrument, closing)
        self._escalate()

    def _step(self, instrument: str, closing: FlattenProgress) -> None:
        state = self._book.state
        now = self._book.now
        live = state.live_orders(instrument)
        # What is too little to be sold is not closed: without an order beside it, it is no position.
        qty = 0 if self._book.is_dust(instrument) else state.position(instrument).qty
        coins, proven_ts = self._book.by_balance(instrument), self._inquiry.proven_ts
        closes, left, overtaken = [], abs(qty), False
        for order in live:
            if _closes(order, qty) and not (coins and unseen(order, proven_ts)):
                closes.append(order)
                left -= order.open_qty
                # Where stop or target have left less to it than it was sent for, its rest would open. The
                # venue makes one larger than what we know where it knows of more.
                overtaken = left < 0 and not 0 < abs(closing.qty) < order.qty
                if overtaken or now - max(order.changed_ts, closing.asked or 0) >= CLOSE_LOST_NS:
                    self._orders.cancel(order)
            elif order.slot in (Slot.ENTRY, None):
                self._orders.cancel(order)
        if qty:
            self._verify_from.pop(instrument, None)
            self._inquiry.insist(f"flatten {instrument}", urgent=True)
            covered = left <= 0 and not overtaken  # what is being cancelled, or never was, closes nothing
            for order in live:
                if (order.slot is Slot.TARGET and closes) or (order.slot is Slot.STOP and covered):
                    self._orders.cancel(order)
            if closing.working and not closes:
                closing.asked, closing.answered = closing.asked or now, now
            closing.working = any(order.slot is None for order in closes)
            due = closing.due(now, proven_ts, self._book.afresh_ts, blind=not coins) or self._turned(
                instrument, closing, qty
            )
            if coins and due and not closes and self._still_selling(live):
                return
            if not closes and due:
                closing.futile = closing.futile + 1 if closing.qty == qty else 1
                closing.asked, closing.qty, closing.answered, closing.reopens = now, qty, None, None
                self._request(instrument, qty)
            return
        for order in live:
            self._orders.cancel(order)
        if live:
            self._verify_from.pop(instrument, None)
        elif instrument not in self._verify_from:
            self._verify_from[instrument] = now
            self._inquiry.want(0)
        self._inquiry.insist(f"flatten {instrument}", urgent=True)

    def _still_selling(self, live: list[Order]) -> bool:
        """Cancel what would sell coins beside a close: the venue has others, and would sell those too. What
        a look has not shown is not waited for: an order that arrives after it is called back.
        """
        exits, proven = [one for one in live if one.slot in (Slot.STOP, Slot.TARGET)], self._inquiry.proven_ts
        for order in exits:
            self._orders.cancel(order)
        return any(one.status is not OrderStatus.UNKNOWN or proven <= one.changed_ts for one in exits)

    def stop_may_stand(self, instrument: str) -> bool:
        """Whether a stop may stand meanwhile: of coins only between a refused close and the next."""
        closing = self._closing.get(instrument)
        refused = (
            closing is not None
            and closing.refusals
            and not closing.due(self._book.now, 0, self._book.afresh_ts)
        )
        return bool(refused) or not self._book.by_balance(instrument)

    def _request(self, instrument: str, qty: int) -> None:
        turn, book = self._book.turn, self._book.book
        coins = self._book.by_balance(instrument)
        client_id = self._orders.next_id() if coins else ""
        turn.commit(
            r.CloseRequested(
                ts=self._book.now, book=book, instrument=instrument, qty=qty, client_id=client_id
            )
        )
        turn.request(ClosePosition(book, instrument, client_id, qty if coins else 0))

    def filling(self, instrument: str) -> int:
        """Contracts that closes in the market still have to fill: so much of a position is being closed."""
        state = self._book.state
        qty = state.position(instrument).qty
        return sum(order.open_qty for order in state.live_orders(instrument) if _closes(order, qty))

    def _turned(self, instrument: str, closing: FlattenProgress, qty: int) -> bool:
        """Whether the close has filled, and something beside it too: the other side is open now, and nothing
        protects it.
        """
        return qty * closing.qty < 0 and any(
            order.instrument == instrument
            and _closes(order, closing.qty)
            and order.status is OrderStatus.FILLED
            and order.changed_ts >= (closing.asked or 0)
            for order in self._book.state.orders.values()
        )

    def on_closed(self, reply: ev.Replied) -> None:
        """The answer to a close. Only the fill and the venue's own position say that it is closed."""
        now = self._book.now
        closing = self._closing.get(reply.instrument)
        gone = reply.cause is Cause.GONE  # nothing there to close is what we want: the look shows it
        refused = reply.outcome in (ev.Outcome.REFUSED, ev.Outcome.UNSENT) and not gone
        if closing is not None:
            closing.answered = now
            closing.unsent = reply.outcome is ev.Outcome.UNSENT
            shut = refused and reply.cause is Cause.CLOSED
            closing.reopens = self._reopens(reply.instrument) if shut else None
            closing.refusals = closing.refusals + 1 if refused and closing.reopens is None else 0
            known, closing.why = closing.why, (reply.reason or "no reason given") if refused else closing.why
            if refused and not same_words(closing.why, known):
                at = "" if closing.reopens is None else f" at {self._when(reply.instrument, closing.reopens)}"
                self._book.say(
                    NoticeKind.RISK,
                    Severity.CRITICAL,
                    f"close of {reply.instrument} refused: {closing.why}; stops stay, trying again{at}",
                    reply.instrument,
                    Alarm(alarms.flatten(self._book.book)),
                )
        self._inquiry.want(0)

    def _calendar(self, instrument: str) -> Calendar:
        return calendar_in(self._book.turn.state.instruments, instrument)

    def _reopens(self, instrument: str) -> int | None:
        """When a market that refuses orders takes them again, as the core's now will be."""
        turn = self._book.turn
        opens = reopening(turn.wall, self._calendar(instrument))
        return None if opens is None else opens - turn.wall_offset

    def _when(self, instrument: str, reopens: int) -> str:
        """The time of a reopening, on its exchange's clock."""
        calendar = self._calendar(instrument)
        return f"{calendar.clock(reopens + self._book.turn.wall_offset)} {calendar.clock_name}"

    def on_snapshot(self, snapshot: ev.SnapshotTaken, asked: int) -> None:
        """Release the latch where a snapshot, asked for after the last step, shows nothing left."""
        held = {p.instrument for p in snapshot.positions if p.qty}
        working = {o.instrument for o in snapshot.orders if o.status.live and concerns(self._book, o)}
        for instrument in list(self._book.state.flattening):
            if self._exposed(instrument) or instrument in held or instrument in working:
                self._verify_from.pop(instrument, None)
            elif self._verify_from.get(instrument, asked + 1) <= asked:
                self._verify_from.pop(instrument)
                self._book.turn.commit(
                    r.FlattenEnded(ts=self._book.now, book=self._book.book, instrument=instrument)
                )
                self._closing.pop(instrument, None)
                self._end_plans(instrument)
        self.drive()

    def _end_plans(self, instrument: str) -> None:
        """Nothing is left at the venue, so nothing of its trades is left to manage."""
        for found in list(self._book.state.plans.values()):
            if found.plan.instrument == instrument and found.plan.status is PlanStatus.CLOSING:
                close_plan(self._book, found, "flattened")

    def _escalate(self) -> None:
        """One notice for all that a book is still getting flat, louder than anything else."""
        now = self._book.now
        if not self._book.state.flattening:
            return
        late = {i: c for i, c in self._closing.items() if i in self._book.state.flattening}
        if not late or now < min(closing.tell_ts for closing in late.values()):
            return
        oldest = min(late.values(), key=lambda closing: closing.since)
        # Asking the venue takes a moment, and is nothing to be alarmed about yet.
        alarming = oldest.steps > 0 or any(self._exposed(instrument) for instrument in late)
        oldest.steps += 1
        waits = all(closing.reopens is not None for closing in late.values())
        if oldest.steps < len(STEPS_NS):
            tell_ts = oldest.since + STEPS_NS[oldest.steps]
        else:
            tell_ts = now + (CLOSED_STEP_NS if waits else MINUTE)
        for closing in late.values():
            closing.steps, closing.tell_ts = oldest.steps, max(tell_ts, now + NANOS)
        if alarming:
            self._book.say(
                NoticeKind.RISK,
                Severity.CRITICAL,
                f"not flat after {(now - oldest.since) // NANOS} s: "
                f"{', '.join(self._what_is_left(instrument) for instrument in late)}; "
                f"{self._advice(late, waits)}",
                next(iter(late)) if len(late) == 1 else None,
                Alarm(alarms.flatten(self._book.book)),
            )

    def _advice(self, late: dict[str, FlattenProgress], waits: bool) -> str:
        if waits:
            opens, first = min((closing.reopens or 0, instrument) for instrument, closing in late.items())
            return f"the market is closed; stops stay, and it is closed at {self._when(first, opens)}"
        said = next((f"the venue says: {closing.why}; " for closing in late.values() if closing.why), "")
        return (
            f"{said}tstream keeps trying; close it on the venue's own platform or call its trade desk "
            "meanwhile"
        )

    def alarm(self) -> str:
        """What holds a flatten up, in words; empty while it takes no longer than it should."""
        late = {i: c for i, c in self._closing.items() if i in self._book.state.flattening and c.steps}
        for instrument, closing in late.items():
            if closing.refusals or closing.reopens is not None:
                return f"close of {instrument} refused: {closing.why}"
        if not any(self._exposed(instrument) for instrument in late):
            return ""
        return f"not flat after {(self._book.now - min(c.since for c in late.values())) // NANOS} s"

    def begun(self) -> int:
        """Since when this run has been flattening, nanoseconds UTC; 0 while it is not."""
        return min((c.since for i, c in self._closing.items() if i in self._book.state.flattening), default=0)

    def _exposed(self, instrument: str) -> bool:
        return bool(self._book.state.position(instrument).qty or self._book.state.live_orders(instrument))

    def _what_is_left(self, instrument: str) -> str:
        """What is known to be open: "MNQ long 2 with 3 orders"."""
        qty = self._book.state.position(instrument).qty
        live = self._book.state.live_orders(instrument)
        parts = [instrument]
        if qty:
            parts.append(f"{'long' if qty > 0 else 'short'} {self._book.quantity(instrument, abs(qty))}")
        if live:
            parts.append(f"with {len(live)} order{'s' if len(live) > 1 else ''}")
        unknown = sum(order.status is OrderStatus.UNKNOWN for order in live)
        if unknown:
            parts.append(f"({unknown} of unknown outcome)")
        return " ".join(parts) if qty or live else f"{instrument} not yet verified at the venue"


def _closes(order: Order, qty: int) -> bool:
    """The venue's own close of so many signed contracts, what a person sends to the market for it, or what
    closes a part.
    """
    closing = order.slot in (None, Slot.PART)
    return closing and order.type is OrderType.MARKET and order.side.sign * qty < 0


def reopening(now: int, calendar: Calendar) -> int | None:
    """When a market that refuses orders takes them again, nanoseconds UTC.

    None where the calendar knows of no reason: a halt, which may end at any time. From the flat time on the
    venue takes no order until the next session (docs/protocols/projectx.md#trading-day).
    """
    flat = calendar.flat_by(calendar.trade_date(now))
    if calendar.is_open(now) and (flat is None or now < flat):
        return None
    return calendar.next_opening(now)
