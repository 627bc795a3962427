"""What is traded: the tick grid, the money in a tick, the fees."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class OffGridError(ValueError):
    """A price that lies between two ticks."""


class Instrument(Struct, frozen=True):
    """One tradable product, whatever its contract month.

    Prices are whole ticks everywhere in the engine; `Decimal` prices exist at its edges only.
    """

    symbol: str
    """The name that people use: "MNQ"."""
    root: str
    """The venue's name in its symbol ids, which differs for some: ES is EP, NQ is ENQ, GC is GCE."""
    description: str
    tick_size: Decimal
    """Smallest price step, in price units."""
    tick_value_usd: Decimal
    """USD won or lost by one contract when the price moves by one tick."""
    fee_usd: Decimal
    """Exchange and platform fees per contract and side, USD."""
    commission_usd: Decimal
    """Broker's commission per contract and side, USD."""
    minis: int = 1
    """How many micros one mini is worth if this is a mini; 1 for a micro."""
    version: int = 1

    @property
    def decimals(self) -> int:
        """Digits after the point in a price of this instrument."""
        return max(0, -int(self.tick_size.normalize().as_tuple().exponent))

    @property
    def cost_usd(self) -> Decimal:
        """All costs of one contract on one side, USD."""
        return self.fee_usd + self.commission_usd

    def ticks(self, price: Decimal | float | int | str) -> int:
        """The price as whole ticks. Raises OffGridError if it is not on the grid."""
        exact = price if isinstance(price, Decimal) else Decimal(str(price))
        count, rest = divmod(exact, self.tick_size)
        if rest:
            raise OffGridError(f"{price} is not a multiple of {self.symbol}'s tick {self.tick_size}")
        return int(count)

    def price(self, ticks: int) -> Decimal:
        """The price of a number of ticks."""
        return self.tick_size * ticks

    def usd(self, ticks: int) -> Decimal:
        """USD of a move of one contract by so many ticks (or of ticks x contracts)."""
        return self.tick_value_usd * ticks

    def text(self, ticks: int) -> str:
        """The price as people write it, with the fixed digits of the tick."""
        return f"{self.price(ticks):.{self.decimals}f}"


def _future(
    symbol: str, root: str, description: str, tick: str, value: str, fee: str, commission: str, minis: int = 1
) -> Instrument:
    return Instrument(
        symbol, root, description, Decimal(tick), Decimal(value), Decimal(fee), Decimal(commission), minis
    )


# Roots and ticks: TopStepX contract table, August 2026. Fees a side: MNQ, MES and MGC seen on real trades of
# 2026; ES, NQ (2025) and GC (2025) from published tables. Any of them can be overridden in tstream.toml.
CME_FUTURES: dict[str, Instrument] = {
    i.symbol: i
    for i in (
        _future("MNQ", "MNQ", "Micro E-mini Nasdaq-100", "0.25", "0.50", "0.36", "0.25"),
        _future("NQ", "ENQ", "E-mini Nasdaq-100", "0.25", "5", "1.40", "0", 10),
        _future("MES", "MES", "Micro E-mini S&P 500", "0.25", "1.25", "0.36", "0.25"),
        _future("ES", "EP", "E-mini S&P 500", "0.25", "12.50", "1.40", "0", 10),
        _future("MGC", "MGC", "Micro Gold", "0.10", "1", "0.62", "0.25"),
        _future("GC", "GCE", "Gold", "0.10", "10", "1.62", "0", 10),
    )
}
