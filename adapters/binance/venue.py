"""One Binance spot venue: a login with its market feed and the broker of its account."""

from __future__ import annotations

import random

from adapters.binance import mapping
from adapters.binance.access import SpotAccess
from adapters.binance.broker import BinanceBroker
from adapters.binance.config import BinanceConfig
from adapters.binance.feed import BinanceFeed
from engine.model.errors import RetryableError
from engine.model.orders import Account
from engine.ports import Clock, MarketFeed


class BinanceVenue(SpotAccess):
    """`feed` and `brokers` share one weight budget, one clock offset and one table of symbols."""

    def __init__(self, config: BinanceConfig, clock: Clock, *, rng: random.Random | None = None) -> None:
        """`rng` spreads reconnects. Raises FatalError where environment and addresses do not go together."""
        super().__init__(config, clock, rng or random.Random())
        self.feed: MarketFeed = BinanceFeed(self)
        self.brokers = (BinanceBroker(self, config.book),)

    async def account(self) -> Account:
        """The account of the key. Raises the four errors."""
        row = await self.rest.account()
        try:
            return mapping.account(row, self.kind, self.config.money, self.config.api_key.reveal())
        except ValueError as error:
            raise RetryableError(f"account: {error}") from None
