"""The part of `apply` that is about fills which were concluded before they were told: once they are, the real
price and the real costs take the place of the assumed ones, also where the trade is over by then.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from engine.model import records as r
from engine.model.orders import Fill
from engine.state import fold_shares
from engine.state.fold_days import add_to_ended, carry_late, count_cost
from engine.state.position import Trade
from engine.state.state import BookState, Inferred, Order, State

_MICRO = Decimal("0.000001")


def is_told_late(order: Order, fill: Fill) -> bool:
    """Whether a fill is one that was concluded already: of what was concluded, and no later than that was.

    What would be more than the order asked for can't be new either.
    """
    if fill.qty > order.inferred_qty:
        return False
    return fill.ts_venue <= order.inferred[-1].known_ts or order.filled_qty + fill.qty > order.qty


def fill_settled(state: State, record: r.FillSettled) -> None:
    book, fill = state.kept_book(record.book), record.fill
    book.fills_seen.add(record.trade_id)
    order = book.orders.get(record.client_id)
    if fill is None or order is None:
        return
    left = fill.qty
    while left and order.inferred:
        then = order.inferred.pop(0)
        qty = min(left, then.qty)
        cost = _share(then.cost_usd, qty, then.qty)
        if qty < then.qty:
            rest = structs.replace(then, qty=then.qty - qty, cost_usd=then.cost_usd - cost)
            order.inferred.insert(0, rest)
        _correct(state, book, order, fill, then, qty, _share(fill.cost_usd, qty, fill.qty) - cost)
        left -= qty


def _share(amount: Decimal, part: int, whole: int) -> Decimal:
    return amount if part == whole else (amount * part / whole).quantize(_MICRO)


def _correct(
    state: State, book: BookState, order: Order, fill: Fill, then: Inferred, qty: int, cost_usd: Decimal
) -> None:
    """Put right what `qty` contracts were counted with. `cost_usd` is by how much they cost more."""
    ticks = (fill.price - then.price) * qty
    late = 0 < then.ts < state.day_of(book).open_ts
    counts = state.counts(book, fill.instrument)
    if counts:
        count_cost(book, cost_usd, late)
    plan = book.plans.get(order.plan_id or "")
    if plan is not None:
        leg = plan.legs[order.leg]
        leg.costs_usd += cost_usd
        if order.side is plan.plan.side:
            leg.entered_sum += ticks
        else:
            fold_shares.reprice(leg, then.price, fill.price, qty)
    position = book.kept_position(fill.instrument)
    if position.qty and then.ts >= position.opened_ts:
        position.costs_usd += cost_usd
        position.slip_sum += ticks * order.side.sign
        if order.side is position.side:
            position.open_sum += ticks
        else:
            position.exit_sum += ticks
        if late:
            carry_late(state, book, position)
        return
    for later, before in enumerate(reversed(book.trades)):
        if before.instrument == fill.instrument and before.opened_ts <= then.ts:
            after = book.trades[-1 - later] = _mended(state, before, order, ticks, cost_usd)
            if counts:
                book.earned_usd += after.net_usd - before.net_usd
                _count_again(state, book, before, after, later)
            return


def _mended(state: State, trade: Trade, order: Order, ticks: int, cost_usd: Decimal) -> Trade:
    opens = order.side is trade.side
    entry_sum = trade.entry_sum + (ticks if opens else 0)
    exit_sum = trade.exit_sum + (0 if opens else ticks)
    return structs.replace(
        trade,
        entry_sum=entry_sum,
        exit_sum=exit_sum,
        gross_usd=state.instruments[trade.instrument].usd((exit_sum - entry_sum) * trade.side.sign),
        costs_usd=trade.costs_usd + cost_usd,
        slip_sum=None if trade.slip_sum is None else trade.slip_sum + ticks * order.side.sign,
    )


def _count_again(state: State, book: BookState, before: Trade, after: Trade, later: int) -> None:
    """A trade that is over has another result; `later` trades ended after it."""
    if 0 < before.closed_ts < state.day_of(book).open_ts:
        if book.days:
            add_to_ended(book, after.gross_usd - before.gross_usd)
        return
    book.day.recount(before, after, later)
