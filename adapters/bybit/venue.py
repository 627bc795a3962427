"""One Bybit venue: a key with its market feed and the broker of its account."""

from __future__ import annotations

import random

from adapters.bybit.access import BybitAccess
from adapters.bybit.broker import BybitBroker
from adapters.bybit.config import BybitConfig
from adapters.bybit.feed import BybitFeed
from engine.ports import Clock


class BybitVenue(BybitAccess):
    """`feed` and `brokers` share one key, one rate budget and one table of terms. close() at the end."""

    def __init__(self, config: BybitConfig, clock: Clock, *, rng: random.Random | None = None) -> None:
        """`rng` spreads reconnects. Raises FatalError for instruments that do not belong here."""
        super().__init__(config, clock, rng or random.Random())
        self.feed = BybitFeed(self)
        self.brokers = (BybitBroker(self),)

    async def close(self) -> None:
        await self.rest.close()
