"""What a person's command does, and the sentence that answers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from engine.books import leftovers
from engine.books.book import Book
from engine.model import records as r
from engine.model.commands import (
    NOTE_LONGEST,
    BreakEven,
    CancelEntries,
    Flatten,
    Halt,
    NoteTrade,
    Pause,
    Resume,
    RunCommand,
    Shutdown,
)
from engine.model.market import Side
from engine.model.restrictions import TradingState
from engine.portfolio.money import Marks
from engine.risk.guards import exposed
from engine.state.position import trade_key
from engine.state.restrictions import ease, tighten
from engine.state.state import Restriction, State
from engine.state.turn import Turn


class Answer(NamedTuple):
    """What a person is told. Not `done`: nothing came of the command, or less than it asked for."""

    text: str
    done: bool = True


def take(
    command: RunCommand,
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
    command: RunCommand,
    turn: Turn,
    books: Mapping[str, Book],
    contracts: tuple[str, ...],
    marks: Marks,
    expected: tuple[str, ...] = (),
) -> Answer:
    """Carry the command out in every book; the answer in words.

    `contracts` and `expected` books are the configured ones; a book opens when its account is adopted.
    """
    if isinstance(command, NoteTrade):
        return _note(command, books)
    if isinstance(command, Shutdown):
        leftovers.look(books)
        return Answer(f"stopping; {leftovers.left(books)}")
    instrument, name = command.instrument, command.book
    if instrument is not None and instrument not in contracts:
        return Answer(f"unknown contract {instrument}; known: {', '.join(contracts)}", done=False)
    if name is not None:
        known = tuple(dict.fromkeys((*expected, *books)))
        if name not in known:
            return Answer(f"unknown book {name}; known: {', '.join(known) or 'none yet'}", done=False)
        expected = (name,) if name in expected else ()
    several = len(books) > 1
    meant = [book for book in books.values() if name in (None, book.name)]
    where = _where(instrument, name)
    match command:
        case Flatten():
            return _flatten(command, turn, meant, contracts, expected, several=several)
        case CancelEntries():
            count = sum(book.orders.cancel_entries(instrument) for book in meant)
            entries = "entry is" if count == 1 else "entries are"
            return Answer(f"{_where(instrument, name, 'all')}: {count} resting {entries} being cancelled")
        case BreakEven():
            symbol = command.instrument
            bid, ask = marks.bid(symbol), marks.ask(symbol)
            answers = [_whose(book, several) + book.orders.to_break_even(symbol, bid, ask) for book in meant]
            return Answer("; ".join(answers) or "no account is connected yet", done=bool(answers))
        case Pause():
            _pause(command, turn, meant, f"paused by {command.source}")
            return Answer(f"{where}: entries paused; exits and stops stay")
        case Resume():
            return _resume(turn, command)
        case Halt():
            _halt(command, turn, meant)
            return Answer(f"{where}: halted; exits, stops and guards stay; resume --halted lifts it")


def _note(command: NoteTrade, books: Mapping[str, Book]) -> Answer:
    """A note needs a trade, and is bounded: it stays in the journal for ever."""
    book = books.get(command.book)
    if book is None:
        return Answer(f"unknown book {command.book}; known: {', '.join(books) or 'none yet'}", done=False)
    state = book.state
    held = {trade_key(one.instrument, one.opened_ts): one for one in state.held()}
    closed = next((one for one in reversed(state.trades) if one.key == command.trade), None)
    instrument = held[command.trade].instrument if command.trade in held else None
    instrument = closed.instrument if closed is not None else instrument
    if instrument is None:
        return Answer(f"no trade {command.trade} is known in {book.name}", done=False)
    if len(command.text) > NOTE_LONGEST:
        return Answer(f"a note has at most {NOTE_LONGEST} characters", done=False)
    kept = "note kept" if command.text else "note taken off"
    return Answer(f"{instrument} in {book.name}: {kept}")


def _flatten(
    command: Flatten,
    turn: Turn,
    books: Sequence[Book],
    contracts: tuple[str, ...],
    expected: tuple[str, ...],
    *,
    several: bool,
) -> Answer:
    if not books and not expected:
        return Answer("no account is connected yet: nothing can be flattened", done=False)
    asked = (command.instrument,) if command.instrument is not None else contracts
    here = {book.name for book in books}
    absent = [name for name in expected if name not in here]
    _pause(command, turn, books, f"flattened by {command.source}")
    parts = [_whose(book, several) + part for book in books for part in _exposure(turn.state, book, asked)]
    concerned = {book.name: _concerned(book, command.instrument, asked) for book in books}
    passes = command.instrument is not None and any(concerned.values())
    for book in books:
        own = concerned[book.name]
        if own or not passes:  # in doubt a venue is asked
            book.orders.flatten(own or asked, "manual")
    for name in absent:
        # The latch is carried out as soon as the account is adopted, in this run or the next.
        turn.commit(r.FlattenStarted(ts=turn.now, book=name, instruments=asked, reason="manual"))
    if absent:
        parts.append(f"account {', '.join(absent)} as soon as it is connected")
    what = _where(command.instrument, command.book)
    said = "; ".join(parts) or "nothing open here, asking the venue"
    return Answer(f"flatten {what}: {said}; entries stay paused")


def _concerned(book: Book, instrument: str | None, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The contracts of a flatten that a book can have anything in: those that its venue has and, whatever is
    configured, all in which it holds something or has an order.
    """
    exposed_in = exposed(book.state)
    listed = tuple(one for one in asked if book.lists(one) or one in exposed_in)
    return listed if instrument is not None else tuple(dict.fromkeys((*listed, *exposed_in)))


def _where(instrument: str | None, book: str | None, everything: str = "everything") -> str:
    """What a command is about, in words."""
    return f"{instrument or everything} in {book}" if book else instrument or everything


def _whose(book: Book, several: bool) -> str:
    """The book's name where there are several."""
    return f"{book.name}: " if several else ""


def _exposure(state: State, book: Book, instruments: tuple[str, ...]) -> list[str]:
    parts = []
    for instrument in instruments:
        qty = book.state.position(instrument).qty
        if qty:
            side = Side.SELL if qty > 0 else Side.BUY
            parts.append(f"{side.value} {state.quantity(instrument, abs(qty))} {instrument} at market")
    orders = sum(1 for o in book.state.live_orders() if o.instrument in instruments)
    if orders:
        parts.append(f"cancel {orders} order{'s' if orders > 1 else ''}")
    return parts


def _pause(command: Pause | Flatten, turn: Turn, books: Iterable[Book], reason: str) -> None:
    instrument = command.instrument
    tighten(turn, TradingState.REDUCING, reason, book=command.book, instrument=instrument, by=command.source)
    for book in books:
        book.orders.cancel_entries(instrument)


def _halt(command: Halt, turn: Turn, books: Iterable[Book]) -> None:
    """A deliberate stop: no resume lifts it unless it says so, and the guards go on working."""
    instrument, by = command.instrument, command.source
    tighten(turn, TradingState.HALTED, f"halted by {by}", book=command.book, instrument=instrument, by=by)
    for book in books:
        book.orders.cancel_entries(instrument)


def _resume(turn: Turn, command: Resume) -> Answer:
    """Lift what the command's scope covers; what else holds it is told, not lifted."""
    instrument, name = command.instrument, command.book
    lifted = False
    for key, restriction in list(turn.state.restrictions.items()):
        book, _, where = key.partition("/")
        covered = instrument in (None, where) and name in (None, book)
        if covered and _liftable(restriction, command):
            ease(turn, f"resumed by {command.source}", book=book or None, instrument=where or None)
            lifted = True
    left = [
        kept
        for key, kept in turn.state.restrictions.items()
        for book, _, where in (key.partition("/"),)
        if (instrument is None or where in ("", instrument)) and (name is None or book in ("", name))
    ]
    scope = _where(instrument, name)
    if left:
        strictest = max(left, key=lambda kept: kept.state.rank)
        hint = "; resume --halted lifts it" if strictest.state is TradingState.HALTED else ""
        still = f"still {strictest.state.said(strictest.reason, strictest.guard)}{hint}"
        return Answer(f"{scope}: {still}", done=False)
    return Answer(f"{scope}: entries allowed again" if lifted else "nothing was paused")


def _liftable(restriction: Restriction, command: Resume) -> bool:
    """What guards have set they end themselves; a halt is lifted on purpose only."""
    if restriction.guard:
        return False
    if restriction.state is TradingState.HALTED:
        return command.halted
    return restriction.state is TradingState.REDUCING
