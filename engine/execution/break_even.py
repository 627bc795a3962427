"""Where a trade has paid for itself (docs/semantics.md#break-even)."""

from __future__ import annotations

from engine.model.instrument import Instrument
from engine.model.market import Side


def cost_ticks(instrument: Instrument, entry: int, side: Side) -> int:
    """Ticks that one contract must win to pay for its entry at a price and its exit, rounded up."""
    ticks = 0
    while True:  # what the exit costs may depend on its price; a few times around at most
        whole, rest = divmod(
            instrument.round_trip(entry, entry + side.sign * ticks), instrument.tick_value_usd
        )
        need = int(whole) + (1 if rest else 0)
        if need <= ticks:
            return ticks
        ticks = need


def break_even(entered_sum: int, entered: int, side: Side, cost_ticks: int) -> int:
    """Average entry plus what has to be paid for, rounded to the tick that does not lose."""
    if side is Side.BUY:
        return -(-entered_sum // entered) + cost_ticks
    return entered_sum // entered - cost_ticks
