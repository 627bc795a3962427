"""Orders by hand: placed, changed and taken back by a person, and from then on plans like any other
(docs/manual-orders.md).

The gate says the same to a person as to a strategy. What a person may override has to be typed; nothing is
made smaller in silence, and a refusal names each reason with its number and the money at risk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from msgspec import structs

from engine.books import amend, manual_changes, manual_gate, parts
from engine.books.book import Book
from engine.books.commands import Answer
from engine.books.entries import Entries, EntryTerms
from engine.books.manual_prices import Asked, WrongError, asked, known_words, moved, plain
from engine.market.calendars.known import calendar_in
from engine.model import records as r
from engine.model.commands import (
    AGAIN,
    ONLY_TRIED,
    CancelManual,
    ChangeManual,
    ManualCommand,
    PlaceManual,
    ReduceManual,
)
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Side
from engine.model.orders import OrderType
from engine.model.plans import MANUAL, Idea, Leg, PlanStatus, command_of, manual_origin
from engine.model.refusals import Refusal
from engine.model.sizing import ByGrade, ByRisk, Sizing
from engine.risk import gate
from engine.risk.market_hours import NO_DEADLINE
from engine.risk.sizers import Wanted
from engine.risk.sizing import legs, loss_usd
from engine.signals.market_data import MarketData
from engine.state.answers import Answered
from engine.state.state import PlanState
from engine.state.turn import Turn


class _Sized(NamedTuple):
    """What the gate says, and what the trade would be."""

    qty: int
    risk_usd: Decimal
    against: tuple[gate.Against, ...]


class ManualOrders:
    """The orders by hand of one run. All that lasts of them stands in plans and answers."""

    def __init__(
        self,
        turn: Turn,
        books: Mapping[str, Book],
        instruments: Mapping[str, Instrument],
        market: MarketData,
        entries: Entries,
    ) -> None:
        self._turn = turn
        self._books = books
        self._instruments = instruments
        self._market = market
        self._entries = entries

    def take(self, command: ManualCommand) -> None:
        """Carry a command out, once, and write down what it came to."""
        known = self._turn.state.answers.get(command.id)
        if known is not None:
            answer = Answer(AGAIN + known.text.removeprefix(AGAIN), known.done)
        else:
            try:
                answer = self._obey(command)
            except WrongError as wrong:
                answer = Answer(str(wrong), done=False)
        self._turn.commit(
            r.CommandTaken(ts=self._turn.now, command=command, answer=answer.text, done=answer.done)
        )

    def _obey(self, command: ManualCommand) -> Answer:
        match command:
            case PlaceManual():
                return self._place(command)
            case ChangeManual():
                return self._change(command)
            case CancelManual():
                return self._cancel(command)
            case ReduceManual():
                return self._reduce(command)

    # --- placing ---------------------------------------------------------------------------------------

    def _place(self, command: PlaceManual) -> Answer:
        book = self._book(command.book)
        known = self._instrument(command.instrument)
        wish = asked(command, known, self._touch(known.symbol, command.side))
        words = known_words(command.override)
        idea = Idea(
            strategy=MANUAL,
            instrument=known.symbol,
            side=command.side,
            reference=wish.entry,
            stop=wish.stop,
            targets=wish.targets,
            score_tenths=0,
            reasons=("by hand", *(f"{word} overridden" for word in words)),
            ts=self._turn.wall,
            origin=manual_origin(command.id),
        )
        ends_ts = self._ends(book, command)
        sized = self._sized(book, known, idea, command, words)
        what = _described(command, known, wish, sized, book)
        if sized.against:
            why = "; ".join(self._why(book, known.symbol, one) for one in sized.against)
            return Answer(f"refused: {what}: {why}{manual_gate.may_override(sized.against)}", done=False)
        if command.dry_run:
            return Answer(f"{ONLY_TRIED}{what}")
        plan = self._entries.enter(book, idea, _legs(idea, sized.qty, command, book), command.entry, ends_ts)
        return Answer(f"placed as {plan.plan_id}: {what}")

    def _sized(
        self, book: Book, known: Instrument, idea: Idea, command: PlaceManual, words: tuple[str, ...]
    ) -> _Sized:
        limits = manual_gate.limits(book)
        each = loss_usd(known, idea.reference, idea.stop_ticks, limits)
        sizing: Sizing
        if command.risk_usd is not None:
            qty, sizing = int(command.risk_usd // each), ByRisk(command.risk_usd)
        else:
            qty, sizing = command.qty or 0, ByGrade()
        wanted = Wanted(sizing, command.qty, whole=True)
        terms = EntryTerms(limits, wanted, override=words)
        fit, against, _ = self._entries.verdict(book, idea, known, terms)
        if command.risk_usd is not None and not qty:
            least = f"1 {known.symbol} risks {each:.2f} {known.currency}, {plain(command.risk_usd)} asked for"
            none = gate.Against(Refusal.SIZE_ZERO, least)
            against = (*(one for one in against if one.refusal is not Refusal.SIZE_ZERO), none)
        return _Sized(qty if against else fit, each * qty, against)

    def _ends(self, book: Book, command: PlaceManual) -> int | None:
        """When a resting entry is cancelled, by the wall's clock: with the time for entries of the day, or
        earlier.
        """
        if command.entry is OrderType.MARKET:
            return None
        wall, limits = self._turn.wall, book.config.risk
        calendar = calendar_in(self._instruments, command.instrument)
        last = max(limits.no_entry_before_flat_ns, limits.flatten_before_flat_ns)
        left = book.guards.hours.ns_to_flat(wall, calendar)
        if left == NO_DEADLINE:
            return None if command.minutes is None else wall + command.minutes * MINUTE
        day = wall + max(0, left - last)
        return day if command.minutes is None else min(day, wall + command.minutes * MINUTE)

    def _why(self, book: Book, symbol: str, one: gate.Against) -> str:
        if one.refusal is not Refusal.IN_POSITION or one.words != one.refusal.sentence:
            return one.words
        held = book.state.position(symbol).qty
        by = ", ".join(
            f"{found.plan.strategy} ({found.plan.plan_id})"
            for found in book.state.plans.values()
            if found.plan.instrument == symbol
        )
        there = self._turn.state.quantity(symbol, held, signed=True)
        holds = f"{symbol} is held there ({there})" if held else f"{symbol} is being entered there"
        nets = "an account nets, so one trade at a time (risk.plans_per_contract)"
        return f"{holds}{f' by {by}' if by else ''}: {nets}"

    # --- changing --------------------------------------------------------------------------------------

    def _change(self, command: ChangeManual) -> Answer:
        book, found = self._find(command.order, command.book)
        plan = found.plan
        known = self._instrument(plan.instrument)
        if plan.status is not PlanStatus.OPEN:
            raise WrongError(f"{plan.instrument} is being closed: nothing of it changes any more")
        wish = moved(command, known)
        if wish.price is None and wish.stop is None and not wish.targets:
            raise WrongError("say what to move: the entry's price, the stop, or the targets")
        touch = self._touch(known.symbol, plan.side)
        mark = book.orders.context.marks.reached(known.symbol, plan.side)
        change = manual_changes.changed(book.state, found, wish, known, touch, mark)
        words = known_words(command.override)
        risk = manual_gate.may_change(self._entries, book, known, found, change, words, self._turn.wall)
        parts = [f"entry to {known.text(wish.price)}"] if wish.price is not None else []
        parts += [f"stop to {known.text(wish.stop)}"] if wish.stop is not None else []
        parts += [f"targets to {', '.join(map(known.text, wish.targets))}"] if wish.targets else []
        what = f"{plan.plan_id}, {plan.instrument} in {book.name}: {', '.join(parts)}"
        what = f"{what}; {max(Decimal(0), risk):.2f} {known.currency} at risk, costs included"
        if command.dry_run:
            return Answer(f"nothing is moved, and it would be taken: {what}")
        self._turn.commit(
            r.PlanChanged(
                ts=self._turn.now,
                book=book.name,
                plan_id=plan.plan_id,
                legs=change.legs,
                reason=", ".join(("by hand", *(f"{word} overridden" for word in words))),
                entry_limit=wish.price if plan.entry_type is OrderType.LIMIT else None,
                entry_stop=wish.price if plan.entry_type is OrderType.STOP else None,
            )
        )
        book.orders.work()
        return Answer(what)

    def _cancel(self, command: CancelManual) -> Answer:
        book, found = self._find(command.order, command.book)
        plan, held = found.plan, found.open_qty
        count = book.orders.resting.take_back(found)
        where = f"{plan.plan_id}, {plan.instrument} in {book.name}"
        stay = self._turn.state.quantity(plan.instrument, held)
        kept = f"; the {stay} held keep their stops" if held else ""
        if count:
            return Answer(f"{where}: the entry is being cancelled{kept}")
        if amend.entering(book.state, found):
            return Answer(f"{where}: the entry is being cancelled already{kept}")
        return Answer(
            f"{where}: nothing of it rests{kept}; tstream flatten {plan.instrument} closes it", done=False
        )

    def _reduce(self, command: ReduceManual) -> Answer:
        book, known = self._book(command.book), self._instrument(command.instrument)
        qty, stay, found = parts.asked(command, book, known)
        rest = f"{known.qty_text(stay)} stay with their stops" if stay else "nothing of them stays"
        what = f"{known.qty_text(qty)} {known.symbol} in {book.name} at market, {rest}"
        if command.dry_run:
            return Answer(f"nothing is closed, and it would be: {what}")
        parts.close(book, found, f"by hand: {known.qty_text(qty)} closed")
        return Answer(f"closing {what}")

    # --- finding ---------------------------------------------------------------------------------------

    def _book(self, name: str | None) -> Book:
        """The book that is meant. Raises WrongError."""
        known = ", ".join(self._books)
        if not self._books:
            raise WrongError("no account is connected yet: nothing can be placed")
        if name is None:
            if len(self._books) > 1:
                raise WrongError(f"say in which book (--book): {known}")
            return next(iter(self._books.values()))
        if name not in self._books:
            raise WrongError(f"unknown book {name}, or not connected yet; known: {known}")
        return self._books[name]

    def _instrument(self, symbol: str) -> Instrument:
        """Raises WrongError."""
        if symbol not in self._instruments:
            raise WrongError(f"unknown contract {symbol}; known: {', '.join(self._instruments)}")
        return self._turn.state.instruments.get(symbol, self._instruments[symbol])

    def _find(self, order: str, book: str | None) -> tuple[Book, PlanState]:
        """The order by hand that is meant. Raises WrongError."""
        books = self._books.values() if book is None else (self._book(book),)
        for one in books:
            for found in one.state.plans.values():
                if not _named(found, order):
                    continue
                if not command_of(found.plan.origin):
                    who = found.plan.strategy or "nobody here"
                    raise WrongError(f"{order} is a trade of {who} and no order by hand")
                return one, found
        over = self._turn.state.answers.get(order)
        told = f" (it was answered: {over.text})" if isinstance(over, Answered) else ""
        raise WrongError(f"no open order by hand is called {order}{told}; tstream order list shows them")

    def _touch(self, symbol: str, side: Side) -> int:
        """About where a market order would be filled, ticks. Raises WrongError."""
        quote = self._market.quotes.get(symbol)
        touch = None if quote is None else quote.ask if side is Side.BUY else quote.bid
        last = touch if touch is not None else self._market.last(symbol)
        if last is None:
            raise WrongError(f"{symbol}: no price is known yet")
        return last


def _named(found: PlanState, order: str) -> bool:
    ids: tuple[Callable[[], bool], ...] = (
        lambda: found.plan.plan_id == order,
        lambda: command_of(found.plan.origin) == order,
        lambda: any(order in leg.slots.values() for leg in found.legs),
    )
    return any(same() for same in ids)


def _legs(idea: Idea, qty: int, command: PlaceManual, book: Book) -> tuple[Leg, ...]:
    """Prices stand wherever the entry fills; distances go with the fill."""
    whole = book.orders.context.watches_target(idea.instrument)
    split = legs(idea, qty, book.config.risk.single_contract, absolute=True, whole=whole)
    if command.stop_ticks is not None:
        split = tuple(structs.replace(leg, stop=None) for leg in split)
    if command.target_ticks:
        split = tuple(structs.replace(leg, target=None, touch=None) for leg in split)
    return split


def _described(command: PlaceManual, known: Instrument, wish: Asked, sized: _Sized, book: Book) -> str:
    at = "at market" if command.entry is OrderType.MARKET else f"{command.entry} {known.text(wish.entry)}"
    targets = ", ".join(map(known.text, wish.targets))
    aims = f", target {targets}" if targets else ", no target"
    away = abs(wish.entry - wish.stop)
    what = f"{command.side} {known.qty_text(sized.qty)} {known.symbol} {at} in {book.name}"
    risk = f"{sized.risk_usd:.2f} {known.currency} at risk, costs included"
    return f"{what}, stop {known.text(wish.stop)} ({away} ticks){aims}, {risk}"
