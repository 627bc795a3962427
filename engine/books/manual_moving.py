"""A change by hand of a trade: its resting entry, its stop, its targets, and how its stop follows
(docs/manual-orders.md#changing-and-taking-back).
"""

from __future__ import annotations

from decimal import Decimal

from engine.books import manual_changes, manual_gate, manual_targets
from engine.books.book import Book
from engine.books.entries import Entries
from engine.books.manual_changes import Changed
from engine.books.manual_placing import Said
from engine.books.manual_prices import Moved, WrongError, known_words, moved
from engine.books.manual_trial import left
from engine.model import records as r
from engine.model.commands import LEAST_TRAIL, MOST_TICKS, ChangeManual
from engine.model.instrument import Instrument
from engine.model.orders import OrderType
from engine.model.plans import Leg, PlanStatus, Trail
from engine.model.verdicts import OrderVerdict
from engine.state.state import PlanState
from engine.state.turn import Turn


def change(
    turn: Turn,
    entries: Entries,
    book: Book,
    known: Instrument,
    found: PlanState,
    command: ChangeManual,
    touch: int,
) -> Said:
    """`touch`: where a market order would fill now, ticks. Raises WrongError."""
    plan = found.plan
    if plan.status is not PlanStatus.OPEN:
        raise WrongError(f"{plan.instrument} is being closed: nothing of it changes any more")
    wish, trail = moved(command, known), _trail(command)
    adds, drops = manual_targets.asked(command, known)
    prices = wish.price is not None or wish.stop is not None or bool(wish.targets)
    if not prices and adds is None and not drops and trail is None:
        raise WrongError(
            "say what to move: the entry's price, the stop, the targets, or the trailing distance"
        )
    if (adds is not None or drops) and wish.targets:
        raise WrongError("give all targets, or those that come and go, and not both")
    mark = book.orders.context.marks.reached(known.symbol, plan.side)
    changed = manual_changes.changed(book.state, found, wish, known, touch, mark)
    legs, split = manual_targets.changed(book, found, changed.legs, adds, drops, known, mark)
    after = Changed(legs[: len(plan.legs)], changed.entry)
    words = known_words(command.override)
    before = max(Decimal(0), _risk(book, known, found, plan.legs, plan.entry_price))
    risk = max(Decimal(0), manual_gate.may_change(entries, book, known, found, after, words, turn.wall))
    said = ", ".join(_said(known, wish, adds, drops, trail))
    what = f"{plan.plan_id}, {plan.instrument} in {book.name}: {said}"
    what = f"{what}; {risk:.2f} {known.currency} at risk, costs included"
    text = f"nothing is moved, and it would be taken: {what}" if command.dry_run else what
    verdict = _verdict(turn, book, known, found, after, text, before, risk)
    if command.dry_run:
        return Said(text, verdicts=(verdict,))
    entry = wish.price if manual_changes.resting_addition(book.state, found) is None else None
    turn.commit(
        r.PlanChanged(
            ts=turn.now,
            book=book.name,
            plan_id=plan.plan_id,
            legs=legs,
            reason=", ".join(("by hand", *(f"{word} overridden" for word in words))),
            entry_limit=entry if plan.entry_type is OrderType.LIMIT else None,
            entry_stop=entry if plan.entry_type is OrderType.STOP else None,
            trail=trail,
        )
    )
    if split is not None:
        turn.commit(
            r.ContractsShifted(
                ts=turn.now,
                book=book.name,
                plan_id=plan.plan_id,
                source=split.source,
                target=len(legs) - 1,
                qty=split.qty,
            )
        )
    book.orders.work()
    return Said(text, verdicts=(verdict,))


def _trail(command: ChangeManual) -> Trail | None:
    """Raises WrongError."""
    ticks = command.trail_ticks
    if ticks is None:
        return None
    if ticks and not LEAST_TRAIL <= ticks <= MOST_TICKS:
        raise WrongError(f"a stop follows at {LEAST_TRAIL} to {MOST_TICKS} ticks, or with 0 not at all")
    return Trail(ticks, None if ticks else 0)


def _risk(book: Book, known: Instrument, found: PlanState, legs: tuple[Leg, ...], entry: int) -> Decimal:
    return manual_changes.risk_usd(book.state, found, legs, entry, known, manual_gate.limits(book))


def _said(
    known: Instrument, wish: Moved, adds: int | None, drops: tuple[int, ...], trail: Trail | None
) -> list[str]:
    parts = [f"entry to {known.text(wish.price)}"] if wish.price is not None else []
    parts += [f"stop to {known.text(wish.stop)}"] if wish.stop is not None else []
    parts += [f"targets to {', '.join(map(known.text, wish.targets))}"] if wish.targets else []
    parts += [f"a target at {known.text(adds)}"] if adds is not None else []
    parts += [f"no target at {known.text(price)} any more" for price in drops]
    if trail is not None:
        follows = f"its stop follows at {trail.distance} ticks" if trail.distance else "its stop stays"
        parts.append(follows)
    return parts


def _verdict(
    turn: Turn,
    book: Book,
    known: Instrument,
    found: PlanState,
    after: Changed,
    text: str,
    before: Decimal,
    risk: Decimal,
) -> OrderVerdict:
    plan = found.plan
    qty = manual_changes.qty(book.state, found)
    entry, stop = manual_changes.widest(book.state, found, after) if qty else (after.entry, after.entry)
    aims = manual_gate.targets(after.legs, entry, plan.side.sign)
    away = (entry - stop) * plan.side.sign
    held = book.state.position(known.symbol).qty
    return OrderVerdict(
        book=book.name,
        kind=book.kind,
        done=True,
        text=text,
        instrument=known.symbol,
        side=plan.side,
        plan=plan.plan_id,
        qty=qty,
        entry=known.price(entry),
        stop=known.price(stop),
        targets=tuple(known.price(price) for price in aims),
        risk=risk,
        before=before,
        reward_to_risk=(aims[0] - entry) * plan.side.sign / away if aims and away > 0 else None,
        costs=known.round_trip(entry, stop) * qty,
        currency=known.currency,
        held=held,
        held_after=held,
        left=left(turn, book, known, risk - before, 0, trades=0),
    )
