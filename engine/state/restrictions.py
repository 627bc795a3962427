"""Tighten and ease trading states. A scope never gets weaker but by its own end or a deliberate resume."""

from __future__ import annotations

from msgspec import structs

from engine.model import records as r
from engine.model.restrictions import TradingState
from engine.state.state import Restriction, scope
from engine.state.turn import Turn


def tighten(
    turn: Turn,
    state: TradingState,
    reason: str,
    *,
    book: str | None = None,
    instrument: str | None = None,
    until: int | None = None,
    guard: str = "",
    trades_stay: bool = False,
    basis: str = "",
    by: str = "",
) -> bool:
    """Put a scope into a state; False where it is as strict already, and nothing was written."""
    wanted = Restriction(state, reason, until, guard, trades_stay, basis, by)
    standing = turn.state.restrictions.get(scope(book, instrument))
    if standing is not None and not wanted.replaces(standing):
        return False
    turn.commit(r.StateChanged(ts=turn.now, book=book, instrument=instrument, **structs.asdict(wanted)))
    return True


def ease(turn: Turn, reason: str, *, book: str | None = None, instrument: str | None = None) -> None:
    """End the restriction of a scope, for whoever may."""
    turn.commit(
        r.StateChanged(
            ts=turn.now, book=book, instrument=instrument, state=TradingState.ACTIVE, reason=reason
        )
    )


def paused_by(error: Exception, turn: Turn) -> None:
    """A bug has ended one part of a step: whoever wants to know is told, and entries pause. Raises it again
    where nobody would be told, as in tests and replays.
    """
    if turn.on_fault is None:
        raise error
    turn.on_fault(error)
    if scope(None, None) not in turn.state.restrictions:
        tighten(turn, TradingState.REDUCING, "internal error, see the log")
