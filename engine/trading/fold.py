"""`apply(state, record)`: the fold that `step` and start-up share, one function per kind of record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from engine.model import records as r
from engine.model.market import Side
from engine.model.orders import OrderStatus, Slot
from engine.model.plans import PlanStatus
from engine.model.view import TradingState
from engine.trading.lifecycle import next_status
from engine.trading.position import Trade
from engine.trading.state import (
    TRADES_KEPT,
    BookState,
    DayStats,
    LegState,
    Order,
    PlanState,
    Restriction,
    State,
    exit_reason,
    scope,
)


def apply(state: State, record: r.AnyRecord) -> None:
    """Change the state by one record, in place."""
    _FOLDS[type(record)](state, record)
    state.last_ts = record.ts


def _run_started(state: State, record: r.RunStarted) -> None:
    state.install, state.boot, state.issued = record.install, record.boot, 0


def _contract_known(state: State, record: r.ContractKnown) -> None:
    state.instruments[record.instrument.symbol] = record.instrument
    state.contracts[record.instrument.symbol] = record.name


def _account_known(state: State, record: r.AccountKnown) -> None:
    state.book(record.book).account = record.account


def _day_rolled(state: State, record: r.DayRolled) -> None:
    state.trade_date = record.trade_date
    for key, restriction in list(state.restrictions.items()):
        if restriction.state is TradingState.LOCKED and (restriction.until or 0) <= record.ts:
            del state.restrictions[key]
    for book in state.books.values():
        book.day = DayStats()
        # Finished orders and old trade ids are of no more use once their day is over.
        book.orders = {cid: o for cid, o in book.orders.items() if o.live or o.plan_id in book.plans}
        book.venue_ids = {o.venue_id: cid for cid, o in book.orders.items() if o.venue_id}


def _command_taken(state: State, record: r.CommandTaken) -> None:
    """Kept for people to read; its consequences are records of their own."""


def _idea_refused(state: State, record: r.IdeaRefused) -> None:
    """Kept for people and statistics to read."""


def _plan_opened(state: State, record: r.PlanOpened) -> None:
    plan = record.plan
    book = state.book(plan.book)
    book.plans[plan.plan_id] = PlanState(plan, [LegState() for _ in plan.legs])
    book.day.entries += 1


def _plan_changed(state: State, record: r.PlanChanged) -> None:
    book = state.book(record.book)
    if record.status is PlanStatus.CLOSED:
        book.plans.pop(record.plan_id, None)
        return
    found = book.plans[record.plan_id]
    found.plan = structs.replace(
        found.plan,
        legs=found.plan.legs if record.legs is None else record.legs,
        status=found.plan.status if record.status is None else record.status,
    )


def _order_intended(state: State, record: r.OrderIntended) -> None:
    book = state.book(record.book)
    order = Order(
        record.client_id,
        record.book,
        record.instrument,
        record.side,
        record.type,
        record.qty,
        record.plan_id,
        record.leg,
        record.slot,
        record.ts,
        record.limit,
        record.stop,
        record.stop_offset,
        record.target_offset,
        changed_ts=record.ts,
    )
    state.issued += 1
    _take_slot(book, order)


def _order_adopted(state: State, record: r.OrderAdopted) -> None:
    book = state.book(record.book)
    order = Order(
        record.client_id,
        record.book,
        record.instrument,
        record.side,
        record.type,
        record.qty,
        record.plan_id,
        record.leg,
        record.slot,
        record.ts,
        record.limit,
        record.stop,
        status=OrderStatus.WORKING,
        venue_id=record.venue_id,
        suspended=record.suspended,
        changed_ts=record.ts,
    )
    book.venue_ids[record.venue_id] = record.client_id
    _take_slot(book, order)


def _take_slot(book: BookState, order: Order) -> None:
    book.orders[order.client_id] = order
    plan = book.plans.get(order.plan_id or "")
    if plan is not None and order.slot is not None:
        plan.legs[order.leg].slots[order.slot] = order.client_id


def _order_moved(state: State, record: r.OrderMoved) -> None:
    book = state.book(record.book)
    order = book.orders[record.client_id]
    refused = record.event is r.OrderEvent.REQUEST_REFUSED
    after = next_status(
        order.status,
        record.event,
        order.filled_qty,
        order.qty,
        acknowledged=order.venue_id is not None,
        cancel_wanted=order.cancel_wanted and not refused,
    )
    if after is None:
        return
    if record.event is r.OrderEvent.CANCEL_REQUESTED:
        order.cancel_wanted = True
    elif refused:
        order.cancel_wanted = False
    order.status = after
    order.changed_ts = record.ts
    order.venue_ts = max(order.venue_ts, record.ts_venue)
    if record.reason:
        order.reason = record.reason
    if record.venue_id is not None:
        order.venue_id = record.venue_id
        book.venue_ids[record.venue_id] = order.client_id
    if record.event is not r.OrderEvent.MODIFY_REQUESTED:
        order.qty = order.qty if record.qty is None else record.qty
        order.limit = order.limit if record.limit is None else record.limit
        order.stop = order.stop if record.stop is None else record.stop
        if order.live and order.filled_qty >= order.qty:
            order.status = OrderStatus.FILLED  # made smaller, down to what has been filled
    if record.suspended is not None:
        order.suspended = record.suspended


def _fill_applied(state: State, record: r.FillApplied) -> None:
    book = state.book(record.book)
    fill = record.fill
    if fill.trade_id in book.fills_seen:
        return
    book.fills_seen.add(fill.trade_id)
    book.last_fill_ts = max(book.last_fill_ts, fill.ts_venue)
    book.day.costs_usd += fill.cost_usd
    order = book.orders[record.client_id]
    order.filled_qty += fill.qty
    order.status = (
        next_status(
            order.status,
            r.OrderEvent.FILLED,
            order.filled_qty,
            order.qty,
            cancel_wanted=order.cancel_wanted,
        )
        or order.status
    )
    order.changed_ts = record.ts
    order.suspended = False
    reason = exit_reason(book, order)
    _fill_legs(book, order, fill.side, fill.price, fill.qty, record.ts)
    trade = book.position(fill.instrument).apply(
        state.instruments[fill.instrument],
        fill.side,
        fill.price,
        fill.qty,
        fill.cost_usd,
        fill.ts_venue,
        reason,
    )
    if trade is not None:
        _book_trade(book, trade)


def _book_trade(book: BookState, trade: Trade) -> None:
    book.day.book_trade(trade)
    book.trades.append(trade)
    del book.trades[:-TRADES_KEPT]


def _fill_legs(book: BookState, order: Order, side: Side, price: int, qty: int, ts: int) -> None:
    """Credit a fill to its leg; a fill of no plan takes from the oldest open legs against it."""
    plan = book.plans.get(order.plan_id or "")
    if plan is not None:
        leg = plan.legs[order.leg]
        if order.slot is Slot.ENTRY:
            leg.entered += qty
            leg.entered_sum += price * qty
            leg.entry_ts = leg.entry_ts or ts
            return
        entry = book.orders.get(leg.slots.get(Slot.ENTRY, ""))
        if entry is not None and entry.status.terminal and qty > leg.open_qty:
            # Both exits of a leg filled in a race: what is too much has closed the plan's other legs.
            qty -= _take(leg, qty)
            for sibling in plan.legs:
                qty -= _take(sibling, qty)
        leg.exited += qty
        return
    _reduce(book, order.instrument, side, qty)


def _reduce(book: BookState, instrument: str, side: Side, qty: int) -> None:
    """Take what no order of a plan explains from the oldest open legs against it."""
    for plan in book.plans.values():
        if plan.plan.instrument == instrument and plan.plan.side is not side:
            for leg in plan.legs:
                qty -= _take(leg, qty)


def _take(leg: LegState, qty: int) -> int:
    """Close up to `qty` of a leg; the contracts it had."""
    taken = min(qty, max(0, leg.open_qty))
    leg.exited += taken
    return taken


def _position_adjusted(state: State, record: r.PositionAdjusted) -> None:
    book = state.book(record.book)
    side = Side.BUY if record.delta > 0 else Side.SELL
    instrument = state.instruments[record.instrument]
    position = book.position(record.instrument)
    trade = position.apply(
        instrument, side, record.price, abs(record.delta), instrument.usd(0), record.ts, "reconcile"
    )
    if trade is not None:
        _book_trade(book, trade)
    _reduce(book, record.instrument, side, abs(record.delta))


def _state_changed(state: State, record: r.StateChanged) -> None:
    key = scope(record.book, record.instrument)
    if record.state is TradingState.ACTIVE:
        state.restrictions.pop(key, None)
    else:
        state.restrictions[key] = Restriction(record.state, record.reason, record.until)


def _flatten_started(state: State, record: r.FlattenStarted) -> None:
    book = state.book(record.book)
    for instrument in record.instruments:
        book.flattening[instrument] = record.reason
    for plan in book.plans.values():
        if plan.plan.instrument in record.instruments:
            plan.plan = structs.replace(plan.plan, status=PlanStatus.CLOSING)


def _close_requested(state: State, record: r.CloseRequested) -> None:
    """An intent: the fill that follows changes the state."""


def _flatten_ended(state: State, record: r.FlattenEnded) -> None:
    state.book(record.book).flattening.pop(record.instrument, None)


def _reconciled(state: State, record: r.Reconciled) -> None:
    """A fact for people and tests to read."""


_FOLDS: dict[type, Callable[[State, Any], None]] = {
    r.RunStarted: _run_started,
    r.ContractKnown: _contract_known,
    r.AccountKnown: _account_known,
    r.DayRolled: _day_rolled,
    r.CommandTaken: _command_taken,
    r.IdeaRefused: _idea_refused,
    r.PlanOpened: _plan_opened,
    r.PlanChanged: _plan_changed,
    r.OrderIntended: _order_intended,
    r.OrderAdopted: _order_adopted,
    r.OrderMoved: _order_moved,
    r.FillApplied: _fill_applied,
    r.PositionAdjusted: _position_adjusted,
    r.StateChanged: _state_changed,
    r.FlattenStarted: _flatten_started,
    r.CloseRequested: _close_requested,
    r.FlattenEnded: _flatten_ended,
    r.Reconciled: _reconciled,
}
