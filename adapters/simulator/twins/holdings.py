"""What an account of a twin has: money, coins, and net positions of what is no coin.

Amounts are in the currency of the instruments, positions signed lots. Nothing of the engine's own counting is
used, so that a mistake in either shows when the two are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from engine.model.instrument import NOTHING, Instrument
from engine.model.orders import Fill, VenueBalance
from engine.venue.fill_model import LatestPrices
from engine.venue.paper_position import PaperPosition
from engine.venue.wallet import Wallet


class TwinHoldings:
    """Counted from fills alone. Coins and what pays for them are in `wallet`, which the venue settles."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        prices: Callable[[str], LatestPrices],
        money: Decimal,
        coins: Mapping[str, Decimal],
        positions: Mapping[str, PaperPosition] | None = None,
    ) -> None:
        self.wallet = Wallet(instruments, money)
        for coin, amount in coins.items():
            self.wallet.deposit(coin, amount)
        self.all_positions = {s: one for s, one in (positions or {}).items() if s in instruments}
        """By symbol, those that are flat too."""
        self._instruments = instruments
        self._prices = prices

    def take(self, fill: Fill) -> None:
        """Count a fill. A coin's has changed the wallet already."""
        if self.wallet.owns(fill.instrument):
            return
        known = self._instruments[fill.instrument]
        position = self.all_positions.setdefault(fill.instrument, PaperPosition(known))
        before = position.running_usd() if position.qty else NOTHING
        earned = position.take(fill)
        after = position.running_usd() if position.qty else NOTHING
        self.wallet.money += earned + after - before - fill.cost_usd

    # -- looking ------------------------------------------------------------------------------------------

    def held(self, symbol: str) -> int:
        """Signed position of what is no coin, lots."""
        position = self.all_positions.get(symbol)
        return 0 if position is None else position.qty

    @property
    def positions(self) -> dict[str, PaperPosition]:
        """Open ones by symbol; `qty` is signed lots, `average_price()` in price units."""
        return {symbol: one for symbol, one in self.all_positions.items() if one.qty}

    @property
    def balances(self) -> tuple[VenueBalance, ...]:
        """Of every coin; money is `money`."""
        return self.wallet.balances()

    @property
    def money(self) -> Decimal:
        """What there is, with all profits that were taken and less all that was paid."""
        return self.wallet.money

    def unrealised(self, symbol: str) -> Decimal:
        """Profit of an open position at the last price."""
        position, price = self.all_positions.get(symbol), self._prices(symbol).last
        if position is None or not position.qty or price is None:
            return NOTHING
        known = position.instrument
        ticks = (known.price(price) - position.average_price()) / known.tick_size
        return ticks * known.tick_value_usd * position.qty

    @property
    def equity(self) -> Decimal:
        """Money and open profits; coins are not in it."""
        return sum((self.unrealised(symbol) for symbol in self.all_positions), self.money)

    @property
    def margin_used(self) -> Decimal:
        """What open positions tie up, as far as their instruments tell."""
        used = NOTHING
        for symbol, position in self.positions.items():
            price = self._prices(symbol).last
            margin = None if price is None else position.instrument.margin(price, abs(position.qty))
            used += margin or NOTHING
        return used

    @property
    def available(self) -> Decimal:
        """What new positions may tie up."""
        return self.equity - self.margin_used
