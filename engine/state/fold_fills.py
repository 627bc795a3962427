"""The part of `apply` that is about what is held: fills, and what changes a position without one."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.model import records as r
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import Fill, Slot
from engine.model.plans import StopRule, TradePlan
from engine.state import fold_alerts, fold_shares
from engine.state.closings import note_closing
from engine.state.fold_days import book_trade, carry_late, count_cost, is_late
from engine.state.position import Trade, TradeSource
from engine.state.state import BookState, Dust, Inferred, Order, State


def fill_applied(state: State, record: r.FillApplied) -> None:
    book = state.kept_book(record.book)
    fill = record.fill
    if fill.trade_id in book.fills_seen:
        return
    book.fills_seen.add(fill.trade_id)
    note_closing(state, record)
    book.last_fill_ts = max(book.last_fill_ts, fill.ts_venue)
    late = is_late(state, book, fill)
    order = book.orders[record.client_id]
    taken, cost_usd = _fee(state.instruments[fill.instrument], order, fill)
    if state.counts(book, fill.instrument):
        count_cost(book, cost_usd, late)
    order.filled_qty += fill.qty
    if record.inferred:
        known_ts = max(record.ts, fill.ts_venue)
        order.inferred.append(Inferred(fill.qty, fill.price, fill.cost_usd, fill.ts_venue, known_ts))
    order.status = order.after(r.OrderEvent.FILLED) or order.status
    order.changed_ts = record.ts
    order.suspended = False
    book.shelve(order)
    reason = _exit_reason(book, order)
    position = book.kept_position(fill.instrument)
    position.slip_sum += worse_by(book, order, fill.price) * fill.qty
    trade = position.apply(
        state.instruments[fill.instrument],
        fill.side,
        fill.price,
        fill.qty - taken,
        cost_usd,
        fill.ts_venue,
        reason,
        *_opened_by(book, order),
    )
    fold_shares.fill_legs(book, order, fill, record.ts, taken, cost_usd)
    fold_alerts.order_filled(state, book, order, fill.qty)
    if trade is not None:
        _book_trade(state, book, trade, late)
    if late:
        carry_late(state, book, position)
    _forget_month(book, fill.instrument)


def _opened_by(book: BookState, order: Order) -> tuple[str, int | None]:
    """Of an entry its plan and how far its first stop is, ticks; nothing of any other order."""
    found = book.plans.get(order.plan_id or "")
    if found is None or order.slot is not Slot.ENTRY:
        return "", None
    return found.plan.plan_id, abs(found.plan.legs[order.leg].stop_offset)


def _fee(instrument: Instrument, order: Order, fill: Fill) -> tuple[int, Decimal]:
    """Lots that the fee of a fill takes out of it, and all that the fill costs, those at its price, USD.

    Fees of one order add up before a begun lot counts as gone.
    """
    if not fill.fee_base:
        return 0, fill.cost_usd
    before = instrument.fee_lots(order.fee_base)
    order.fee_base += fill.fee_base
    taken = min(instrument.fee_lots(order.fee_base) - before, fill.qty)
    return taken, fill.cost_usd + instrument.notional(fill.price, taken)


def worse_by(book: BookState, order: Order, price: int) -> int:
    """By how many ticks a fill of an order at a price is worse than what the order asked for."""
    wanted = order.limit if order.limit is not None else order.stop
    if wanted is None and order.slot is Slot.ENTRY and (found := book.plans.get(order.plan_id or "")):
        wanted = found.plan.reference
    return 0 if wanted is None else (price - wanted) * order.side.sign


def _source(plan: TradePlan) -> TradeSource:
    seen = plan.pattern
    return TradeSource(
        plan.owner,
        plan.strategy if seen is None else seen.kind,
        "" if seen is None else seen.timeframe.value,
        plan.score_tenths,
        plan.reasons,
    )


def _book_trade(state: State, book: BookState, trade: Trade, late: bool = False) -> None:
    plan = book.plans.get(trade.plan_id)
    if plan is not None:
        trade = replace(trade, source=_source(plan.plan))
    before = book.day.won_usd - book.day.lost_usd
    book_trade(state, book, trade, late)
    fold_alerts.trade_closed(book, trade, book.day.won_usd - book.day.lost_usd - before)


def _forget_month(book: BookState, instrument: str) -> None:
    """A position that is closed is in no old contract month any more."""
    if book.held_months and not book.position(instrument).qty:
        book.held_months.pop(instrument, None)
        book.held_ids.pop(instrument, None)


def position_adjusted(state: State, record: r.PositionAdjusted) -> None:
    book = state.kept_book(record.book)
    side = Side.BUY if record.delta > 0 else Side.SELL
    instrument = state.instruments[record.instrument]
    position = book.kept_position(record.instrument)
    trade = position.apply(
        instrument, side, record.price, abs(record.delta), instrument.usd(0), record.ts, "reconcile"
    )
    if trade is not None:
        _book_trade(state, book, trade)
    _forget_month(book, record.instrument)
    fold_shares.shrink(book, record.instrument, record.price)


def dust_left(state: State, record: r.DustLeft) -> None:
    book = state.kept_book(record.book)
    known = state.instruments[record.instrument]
    trade = book.kept_position(record.instrument).apply(
        known,
        Side.SELL if record.qty > 0 else Side.BUY,
        record.price,
        abs(record.qty),
        Decimal(0),
        record.ts,
        "dust",
    )
    dust = book.dust.setdefault(record.instrument, Dust())
    dust.qty += record.qty
    dust.worth_usd += known.usd(record.price * record.qty)
    if trade is not None:
        _book_trade(state, book, trade)
    fold_shares.shrink(book, record.instrument, record.price)


def _exit_reason(state: BookState, order: Order) -> str:
    """Why a fill of this order ends a trade: T1, T2, stop, be_stop, trail, or why it is flattened: manual,
    flat_time, risk, signal, time, target, expiry.
    """
    if order.instrument in state.flattening and order.slot is None:
        return state.flattening[order.instrument]
    if order.slot is Slot.TARGET:
        return f"T{order.leg + 1}"
    if order.slot is Slot.STOP:
        plan = state.plans.get(order.plan_id or "")
        if plan is None or plan.plan.legs[order.leg].stop is None:
            return "stop"
        rule = plan.plan.legs[order.leg].rule
        if rule is StopRule.INITIAL and plan.plan.origin:
            return "stop"  # an alert's own price
        return "trail" if rule is StopRule.TRAIL else "be_stop"
    return "manual"
