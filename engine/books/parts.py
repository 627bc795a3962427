"""A part of what is held, closed by a person: each leg is told how much of it is to stay, and one order at
market closes the rest (docs/manual-orders.md#closing-a-part).

Stops keep their size until that order has filled, so what goes and what stays is protected meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import structs

from engine.books.book import Book
from engine.books.manual_prices import WrongError
from engine.execution.desired import going
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
    if context.by_balance(symbol):
        raise WrongError(
            f"{symbol} is a balance, which its stop holds: no part of it can be closed beside that"
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


def _staying(book: Book, symbol: str) -> Iterator[tuple[PlanState, int, int]]:
    """Each leg that holds something, and how much of it is to stay so far."""
    for found in book.state.plans.values():
        if found.plan.instrument == symbol and found.plan.status is PlanStatus.OPEN:
            for k, (leg, done) in enumerate(zip(found.plan.legs, found.legs, strict=True)):
                if done.open_qty > 0:
                    yield found, k, done.open_qty - going(leg, done, book.state.orders)
