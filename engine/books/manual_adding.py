"""More of a trade that is held: one more leg, entered at market or at a limit under the stop that the trade
has (docs/manual-orders.md#adding-to-a-trade).

The new leg is protected like every entry, from its first fill on, and the stops of what is held stay as they
are: all of it is covered at all times. The gate is asked twice: of what is added, beside everything that is
open, and of the whole, which may not risk more than a trade may.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import structs

from engine.books import amend, manual_changes, manual_gate, manual_trial, parts
from engine.books.beside import unexplained
from engine.books.book import Book
from engine.books.entries import Entries
from engine.books.manual_placing import Said, entry_ends
from engine.books.manual_prices import (
    WrongError,
    aims,
    known_words,
    lots,
    rests,
    right_side,
    sound_risk,
    ticks,
)
from engine.books.manual_trial import HowMany, Tried
from engine.execution import stops
from engine.execution.desired import target_of
from engine.model import records as r
from engine.model.commands import AddManual
from engine.model.instrument import Instrument
from engine.model.plans import MANUAL, Idea, Leg, PlanStatus
from engine.model.refusals import Refusal
from engine.risk import gate
from engine.state.state import PlanState
from engine.state.turn import Turn

MOST_LEGS = 8
"""Each has its own stop at the venue."""

_NOT_NEW = frozenset({Refusal.IN_POSITION, Refusal.MAX_SIZE, Refusal.MAX_TRADES})
"""What refuses one more trade, which this is not."""


def add(
    turn: Turn,
    entries: Entries,
    book: Book,
    known: Instrument,
    found: PlanState,
    command: AddManual,
    touch: int,
) -> Said:
    """Raises WrongError."""
    plan, sign = found.plan, found.plan.side.sign
    lots(command.qty)
    sound_risk(command.risk_usd)
    if (command.qty is None) is (command.risk_usd is None):
        raise WrongError("say how much more: a quantity, or the USD to risk, and not both")
    _may_grow(book, found, known)
    words = known_words(command.override)
    k = max(k for k, done in enumerate(found.legs) if done.open_qty > 0)
    leg, done = plan.legs[k], found.legs[k]
    stop = stops.present(book.state.orders, leg, done, sign)
    target = target_of(plan, k, done)
    rests(command.minutes, limit=command.price is not None)
    limit = None if command.price is None else ticks(known, command.price, "entry", touch)
    entry = touch if limit is None else limit
    right_side(known, stop, sign * min(sign * entry, sign * touch), sign)
    aims(known, () if target is None else (target,), entry, sign)
    idea = Idea(
        strategy=MANUAL,
        instrument=known.symbol,
        side=plan.side,
        reference=entry,
        stop=stop,
        targets=() if target is None else (target,),
        score_tenths=0,
        reasons=("by hand", *(f"{word} overridden" for word in words)),
        ts=turn.wall,
        origin=plan.origin,
    )
    many = HowMany(command.qty, command.risk_usd)
    tried = manual_trial.ask(entries, book, known, idea, many, words)
    whole = tried.risk_usd + max(
        Decimal(0),
        manual_changes.risk_usd(
            book.state, found, plan.legs, plan.entry_price, known, manual_gate.limits(book)
        ),
    )
    alone = (one for one in tried.against if one.refusal not in _NOT_NEW)
    against = (*alone, *_whole(book, known, found, tried, whole))
    tried = Tried(tried.qty, tried.risk_usd, tried.why, against)
    held = known.qty_text(found.open_qty)
    at = "at market" if limit is None else f"limit {known.text(limit)}"
    what = f"{plan.side} {known.qty_text(tried.qty)} {known.symbol} {at} in {book.name}, added to {held}"
    aim = "no target" if target is None else f"target {known.text(target)}"
    what += f" of {plan.plan_id}, stop {known.text(stop)}, {aim}"
    what += f"; {whole:.2f} {known.currency} of the whole at risk, costs included"
    if against:
        text = f"refused: {what}: {'; '.join(one.words for one in against)}"
        text += manual_gate.may_override(tried.against)
    else:
        text = f"nothing is added, and it would be taken: {what}" if command.dry_run else f"adding: {what}"
    now = book.state.position(known.symbol).qty
    verdict = manual_trial.verdict(turn, book, known, idea, tried, now, text)
    room = manual_trial.left(turn, book, known, tried.risk_usd, tried.qty, trades=0)
    verdict = structs.replace(verdict, plan=plan.plan_id, left=room, before=whole - tried.risk_usd)
    if not against and not command.dry_run:
        ends = None
        if limit is not None:
            ends = entry_ends(turn, turn.state.instruments, book, known.symbol, command.minutes)
        new = Leg(
            tried.qty,
            stop - entry,
            None if target is None else target - entry,
            stop=stop,
            target=target,
            rule=leg.rule,
            added=True,
            entry_limit=limit,
            ends_ts=ends,
        )
        turn.commit(
            r.PlanChanged(
                ts=turn.now,
                book=book.name,
                plan_id=plan.plan_id,
                legs=(*plan.legs, new),
                reason=f"by hand: {known.qty_text(tried.qty)} added",
            )
        )
        book.orders.work()
    return Said(text, not against, (verdict,))


def _may_grow(book: Book, found: PlanState, known: Instrument) -> None:
    """Raises WrongError."""
    plan = found.plan
    if plan.status is not PlanStatus.OPEN:
        raise WrongError(f"{plan.instrument} is being closed: nothing is added any more")
    if amend.entering(book.state, found):
        raise WrongError(f"the entry of {plan.plan_id} is not over yet: cancel what rests of it, or wait")
    if found.open_qty <= 0:
        raise WrongError(f"nothing of {plan.plan_id} is held: there is nothing to add to")
    if parts.under_way(book, found):
        raise WrongError(f"a part of {plan.plan_id} is being closed: wait for that")
    if len(plan.legs) >= MOST_LEGS:
        raise WrongError(f"{plan.plan_id} was added to {MOST_LEGS - 1} times: each part has its own stop")
    if unexplained(book.state, plan.instrument):
        raise WrongError(f"something in {plan.instrument} is no trade of tstream's, or is being closed")


def _whole(
    book: Book, known: Instrument, found: PlanState, tried: Tried, risk_usd: Decimal
) -> Iterator[gate.Against]:
    """What a trade may not be, asked of all of it together."""
    limits, total = book.config.risk, found.open_qty + tried.qty
    most = known.most_lots if known.max_quantity is not None else limits.max_contracts
    if risk_usd > limits.risk_per_trade_usd:
        words = f"the whole would risk {risk_usd:.2f} {known.currency}, {limits.risk_per_trade_usd} allowed"
        yield gate.Against(Refusal.SIZE_LESS, f"{words} (risk.per_trade_usd)")
    if (known.max_quantity is not None or not known.by_value) and total > most:
        key = (
            "risk.max_contracts" if known.max_quantity is None else f"instruments.{known.symbol}.max_quantity"
        )
        words = f"the whole would be {known.qty_text(total)}, {known.qty_text(most)} allowed"
        yield gate.Against(Refusal.SIZE_LESS, f"{words} ({key})")
    worth = known.notional(found.plan.entry_price, total)
    if limits.max_notional_usd and worth > limits.max_notional_usd:
        words = f"the whole would be worth {worth:.2f} {known.currency}, {limits.max_notional_usd} allowed"
        yield gate.Against(Refusal.SIZE_LESS, f"{words} (risk.max_notional_usd)")
