"""A target added to a trade, or taken off it: legs change their aims, and one leg may become two."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import structs

from engine.books import amend, parts
from engine.books.book import Book
from engine.books.manual_prices import WrongError, aims, not_far, ticks
from engine.execution.desired import target_of
from engine.model.commands import MOST_TARGETS, ChangeManual
from engine.model.instrument import Instrument
from engine.model.plans import Leg
from engine.state.state import PlanState


class LegSplit(NamedTuple):
    """Contracts that leave a leg for the new one at the end."""

    source: int
    qty: int


def asked(command: ChangeManual, known: Instrument) -> tuple[int | None, tuple[int, ...]]:
    """Which target comes and which go, ticks. Raises WrongError."""
    adds = None if command.add_target is None else ticks(known, command.add_target, "target")
    drops = tuple(dict.fromkeys(ticks(known, price, "target") for price in command.drop_targets))
    if adds in drops:
        raise WrongError(f"a target at {known.text(adds or 0)} can't come and go")
    return adds, drops


def changed(
    book: Book,
    found: PlanState,
    legs: tuple[Leg, ...],
    adds: int | None,
    drops: tuple[int, ...],
    known: Instrument,
    mark: int | None,
) -> tuple[tuple[Leg, ...], LegSplit | None]:
    """The legs with their new aims, and what moves into one that is new. Raises WrongError."""
    if adds is None and not drops:
        return legs, None
    if any(leg.touch_offset is not None for leg in legs):
        raise WrongError("one contract is held for its second target: move the targets, or give both anew")
    wanted = list(legs)
    for price in drops:
        at = [k for k in _running(found) if _aim(found, wanted, k) == price]
        if not at:
            raise WrongError(f"{found.plan.plan_id} has no target at {known.text(price)}")
        for k in at:
            wanted[k] = structs.replace(wanted[k], target=None, target_offset=None)
    return (tuple(wanted), None) if adds is None else _with(book, found, wanted, adds, known, mark)


def _running(found: PlanState) -> list[int]:
    return [k for k, done in enumerate(found.legs) if not done.entered or done.open_qty > 0]


def _aim(found: PlanState, legs: list[Leg], k: int) -> int | None:
    """Where a leg is left with a profit, ticks; None where nowhere."""
    leg, done = legs[k], found.legs[k]
    if leg.target is not None or leg.target_offset is None:
        return leg.target
    if done.entered:
        return target_of(found.plan, k, done)
    return found.plan.entry_price + leg.target_offset


def _with(
    book: Book, found: PlanState, legs: list[Leg], price: int, known: Instrument, mark: int | None
) -> tuple[tuple[Leg, ...], LegSplit | None]:
    plan, sign = found.plan, found.plan.side.sign
    held = found.open_qty > 0
    near = mark if held and mark is not None else plan.entry_price
    not_far(known, price, "target", near)
    aims(known, (price,), near, sign)
    running = _running(found)
    bare = [k for k in running if _aim(found, legs, k) is None]
    for k in bare:
        entry = found.legs[k].average if found.legs[k].entered else plan.entry_price
        legs[k] = structs.replace(legs[k], target=price, target_offset=price - entry)
    if bare:
        return tuple(legs), None
    there = {_aim(found, legs, k) for k in running}
    if price in there or len(there) >= MOST_TARGETS:
        raise WrongError(f"{plan.plan_id} has its targets: a trade has at most {MOST_TARGETS}")
    if amend.entering(book.state, found) or not held:
        raise WrongError("its entry is not over: a second target can be added once it has filled")
    if book.orders.context.watches_target(plan.instrument):
        raise WrongError("coins have one target, as their stop holds them")
    k = max(running, key=lambda one: found.legs[one].open_qty)
    if parts.under_way(book, found):
        raise WrongError(f"a part of {plan.plan_id} is being closed: wait for that")
    leg, done = legs[k], found.legs[k]
    goes = done.open_qty // 2
    if not goes:
        raise WrongError(f"{known.qty_text(done.open_qty)} {known.symbol} can't be split over two targets")
    new = structs.replace(leg, qty=goes, target=price, target_offset=price - done.average, keep=None)
    legs[k] = structs.replace(leg, qty=max(1, leg.qty - goes), keep=None)
    if leg.stop is None:  # the same price as the leg that it comes from, whatever fractions its average has
        stop = done.average + leg.stop_offset
        new, legs[k] = structs.replace(new, stop=stop), structs.replace(legs[k], stop=stop)
    return (*legs, new), LegSplit(k, goes)
