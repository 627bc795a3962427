"""What a person's command does, and the sentence that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.execution import flatten
from engine.execution.order_manager import Desk
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
from engine.model.view import TradingState
from engine.portfolio.money import Marks
from engine.state.restrictions import ease, tighten
from engine.state.state import Restriction
from engine.state.turn import Turn


class Answer(NamedTuple):
    """What a person is told. Not `done`: nothing came of the command, or less than it asked for."""

    text: str
    done: bool = True


def obey(
    command: AnyCommand,
    turn: Turn,
    desks: Mapping[str, Desk],
    contracts: tuple[str, ...],
    marks: Marks,
    books: tuple[str, ...] = (),
) -> Answer:
    """Carry the command out in every book; the answer in words.

    `contracts` and `books` are the configured ones; a book has no desk before its account is adopted.
    """
    instrument = getattr(command, "instrument", None)
    if instrument is not None and instrument not in contracts:
        return Answer(f"unknown contract {instrument}; known: {', '.join(contracts)}", done=False)
    match command:
        case Flatten():
            return _flatten(command, turn, desks, contracts, books)
        case CancelEntries():
            count = sum(desk.cancel_entries(instrument) for desk in desks.values())
            entries = "entry is" if count == 1 else "entries are"
            return Answer(f"{instrument or 'all'}: {count} resting {entries} being cancelled")
        case BreakEven():
            where = command.instrument
            answers = [
                _whose(desks, desk) + desk.to_break_even(where, marks.bid(where), marks.ask(where))
                for desk in desks.values()
            ]
            return Answer("; ".join(answers) or "no account is connected yet", done=bool(answers))
        case Pause():
            return Answer(_pause(turn, desks, instrument, f"paused by {command.source}", command.source))
        case Resume():
            return _resume(turn, command)
        case Halt():
            return Answer(_halt(turn, desks, command))
        case Shutdown():
            return Answer("stopping; positions keep their protection at the venue")


def _flatten(
    command: Flatten,
    turn: Turn,
    desks: Mapping[str, Desk],
    contracts: tuple[str, ...],
    books: tuple[str, ...],
) -> Answer:
    if not desks and not books:
        return Answer("no account is connected yet: nothing can be flattened", done=False)
    asked = (command.instrument,) if command.instrument is not None else contracts
    absent = [book for book in books if book not in desks]
    _pause(turn, desks, command.instrument, f"flattened by {command.source}", command.source)
    parts = [_whose(desks, desk) + part for desk in desks.values() for part in _exposure(desk, asked)]
    for desk in desks.values():
        # What is held in contracts that are no longer configured is flattened with the rest.
        held = () if command.instrument else tuple(i for i, p in desk.state.positions.items() if p.qty)
        flatten.start(desk, tuple(dict.fromkeys(asked + held)), "manual")
    for book in absent:
        # The latch is carried out as soon as the account is adopted, in this run or the next.
        turn.commit(r.FlattenStarted(ts=turn.now, book=book, instruments=asked, reason="manual"))
    if absent:
        parts.append(f"account {', '.join(absent)} as soon as it is connected")
    what = command.instrument or "everything"
    deeds = "; ".join(parts) or "nothing open here, asking the venue"
    return Answer(f"flatten {what}: {deeds}; entries stay paused")


def _whose(desks: Mapping[str, Desk], desk: Desk) -> str:
    """The book's name where there are several."""
    return f"{desk.book}: " if len(desks) > 1 else ""


def _exposure(desk: Desk, instruments: tuple[str, ...]) -> list[str]:
    parts = []
    for instrument in instruments:
        qty = desk.state.position(instrument).qty
        if qty:
            side = Side.SELL if qty > 0 else Side.BUY
            parts.append(f"{side.value} {abs(qty)} {instrument} at market")
    orders = sum(1 for o in desk.state.live_orders() if o.instrument in instruments)
    if orders:
        parts.append(f"cancel {orders} order{'s' if orders > 1 else ''}")
    return parts


def _pause(turn: Turn, desks: Mapping[str, Desk], instrument: str | None, reason: str, by: str) -> str:
    tighten(turn, TradingState.REDUCING, reason, instrument=instrument, by=by)
    for desk in desks.values():
        desk.cancel_entries(instrument)
    return f"{instrument or 'everything'}: entries paused; exits and stops stay"


def _halt(turn: Turn, desks: Mapping[str, Desk], command: Halt) -> str:
    """A deliberate stop: no resume lifts it unless it says so, and the guards go on working."""
    instrument = command.instrument
    by = command.source
    tighten(turn, TradingState.HALTED, f"halted by {by}", instrument=instrument, by=by)
    for desk in desks.values():
        desk.cancel_entries(instrument)
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
        still = f"still {strictest.state.value}: {strictest.reason}{hint}"
        return Answer(f"{instrument or 'everything'}: {still}", done=False)
    return Answer(f"{instrument or 'everything'}: entries allowed again" if lifted else "nothing was paused")


def _liftable(restriction: Restriction, command: Resume) -> bool:
    """What guards have set they end themselves; a halt is lifted on purpose only."""
    if restriction.guard:
        return False
    if restriction.state is TradingState.HALTED:
        return command.halted
    return restriction.state is TradingState.REDUCING
