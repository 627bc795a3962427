"""What a paper account holds and has earned, counted from its fills alone.

Nothing of `engine.state.position` is used, so that an error there can't agree with itself: here the two sides
of a cycle are kept apart, what was bought and what was sold since the position was last flat.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import Fill


class PaperPosition(Struct):
    """Net position in one instrument. Contracts, and sums of price x contracts in ticks, since flat."""

    instrument: Instrument
    bought: int = 0
    bought_sum: int = 0
    sold: int = 0
    sold_sum: int = 0

    @property
    def qty(self) -> int:
        """Signed, negative for short."""
        return self.bought - self.sold

    def take(self, fill: Fill, taken: int = 0) -> Decimal:
        """Count a fill; gives the gross USD of the cycle that it ended, zero where it ended none. Its fee has
        `taken` so many of the lots that it bought.

        A fill through zero ends one cycle and opens the next with the rest.
        """
        before = self.qty * fill.side.sign
        closing = min(fill.qty, -before) if before < 0 else 0
        earned = Decimal(0)
        self._count(fill.side, fill.price, closing)
        if closing and not self.qty:
            earned = self.instrument.usd(self.sold_sum - self.bought_sum)
            self.bought = self.bought_sum = self.sold = self.sold_sum = 0
        self._count(fill.side, fill.price, fill.qty - closing - taken)
        return earned

    def paid_usd(self) -> Decimal:
        """What has been paid for what is held, less what parts of it were sold for, USD."""
        return self.instrument.usd(self.bought_sum - self.sold_sum)

    def average_price(self) -> Decimal:
        """Average entry of what is held, in price units. Raises ZeroDivisionError when flat."""
        entered_sum, entered, _, _ = self._entered_and_left()
        return self.instrument.tick_size * entered_sum / entered

    def running_usd(self) -> Decimal:
        """Gross USD of the contracts that were taken out of what is held, to the last digit of money."""
        entered_sum, entered, left_sum, left = self._entered_and_left()
        if not left:
            return Decimal(0)
        won = (left_sum - Fraction(entered_sum, entered) * left) * (1 if self.qty > 0 else -1)
        if won.denominator == 1:
            return self.instrument.usd(won.numerator)
        return (self.instrument.tick_value_usd * won.numerator / won.denominator).quantize(
            self.instrument.cent
        )

    def _count(self, side: Side, price: int, qty: int) -> None:
        if side is Side.BUY:
            self.bought += qty
            self.bought_sum += price * qty
        else:
            self.sold += qty
            self.sold_sum += price * qty

    def _entered_and_left(self) -> tuple[int, int, int, int]:
        """(sum, contracts) on the side of the position, and the same of what was taken out of it."""
        if self.qty > 0:
            return self.bought_sum, self.bought, self.sold_sum, self.sold
        return self.sold_sum, self.sold, self.bought_sum, self.bought
