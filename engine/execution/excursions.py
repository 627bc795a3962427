"""How far the running trade has been against us and for us (MAE, MFE), written down for restarts and trades.

The marks know every quote; the journal gets a record when the worst or best has changed, seldom while the
trade runs and once more before each fill that could end it (docs/semantics.md#excursions).
"""

from __future__ import annotations

from engine.execution.ledger import Ledger
from engine.model import records as r
from engine.model.market import NANOS
from engine.state.position import Position

PAUSE_NS = 10 * NANOS
"""Between two records of one running trade; a crash forgets at most so much."""


def write_down(ledger: Ledger) -> None:
    """Called at every pulse."""
    for position in ledger.state.positions.values():
        if position.qty and ledger.turn.now - ledger.excursion_ts.get(position.instrument, 0) >= PAUSE_NS:
            _note(ledger, position)


def before_fill(ledger: Ledger, instrument: str) -> None:
    """The fill may end the trade, and the trade carries what its position has."""
    position = ledger.state.positions.get(instrument)
    if position is not None and position.qty:
        _note(ledger, position)


def _note(ledger: Ledger, position: Position) -> None:
    worst, best = ledger.marks.excursions(ledger.book, position)
    if worst < position.mae_usd or best > position.mfe_usd:
        ledger.excursion_ts[position.instrument] = ledger.turn.now
        ledger.turn.commit(
            r.ExcursionNoted(
                ts=ledger.turn.now,
                book=ledger.book,
                instrument=position.instrument,
                worst_usd=worst,
                best_usd=best,
            )
        )
