"""Yahoo as a venue: a feed and no account."""

from __future__ import annotations

import random

from adapters.yahoo.client import ChartClient
from adapters.yahoo.config import YahooConfig
from adapters.yahoo.feed import YahooFeed
from engine.ports import Broker, Clock


class YahooVenue:
    """Prices only."""

    brokers: tuple[Broker, ...] = ()

    def __init__(self, config: YahooConfig, clock: Clock, *, rng: random.Random | None = None) -> None:
        """`rng` spreads what is asked after a refusal."""
        self.config = config
        self._client = ChartClient(config, rng)
        self.feed = YahooFeed(config, clock, self._client)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()
