"""Journal records in words, for the alerts pane: what happened, where, for how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.model import records as r
from engine.model.market import Side
from engine.model.orders import Slot
from engine.model.view import NoticeKind as K
from engine.model.view import Severity as Sev
from engine.model.view import TradingState
from engine.trading.state import State

Words = tuple[K, Sev, str, str | None, str | None] | tuple[K, Sev, str, str | None, str | None, str]
"""Kind, severity, text, instrument, book, and the id of the command that it answers."""


def describe(state: State, record: r.AnyRecord) -> Words | None:
    """The notice that a record is worth, or None. `state` is the state before the record."""
    writer = _WRITERS.get(type(record))
    return writer(state, record) if writer is not None else None


def _price(state: State, instrument: str, ticks: int | None) -> str:
    if ticks is None:
        return "market"
    known = state.instruments.get(instrument)
    return known.text(ticks) if known is not None else f"{ticks} ticks"


def _direction(side: Side) -> str:
    return "long" if side is Side.BUY else "short"


def _bought(side: Side) -> str:
    return "bought" if side is Side.BUY else "sold"


def _command(state: State, record: r.CommandTaken) -> Words:
    command = record.command
    return K.COMMAND, Sev.INFO, record.answer, getattr(command, "instrument", None), None, command.id


def _refused(state: State, record: r.IdeaRefused) -> Words:
    idea = record.idea
    why = "; ".join(refusal.sentence for refusal in record.refusals)
    text = f"{_direction(idea.side)} {idea.instrument} {idea.score_tenths / 10:.1f} refused: {why}"
    return K.REFUSAL, Sev.INFO, text, idea.instrument, record.book


def _plan(state: State, record: r.PlanOpened) -> Words:
    plan = record.plan
    why = f" ({', '.join(plan.reasons)})" if plan.reasons else ""
    text = f"{_direction(plan.side)} {plan.instrument} {plan.score_tenths / 10:.1f}: entering {plan.qty}{why}"
    return K.SIGNAL, Sev.GOOD, text, plan.instrument, plan.book


def _fill(state: State, record: r.FillApplied) -> Words:
    fill = record.fill
    order = state.books[record.book].orders.get(record.client_id)
    slot = order.slot if order is not None else None
    purpose = {Slot.ENTRY: "entry", Slot.STOP: "stop", Slot.TARGET: "target"}[slot] if slot else "close"
    text = (
        f"{_bought(fill.side)} {fill.qty} {fill.instrument} "
        f"@ {_price(state, fill.instrument, fill.price)} ({purpose})"
    )
    return K.FILL, Sev.WARNING if slot is Slot.STOP else Sev.GOOD, text, fill.instrument, record.book


def _moved(state: State, record: r.OrderMoved) -> Words | None:
    order = state.books[record.book].orders.get(record.client_id)
    if order is None:
        return None
    what = f"{order.side.value} {order.qty} {order.instrument}"
    if order.after(record.event) is None:
        text = f"order {what}: {record.event.value} does not fit {order.status.value}; nothing was changed"
        return K.ORDER, Sev.WARNING, text, order.instrument, record.book
    if record.event in (r.OrderEvent.REJECTED, r.OrderEvent.DENIED, r.OrderEvent.NOT_FOUND):
        text = f"order {what} rejected: {record.reason or 'no reason given'}"
        severity = Sev.CRITICAL if order.slot is Slot.STOP else Sev.WARNING
        return K.ORDER, severity, text, order.instrument, record.book
    if record.event is r.OrderEvent.TIMED_OUT:
        text = f"order {what}: no answer from the venue, looking it up"
        return K.ORDER, Sev.WARNING, text, order.instrument, record.book
    if record.event is r.OrderEvent.REQUEST_REFUSED and record.reason:
        text = f"change of {what} refused: {record.reason}"
        return K.ORDER, Sev.WARNING, text, order.instrument, record.book
    if record.event is r.OrderEvent.MODIFIED and record.stop is not None:
        text = f"stop of {order.instrument} moved to {_price(state, order.instrument, record.stop)}"
        return K.ORDER, Sev.INFO, text, order.instrument, record.book
    return None


def _adopted(state: State, record: r.OrderAdopted) -> Words | None:
    if record.plan_id is not None or record.instrument in state.books[record.book].flattening:
        return None
    price = _price(state, record.instrument, record.stop if record.stop is not None else record.limit)
    text = (
        f"order of somebody else at the venue: {record.side.value} {record.qty} {record.instrument} @ {price}"
    )
    return K.ORDER, Sev.WARNING, text, record.instrument, record.book


def _adjusted(state: State, record: r.PositionAdjusted) -> Words:
    text = (
        f"{record.instrument}: the venue's position differs by {record.delta:+d} and no fill explains it; "
        "its word is taken, entries there are paused"
    )
    return K.RISK, Sev.CRITICAL, text, record.instrument, record.book


def _state(state: State, record: r.StateChanged) -> Words:
    where = record.instrument or record.book or "everything"
    severity = _SEVERITIES.get(record.state, Sev.WARNING)
    return (
        K.STATE,
        severity,
        f"{where}: {record.state.value} ({record.reason})",
        record.instrument,
        record.book,
    )


_SEVERITIES = {TradingState.ACTIVE: Sev.INFO, TradingState.LOCKED: Sev.CRITICAL}


def _flatten(state: State, record: r.FlattenStarted) -> Words:
    text = f"flattening {', '.join(record.instruments)}"
    severity = Sev.CRITICAL if record.reason == "risk" else Sev.WARNING
    return K.RISK, severity, text, None, record.book


def _flat(state: State, record: r.FlattenEnded) -> Words | None:
    held = state.books[record.book].positions.get(record.instrument)
    if held is None or not held.opened_ts:
        return None  # "everything" also proves flat what was never traded
    text = f"{record.instrument} is flat, verified at the venue"
    return K.RISK, Sev.GOOD, text, record.instrument, record.book


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
    text = (
        f"{plan.instrument}: {_direction(plan.side)} {plan.qty} that no trade of tstream opened: "
        f"a stop at {stop} protects it"
    )
    return K.RISK, Sev.WARNING, text, plan.instrument, plan.book


def _shifted(state: State, record: r.ContractsShifted) -> Words:
    plan = state.books[record.book].plans[record.plan_id].plan
    text = f"{plan.instrument}: the entry was cut short; {record.qty} now for target {record.target + 1}"
    return K.ORDER, Sev.INFO, text, plan.instrument, record.book


def _day(state: State, record: r.DayRolled) -> Words:
    return K.MARKET, Sev.INFO, f"trade date {record.trade_date}", None, None


_WRITERS: dict[type, Callable[[State, Any], Words | None]] = {
    r.CommandTaken: _command,
    r.IdeaRefused: _refused,
    r.PlanOpened: _plan,
    r.FillApplied: _fill,
    r.OrderMoved: _moved,
    r.OrderAdopted: _adopted,
    r.PositionAdjusted: _adjusted,
    r.StateChanged: _state,
    r.FlattenStarted: _flatten,
    r.FlattenEnded: _flat,
    r.DayRolled: _day,
    r.BracketsKnown: _brackets,
    r.PositionFostered: _fostered,
    r.ContractsShifted: _shifted,
}
