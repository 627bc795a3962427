"""Prices and sizes as a venue writes them, to whole ticks and lots: exact, bounded, each text read once."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from engine.model.instrument import Instrument, OffGridError

_MOST_TEXTS = 512
"""Numbers of one instrument whose texts are known: those of an hour, as a rule. Each is 200 bytes."""
_LONGEST = 40
"""Characters of a number as it is written."""
_MOST_DIGITS = 15
"""No price and no amount has more before its point."""
MOST_STEPS = 10**15
"""No price has so many ticks, and no quantity so many lots."""


def number(text: str) -> Decimal:
    """A number as it is written. Raises ValueError for anything that can't be a price or an amount."""
    if len(text) > _LONGEST:
        raise ValueError(f"not a number: {len(text)} characters")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not a number: {text!r}") from None
    if not value.is_finite() or (value and abs(value.adjusted()) >= _MOST_DIGITS):
        raise ValueError(f"not an amount: {text!r}")
    return value


class TickTexts(dict[str, int]):
    """Ticks of one instrument by how its price is written. Raises ValueError off the grid."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def __missing__(self, text: str) -> int:
        ticks = bounded(self._instrument.ticks(number(text)), text)
        if len(self) >= _MOST_TEXTS:
            self.clear()
        self[text] = ticks
        return ticks


class LotTexts(dict[str, int]):
    """Lots of one instrument by how its quantity is written. Raises ValueError for none, and off the grid."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def __missing__(self, text: str) -> int:
        lots = bounded(self._instrument.lots(number(text)), text)
        if lots < 0:
            raise ValueError(f"not a quantity: {text!r}")
        if len(self) >= _MOST_TEXTS:
            self.clear()
        self[text] = lots
        return lots


def whole_lots(instrument: Instrument, text: str) -> int:
    """Lots in an amount of the market or of a wallet, whose fraction of one is left out.

    Raises ValueError.
    """
    return bounded(int(number(text) // instrument.lot_size), text)


def bounded(steps: int, text: str) -> int:
    """Raises OffGridError for more ticks or lots than there can be."""
    if abs(steps) > MOST_STEPS:
        raise OffGridError(f"not a price or quantity: {text!r}")
    return steps


def plain(value: Decimal) -> str:
    """A price or a quantity as a venue takes it: digits and a point, no exponent."""
    return f"{value:f}"
