"""How numbers are written for people, in the engine's words as on the screen: one minus, one percent."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

MINUS = "−"


def signed(value: Decimal | float, digits: int = 2) -> str:
    """A number that always carries its sign: "+118.60", "−1.1"."""
    return f"{value:+.{digits}f}".replace("-", MINUS)


def percent(share: Decimal | Fraction | float, digits: int = 0) -> str:
    """A share of one: "58 %", "−2.4 %"."""
    return f"{float(share) * 100:.{digits}f} %".replace("-", MINUS)
