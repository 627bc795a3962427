"""What of a trade that runs over 17:00 belongs to the days before: their P&L is split by the mark there."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from engine.model.instrument import Instrument
from engine.model.records import Carried
from engine.state.position import Position, usd


def carry(instrument: Instrument, position: Position, mark: int | None) -> Carried:
    """The running cycle of a position as it stands at the boundary, with its mark in ticks."""
    return Carried(
        position.qty,
        position.open_sum,
        position.open_qty,
        usd(instrument, position.realized_ticks()),
        position.costs_usd,
        mark,
    )


def carried_open_usd(instrument: Instrument, carried: Carried) -> Decimal:
    """Unrealized gross P&L at the boundary, USD; zero where no mark was known."""
    if carried.mark is None or not carried.entry_qty:
        return Decimal(0)
    ticks = (carried.mark - Fraction(carried.entry_sum, carried.entry_qty)) * carried.qty
    return usd(instrument, ticks)


def carried_gross_usd(instrument: Instrument, carried: Carried) -> Decimal:
    """Gross P&L of the cycle that the days before have booked, USD."""
    return carried.taken_usd + carried_open_usd(instrument, carried)
