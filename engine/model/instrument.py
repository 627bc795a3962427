"""What is traded: price and quantity steps, the money in a step, the fees (docs/semantics.md#instruments)."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from enum import StrEnum
from functools import lru_cache
from math import ceil

import msgspec
from msgspec import Struct

_LAST_DIGIT = {"USD": 2, "EUR": 2, "GBP": 2, "CHF": 2, "CAD": 2, "AUD": 2, "JPY": 0}
"""Digits after the point of amounts in a currency; coins, which are not named here, have eight."""
_COIN_DIGITS = 8

ONE = Decimal(1)
NOTHING = Decimal(0)


class OffGridError(ValueError):
    """A price that lies between two ticks, or a quantity between two lots."""


class InstrumentKind(StrEnum):
    """What an instrument is, which decides how it is held."""

    FUTURE = "future"
    PERPETUAL = "perpetual"
    """A future without an end. Its funding is not counted: the venue books it into the balance."""
    SPOT = "spot"
    """A coin that is bought and owned: no shorts, and no more is sold than tstream has bought."""
    EQUITY = "equity"


class Volatility(StrEnum):
    """How far its price swings: what is asked of a trade goes by it (docs/learning.md#volatility-classes)."""

    HIGH = "high"
    MEDIUM = "medium"


class Instrument(Struct, frozen=True):
    """One tradable product, whatever its contract month.

    Prices are whole ticks and quantities whole lots everywhere in the engine; `Decimal` prices and quantities
    exist at its edges only. Amounts, those of fields that end in `_usd` among them, are in `currency`.
    """

    symbol: str
    """The name that people use, unique in a run: "MNQ", "BTCUSDT@binance"."""
    root: str
    """The venue's name in its symbol ids, which differs for some: ES is EP, NQ is ENQ, GC is GCE."""
    description: str
    tick_size: Decimal
    """Smallest price step, in price units."""
    tick_value_usd: Decimal
    """Won or lost by one lot when the price moves by one tick."""
    fee_usd: Decimal
    """Exchange and platform fees per lot and side."""
    commission_usd: Decimal
    """Broker's commission per lot and side."""
    minis: int = 1
    """How many micros one mini is worth if this is a mini; 1 for a micro."""
    version: int = 1
    kind: InstrumentKind = InstrumentKind.FUTURE
    lot_size: Decimal = ONE
    """Smallest step of a quantity: 1 contract or share, 0.0001 BTC."""
    currency: str = "USD"
    """In which it is settled. A coin that is worth a dollar is a currency of its own."""
    base: str = ""
    """What one unit is of, where it is a coin: "BTC"."""
    calendar: str = "cme"
    """Whose sessions, deadlines and trade dates it has: "cme", "always" or "us_equities"
    (docs/semantics.md#sessions-and-trade-dates).
    """
    maker_rate: Decimal = NOTHING
    """Fee of a fill of a limit order that rested, as a share of what was traded."""
    taker_rate: Decimal = NOTHING
    """The same of any other order: at market, a stop, a limit that traded at once."""
    fee_in_base: bool = False
    """Fees of a purchase are taken out of what was bought (spot)."""
    shortable: bool = True
    least_notional: Decimal = NOTHING
    """The venue takes no order that is worth less."""
    margin_usd: Decimal | None = None
    """What must be deposited for one lot; None where no table tells."""
    margin_rate: Decimal | None = None
    """The same as a share of what is held."""
    max_quantity: Decimal | None = None
    """Most in one trade: contracts, shares, coins; None leaves it to risk.max_contracts, or to the equity."""
    volatility: Volatility = Volatility.MEDIUM

    @property
    def decimals(self) -> int:
        """Digits after the point in a price of this instrument."""
        return _digits(self.tick_size)

    @property
    def cost_usd(self) -> Decimal:
        """The costs of one lot on one side that do not depend on its price."""
        return self.fee_usd + self.commission_usd

    @property
    def money_digits(self) -> int:
        """Digits after the point of an amount: those of the currency, or more where a tick of one lot has
        them.
        """
        return max(_LAST_DIGIT.get(self.currency, _COIN_DIGITS), _digits(self.tick_value_usd))

    @property
    def cent(self) -> Decimal:
        """The smallest amount of money that is told apart."""
        return _step(self.money_digits)

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

    def lots(self, qty: Decimal | int | str) -> int:
        """The quantity as whole lots. Raises OffGridError if it is not a multiple of one."""
        count, rest = divmod(Decimal(qty), self.lot_size)
        if rest:
            raise OffGridError(f"{qty} of {self.symbol} is not a multiple of its lot {self.lot_size}")
        return int(count)

    def qty(self, lots: int) -> Decimal:
        """The quantity of a number of lots: contracts, shares, coins."""
        return self.lot_size * lots

    def usd(self, ticks: int) -> Decimal:
        """The money in a move of one lot by so many ticks (or in ticks x lots)."""
        return self.tick_value_usd * ticks

    def notional(self, price: int, lots: int = 1) -> Decimal:
        """What so many lots are worth at a price, never negative."""
        return abs(self.usd(price) * lots)

    def cost(self, price: int, lots: int = 1, *, maker: bool = False) -> Decimal:
        """Fees and commission of a fill of so many lots at a price, exactly."""
        rate = self.maker_rate if maker else self.taker_rate
        each = self.cost_usd * lots
        return each + self.notional(price, lots) * rate if rate else each

    def charged(self, price: int, lots: int = 1, *, maker: bool = False) -> Decimal:
        """The same as it is booked: what is beyond the last digit is rounded up, so that costs are never
        understated.
        """
        cost = self.cost(price, lots, maker=maker)
        return cost if cost == cost.quantize(self.cent, ROUND_DOWN) else cost.quantize(self.cent, ROUND_UP)

    def fees(self, price: int, lots: int, *, buys: bool, maker: bool = False) -> tuple[Decimal, Decimal]:
        """What is booked for a fill: in money, and in coins that are taken out of what it bought."""
        if buys and self.fee_in_base:
            return self.cost_usd * lots, self.fee_base(lots, maker=maker)
        return self.charged(price, lots, maker=maker), NOTHING

    def round_trip(self, entry: int, exit_: int, lots: int = 1) -> Decimal:
        """What it costs to open so many lots and to close them, as orders that wait for no better price."""
        return self.cost(entry, lots) + self.cost(exit_, lots)

    def fee_base(self, lots: int, *, maker: bool = False) -> Decimal:
        """What its fee takes out of a purchase of so many lots, in coins; 0 where it is paid in money."""
        if not self.fee_in_base:
            return NOTHING
        fee = self.qty(lots) * (self.maker_rate if maker else self.taker_rate)
        smallest = ONE.scaleb(-max(_COIN_DIGITS, _digits(self.lot_size)))
        return fee if fee == fee.quantize(smallest, ROUND_DOWN) else fee.quantize(smallest, ROUND_UP)

    def fee_lots(self, coins: Decimal) -> int:
        """Lots that such fees take away, begun ones whole: what is left of one can't be sold."""
        return ceil(coins / self.lot_size)

    @property
    def most_lots(self) -> int:
        """Most lots in one trade, where the instrument says it; else 0."""
        return 0 if self.max_quantity is None else int(self.max_quantity // self.lot_size)

    @property
    def by_value(self) -> bool:
        """Its lots are parts of a coin: how much is too much goes by what they are worth, not by their
        count.
        """
        return self.kind in (InstrumentKind.PERPETUAL, InstrumentKind.SPOT)

    @property
    def margin_key(self) -> str:
        """The setting that tells its margin; empty where it needs none, or where nobody has told it."""
        if self.margin_usd is not None:
            return "margin_usd"
        return "" if self.margin_rate is None else "margin_percent"

    def margin(self, price: int, lots: int) -> Decimal | None:
        """What must be deposited to hold so many lots; None where no table tells."""
        if self.margin_usd is not None:
            return self.margin_usd * abs(lots)
        if self.margin_rate is None:
            # What is bought and owned is paid for in full, which needs no table.
            owned = self.kind in (InstrumentKind.SPOT, InstrumentKind.EQUITY)
            return self.notional(price, lots) if owned else None
        return self.notional(price, lots) * self.margin_rate

    def is_dust(self, price: int, lots: int) -> bool:
        """So little of a coin is left that the venue does not let it be sold."""
        owned = self.kind is InstrumentKind.SPOT
        return owned and lots != 0 and self.notional(price, lots) < self.least_notional

    def text(self, ticks: int) -> str:
        """The price as people write it, with the fixed digits of the tick."""
        return f"{self.price(ticks):.{self.decimals}f}"

    def qty_text(self, lots: int) -> str:
        """The quantity as people write it, with the fixed digits of the lot."""
        return qty_text(lots, self.lot_size)

    def counted(self, lots: int) -> str:
        """A quantity with what it is of: "3 contracts", "1 share", "0.0137 BTC"."""
        if self.lot_size != 1:
            return f"{self.qty_text(lots)} {self.base or 'units'}"
        what = {InstrumentKind.EQUITY: "share", InstrumentKind.SPOT: "coin"}.get(self.kind, "contract")
        return f"{lots} {what}{'' if lots == 1 else 's'}"


def qty_text(lots: int, lot_size: Decimal, *, signed: bool = False) -> str:
    """So many lots as people write them: "2", "0.0137"; "+2" where it is signed."""
    return f"{lot_size * lots:{'+' if signed else ''}.{_digits(lot_size)}f}"


@lru_cache(maxsize=64)
def _step(digits: int) -> Decimal:
    return ONE.scaleb(-digits)


@lru_cache(maxsize=1024)
def _digits(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))


def wrong_terms(instrument: Instrument) -> Iterator[tuple[str, str]]:
    """(Field, what is wrong) where an instrument can't be as it is described."""
    i = instrument
    for name in ("tick_size", "tick_value_usd", "lot_size"):
        if getattr(i, name) <= 0:
            yield name, "must be above 0"
            return
    if i.base and i.base == i.currency:
        yield (
            "currency",
            f"is {i.base}, which one unit is of: an inverse contract, settled in its own coin, is worth "
            "1/price and is not traded; take the one that is settled in USD, USDT or USDC",
        )
    if i.kind is InstrumentKind.SPOT:
        if i.shortable:
            yield "shortable", "must be false: what is not owned can't be sold on a spot market"
        if i.tick_value_usd != i.tick_size * i.lot_size:
            yield "tick_value_usd", f"must be tick_size x lot_size ({i.tick_size * i.lot_size}) on spot"
    elif i.fee_in_base:
        yield "fee_in_base", "is for spot only: of anything else there is nothing to take a fee out of"
    if i.margin_usd is not None and i.margin_rate is not None:
        yield "margin_usd", "and margin_rate say the same twice: leave one out"
    if i.max_quantity is not None and i.most_lots < 1:
        yield "max_quantity", f"must be at least one lot, {i.lot_size}"


class _Table(Struct):
    source: str
    instruments: list[Instrument]


def read_table(data: bytes) -> dict[str, Instrument]:
    """Instruments by symbol, from JSON with the fields of `Instrument` and a `source`.

    Raises msgspec.ValidationError.
    """
    return {i.symbol: i for i in msgspec.json.decode(data, type=_Table).instruments}


CME_FUTURES: Mapping[str, Instrument] = read_table(
    pkgutil.get_data("engine.model", "cme_futures.json") or b""
)
"""The futures that tstream knows by itself: data beside this module, read in less than a millisecond."""
