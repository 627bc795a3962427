"""Journal records in words, for the alerts pane: what happened, where, for how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from engine.model import records as r
from engine.model.alerts import Verdict, origin, room_of
from engine.model.events import AlertKind
from engine.model.figures import signed
from engine.model.market import Side
from engine.model.notices import NoticeKind as K
from engine.model.notices import Severity as Sev
from engine.model.orders import OrderStatus, Slot
from engine.model.plans import Idea, TradePlan
from engine.model.restrictions import TradingState
from engine.state.opinion_words import predictor_changed
from engine.state.order_words import rejected
from engine.state.position_words import adjusted, dust_left
from engine.state.run_words import (
    clock_found,
    idea_declined,
    loosening_answered,
    records_lost,
    settings_changed,
)
from engine.state.state import BookState, Order, State

Words = tuple[K, Sev, str, str | None, str | None] | tuple[K, Sev, str, str | None, str | None, str]
"""Kind, severity, text, instrument, book, and the id of the command that it answers."""


class Before(NamedTuple):
    """How it was before a fold changed it, as far as words need that."""

    status: str = ""
    """Of the order that was moved."""
    fits: bool = True
    """Whether the event made sense in that status."""
    account: str = ""
    """Name of the account that a book has no more, and what is left there."""
    left: tuple[str, ...] = ()
    traded: bool = False
    """The alert had led to a trade."""


def before(state: State, record: r.AnyRecord) -> Before:
    """To be asked before the record is folded, and handed to `describe` after it."""
    match record:
        case r.OrderMoved():
            order = state.books[record.book].orders[record.client_id]
            return Before(status=order.status.value, fits=order.after(record.event) is not None)
        case r.AccountKnown():
            book = state.book(record.book)
            if book.account is not None and book.account.id != record.account.id:
                return Before(account=book.account.name, left=_held(state, book))
        case r.AlertTaken():
            known = state.alerts.get(origin(record.room, record.message_id))
            return Before(traded=known is not None and known.traded)
    return Before()


def _held(state: State, book: BookState) -> tuple[str, ...]:
    positions = sorted(book.positions.items())
    held = [f"{state.quantity(i, p.qty, signed=True)} {i}" for i, p in positions if p.qty]
    orders = len(book.live_orders())
    return (*held, *([f"{orders} order{'s' if orders > 1 else ''}"] if orders else []))


def describe(state: State, record: r.AnyRecord, was: Before) -> Words | None:
    """The notice that a record is worth, or None. `state` is the state after the record."""
    match record:
        case r.OrderMoved():
            return _moved(state, record, was)
        case r.AccountKnown():
            return _account(record, was)
        case r.FillApplied():
            return _fill(state, record)
        case r.AlertTaken():
            return _alert(record, was)
    writer = _WRITERS.get(type(record))
    return writer(state, record) if writer is not None else None


def _price(state: State, instrument: str, ticks: int | None) -> str:
    if ticks is None:
        return "market"
    known = state.instruments.get(instrument)
    return known.text(ticks) if known is not None else f"{ticks} ticks"


def _currency(state: State, instrument: str) -> str:
    """In which it is settled."""
    known = state.instruments.get(instrument)
    return known.currency if known is not None else "USD"


def _direction(side: Side) -> str:
    return "long" if side is Side.BUY else "short"


def _bought(side: Side) -> str:
    return "bought" if side is Side.BUY else "sold"


def _command(state: State, record: r.CommandTaken) -> Words:
    command = record.command
    severity = Sev.INFO if record.done else Sev.WARNING
    return K.COMMAND, severity, record.answer, getattr(command, "instrument", None), None, command.id


def _refused(state: State, record: r.IdeaRefused) -> Words:
    idea = record.idea
    why = "; ".join(record.words or (refusal.sentence for refusal in record.refusals))
    what = f"{_direction(idea.side)} {idea.instrument}{_score(idea.score_tenths)}"
    if record.told_qty is not None:
        text = f"{_whose(idea)}{what}: not entered: {why}"
        return K.SIGNAL, Sev.INFO, text, idea.instrument, record.book
    severity = Sev.WARNING if idea.origin else Sev.INFO
    return K.REFUSAL, severity, f"{_whose(idea)}{what} refused: {why}", idea.instrument, record.book


def _whose(said: Idea | TradePlan) -> str:
    """Of a room, or of a bot that a person has named."""
    if room_of(said.origin):
        return f"room {said.strategy}: "
    return f"bot {said.bot}: " if said.bot and said.bot != said.strategy else ""


def _score(tenths: int) -> str:
    """Alerts have none."""
    return f" {tenths / 10:.1f}" if tenths else ""


def _plan(state: State, record: r.PlanOpened) -> Words:
    plan = record.plan
    why = f" ({', '.join(plan.reasons)})" if plan.reasons else ""
    if plan.size_reason and not plan.size_reason.startswith(("risk: ", "grade: ")):  # as nobody sets
        why += f", sized by {plan.size_reason}"
    qty = state.quantity(plan.instrument, plan.qty)
    text = f"{_direction(plan.side)} {plan.instrument}{_score(plan.score_tenths)}: entering {qty}{why}"
    text = _whose(plan) + text
    return K.SIGNAL, Sev.GOOD, text, plan.instrument, plan.book


def _fill(state: State, record: r.FillApplied) -> Words:
    fill = record.fill
    book = state.books[record.book]
    order = book.orders.get(record.client_id)
    slot = order.slot if order is not None else None
    purpose = "close" if slot in (None, Slot.PART) else slot.value
    text = (
        f"{_bought(fill.side)} {state.quantity(fill.instrument, fill.qty)} {fill.instrument} "
        f"@ {_price(state, fill.instrument, fill.price)} ({purpose})"
    )
    closed = book.closings.get(fill.trade_id)
    if closed is not None:
        in_r = f", {signed(closed.r, 1)} R" if closed.r is not None else ""
        text += f": {signed(closed.net_usd)} {_currency(state, fill.instrument)}{in_r}"
    return K.FILL, Sev.WARNING if slot is Slot.STOP else Sev.GOOD, text, fill.instrument, record.book


def _account(record: r.AccountKnown, was: Before) -> Words | None:
    if not was.account:
        return None
    text = f"{record.book} trades account {record.account.name} now, and no longer {was.account}"
    if not was.left:
        return K.STATE, Sev.WARNING, text, None, record.book
    text += f"; {', '.join(was.left)} there are not managed any more"
    return K.RISK, Sev.CRITICAL, text, None, record.book


def _settled(state: State, record: r.FillSettled) -> Words | None:
    fill = record.fill
    if fill is None:
        return None
    price, qty = _price(state, fill.instrument, fill.price), state.quantity(fill.instrument, fill.qty)
    text = f"{_bought(fill.side)} {qty} {fill.instrument} @ {price}: told late, now in the books as told"
    return K.FILL, Sev.INFO, text, fill.instrument, record.book


def _moved(state: State, record: r.OrderMoved, was: Before) -> Words | None:
    order = state.books[record.book].orders[record.client_id]
    qty = state.quantity(order.instrument, order.qty)
    what = f"{order.side.value} {qty} {order.instrument}"
    if not was.fits:
        text = f"order {what}: {record.event.value} does not fit {was.status}; nothing was changed"
        return K.ORDER, Sev.WARNING, text, order.instrument, record.book
    if record.event in (r.OrderEvent.REJECTED, r.OrderEvent.DENIED, r.OrderEvent.NOT_FOUND):
        text = rejected(order, record.event, record.reason, _price(state, order.instrument, order.price), qty)
        severity = Sev.CRITICAL if order.slot is Slot.STOP else Sev.WARNING
        return K.ORDER, severity, text, order.instrument, record.book
    if record.event is r.OrderEvent.TIMED_OUT:
        text = f"order {what}: no answer from the venue; it is looked up, and not sent again"
        return K.ORDER, Sev.WARNING, text, order.instrument, record.book
    if record.event is r.OrderEvent.ACCEPTED and order.slot is Slot.STOP and _had_lost(state, record, order):
        text = f"{order.instrument}: a stop for {qty} stands at the venue again"
        return K.ORDER, Sev.GOOD, text, order.instrument, record.book
    if record.event is r.OrderEvent.ACCEPTED and _had_vanished(state, record, order):
        text = f"{order.instrument}: the venue cancelled its {order.slot}; one for {qty} stands again"
        return K.ORDER, Sev.WARNING, text, order.instrument, record.book
    if was.status == OrderStatus.UNKNOWN.value and record.event in _FOUND:
        text = f"order {what}: looked up, and it {_FOUND[record.event]}"
        return K.ORDER, Sev.INFO, text, order.instrument, record.book
    if record.event is r.OrderEvent.REQUEST_REFUSED and record.reason:
        asked = "cancel" if was.status == OrderStatus.PENDING_CANCEL.value else "change"
        text = f"{asked} of {what} refused: {record.reason}"
        return K.ORDER, Sev.WARNING, text, order.instrument, record.book
    if record.event is r.OrderEvent.MODIFIED and record.stop is not None:
        text = f"stop of {order.instrument} moved to {_price(state, order.instrument, record.stop)}"
        return K.ORDER, Sev.INFO, text, order.instrument, record.book
    return None


def _had_lost(state: State, record: r.OrderMoved, order: Order) -> bool:
    """Whether an earlier stop of the same contracts was refused, or never arrived."""
    gone = (OrderStatus.REJECTED, OrderStatus.DENIED)
    return any(one.status in gone for one in _earlier(state, record, order))


def _had_vanished(state: State, record: r.OrderMoved, order: Order) -> bool:
    """Whether the exit before this one was cancelled, and not by us."""
    earlier = _earlier(state, record, order)
    gone = (OrderStatus.CANCELED, OrderStatus.EXPIRED)
    return bool(earlier) and earlier[-1].status in gone and not earlier[-1].cancel_wanted


def _earlier(state: State, record: r.OrderMoved, order: Order) -> list[Order]:
    """The exits that stood in the same place before, oldest first."""
    if order.slot not in (Slot.STOP, Slot.TARGET) or order.plan_id is None:
        return []
    place = (order.slot, order.plan_id, order.leg)
    orders = state.books[record.book].orders.values()
    return [one for one in orders if one is not order and (one.slot, one.plan_id, one.leg) == place]


_FOUND = {
    r.OrderEvent.ACCEPTED: "stands at the venue",
    r.OrderEvent.CANCELED: "is cancelled",
    r.OrderEvent.EXPIRED: "has expired",
}
"""What became of an order whose answer was lost."""


def _adopted(state: State, record: r.OrderAdopted) -> Words | None:
    if record.plan_id is not None or record.instrument in state.books[record.book].flattening:
        return None
    price = _price(state, record.instrument, record.stop if record.stop is not None else record.limit)
    text = (
        f"order of somebody else at the venue: {record.side.value} "
        f"{state.quantity(record.instrument, record.qty)} {record.instrument} @ {price}"
    )
    return K.ORDER, Sev.WARNING, text, record.instrument, record.book


def _state(state: State, record: r.StateChanged) -> Words:
    where = record.instrument or record.book or "everything"
    severity = _SEVERITIES.get(record.state, Sev.WARNING)
    return (
        K.STATE,
        severity,
        f"{where}: {record.state.said(record.reason, record.guard)}",
        record.instrument,
        record.book,
    )


_SEVERITIES = {TradingState.ACTIVE: Sev.INFO, TradingState.LOCKED: Sev.CRITICAL}


def _flatten(state: State, record: r.FlattenStarted) -> Words:
    text = f"flattening {', '.join(record.instruments)}"
    severity = Sev.CRITICAL if record.reason == "risk" else Sev.WARNING
    return K.RISK, severity, text, None, record.book


def _flat(state: State, record: r.FlattenEnded) -> Words | None:
    book = state.books[record.book]
    held = book.positions.get(record.instrument)
    if (held is None or not held.opened_ts) and book.flattening:
        return None  # "everything" also proves flat what was never traded; the last one ends it
    over = "" if book.flattening else ": the flatten is over"
    text = f"{record.instrument} is flat, verified at the venue{over}"
    return K.RISK, Sev.GOOD, text, record.instrument, record.book


def _not_reversed(state: State, record: r.ReverseEnded) -> Words | None:
    if not record.reason:
        return None  # the trade tells of itself
    text = f"{record.instrument}: the other side is not entered: {record.reason}"
    return K.ORDER, Sev.WARNING, text, record.instrument, record.book


def _brackets(state: State, record: r.BracketsKnown) -> Words:
    if record.native:
        text = "native brackets are used again: the venue keeps stops and targets"
        return K.STATE, Sev.INFO, text, None, record.book
    text = (
        f"this account takes no native brackets ({record.reason}): stops and targets are orders of "
        "tstream's own, and are kept right only while it runs"
    )
    return K.STATE, Sev.WARNING, text, None, record.book


def _fostered(state: State, record: r.PositionFostered) -> Words:
    plan = record.plan
    stop = _price(state, plan.instrument, record.price + plan.legs[0].stop_offset)
    qty = state.quantity(plan.instrument, plan.qty)
    text = (
        f"{plan.instrument}: {_direction(plan.side)} {qty} that no trade of tstream opened: "
        f"a stop at {stop} protects it"
    )
    return K.RISK, Sev.WARNING, text, plan.instrument, plan.book


def _shifted(state: State, record: r.ContractsShifted) -> Words:
    plan = state.books[record.book].plans[record.plan_id].plan
    qty = state.quantity(plan.instrument, record.qty)
    text = f"{plan.instrument}: the entry was cut short; {qty} now for target {record.target + 1}"
    return K.ORDER, Sev.INFO, text, plan.instrument, record.book


def _day(state: State, record: r.DayRolled) -> Words:
    whose = "" if record.main else f" of {record.calendar}"
    return K.MARKET, Sev.INFO, f"trade date {record.trade_date}{whose}", None, None


def _alert(record: r.AlertTaken, was: Before) -> Words | None:
    """What was not made a trade of is always told, in whole or in part; a trade tells of itself."""
    what = _ALERTS.get(record.verdict)
    traded = record.verdict is Verdict.TRADED and not record.detail
    if what is None or traded or (record.verdict is Verdict.IGNORED and not was.traded):
        return None
    kind, severity, said = what
    if record.kind is AlertKind.DELETED and record.verdict is Verdict.IGNORED:
        said = "an alert was deleted"
    parts = [record.reason.sentence] if record.reason is not None else []
    parts += [record.detail] if record.detail else []
    why = f": {', '.join(parts)}" if parts else ""
    quoted = f" (“{record.excerpt}”)" if record.excerpt else ""
    instrument = record.terms.instrument if record.terms is not None else None
    return kind, severity, f"room {record.room}: {said}{why}{quoted}", instrument, None


_ALERTS = {
    Verdict.TRADED: (K.ORDER, Sev.INFO, "an alert is traded in part"),
    Verdict.UNREAD: (K.REFUSAL, Sev.WARNING, "a message is not traded"),
    Verdict.REFUSED: (K.REFUSAL, Sev.WARNING, "an alert is not traded"),
    Verdict.AMENDED: (K.ORDER, Sev.WARNING, "the alert was edited, its entry is made anew"),
    Verdict.CANCELLED: (K.ORDER, Sev.WARNING, "the entry is taken back"),
    Verdict.FOLLOWED: (K.ORDER, Sev.INFO, "the alert was edited, the trade follows"),
    Verdict.IGNORED: (K.REFUSAL, Sev.WARNING, "an edit is not followed"),
}


_WRITERS: dict[type, Callable[[State, Any], Words | None]] = {
    r.ClockFound: clock_found,
    r.RecordsLost: records_lost,
    r.SettingsChanged: settings_changed,
    r.LooseningAnswered: loosening_answered,
    r.CommandTaken: _command,
    r.IdeaRefused: _refused,
    r.IdeaDeclined: idea_declined,
    r.PlanOpened: _plan,
    r.FillSettled: _settled,
    r.OrderAdopted: _adopted,
    r.PositionAdjusted: adjusted,
    r.DustLeft: dust_left,
    r.StateChanged: _state,
    r.FlattenStarted: _flatten,
    r.FlattenEnded: _flat,
    r.ReverseEnded: _not_reversed,
    r.DayRolled: _day,
    r.BracketsKnown: _brackets,
    r.PositionFostered: _fostered,
    r.ContractsShifted: _shifted,
    r.PredictorChanged: predictor_changed,
}
