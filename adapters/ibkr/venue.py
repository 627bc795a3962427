"""Interactive Brokers as a venue: one connection, its feed, and a broker where an account is traded."""

from __future__ import annotations

import random

from adapters.ibkr.broker import IbkrBroker
from adapters.ibkr.config import IbkrConfig
from adapters.ibkr.feed import IbkrFeed
from adapters.ibkr.gateway import Gateway
from engine.ports import Broker, Clock


class IbkrVenue:
    """`feed` and `brokers` share the connection and its client id."""

    def __init__(self, config: IbkrConfig, clock: Clock, *, rng: random.Random | None = None) -> None:
        """`rng` spreads reconnects."""
        self.config = config
        self.gateway = Gateway(config, clock, rng)
        self.feed = IbkrFeed(self.gateway)
        self.brokers: tuple[Broker, ...] = (IbkrBroker(self.gateway),) if config.book else ()

    async def close(self) -> None:
        """Close the connection; it comes about again when it is used."""
        await self.gateway.close()
