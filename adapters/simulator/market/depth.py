"""What rests at a price of a made-up market: sizes that look like those of a real book, and change.

A pure function of price and time, so that every run and every wire shows the same: each price has its own
beat on which its size becomes another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

LEVELS = 10
"""Of each side, as depth of ten prices is sold."""
_BITS = 0xFFFFFFFF
_BEAT_NS = 400_000_000
_MORE_NS = 2_600_000_000


class BookLevel(NamedTuple):
    """What rests at a price: ticks, lots."""

    price: int
    size: int


def resting(price: int, ts: int, away: int, unit: int = 1) -> int:
    """Lots at a price that is so many ticks behind the best one, at a time in nanoseconds UTC."""
    mixed = price * 2_654_435_761 & _BITS
    beat = _BEAT_NS + mixed % _MORE_NS
    step = (ts + mixed * 7919) // beat
    chance = ((mixed ^ step * 40_503) * 2_246_822_519 & _BITS) >> 16
    usual = (3 + mixed % 11) * (3 if price % 20 == 0 else 1)  # people like round prices
    deep = 2 + min(away, 8)
    return unit * max(1, usual * deep // 6 + chance % (usual + 3) - usual // 2)


def book(
    bid: int | None, ask: int | None, ts: int, levels: int = LEVELS, unit: int = 1
) -> tuple[Sequence[BookLevel], Sequence[BookLevel]]:
    """Bids and asks around a touch, the best first."""
    bids = () if bid is None else range(bid, max(0, bid - levels), -1)
    asks = () if ask is None else range(ask, ask + levels)
    return (
        [BookLevel(price, resting(price, ts, away, unit)) for away, price in enumerate(bids)],
        [BookLevel(price, resting(price, ts, away, unit)) for away, price in enumerate(asks)],
    )
