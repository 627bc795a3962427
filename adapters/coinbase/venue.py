"""One Coinbase venue: a key with its market feed and the broker of its portfolio."""

from __future__ import annotations

import random

from adapters.coinbase.access import CoinbaseAccess
from adapters.coinbase.broker import CoinbaseBroker
from adapters.coinbase.config import CoinbaseConfig
from adapters.coinbase.feed import CoinbaseFeed
from engine.ports import Clock


class CoinbaseVenue(CoinbaseAccess):
    """`feed` and `brokers` share one key, its rate budget and one table of terms. close() at the end."""

    def __init__(self, config: CoinbaseConfig, clock: Clock, *, rng: random.Random | None = None) -> None:
        """`rng` spreads reconnects. Raises FatalError for products that do not belong here, and for a key
        that can't be read.
        """
        super().__init__(config, clock, rng or random.Random())
        self.feed = CoinbaseFeed(self)
        self.brokers = (CoinbaseBroker(self),)

    async def close(self) -> None:
        await self.rest.close()
