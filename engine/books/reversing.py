"""Reversing by hand: two orders, one after the other (docs/manual-orders.md#reversing).

What is held is flattened with the latch that every flatten has, which only the venue's own word releases.
Then the gate is asked again, as the close has changed what is left of the limits, and the other side is
entered with its stop; or not, where it refuses, where a person flattens, pauses or cancels meanwhile, and
where the close took too long. Either way nothing is held then that has no stop.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from engine.books import manual_trial
from engine.books.book import Book
from engine.books.manual_placing import ManualPlacing, Said, described
from engine.books.manual_prices import WrongError, lots, sound_risk
from engine.model import records as r
from engine.model.commands import PlaceManual, ReverseManual
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Side
from engine.model.refusals import Refusal
from engine.state.turn import Turn

LONGEST_NS = 60 * NANOS
"""After that nobody means the other side any more at the price that it was meant at."""


class Reversing:
    """Of one run; what has begun stands in the journal, and a restart goes on with it."""

    def __init__(self, turn: Turn, books: Mapping[str, Book], placing: ManualPlacing) -> None:
        self._turn = turn
        self._books = books
        self._placing = placing

    def begin(self, book: Book, known: Instrument, command: ReverseManual) -> Said:
        """Raises WrongError."""
        symbol, turn = known.symbol, self._turn
        held = book.state.position(symbol).qty
        if not held:
            raise WrongError(f"nothing of {symbol} is held in {book.name}: there is nothing to reverse")
        if symbol in book.state.flattening:
            raise WrongError(f"{symbol} is being closed in {book.name} already")
        if not book.orders.reconciled:
            raise WrongError(f"what {book.name} holds is not verified with the venue yet")
        lots(command.qty)
        sound_risk(command.risk_usd)
        side = Side.SELL if held > 0 else Side.BUY
        command = _complete(book, command, known, held)
        order = _order(command, side, book)
        trial = self._placing.tried(book, known, order, after_close=True)
        against = trial.tried.against
        closing = f"{side} {known.qty_text(abs(held))} {symbol} at market in {book.name} to close"
        what = f"{closing}; once that is proven, {described(order, known, trial, book)}"
        if against:
            text = f"refused: {what}: {self._placing.why(book, symbol, against)}"
        else:
            text = (
                f"nothing is reversed, and it would be: {what}" if command.dry_run else f"reversing: {what}"
            )
        verdict = manual_trial.verdict(turn, book, known, trial.idea, trial.tried, held, text)
        after = trial.tried.qty * side.sign
        verdict = structs.replace(verdict, held_after=after)
        if not against and not command.dry_run:
            book.orders.flatten((symbol,), "manual")
            begun = r.ReverseBegun(
                ts=turn.now, book=book.name, command=command, side=side, until=turn.wall + LONGEST_NS
            )
            turn.commit(begun)
        return Said(text, not against, (verdict,))

    def tend(self) -> None:
        """Enter what has waited for its close, or give it up."""
        for begun in list(self._turn.state.reversing.values()):
            book, symbol = self._books.get(begun.book), begun.command.instrument
            late = self._turn.wall >= begun.until
            if book is None or (symbol in book.state.flattening and not late):
                continue
            known = self._turn.state.instruments[symbol]
            if late:
                self._end(begun, f"the close was not proven within {LONGEST_NS // NANOS} s")
                continue
            order = _order(begun.command, begun.side, book)
            try:
                trial = self._placing.tried(book, known, order)
            except WrongError as wrong:
                self._end(begun, str(wrong))
                continue
            against = trial.tried.against
            if any(one.refusal is Refusal.NOT_RECONCILED for one in against):
                continue  # a look is on its way
            if against:
                self._end(begun, self._placing.why(book, symbol, against))
            else:
                self._end(begun, "")
                self._placing.open(book, trial, order)

    def _end(self, begun: r.ReverseBegun, reason: str) -> None:
        self._turn.commit(
            r.ReverseEnded(
                ts=self._turn.now, book=begun.book, instrument=begun.command.instrument, reason=reason
            )
        )


def _order(command: ReverseManual, side: Side, book: Book) -> PlaceManual:
    return PlaceManual(
        id=command.id,
        source=command.source,
        instrument=command.instrument,
        side=side,
        book=book.name,
        qty=command.qty,
        risk_usd=command.risk_usd,
        stop=command.stop,
        stop_ticks=command.stop_ticks,
        targets=command.targets,
        target_ticks=command.target_ticks,
        override=command.override,
    )


def _complete(book: Book, command: ReverseManual, known: Instrument, held: int) -> ReverseManual:
    """What is not said is as of the oldest trade that is closed. Raises WrongError."""
    if command.qty is None and command.risk_usd is None:
        command = structs.replace(command, qty=abs(held))
    if command.stop is not None or command.stop_ticks is not None:
        return command
    plans = (found.plan for found in book.state.plans.values() if found.plan.instrument == known.symbol)
    first = next((plan for plan in plans if plan.side.sign * held > 0), None)
    if first is None:
        raise WrongError("what is held belongs to no trade of tstream's: say where the new stop is")
    command = structs.replace(command, stop_ticks=abs(first.legs[0].stop_offset))
    if command.targets or command.target_ticks:
        return command
    aims = {
        abs(away) for leg in first.legs for away in (leg.touch_offset, leg.target_offset) if away is not None
    }
    return structs.replace(command, target_ticks=tuple(sorted(aims))[:2])
