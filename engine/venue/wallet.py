"""The coins of an account and the money that buys them, as a spot venue keeps them (docs/semantics.md#spot).

It is counted from executions alone, the moment they happen, and knows nothing of who bought what: what the
account had before, or got since, may be sold by whoever trades on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from engine.model.errors import RefusedError
from engine.model.instrument import NOTHING, Instrument, InstrumentKind
from engine.model.market import Side
from engine.model.orders import Fill, OrderSpec, OrderType, VenueBalance, VenueOrder
from engine.venue.fill_model import FillModel, LatestPrices


class Wallet:
    """Balances by currency. Money is in the account's own currency, which all its coins are bought with."""

    def __init__(self, instruments: Mapping[str, Instrument], money: Decimal) -> None:
        self.money = money
        """What is left to buy with; profits and costs of what is no coin are added from outside."""
        self._coins: dict[str, Decimal] = {
            known.base: NOTHING for known in instruments.values() if known.kind is InstrumentKind.SPOT
        }
        self._instruments = instruments

    def owns(self, instrument: str) -> bool:
        """Whether it is a coin, and so held here."""
        return self._instruments[instrument].kind is InstrumentKind.SPOT

    def deposit(self, currency: str, amount: Decimal) -> None:
        """Coins come in from elsewhere, or leave where the amount is negative."""
        self._coins[currency] = self._coins.get(currency, NOTHING) + amount

    def lots(self, instrument: str) -> int:
        """Whole lots of a coin that the account has, whoever bought them."""
        known = self._instruments[instrument]
        return int(self._coins.get(known.base, NOTHING) // known.lot_size)

    def balances(self) -> tuple[VenueBalance, ...]:
        """Of every coin that may be traded, nothing included."""
        return tuple(VenueBalance(coin, total) for coin, total in sorted(self._coins.items()))

    # -- orders and executions ----------------------------------------------------------------------------

    def check_place(
        self,
        instrument: str,
        spec: OrderSpec,
        prices: Callable[[str], LatestPrices],
        resting: Callable[[], Iterable[VenueOrder]],
        model: FillModel,
    ) -> None:
        """`resting` gives the account's live orders: purchases among them have their money set aside. A coin
        may stand under a stop and a target at once. Raises RefusedError.
        """
        known = self._instruments.get(instrument)
        if known is None:
            return  # the venue itself says so
        price = _at(spec.side, spec.price, prices(instrument), model)
        worth, least = known.notional(price, spec.qty), known.least_notional
        coin = self.owns(instrument)
        if worth < least and (coin or not spec.reduces):
            raise RefusedError(f"the order is worth {worth} {known.currency}, at least {least} are taken")
        if not coin:
            return
        if spec.side is Side.SELL:
            has = self._coins.get(known.base, NOTHING)
            if known.qty(spec.qty) > has:
                raise RefusedError(f"insufficient balance: the account has {has} {known.base}")
            return
        left = self.money - sum((self._set_aside(one, prices, model) for one in resting()), NOTHING)
        need = self._pays(known, price, spec.qty)
        if need > left:
            raise RefusedError(f"insufficient balance: {need} {known.currency} needed, {left} are free")

    def most(self, instrument: str, side: Side, price: int, qty: int) -> int:
        """How many of so many lots an execution can be settled for."""
        if not self.owns(instrument):
            return qty
        if side is Side.SELL:
            return min(qty, self.lots(instrument))
        known = self._instruments[instrument]
        each = known.notional(price) + (NOTHING if known.fee_in_base else known.cost(price))
        lots = min(qty, max(0, int(self.money // each))) if each > 0 else qty
        while lots and self._pays(known, price, lots) > self.money:  # costs are rounded up
            lots -= 1
        return lots

    def take(self, fill: Fill) -> None:
        """Count an execution; those of other things than coins change nothing here."""
        if not self.owns(fill.instrument):
            return
        known = self._instruments[fill.instrument]
        sign = fill.side.sign
        self.money -= known.notional(fill.price, fill.qty) * sign + fill.cost_usd
        self.deposit(known.base, known.qty(fill.qty) * sign - fill.fee_base)

    def _set_aside(
        self, order: VenueOrder, prices: Callable[[str], LatestPrices], model: FillModel
    ) -> Decimal:
        if order.side is Side.SELL or not order.status.live or not self.owns(order.instrument):
            return NOTHING
        at = order.stop if order.type is OrderType.STOP else order.limit
        known = self._instruments[order.instrument]
        return self._pays(
            known, _at(order.side, at, prices(order.instrument), model), order.qty - order.filled_qty
        )

    def _pays(self, known: Instrument, price: int, lots: int) -> Decimal:
        """What a purchase takes of the money, USD."""
        costs = known.cost_usd * lots if known.fee_in_base else known.charged(price, lots)
        return known.notional(price, lots) + costs


def _at(side: Side, price: int | None, prices: LatestPrices, model: FillModel) -> int:
    """Where an order would trade, ticks: at its own price, else a little worse than the touch."""
    if price is not None:
        return price
    touch = prices.crossing(side)
    return 0 if touch is None else touch + side.sign * model.slippage_ticks
