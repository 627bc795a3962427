"""What a change by hand makes of a plan: entry, stop and targets where a person wants them.

Nothing is cancelled and made anew: the plan changes, and the diff moves the orders that stand, so protection
never goes down in between.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from msgspec import structs

from engine.books import amend
from engine.books.manual_prices import Moved, WrongError, aims, not_far, resting, right_side
from engine.execution import stops
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.orders import OrderType, Slot
from engine.model.plans import Leg, StopRule
from engine.risk.sizing import loss_usd
from engine.state.legs import LegState
from engine.state.state import BookState, PlanState


class Changed(NamedTuple):
    legs: tuple[Leg, ...]
    entry: int
    """Where the rest of it enters, ticks."""


def changed(
    book: BookState, found: PlanState, wish: Moved, known: Instrument, touch: int, mark: int | None
) -> Changed:
    """The legs as they are wanted. `touch` is where a market order would fill now, `mark` where the position
    could be closed. Raises WrongError.
    """
    plan, sign = found.plan, found.plan.side.sign
    entering, held, rests = amend.entering(book, found), found.open_qty > 0, resting_addition(book, found)
    if wish.price is not None and rests is not None:
        not_far(known, wish.price, "entry", touch)
    elif wish.price is not None:
        if plan.entry_type is OrderType.MARKET:
            raise WrongError("it was entered at market: there is no price of the entry to move")
        if not entering:
            raise WrongError("its entry is over: only the stop and the targets can be moved")
        not_far(known, wish.price, "entry", touch)
        resting(known, wish.price, plan.entry_type, sign, touch)
    entry = plan.entry_price if wish.price is None or rests is not None else wish.price
    fills = sign * min(sign * entry, sign * touch) if plan.entry_type is OrderType.LIMIT else entry
    for price, what in ((wish.stop, "stop"), *((target, "target") for target in wish.targets)):
        if price is not None:
            not_far(known, price, what, touch)
    if held and (wish.stop is not None or wish.targets) and mark is None:
        raise WrongError(f"{plan.instrument}: no price is known to compare with")
    if held and wish.stop is not None and mark is not None and (mark - wish.stop) * sign <= 0:
        reached = f"the market, {known.text(mark)}, has reached {known.text(wish.stop)}"
        raise WrongError(f"{reached}: a stop there would be rejected; tstream flatten closes at market")
    if held and wish.targets and mark is not None:
        aims(known, wish.targets, mark, sign)
    legs = [
        _leg(leg, k, done, wish, entry, plan.qty) if _running(done) else leg
        for k, (leg, done) in enumerate(zip(plan.legs, found.legs, strict=True))
    ]
    if len(wish.targets) > sum(2 if _holds(leg) else 1 for leg in plan.legs):
        what = f"{known.qty_text(plan.qty)} {plan.instrument}"
        raise WrongError(f"{what} can't be split over {len(wish.targets)} targets")
    if rests is not None:
        leg = legs[rests] = _added(legs[rests], wish.price)
        at = leg.entry_limit or 0
        right_side(known, leg.stop or 0, sign * min(sign * at, sign * touch), sign)
        aims(known, () if leg.target is None else (leg.target,), at, sign)
    elif entering:
        for leg in legs:
            if leg.stop is not None:
                right_side(known, leg.stop, fills, sign)
        wanted = wish.targets or tuple(leg.target for leg in legs if leg.target is not None)
        aims(known, tuple(sorted(set(wanted), key=lambda price: sign * price)), entry, sign)
    return Changed(tuple(legs), entry)


def resting_addition(book: BookState, found: PlanState) -> int | None:
    """Which leg was added and rests at a limit."""
    for k, (leg, done) in enumerate(zip(found.plan.legs, found.legs, strict=True)):
        order = book.orders.get(done.slots.get(Slot.ENTRY, ""))
        if leg.entry_limit is not None and order is not None and order.live:
            return k
    return None


def _added(leg: Leg, price: int | None) -> Leg:
    """Its distances are those from where it rests."""
    at = leg.entry_limit if price is None else price
    assert at is not None
    stop = leg.stop_offset if leg.stop is None else leg.stop - at
    target = leg.target_offset if leg.target is None else leg.target - at
    return structs.replace(leg, entry_limit=at, stop_offset=stop, target_offset=target)


def _running(done: LegState) -> bool:
    return not done.entered or done.open_qty > 0


def _holds(leg: Leg) -> bool:
    """One contract that is held beyond the first of two targets."""
    return leg.touch_offset is not None


def _leg(leg: Leg, k: int, done: LegState, wish: Moved, entry: int, qty: int) -> Leg:
    if wish.stop is not None:
        leg = structs.replace(leg, stop=wish.stop, rule=StopRule.INITIAL)
    if wish.targets:
        at = min(1 if _holds(leg) else k, len(wish.targets) - 1)
        leg = structs.replace(leg, target=wish.targets[at])
        if leg.touch_offset is not None:
            leg = structs.replace(leg, touch=wish.targets[0])
    if not done.entered:  # the distances of the beginning are what its risk is measured by
        leg = structs.replace(
            leg,
            stop_offset=leg.stop_offset if leg.stop is None else leg.stop - entry,
            target_offset=leg.target_offset if leg.target is None else leg.target - entry,
        )
    return leg


def risk_usd(
    book: BookState,
    found: PlanState,
    legs: tuple[Leg, ...],
    entry: int,
    known: Instrument,
    limits: RiskLimits,
) -> Decimal:
    """What would be lost with these legs at their stops, costs and slippage included, USD."""
    sign, total = found.plan.side.sign, Decimal(0)
    for k, leg in enumerate(legs):
        done = found.legs[k]
        for qty, at, stop in _parts(book, found, k, leg, done, entry):
            total += loss_usd(known, at, (at - stop) * sign, limits) * qty
    return total


def widest(book: BookState, found: PlanState, change: Changed) -> tuple[int, int]:
    """Entry and stop that are farthest apart after the change, ticks."""
    sign = found.plan.side.sign
    parts = [
        (at, stop)
        for k, leg in enumerate(change.legs)
        for _, at, stop in _parts(book, found, k, leg, found.legs[k], change.entry)
    ]
    return max(parts, key=lambda part: (part[0] - part[1]) * sign)


def qty(book: BookState, found: PlanState) -> int:
    """Contracts that are held or may yet be entered."""
    return sum(
        part[0]
        for k, leg in enumerate(found.plan.legs)
        for part in _parts(book, found, k, leg, found.legs[k], found.plan.entry_price)
    )


def _parts(
    book: BookState, found: PlanState, k: int, leg: Leg, done: LegState, entry: int
) -> list[tuple[int, int, int]]:
    """(Contracts, entered at, stopped at) of what is held of a leg and of what is yet to be entered."""
    parts = []
    if done.open_qty > 0:
        sign = found.plan.side.sign
        unmoved = leg is found.plan.legs[k] or leg.stop == found.plan.legs[k].stop
        planned = leg.stop if leg.stop is not None else done.average + leg.stop_offset
        stop = stops.present(book.orders, leg, done, sign) if unmoved else planned
        parts.append((done.open_qty, done.average, stop))
    order = book.orders.get(done.slots.get(Slot.ENTRY, ""))
    coming = order.open_qty if order is not None and order.live else 0
    entry = entry if leg.entry_limit is None else leg.entry_limit
    if coming:
        stop = leg.stop if leg.stop is not None else entry + leg.stop_offset
        parts.append((coming, entry, stop))
    return parts
