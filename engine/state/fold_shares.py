"""The part of `apply` that says whose the contracts of a position are: each fill is its own plan's, and where
a position has less than its plans, the rule says which of them gives (docs/semantics.md#beside-each-other).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from engine.model.market import Side
from engine.model.orders import Fill, Slot
from engine.state import fold_alerts
from engine.state.legs import Beyond, LegState
from engine.state.position import usd
from engine.state.state import BookState, Order, PlanState, State

_CENT, _MICRO = Decimal("0.01"), Decimal("0.000001")


def plan_opened(book: BookState, found: PlanState) -> None:
    """Trades that stand beside each other are told apart from now on."""
    symbol = found.plan.instrument
    others = [one for one in book.plans.values() if one.plan.instrument == symbol and one is not found]
    for one in (*others, found) if others else ():
        one.shared = True


def plan_closed(state: State, book: BookState, over: PlanState) -> None:
    """The plan is gone already. What it closed beyond its own was another's; its result is its own fills'."""
    symbol = over.plan.instrument
    for leg in over.legs:
        for beyond in leg.beyond:
            shrink(book, symbol, beyond.price, beyond.each_usd, most=beyond.qty)
    if over.shared and any(leg.entered for leg in over.legs):
        net = result_usd(state, over)
        rest = net - over.credited_usd  # it may have been flat, and counted, before another stood beside it
        if abs(rest) >= _CENT or not over.credited:  # less is what rounding left, and no trade
            fold_alerts.credit(book, over.plan, rest, net - over.before_usd - over.credited_today_usd)


def day_rolled(state: State, book: BookState) -> None:
    """What trades have made up to now, open contracts at their mark, is of days before."""
    for found in book.plans.values():
        if any(leg.entered for leg in found.legs):
            carried = book.carried.get(found.plan.instrument)
            found.before_usd = result_usd(state, found, None if carried is None else carried.mark)
            found.credited_today_usd = Decimal(0)


def result_usd(state: State, found: PlanState, mark: int | None = None) -> Decimal:
    """Net USD of a plan by its own fills; what is open counts at a mark in ticks, or not at all."""
    ticks = Fraction(0)
    for leg in found.legs:
        if leg.entered:
            ticks += leg.exit_sum - leg.closed_qty * Fraction(leg.entered_sum, leg.entered)
        if mark is not None and leg.open_qty > 0:
            ticks += leg.open_qty * (mark - Fraction(leg.entered_sum, leg.entered))
    gross = usd(state.instruments[found.plan.instrument], ticks * found.plan.side.sign)
    return gross - sum((leg.costs_usd for leg in found.legs), Decimal(0))


def fill_legs(book: BookState, order: Order, fill: Fill, ts: int, taken: int, cost_usd: Decimal) -> None:
    """Credit a fill to its leg; a fill of no plan takes from the legs what the position has no more. Fees
    have `taken` so many lots of it, and it costs `cost_usd` with these.
    """
    plan, qty = book.plans.get(order.plan_id or ""), fill.qty
    each = cost_usd / fill.qty
    if plan is None:
        shrink(book, order.instrument, fill.price, each)
        return
    leg = plan.legs[order.leg]
    if order.slot is Slot.ENTRY:
        leg.entered += qty
        leg.entered_sum += fill.price * qty
        leg.entry_ts = leg.entry_ts or ts
        leg.fees += taken
        leg.costs_usd += cost_usd
        settle(leg)
        return
    entry = book.orders.get(leg.slots.get(Slot.ENTRY, ""))
    if (entry is None or entry.status.terminal) and qty > leg.open_qty:
        # Both exits of a leg filled in a race: what is too much has closed other legs, the plan's own first.
        others = (one for found in _giving(book, plan) for one in found.legs)
        for giving in (leg, *plan.legs, *others):
            qty -= _take(giving, qty, fill.price, each)
    if qty:
        _exit(leg, qty, fill.price, each)


def settle(leg: LegState) -> None:
    """What was sold before its entry was told has its entry now."""
    while leg.beyond:
        first = leg.beyond[0]
        qty = min(first.qty, leg.entered - leg.fees - leg.closed_qty)
        if qty <= 0:
            return
        first.qty -= qty
        leg.exit_sum += first.price * qty
        leg.costs_usd += (first.each_usd * qty).quantize(_MICRO)
        if not first.qty:
            del leg.beyond[0]


def reprice(leg: LegState, wrong: int, right: int, qty: int) -> None:
    """Put right at which price so many contracts have left, ticks."""
    kept: list[Beyond] = []
    for one in leg.beyond:
        moved = min(one.qty, qty) if one.price == wrong else 0
        qty -= moved
        parts = ((moved, right), (one.qty - moved, one.price))
        kept += [Beyond(lots, price, one.each_usd) for lots, price in parts if lots]
    leg.beyond = kept
    leg.exit_sum += (right - wrong) * qty


def shrink(
    book: BookState,
    instrument: str,
    price: int,
    cost_usd: Decimal = Decimal(0),
    *,
    most: int = 1 << 62,
) -> None:
    """Plans never hold more than the position: what somebody else closed is taken from somebody else's
    contracts first, then from the newest trade, `most` contracts of it. `price` in ticks and `cost_usd` of
    one contract are what it left for.
    """
    held = book.position(instrument).qty
    for side in Side:
        plans = [p for p in book.plans.values() if p.plan.instrument == instrument and p.plan.side is side]
        excess = sum(max(0, leg.open_qty) for p in plans for leg in p.legs) - max(0, held * side.sign)
        excess = min(excess, most)
        for plan in (*(p for p in plans if p.fostered), *_newest(p for p in plans if not p.fostered)):
            for leg in plan.legs:
                excess -= _take(leg, max(0, excess), price, cost_usd)


def _giving(book: BookState, but: PlanState) -> Iterator[PlanState]:
    """Trades of ours beside one that has closed more than it had."""
    here, side = but.plan.instrument, but.plan.side
    return _newest(
        one
        for one in book.plans.values()
        if one.plan.instrument == here and one.plan.side is side and one is not but and not one.fostered
    )


def _newest(plans: Iterable[PlanState]) -> Iterator[PlanState]:
    """Newest first: plans are kept in the order in which they were opened."""
    return reversed(list(plans))


def _take(leg: LegState, qty: int, price: int, cost_usd: Decimal) -> int:
    """Close up to `qty` of a leg; the contracts it had."""
    taken = min(qty, max(0, leg.open_qty))
    if taken:
        _exit(leg, taken, price, cost_usd)
    return taken


def _exit(leg: LegState, qty: int, price: int, cost_usd: Decimal) -> None:
    own = min(qty, max(0, leg.open_qty))
    leg.exited += qty
    leg.exit_sum += price * own
    leg.costs_usd += (cost_usd * own).quantize(_MICRO)
    if own < qty:
        leg.beyond.append(Beyond(qty - own, price, cost_usd))
