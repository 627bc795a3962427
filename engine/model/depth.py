"""Order book and prints of one instrument as people look at them: asked for by contract, not in the View.

Prices in ticks, sizes in lots, times in nanoseconds UTC.
"""

from __future__ import annotations

from msgspec import Struct

from engine.model.market import Timeframe

TAPE_PRINTS = 400
"""Prints of a tape that are shown at most."""
TAPE_BARS = 60
"""Bars of which a tape tells the delta."""


class QueuePlace(Struct, frozen=True, array_like=True):
    """About how many lots are before an order of ours at its price: an estimate, from the size there when it
    was first seen, what was traded there since, and what is there now (docs/ladder.md#place-in-the-queue).
    """

    client_id: str
    ahead: int


class DepthView(Struct, frozen=True):
    instrument: str
    ts: int
    """When the venue told it."""
    bids: tuple[tuple[int, int], ...] = ()
    """Price and size of each level, the best first."""
    asks: tuple[tuple[int, int], ...] = ()
    broken: str = ""
    """Why this is not what stands at the venue now, in words; empty while it is."""
    touch_only: bool = False
    """The venue tells no more than the best price of each side."""
    untold: bool = False
    """This venue, or this feed of it, tells of no order books."""
    resyncs: int = 0
    """How often the book had to be asked for anew since the connection began."""
    last: int | None = None
    last_size: int = 0
    last_side: int = 0
    """Of the last trade: 1 where a buyer wanted it, -1 where a seller did, 0 where nobody knows."""
    traded: tuple[tuple[int, int], ...] = ()
    """What was traded in the session at each price near the market, by price."""
    traded_most: int = 0
    """The most at any of them."""
    traded_about: bool = False
    """Some of it is spread evenly over the minutes of before anybody looked."""
    queue: tuple[QueuePlace, ...] = ()


class TapePrint(Struct, frozen=True, array_like=True, gc=False):
    seq: int
    """Counts up, one by one, while this tape is kept."""
    ts: int
    price: int
    size: int
    side: int
    """1 where a buyer wanted it, -1 where a seller did, 0 where nobody knows."""


class BarDelta(Struct, frozen=True, array_like=True, gc=False):
    """Who wanted what traded in one bar."""

    open_ts: int
    volume: int
    """Of the bar, prints of before the tape began among them."""
    bought: int
    sold: int
    total: int
    """Bought less sold from where the tape's own count began to the end of this bar."""

    @property
    def delta(self) -> int:
        return self.bought - self.sold


class TapeView(Struct, frozen=True):
    instrument: str
    timeframe: Timeframe
    prints: tuple[TapePrint, ...] = ()
    """Oldest first."""
    bars: tuple[BarDelta, ...] = ()
    """Oldest first, the last one under way."""
    delta: int = 0
    """Bought less sold in the session since `since`."""
    since: int = 0
    """The first print that counts; 0 before any."""
    whole: bool = False
    """That is the whole session."""
    big: int = 0
    """A print of so many lots or more is a big one: more than 98 of 100 of those that are kept; 0 unknown."""
