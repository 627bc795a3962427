"""What money of one currency is worth in another, where several are shown as one: stated, and never booked.

Limits, sizes and records are in the currency of their account, whatever stands here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from engine.model.market import NANOS

USD = "USD"
STATED = "[rates]"
"""The source of a rate that a person has set."""


class StatedRate(Struct, frozen=True):
    """What one of a currency is worth, USD, and who says so."""

    currency: str
    usd: Decimal
    source: str = STATED
    """`STATED`, or whose prices give it: "BTCUSD / BTCUSDT"."""
    age_ns: int | None = None
    """Of the older of these prices; None of what a person has set."""
    stale: bool = False
    """One of these prices is too old to be traded on."""

    @property
    def words(self) -> str:
        """ "1 USDT = 0.9998 USD by BTCUSD / BTCUSDT, 3 s old"."""
        old = "" if self.age_ns is None else f", {_old(self.age_ns)} old"
        return f"1 {self.currency} = {self.usd:f} {USD} by {self.source}{old}"


class RatedSum(Struct, frozen=True):
    """Money of several currencies in one."""

    usd: Decimal | None
    """None where a rate is missing: what is left would be no sum."""
    rates: tuple[StatedRate, ...] = ()
    """Those that it was made by."""
    missing: tuple[str, ...] = ()
    """Currencies of which nobody knows a rate."""

    @property
    def words(self) -> str:
        """By which rates; or why there is none."""
        if self.missing:
            return f"not summed: no rate of {', '.join(self.missing)} ({STATED} in the settings sets one)"
        return "; ".join(rate.words for rate in self.rates)


def in_usd(amounts: Mapping[str, Decimal], rates: Iterable[StatedRate]) -> RatedSum | None:
    """Amounts by currency as one, USD; None where there is one currency at the most: that needs no rate."""
    if len(amounts) < 2:
        return None
    known = {rate.currency: rate for rate in rates}
    missing = tuple(currency for currency in amounts if currency not in known and currency != USD)
    if missing:
        return RatedSum(None, missing=missing)
    used = tuple(known[currency] for currency in amounts if currency != USD)
    own = amounts.get(USD, Decimal(0))
    return RatedSum(sum((amounts[rate.currency] * rate.usd for rate in used), own), used)


def _old(age_ns: int) -> str:
    seconds = age_ns // NANOS
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
