"""Orders by hand: placed, changed, added to, reversed and taken back by a person, and from then on plans like
any other (docs/manual-orders.md).

The gate says the same to a person as to a strategy. What a person may override has to be typed; nothing is
made smaller in silence, and a refusal names each reason with its number and the money at risk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.books import amend, manual_adding, manual_moving, manual_placing, parts
from engine.books.book import Book
from engine.books.entries import Entries
from engine.books.manual_placing import Said
from engine.books.manual_prices import WrongError
from engine.books.reversing import Reversing
from engine.model import records as r
from engine.model.commands import (
    AGAIN,
    MOST_BOOKS,
    AddManual,
    CancelManual,
    ChangeManual,
    ManualCommand,
    PlaceManual,
    ReduceManual,
    ReverseManual,
)
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.plans import command_of
from engine.model.verdicts import OrderVerdict
from engine.signals.market_data import MarketData
from engine.state.answers import Answered
from engine.state.state import PlanState
from engine.state.turn import Turn


class ManualOrders:
    """The orders by hand of one run. All that lasts of them stands in plans, answers and begun reversals."""

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
        self._placing = manual_placing.ManualPlacing(turn, instruments, entries, self.touch)
        self._reversing = Reversing(turn, books, self._placing)
        self._entries = entries

    def take(self, command: ManualCommand) -> None:
        """Carry a command out, once, and write down what it came to; a dry run is only answered."""
        known = self._turn.state.answers.get(command.id)
        if known is not None:
            said = Said(AGAIN + known.text.removeprefix(AGAIN), known.done)
        else:
            try:
                said = self._obey(command)
            except WrongError as wrong:
                said = Said(str(wrong), done=False)
        if getattr(command, "dry_run", False):
            self._turn.answer(command.id, said.text, said.done, said.verdicts)
            return
        self._turn.commit(
            r.CommandTaken(
                ts=self._turn.now, command=command, answer=said.text, done=said.done, verdicts=said.verdicts
            )
        )

    def tend(self) -> None:
        """Go on with what waits for a close to be proven."""
        self._reversing.tend()

    def _obey(self, command: ManualCommand) -> Said:
        match command:
            case PlaceManual():
                known = self._instrument(command.instrument)
                return self._in_each(command, lambda book: self._placing.place(book, known, command))
            case ReduceManual():
                known = self._instrument(command.instrument)
                return self._in_each(command, lambda book: self._reduce(book, known, command))
            case ReverseManual():
                book, known = self._book(command.book), self._instrument(command.instrument)
                return self._reversing.begin(book, known, command)
            case AddManual():
                book, found = self._find(command.order, command.book)
                known = self._instrument(found.plan.instrument)
                touch = self.touch(known.symbol, found.plan.side)
                return manual_adding.add(self._turn, self._entries, book, known, found, command, touch)
            case ChangeManual():
                book, found = self._find(command.order, command.book)
                known = self._instrument(found.plan.instrument)
                touch = self.touch(known.symbol, found.plan.side)
                return manual_moving.change(self._turn, self._entries, book, known, found, command, touch)
            case CancelManual():
                return self._cancel(command)

    def _in_each(self, command: PlaceManual | ReduceManual, work: Callable[[Book], Said]) -> Said:
        """What several books say; what can't be done in one is done in the others. Raises WrongError."""
        books, said = self._meant(command), []
        for book in books:
            try:
                said.append(work(book))
            except WrongError as wrong:
                if len(books) == 1:
                    raise
                said.append(Said(f"{book.name}: {wrong}", done=False))
        return manual_placing.together(said)

    def _cancel(self, command: CancelManual) -> Said:
        begun = self._turn.state.reversing.values()
        waits = next((one for one in begun if one.command.id == command.order), None)
        if waits is not None and waits.book in self._books:
            self._books[waits.book].orders.context.stay_flat((waits.command.instrument,), "taken back")
            return Said(f"{waits.command.instrument} in {waits.book}: it is closed, and nothing is entered")
        book, found = self._find(command.order, command.book)
        plan, held = found.plan, found.open_qty
        count = book.orders.resting.take_back(found)
        where = f"{plan.plan_id}, {plan.instrument} in {book.name}"
        stay = self._turn.state.quantity(plan.instrument, held)
        kept = f"; the {stay} held keep their stops" if held else ""
        if count:
            return Said(f"{where}: the entry is being cancelled{kept}")
        if amend.entering(book.state, found):
            return Said(f"{where}: the entry is being cancelled already{kept}")
        return Said(
            f"{where}: nothing of it rests{kept}; tstream flatten {plan.instrument} closes it", done=False
        )

    def _reduce(self, book: Book, known: Instrument, command: ReduceManual) -> Said:
        qty, stay, found = parts.asked(command, book, known)
        rest = f"{known.qty_text(stay)} stay with their stops" if stay else "nothing of them stays"
        what = f"{known.qty_text(qty)} {known.symbol} in {book.name} at market, {rest}"
        text = f"nothing is closed, and it would be: {what}" if command.dry_run else f"closing {what}"
        held = book.state.position(known.symbol).qty
        if not command.dry_run:
            parts.close(book, found, f"by hand: {known.qty_text(qty)} closed")
        side = Side.SELL if held > 0 else Side.BUY
        verdict = OrderVerdict(
            book=book.name,
            kind=book.kind,
            done=True,
            text=text,
            instrument=known.symbol,
            side=side,
            plan=found[0].found.plan.plan_id,
            qty=qty,
            currency=known.currency,
            held=held,
            held_after=held + qty * side.sign,
        )
        return Said(text, verdicts=(verdict,))

    # --- finding ---------------------------------------------------------------------------------------

    def _meant(self, command: PlaceManual | ReduceManual) -> tuple[Book, ...]:
        """Raises WrongError."""
        if not command.books:
            return (self._book(command.book),)
        if command.book is not None:
            raise WrongError("say one book, or several, and not both")
        names = tuple(dict.fromkeys(command.books))
        if len(names) > MOST_BOOKS:
            raise WrongError(f"an order goes into at most {MOST_BOOKS} books")
        return tuple(self._book(name) for name in names)

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
        """The trade that is meant, whoever opened it. Raises WrongError."""
        books = self._books.values() if book is None else (self._book(book),)
        found = [(one, plan) for one in books for plan in one.state.plans.values() if _named(plan, order)]
        if len(found) > 1:
            where = ", ".join(f"{plan.plan.plan_id} ({one.name})" for one, plan in found)
            raise WrongError(f"{order} stands in several books: say which (--book), or the trade: {where}")
        if found:
            return found[0]
        over = self._turn.state.answers.get(order)
        told = f" (it was answered: {over.text})" if isinstance(over, Answered) else ""
        raise WrongError(f"no open trade or order is called {order}{told}; tstream order list shows them")

    def touch(self, symbol: str, side: Side) -> int:
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
