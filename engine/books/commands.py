"""What a person's command does, and the sentence that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.books import leftovers
from engine.books.book import Book
from engine.model import records as r
from engine.model.commands import (
    AnyCommand,
    BreakEven,
    CancelEntries,
    Flatten,
    Halt,
    Pause,
    Resume,
    Shutdown,
)
from engine.model.market import Side
from engine.model.restrictions import TradingState
from engine.portfolio.money import Marks
from engine.state.restrictions import ease, tighten
from engine.state.state import Restriction
from engine.state.turn import Turn


class Answer(NamedTuple):
    """What a person is told. Not `done`: nothing came of the command, or less than it asked for."""

    text: str
    done: bool = True


def take(
    command: AnyCommand,
    turn: Turn,
    books: Mapping[str, Book],
    contracts: tuple[str, ...],
    marks: Marks,
    expected: tuple[str, ...] = (),
) -> None:
    """Carry the command out, and write down what it came to. As `obey`."""
    answer = obey(command, turn, books, contracts, marks, expected)
    turn.commit(r.CommandTaken(ts=turn.now, command=command, answer=answer.text, done=answer.done))


def obey(
    command: AnyCommand,
    turn: Turn,
    books: Mapping[str, Book],
    contracts: tuple[str, ...],
    marks: Marks,
    expected: tuple[str, ...] = (),
) -> Answer:
    """Carry the command out in every book; the answer in words.

    `contracts` and `expected` books are the configured ones; a book opens when its account is adopted.
    """
    instrument = getattr(command, "instrument", None)
    if instrument is not None and instrument not in contracts:
        return Answer(f"unknown contract {instrument}; known: {', '.join(contracts)}", done=False)
    match command:
        case Flatten():
            return _flatten(command, turn, books, contracts, expected)
        case CancelEntries():
            count = sum(book.orders.cancel_entries(instrument) for book in books.values())
            entries = "entry is" if count == 1 else "entries are"
            return Answer(f"{instrument or 'all'}: {count} resting {entries} being cancelled")
        case BreakEven():
            where = command.instrument
            answers = [
                _whose(books, book) + book.orders.to_break_even(where, marks.bid(where), marks.ask(where))
                for book in books.values()
            ]
            return Answer("; ".join(answers) or "no account is connected yet", done=bool(answers))
        case Pause():
            return Answer(_pause(turn, books, instrument, f"paused by {command.source}", command.source))
        case Resume():
            return _resume(turn, command)
        case Halt():
            return Answer(_halt(turn, books, command))
        case Shutdown():
            leftovers.look(books)
            return Answer(f"stopping; {leftovers.left(books)}")


def _flatten(
    command: Flatten,
    turn: Turn,
    books: Mapping[str, Book],
    contracts: tuple[str, ...],
    expected: tuple[str, ...],
) -> Answer:
    if not books and not expected:
        return Answer("no account is connected yet: nothing can be flattened", done=False)
    asked = (command.instrument,) if command.instrument is not None else contracts
    absent = [name for name in expected if name not in books]
    _pause(turn, books, command.instrument, f"flattened by {command.source}", command.source)
    parts = [_whose(books, book) + part for book in books.values() for part in _exposure(book, asked)]
    for book in books.values():
        # What is held in contracts that are no longer configured is flattened with the rest.
        held = () if command.instrument else tuple(i for i, p in book.state.positions.items() if p.qty)
        book.orders.flatten(tuple(dict.fromkeys(asked + held)), "manual")
    for name in absent:
        # The latch is carried out as soon as the account is adopted, in this run or the next.
        turn.commit(r.FlattenStarted(ts=turn.now, book=name, instruments=asked, reason="manual"))
    if absent:
        parts.append(f"account {', '.join(absent)} as soon as it is connected")
    what = command.instrument or "everything"
    said = "; ".join(parts) or "nothing open here, asking the venue"
    return Answer(f"flatten {what}: {said}; entries stay paused")


def _whose(books: Mapping[str, Book], book: Book) -> str:
    """The book's name where there are several."""
    return f"{book.name}: " if len(books) > 1 else ""


def _exposure(book: Book, instruments: tuple[str, ...]) -> list[str]:
    parts = []
    for instrument in instruments:
        qty = book.state.position(instrument).qty
        if qty:
            side = Side.SELL if qty > 0 else Side.BUY
            parts.append(f"{side.value} {abs(qty)} {instrument} at market")
    orders = sum(1 for o in book.state.live_orders() if o.instrument in instruments)
    if orders:
        parts.append(f"cancel {orders} order{'s' if orders > 1 else ''}")
    return parts


def _pause(turn: Turn, books: Mapping[str, Book], instrument: str | None, reason: str, by: str) -> str:
    tighten(turn, TradingState.REDUCING, reason, instrument=instrument, by=by)
    for book in books.values():
        book.orders.cancel_entries(instrument)
    return f"{instrument or 'everything'}: entries paused; exits and stops stay"


def _halt(turn: Turn, books: Mapping[str, Book], command: Halt) -> str:
    """A deliberate stop: no resume lifts it unless it says so, and the guards go on working."""
    instrument = command.instrument
    by = command.source
    tighten(turn, TradingState.HALTED, f"halted by {by}", instrument=instrument, by=by)
    for book in books.values():
        book.orders.cancel_entries(instrument)
    return f"{instrument or 'everything'}: halted; exits, stops and guards stay; resume --halted lifts it"


def _resume(turn: Turn, command: Resume) -> Answer:
    instrument = command.instrument
    lifted = []
    for key, restriction in list(turn.state.restrictions.items()):
        book, _, where = key.partition("/")
        if _liftable(restriction, command) and (instrument is None or where == instrument):
            ease(turn, f"resumed by {command.source}", book=book or None, instrument=where or None)
            lifted.append(where or "everything")
    left = [
        kept
        for key, kept in turn.state.restrictions.items()
        if instrument is None or key.partition("/")[2] in ("", instrument)
    ]
    if left:
        strictest = max(left, key=lambda kept: kept.state.rank)
        hint = "; resume --halted lifts it" if strictest.state is TradingState.HALTED else ""
        still = f"still {strictest.state.said(strictest.reason, strictest.guard)}{hint}"
        return Answer(f"{instrument or 'everything'}: {still}", done=False)
    return Answer(f"{instrument or 'everything'}: entries allowed again" if lifted else "nothing was paused")


def _liftable(restriction: Restriction, command: Resume) -> bool:
    """What guards have set they end themselves; a halt is lifted on purpose only."""
    if restriction.guard:
        return False
    if restriction.state is TradingState.HALTED:
        return command.halted
    return restriction.state is TradingState.REDUCING
