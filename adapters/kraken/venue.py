"""Kraken Futures as one venue of a run: its market feed and, with a key, the broker of its account."""

from __future__ import annotations

import random
from collections.abc import Sequence

from adapters.kraken.access import KrakenAccess
from adapters.kraken.broker import KrakenBroker
from adapters.kraken.config import KrakenConfig
from adapters.kraken.feed import KrakenFeed
from engine.ports import Broker, Clock, MarketFeed


class KrakenVenue:
    """An OpenVenue. Feed and broker share HTTP, tokens and the table of products."""

    def __init__(self, config: KrakenConfig, clock: Clock, *, rng: random.Random | None = None) -> None:
        """`rng` spreads reconnects. Without a key there is no broker: prices alone."""
        self.access = KrakenAccess(config, clock, rng)
        self.feed: MarketFeed = KrakenFeed(self.access)
        self.brokers: Sequence[Broker] = (KrakenBroker(self.access),) if config.api_key else ()

    async def close(self) -> None:
        """Close every connection. It can be used again after it."""
        await self.access.close()
