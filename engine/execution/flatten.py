"""Flatten: one latch per instrument that only the venue's own word releases.

Entries are cancelled, the position is closed, the legs are cancelled, and then the venue is asked; it repeats
until the venue shows no position and no order, working or suspended. Cancels and closes pass in every state.
The longer it takes, the louder it gets. A closed market is waited for: stops stay meanwhile.
"""

from __future__ import annotations

from engine.execution.closing import Closing
from engine.execution.ledger import Ledger
from engine.market import sessions
from engine.model import events as ev
from engine.model import records as r
from engine.model.effects import ClosePosition
from engine.model.errors import Cause
from engine.model.market import MINUTE, NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import OrderStatus, OrderType, Slot
from engine.model.plans import PlanStatus
from engine.model.view import SessionPhase

BLIND_NS = 5 * NANOS
"""Where the venue answers no query for so long, what the journal knows is closed without its word."""

STEPS_NS = (3 * NANOS, 10 * NANOS, 30 * NANOS, 60 * NANOS)
"""How long after the latch people are told what is still open; after that once a minute."""

CLOSED_STEP_NS = 10 * MINUTE
"""How often they are told while a closed market is waited for."""

_DAYS = 14


def start(ledger: Ledger, instruments: tuple[str, ...], reason: str) -> None:
    """Latch the instruments. `reason`: manual, risk or flat_time, as trades will carry it."""
    fresh = tuple(i for i in instruments if i not in ledger.state.flattening)
    if fresh:
        ledger.turn.commit(
            r.FlattenStarted(ts=ledger.turn.now, book=ledger.book, instruments=fresh, reason=reason)
        )
    drive(ledger)


def latched_since(ledger: Ledger, ts: int) -> tuple[str, ...]:
    """Instruments whose latch was set after a time, and is not what the journal had."""
    return tuple(i for i, closing in ledger.closing.items() if closing.since > ts)


def drive(ledger: Ledger) -> None:
    """Take the next step for every latched instrument."""
    now = ledger.turn.now
    for instrument in list(ledger.state.flattening):
        closing = ledger.closing.get(instrument)
        if closing is None:
            closing = ledger.closing[instrument] = Closing(now, tell_ts=now + STEPS_NS[0])
        if ledger.heard or now - closing.since >= BLIND_NS:
            _step(ledger, instrument, closing)
    _escalate(ledger)


def _step(ledger: Ledger, instrument: str, closing: Closing) -> None:
    state = ledger.state
    now = ledger.turn.now
    live = state.live_orders(instrument)
    for order in live:
        if order.slot is Slot.ENTRY or (order.slot is None and order.type is not OrderType.MARKET):
            ledger.cancel(order)
    qty = state.position(instrument).qty
    if qty:
        ledger.verify_from.pop(instrument, None)
        pending = any(o.slot is None and o.type is OrderType.MARKET for o in live)
        if closing.due(now, pending, ledger.inquiry.proven_ts):
            closing.asked, closing.answered, closing.reopens = now, None, None
            ledger.turn.commit(r.CloseRequested(ts=now, book=ledger.book, instrument=instrument, qty=qty))
            ledger.turn.request(ClosePosition(ledger.book, instrument))
        return
    for order in live:
        if order.type is not OrderType.MARKET:
            ledger.cancel(order)
    if live:
        ledger.verify_from.pop(instrument, None)
    else:
        ledger.verify_from.setdefault(instrument, now)
    ledger.look(0)


def on_closed(ledger: Ledger, reply: ev.Replied) -> None:
    """The answer to a close. Only the fill and the venue's own position say that it is closed."""
    now = ledger.turn.now
    closing = ledger.closing.get(reply.instrument)
    gone = reply.cause is Cause.GONE  # nothing there to close is what we want: the look shows it
    refused = reply.outcome in (ev.Outcome.REFUSED, ev.Outcome.UNSENT) and not gone
    if closing is not None:
        closing.answered = now
        closing.reopens = reopening(now) if refused and reply.cause is Cause.CLOSED else None
        closing.refusals = closing.refusals + 1 if refused and closing.reopens is None else 0
        if refused and (reply.reason != closing.why or not closing.why):
            closing.why = reply.reason or "no reason given"
            then = "trying again" if closing.reopens is None else f"trying again at {_when(closing.reopens)}"
            ledger.turn.say(
                NoticeKind.RISK,
                Severity.CRITICAL,
                f"close of {reply.instrument} refused: {closing.why}; stops stay, {then}",
                reply.instrument,
                ledger.book,
            )
    ledger.look(0)


def reopening(now: int) -> int | None:
    """When a market that refuses orders takes them again, nanoseconds UTC.

    None where the calendar knows of no reason: a halt, which may end at any time. From the flat time on the
    venue takes no order until the next session (docs/protocols/projectx.md#trading-day).
    """
    day = sessions.trade_date(now)
    if sessions.phase(now) is not SessionPhase.CLOSED and now < sessions.flat_by(day):
        return None
    opens = now
    for _ in range(_DAYS):
        opens = sessions.next_roll(opens)
        if sessions.phase(opens) is not SessionPhase.CLOSED:
            return opens
    return None


def on_snapshot(ledger: Ledger, snapshot: ev.SnapshotTaken, asked: int) -> None:
    """Release the latch where a snapshot, asked for after the last step, shows nothing left."""
    held = {p.instrument for p in snapshot.positions if p.qty}
    working = {order.instrument for order in snapshot.orders if order.status.live}
    for instrument in list(ledger.state.flattening):
        if _exposed(ledger, instrument) or instrument in held or instrument in working:
            ledger.verify_from.pop(instrument, None)
        elif ledger.verify_from.get(instrument, asked + 1) <= asked:
            ledger.verify_from.pop(instrument)
            ledger.turn.commit(r.FlattenEnded(ts=ledger.turn.now, book=ledger.book, instrument=instrument))
            ledger.closing.pop(instrument, None)
            _end_plans(ledger, instrument)
    drive(ledger)


def _end_plans(ledger: Ledger, instrument: str) -> None:
    """Nothing is left at the venue, so nothing of its trades is left to manage."""
    for found in list(ledger.state.plans.values()):
        if found.plan.instrument == instrument and found.plan.status is PlanStatus.CLOSING:
            ledger.turn.commit(
                r.PlanChanged(
                    ts=ledger.turn.now,
                    book=ledger.book,
                    plan_id=found.plan.plan_id,
                    status=PlanStatus.CLOSED,
                    reason="flattened",
                )
            )


# --- telling people ------------------------------------------------------------------------------------


def _escalate(ledger: Ledger) -> None:
    """One notice for all that a book is still getting flat, louder than anything else."""
    now = ledger.turn.now
    late = {i: c for i, c in ledger.closing.items() if i in ledger.state.flattening}
    if not late or now < min(closing.tell_ts for closing in late.values()):
        return
    oldest = min(late.values(), key=lambda closing: closing.since)
    # Asking the venue takes a moment, and is nothing to be alarmed about yet.
    alarming = oldest.steps > 0 or any(_exposed(ledger, instrument) for instrument in late)
    oldest.steps += 1
    waits = all(closing.reopens is not None for closing in late.values())
    if oldest.steps < len(STEPS_NS):
        tell_ts = oldest.since + STEPS_NS[oldest.steps]
    else:
        tell_ts = now + (CLOSED_STEP_NS if waits else MINUTE)
    for closing in late.values():
        closing.steps, closing.tell_ts = oldest.steps, max(tell_ts, now + NANOS)
    if alarming:
        ledger.turn.say(
            NoticeKind.RISK,
            Severity.CRITICAL,
            f"not flat after {(now - oldest.since) // NANOS} s: "
            f"{', '.join(_what_is_left(ledger, instrument) for instrument in late)}; {_advice(late, waits)}",
            next(iter(late)) if len(late) == 1 else None,
            ledger.book,
        )


def alarm(ledger: Ledger) -> str:
    """What holds a flatten up, in words; empty while it takes no longer than it should."""
    late = {i: c for i, c in ledger.closing.items() if i in ledger.state.flattening and c.steps}
    for instrument, closing in late.items():
        if closing.refusals or closing.reopens is not None:
            return f"close of {instrument} refused: {closing.why}"
    if not any(_exposed(ledger, instrument) for instrument in late):
        return ""
    return f"not flat after {(ledger.turn.now - min(c.since for c in late.values())) // NANOS} s"


def begun(ledger: Ledger) -> int:
    """Since when this run has been flattening, nanoseconds UTC; 0 while it is not."""
    return min((c.since for i, c in ledger.closing.items() if i in ledger.state.flattening), default=0)


def _exposed(ledger: Ledger, instrument: str) -> bool:
    return bool(ledger.state.position(instrument).qty or ledger.state.live_orders(instrument))


def _what_is_left(ledger: Ledger, instrument: str) -> str:
    """What is known to be open: "MNQ long 2 with 3 orders"."""
    qty = ledger.state.position(instrument).qty
    live = ledger.state.live_orders(instrument)
    parts = [instrument]
    if qty:
        parts.append(f"{'long' if qty > 0 else 'short'} {abs(qty)}")
    if live:
        parts.append(f"with {len(live)} order{'s' if len(live) > 1 else ''}")
    unknown = sum(order.status is OrderStatus.UNKNOWN for order in live)
    if unknown:
        parts.append(f"({unknown} of unknown outcome)")
    return " ".join(parts) if qty or live else f"{instrument} not yet verified at the venue"


def _advice(late: dict[str, Closing], waits: bool) -> str:
    if waits:
        opens = min(closing.reopens or 0 for closing in late.values())
        return f"the market is closed; stops stay, and it is closed at {_when(opens)}"
    said = next((f"the venue says: {closing.why}; " for closing in late.values() if closing.why), "")
    return (
        f"{said}tstream keeps trying; close it on the venue's own platform or call its trade desk meanwhile"
    )


def _when(ts: int) -> str:
    return f"{sessions.exchange_clock(ts)} Chicago time"
