"""Which trades may stand beside each other in a contract of a book (docs/semantics.md#beside-each-other)."""

from __future__ import annotations

from typing import NamedTuple

from engine.model.market import Side
from engine.model.plans import Idea, TradePlan
from engine.state.state import BookState, PlanState


class Beside(NamedTuple):
    """What the trades of a contract have against one more; empty where there is nothing."""

    busy: bool = False
    words: str = ""
    """Why, with its numbers; empty where the plain sentence says it."""
    opposed: str = ""


FREE = Beside()


def against(book: BookState, idea: Idea, allowed: int, own_allowed: int | None) -> Beside:
    """`allowed` trades stand there at a time, `own_allowed` of one bot or room (None: as many as all)."""
    symbol = idea.instrument
    plans = [found for found in book.plans.values() if found.plan.instrument == symbol]
    if not plans:
        return Beside(busy=unexplained(book, symbol))
    if allowed <= 1 or unexplained(book, symbol):
        return Beside(busy=True)
    other = next((found for found in plans if found.plan.side is not idea.side), None)
    if other is not None:
        return Beside(opposed=f"{_told(other)} goes the other way there, and the account nets")
    if len(plans) >= allowed:
        words = f"{_count(len(plans))} open in this contract, {allowed} allowed (risk.plans_per_contract)"
        return Beside(busy=True, words=words)
    own = sum(_owner(found.plan) == (idea.owner, idea.bot) for found in plans)
    if own_allowed is not None and own >= own_allowed:
        words = f"{_count(own)} of {idea.owner} open in this contract, {own_allowed} allowed"
        where = f" (bots, {idea.bot}: plans_per_contract)" if idea.bot else ""
        return Beside(busy=True, words=words + where)
    return FREE


def unexplained(book: BookState, symbol: str) -> bool:
    """Whether something in a contract is none of a plan's, or everything there is being closed."""
    return bool(
        book.position(symbol).qty != book.shares(symbol)
        or any(order.plan_id not in book.plans for order in book.live_orders(symbol))
        or symbol in book.flattening
    )


def _owner(plan: TradePlan) -> tuple[str, str]:
    return plan.owner, plan.bot


def _told(found: PlanState) -> str:
    plan = found.plan
    way = "long" if plan.side is Side.BUY else "short"
    return f"the trade of {plan.owner} ({plan.plan_id}, {way} {found.open_qty or plan.qty})"


def _count(number: int) -> str:
    return f"{number} trade{'' if number == 1 else 's'}"
