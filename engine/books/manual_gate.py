"""What the gate says of a change by hand, and what of it gives way to a person's word
(docs/manual-orders.md#overrides).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from msgspec import structs

from engine.books import manual_changes
from engine.books.book import Book
from engine.books.entries import Entries, EntryTerms
from engine.books.manual_changes import Changed
from engine.books.manual_prices import WrongError
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.plans import MANUAL, Idea, Leg
from engine.model.refusals import OVERRIDES, Refusal
from engine.model.sizing import ByGrade
from engine.risk import gate
from engine.risk.sizers import Wanted
from engine.state.state import PlanState

_ITS_OWN = frozenset({Refusal.IN_POSITION, Refusal.OPPOSED, Refusal.MAX_SIZE, Refusal.MAX_TRADES})
"""What the trade itself would be the reason for."""

_OF_ENTRIES = _ITS_OWN | {
    Refusal.LOSING_STREAK,
    Refusal.NEAR_CLOSE,
    Refusal.BLACKOUT,
    Refusal.OUTSIDE_HOURS,
    Refusal.PAUSED,
    Refusal.EXPIRING,
    Refusal.REWARD_TO_RISK,
}
"""What refuses the beginning of a trade and no change of one that has begun."""


def limits(book: Book) -> RiskLimits:
    """Every limit holds; a person's trade has no score."""
    return structs.replace(book.config.risk, min_score_tenths=0)


def may_change(
    entries: Entries,
    book: Book,
    known: Instrument,
    found: PlanState,
    change: Changed,
    words: tuple[str, ...],
    wall: int,
) -> Decimal:
    """USD at risk after a change, costs and slippage included. Raises WrongError where more would be at risk
    than the gate lets through, as if the trade were new and the only one of its kind; and where an entry that
    has not begun to fill would have less reward for its risk than is allowed.
    """
    plan, state = found.plan, book.state
    bounds = limits(book)
    before, after = (
        manual_changes.risk_usd(state, found, legs, at, known, bounds)
        for legs, at in ((plan.legs, plan.entry_price), (change.legs, change.entry))
    )
    qty, begun = manual_changes.qty(state, found), any(done.entered for done in found.legs)
    if not qty:
        return after
    ideas = []
    for one in (Changed(plan.legs, plan.entry_price), change):
        at, stop = manual_changes.widest(state, found, one)
        aims = () if begun else targets(one.legs, at, plan.side.sign)
        ideas.append(Idea(MANUAL, plan.instrument, plan.side, at, stop, aims, 0, (), wall))
    was, wanted = ideas
    more, poorer = after > before, not begun and wanted.reward_to_risk < was.reward_to_risk
    if not more and not poorer:
        return after
    terms = EntryTerms(bounds, Wanted(ByGrade(), qty, whole=True), override=words, instead_of=plan.plan_id)
    _, against, _ = entries.verdict(book, wanted, known, terms)
    if more:
        idle = _OF_ENTRIES if begun else _ITS_OWN
        against = tuple(one for one in against if one.refusal not in idle)
    else:
        against = tuple(one for one in against if one.refusal is Refusal.REWARD_TO_RISK)
    if against:
        what = "more would be at risk" if more else "it would be worth less"
        why = "; ".join(one.words for one in against)
        raise WrongError(f"{plan.instrument}: {what}, and that is refused: {why}{may_override(against)}")
    return after


def targets(legs: Iterable[Leg], entry: int, sign: int) -> tuple[int, ...]:
    """Where a trade that enters there has its first profit, leg by leg, the nearest first, ticks."""
    ends = (
        (leg.touch, leg.touch_offset) if leg.touch_offset is not None else (leg.target, leg.target_offset)
        for leg in legs
    )
    found = {at if at is not None else entry + away for at, away in ends if away is not None}
    return tuple(sorted(found, key=lambda price: price * sign))


def may_override(against: tuple[gate.Against, ...]) -> str:
    """How to have it all the same, where only what a person may override stands against it."""
    words = {refusal: word for word, refusal in OVERRIDES.items()}
    if not all(one.refusal in words for one in against):
        return ""
    return "".join(f" (--override {words[one.refusal]})" for one in against)
