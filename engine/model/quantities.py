"""Quantities as people write them, by what is in a picture: lots are for the engine alone."""

from __future__ import annotations

from engine.model.instrument import ONE, qty_text
from engine.model.view import View


def counted(view: View, instrument: str, lots: int) -> str:
    """The same with what they are: "1 contract", "0.0137 BTCUSDT.P"."""
    if any(one.lot_size != ONE for one in view.contracts if one.instrument == instrument):
        return f"{quantity(view, instrument, lots)} {instrument}"
    return f"{lots} contract{'' if lots == 1 else 's'}"


def quantity(view: View, instrument: str, lots: int, *, signed: bool = False) -> str:
    """So many lots of an instrument: "2", "0.0137"; "+2" where it is signed."""
    sizes = (one.lot_size for one in view.contracts if one.instrument == instrument)
    size = next(sizes, None)
    return qty_text(lots, ONE if size is None else size, signed=signed)
