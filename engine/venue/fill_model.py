"""What the venue assumes about a fill, and the prices it has to go by (docs/semantics.md#fill-model)."""

from __future__ import annotations

from collections import deque

from msgspec import Struct, field

from engine.model.market import Side

MILLISECOND = 1_000_000
_SIZES_KEPT = 63
"""Prints from which the median size is taken; odd, so that the median is one of them."""


class FillModel(Struct, frozen=True):
    """What the venue assumes about the way to it and about the crowd there. Times in nanoseconds.

    Quotes carry no sizes here, so a market order of any size fills whole at one price.
    """

    latency_ns: int = 50 * MILLISECOND
    """From placing to being in the market: nothing fills earlier."""
    bracket_activation_ns: int = 18 * MILLISECOND
    """From an entry's fill to its bracket legs working."""
    oco_delay_ns: int = 13 * MILLISECOND
    """From a leg's fill to the sibling being reported canceled or smaller."""
    slippage_ticks: int = 1
    """How much worse than the touch (market) or the trigger (stop) a fill is."""
    queue_multiple: int = 5
    """Contracts ahead of a new limit order, in median prints. 0 turns the queue off: the first print at
    the price fills the whole order."""
    stop_on_touch: bool = False
    """Stops trigger on the touch that they would trade against too, not on the last trade alone."""

    def market_price(self, side: Side, touch: int) -> int:
        """At what a market order of this side fills, ticks."""
        return touch + side.sign * self.slippage_ticks

    def stop_price(self, side: Side, stop: int, trigger: int) -> int:
        """At what a stop fills that a price of `trigger` has set off, ticks: at the worse of the two."""
        worse = max(stop, trigger) if side is Side.BUY else min(stop, trigger)
        return worse + side.sign * self.slippage_ticks


class LatestPrices(Struct):
    """The newest that is known of one instrument, prices in ticks."""

    bid: int | None = None
    ask: int | None = None
    last: int | None = None
    sizes: deque[int] = field(default_factory=lambda: deque(maxlen=_SIZES_KEPT))
    """Of the latest prints, contracts."""

    def median_size(self) -> int:
        """Median size of the latest prints, contracts; 1 before the first."""
        return sorted(self.sizes)[len(self.sizes) // 2] if self.sizes else 1

    def touch(self, side: Side) -> int | None:
        """The quote that an order of this side trades against."""
        return self.ask if side is Side.BUY else self.bid

    def crossing(self, side: Side) -> int | None:
        """The price at which an order of this side trades at once, or None while nothing is known.

        Without a quote the last trade stands in for it, half a spread away: one tick, as the half of the
        narrowest spread is rounded against the order.
        """
        touch = self.ask if side is Side.BUY else self.bid
        if touch is not None:
            return touch
        return None if self.last is None else self.last + side.sign


def reaches(side: Side, stop: int, price: int) -> bool:
    """Whether a price triggers a stop order of this side."""
    return (price - stop) * side.sign >= 0
