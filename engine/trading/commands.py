"""What a person's command does, and the sentence that answers it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model import records as r
from engine.model.commands import AnyCommand, BreakEven, CancelEntries, Flatten, Pause, Resume, Shutdown
from engine.model.market import Side
from engine.model.view import TradingState
from engine.trading import flatten
from engine.trading.desk import Desk
from engine.trading.money import Marks
from engine.trading.turn import Turn


def obey(
    command: AnyCommand, turn: Turn, desks: Mapping[str, Desk], contracts: tuple[str, ...], marks: Marks
) -> str:
    """Carry the command out in every book; the answer in words. `contracts` are the configured ones."""
    instrument = getattr(command, "instrument", None)
    if instrument is not None and instrument not in contracts:
        return f"unknown contract {instrument}; known: {', '.join(contracts)}"
    match command:
        case Flatten():
            return _flatten(command, turn, desks, contracts)
        case CancelEntries():
            count = sum(desk.cancel_entries(instrument) for desk in desks.values())
            entries = "entry is" if count == 1 else "entries are"
            return f"{instrument or 'all'}: {count} resting {entries} being cancelled"
        case BreakEven():
            where = command.instrument
            answers = [d.to_break_even(where, marks.bid(where), marks.ask(where)) for d in desks.values()]
            return "; ".join(answers) or "no account is connected yet"
        case Pause():
            return _pause(turn, desks, instrument, f"paused by {command.source}")
        case Resume():
            return _resume(turn, command)
        case Shutdown():
            return "stopping; positions keep their protection at the venue"


def _flatten(command: Flatten, turn: Turn, desks: Mapping[str, Desk], contracts: tuple[str, ...]) -> str:
    if not desks:
        return "no account is connected yet: nothing can be flattened"
    asked = (command.instrument,) if command.instrument is not None else contracts
    _pause(turn, desks, command.instrument, f"flattened by {command.source}")
    parts = [part for desk in desks.values() for part in _exposure(desk, asked)]
    for desk in desks.values():
        # What is held in contracts that are no longer configured is flattened with the rest.
        held = () if command.instrument else tuple(i for i, p in desk.state.positions.items() if p.qty)
        flatten.start(desk, tuple(dict.fromkeys(asked + held)), "manual")
    what = command.instrument or "everything"
    return f"flatten {what}: {'; '.join(parts) or 'nothing open here, asking the venue'}; entries stay paused"


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


def _pause(turn: Turn, desks: Mapping[str, Desk], instrument: str | None, reason: str) -> str:
    turn.commit(
        r.StateChanged(
            ts=turn.now, book=None, instrument=instrument, state=TradingState.REDUCING, reason=reason
        )
    )
    for desk in desks.values():
        desk.cancel_entries(instrument)
    return f"{instrument or 'everything'}: entries paused; exits and stops stay"


def _resume(turn: Turn, command: Resume) -> str:
    instrument = command.instrument
    lifted = []
    restrictions = turn.state.restrictions
    for key, restriction in list(restrictions.items()):
        book, _, where = key.partition("/")
        inside = instrument is None or where == instrument
        if restriction.state is TradingState.REDUCING and inside:
            turn.commit(
                r.StateChanged(
                    ts=turn.now,
                    book=book or None,
                    instrument=where or None,
                    state=TradingState.ACTIVE,
                    reason=f"resumed by {command.source}",
                )
            )
            lifted.append(where or "everything")
    left = turn.state.restriction("", instrument or "")
    if left is None:
        left = next(
            (
                kept
                for key, kept in restrictions.items()
                if kept.state is not TradingState.REDUCING
                and (instrument is None or key.partition("/")[2] in ("", instrument))
            ),
            None,
        )
    if left is not None:
        return f"{instrument or 'everything'}: still {left.state.value}: {left.reason}"
    return f"{instrument or 'everything'}: entries allowed again" if lifted else "nothing was paused"
