"""What tells the generated contracts apart."""

from __future__ import annotations

from typing import NamedTuple

PRINTS_A_BURST = 1.7
"""Mean number of prints that one aggressive order makes."""
SIZE_A_PRINT = 2.1
"""Mean contracts of a print."""


class Traits(NamedTuple):
    """One contract of the generated market. Rates are those of mid-morning (activity 1)."""

    symbol: str
    family: int
    """Index of the fair price that it shares with its mini or micro."""
    phase: float
    """Where its own grid lies against the family's price, ticks: micros differ from minis a little."""
    quotes: float
    """Quote updates per second, as captured on the live stream for the Nasdaq micro."""
    bursts: float
    """Trade messages per second; each carries one or more prints and moves the quote."""
    wide: float
    """Share of the time in which the spread is two ticks instead of one."""


TRAITS = (
    Traits("MNQ", 0, 0.1, 42, 20, 0.25),
    Traits("NQ", 0, 0.0, 30, 14, 0.25),
    Traits("MES", 1, 0.1, 42, 20, 0.02),
    Traits("ES", 1, 0.0, 32, 15, 0.01),
    Traits("MGC", 2, 0.1, 4, 2, 0.15),
    Traits("GC", 2, 0.0, 5, 2.5, 0.1),
)
LEADERS = ("NQ", "ES", "GC")
"""The contract that a family's price is read from, by family."""
OPENING = (118_000.0, 30_800.0, 41_000.0)
"""Where each family starts its first day, ticks: 29,500, 7,700 and 4,100."""
DEVIATIONS = (50.0, 9.3, 12.0)
"""Ordinary moves of each family, ticks per square root of a minute in mid-morning."""
