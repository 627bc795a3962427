"""A part of what is held, closed by a person: each leg is told how much of it is to stay, and one order at
market closes the rest (docs/manual-orders.md#closing-a-part).

Stops keep their size until that order has filled, so what goes and what stays is protected meanwhile. Of
coins they first give up what is to be sold (docs/semantics.md#closing-a-part-of-coins).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import structs

from engine.books.book import Book
from engine.books.manual_prices import WrongError
from engine.execution import stops
from engine.execution.venue_exits import going
from engine.model import records as r
from engine.model.commands import ReduceManual
from engine.model.instrument import Instrument
from engine.model.orders import Slot
from engine.model.plans import PlanStatus
from engine.state.state import PlanState


class PartOfLeg(NamedTuple):
    found: PlanState
    leg: int
    keep: int
    """Lots that stay."""


def asked(command: ReduceManual, book: Book, known: Instrument) -> tuple[int, int, tuple[PartOfLeg, ...]]:
    """Lots to close, lots that stay, and of which legs: the oldest trade's nearest target goes first. Raises
    WrongError.
    """
    symbol, context = known.symbol, book.orders.context
    held = context.state.position(symbol).qty
    if not held:
        raise WrongError(f"nothing of {symbol} is held in {book.name}")
    if symbol in context.state.flattening:
        raise WrongError(f"{symbol} is being closed in {book.name} already, all of it")
    if not book.orders.reconciled:
        raise WrongError(
            f"what {book.name} holds is not verified with the venue yet; tstream flatten {symbol} closes all "
            "of it"
        )
    legs = list(_staying(book, symbol))
    left = sum(stays for _, _, stays in legs)
    if left <= 0:
        why = "is being closed already" if legs else "belongs to no trade of tstream's"
        raise WrongError(f"what is held of {symbol} in {book.name} {why}")
    qty = (left + 1) // 2 if command.qty is None else command.qty
    if not 0 < qty <= left:
        raise WrongError(
            f"{known.qty_text(left)} {symbol} can be closed in {book.name}, not {known.qty_text(qty)}"
        )
    parts, rest = [], qty
    for found, k, stays in legs:
        takes = min(rest, stays)
        if takes:
            parts.append(PartOfLeg(found, k, stays - takes))
            rest -= takes
            if context.by_balance(symbol):
                _large_enough(book, known, parts[-1], takes)
    return qty, left - qty, tuple(parts)


def close(book: Book, parts: tuple[PartOfLeg, ...], reason: str) -> None:
    """Write down what is to stay, and begin."""
    turn = book.orders.turn
    by_plan: dict[str, list[PartOfLeg]] = {}
    for part in parts:
        by_plan.setdefault(part.found.plan.plan_id, []).append(part)
    for plan_id, some in by_plan.items():
        legs = list(some[0].found.plan.legs)
        for part in some:
            newest = part.found.legs[part.leg].slots.get(Slot.PART, "")
            legs[part.leg] = structs.replace(legs[part.leg], keep=part.keep, keep_after=newest)
        turn.commit(
            r.PlanChanged(ts=turn.now, book=book.name, plan_id=plan_id, legs=tuple(legs), reason=reason)
        )
    book.orders.work()


def under_way(book: Book, found: PlanState) -> bool:
    """Whether a part of a trade is being closed, or is yet to be."""
    exits = book.orders.context.exits(found.plan.instrument, book.orders.inquiry.proven_ts)
    return any(going(found, k, book.state.orders, exits) for k in range(len(found.legs)))


def _staying(book: Book, symbol: str) -> Iterator[tuple[PlanState, int, int]]:
    """Each leg that holds something, and how much of it is to stay so far."""
    exits = book.orders.context.exits(symbol, book.orders.inquiry.proven_ts)
    for found in book.state.plans.values():
        if found.plan.instrument == symbol and found.plan.status is PlanStatus.OPEN:
            for k, done in enumerate(found.legs):
                if done.open_qty > 0:
                    yield found, k, done.open_qty - going(found, k, book.state.orders, exits)


def _large_enough(book: Book, known: Instrument, part: PartOfLeg, goes: int) -> None:
    """A venue takes no order for less than its least, neither for what goes nor, at its stop, for what
    stays. Raises WrongError.
    """
    plan, done = part.found.plan, part.found.legs[part.leg]
    stop = stops.present(book.state.orders, plan.legs[part.leg], done, plan.side.sign)
    market = book.orders.context.price_of(book.state.position(known.symbol))
    least = f"the venue takes no order for less than {known.least_notional} {known.currency}"
    for lots, price, which in ((goes, market, "to close"), (part.keep, stop, "that would stay")):
        if lots and known.notional(price, lots) < known.least_notional:
            worth = f"{known.notional(price, lots):.2f} {known.currency}"
            words = f"the {known.qty_text(lots)} {known.symbol} {which} in {book.name} are worth {worth}"
            raise WrongError(f"{words}, and {least}: close more or all of it")
