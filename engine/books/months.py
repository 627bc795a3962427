"""Contract months: what happens when the venue's active one is another
(docs/semantics.md#contract-months).
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.execution.order_manager import Desk
from engine.market.bars import MinuteBars
from engine.model import events as ev
from engine.model import records as r
from engine.model.notices import NoticeKind, Severity
from engine.portfolio.money import Marks
from engine.signals.board import SignalBoard
from engine.state.turn import Turn


def learn(
    event: ev.ContractResolved,
    turn: Turn,
    desks: Mapping[str, Desk],
    bars: MinuteBars,
    board: SignalBoard,
    marks: Marks,
) -> bool:
    """Take a contract in; True when its month is not the one before.

    Prices of two months never meet: bars, signals and quotes begin anew. What is held stays in its month, is
    closed and protected there, and is worth its last price: the new month's says nothing about it.
    """
    state, symbol = turn.state, event.instrument.symbol
    known = state.instruments.get(symbol), state.contracts.get(symbol)
    rolled = state.contract_ids.get(symbol, event.contract_id) != event.contract_id
    if rolled:
        bars.forget(symbol, event.ts_venue or event.ts_recv)
        board.warm_up(symbol)
        held = any(desk.state.position(symbol).qty for desk in desks.values())
        if held:
            marks.freeze(symbol)
        stays = "; what is held stays in the old month, at its last price" if held else ""
        turn.say(
            NoticeKind.MARKET,
            Severity.CRITICAL if held else Severity.WARNING,
            f"{symbol} rolled from {state.contracts[symbol]} to {event.name}{stays}",
            symbol,
        )
    if rolled or known != (event.instrument, event.name):
        turn.commit(
            r.ContractKnown(
                ts=turn.now, instrument=event.instrument, contract_id=event.contract_id, name=event.name
            )
        )
    return rolled


def remember(desks: Mapping[str, Desk], marks: Marks) -> None:
    """After a restart: what is held in an old month has no price until it is closed."""
    for desk in desks.values():
        for symbol in desk.state.held_months:
            marks.freeze(symbol)


def forget(desks: Mapping[str, Desk], marks: Marks) -> None:
    """Take quotes again where nothing is held in an old month any more."""
    marks.thaw([symbol for desk in desks.values() for symbol in desk.state.held_months])
