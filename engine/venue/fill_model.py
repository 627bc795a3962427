"""What the venue assumes about a fill, and the prices it has to go by (docs/semantics.md#fill-model)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from msgspec import Struct, field, structs

from engine.model.market import Side

MILLISECOND = 1_000_000
_SIZES_KEPT = 63
"""Prints from which the median size is taken; odd, so that the median is one of them."""


class FillModel(Struct, frozen=True):
    """What the venue assumes about the way to it and about the crowd there. Times in nanoseconds.

    One default for paper books, replays and backtests; the practice venue, which has a wire, differs in its
    latency alone.
    """

    latency_ns: int = 50 * MILLISECOND
    """From placing to being in the market: nothing fills earlier. As long from a stop's trigger to its being
    in the market."""
    change_latency_ns: int | None = None
    """From a change or a cancel to its effect; None takes as long as a placing."""
    bracket_activation_ns: int = 18 * MILLISECOND
    """From an entry's fill to its bracket legs working."""
    oco_delay_ns: int = 13 * MILLISECOND
    """From a leg's fill to the sibling being reported canceled or smaller."""
    slippage_ticks: int = 1
    """How much worse than the touch a fill at market is."""
    queue_multiple: int = 5
    """Contracts that rest at a price, in median prints: ahead of a new limit order, and what an order at
    market takes before it walks on. 0 turns both off: the first print at a limit fills the whole order, and
    a market order of any size fills at one price."""
    stop_on_touch: bool = False
    """Stops trigger on the touch that they would trade against too, not on the last trade alone."""
    bar_ns: int = 0
    """Length of the bars that prints are made up from, nanoseconds; 0: they are real. Of a bar nobody knows
    the way: a limit fills only when it is traded through, a target when its bar is over without its stop, and
    what is decided on a close fills in the next bar."""

    whole_bars: bool = False
    """The market is told in closed bars: what is in it at a bar's open meets that bar, and between two bars
    nothing fills."""

    def on_whole_bars(self) -> FillModel:
        """The same where bars alone are told: nothing takes less than until the next open, and no size is
        known of what rests at a price."""
        return structs.replace(
            self,
            latency_ns=0,
            change_latency_ns=0,
            bracket_activation_ns=0,
            oco_delay_ns=0,
            queue_multiple=0,
            bar_ns=0,
            whole_bars=True,
        )

    @property
    def change_ns(self) -> int:
        return self.latency_ns if self.change_latency_ns is None else self.change_latency_ns

    def __str__(self) -> str:
        """In the words of a summary."""
        if self.whole_bars:
            slips = f"{self.slippage_ticks} tick{'s' * (self.slippage_ticks != 1)}"
            return f"at the next bar's open, slippage {slips}, stops first, limits when traded through"
        limits = "bars: limits when traded through" if self.bar_ns else f"queue {self.queue_multiple}"
        slips = f"{self.slippage_ticks} tick{'s' * (self.slippage_ticks != 1)}"
        return f"latency {self.latency_ns / MILLISECOND:g} ms, slippage {slips}, {limits}"

    def at_market(self, side: Side, touch: int, qty: int, prices: LatestPrices) -> Iterator[tuple[int, int]]:
        """(price in ticks, contracts) of the fills of an order at market, best first: a tick worse for each
        further size that rests at a price. Quotes carry no sizes; `queue_multiple` stands in for them."""
        price = touch + side.sign * self.slippage_ticks
        resting = self.queue_multiple * prices.median_size()
        while resting and qty > resting:
            yield price, resting
            qty -= resting
            price += side.sign
        yield price, qty


class LatestPrices(Struct):
    """The newest that is known of one instrument, prices in ticks."""

    bid: int | None = None
    ask: int | None = None
    last: int | None = None
    ts: int = 0
    """Of the newest quote or print, nanoseconds."""
    bar: int | None = None
    """Open of the bar under way, where bars are told, nanoseconds; None between two of them."""
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
