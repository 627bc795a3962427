"""What feed and broker of one login share: HTTP, tokens, the listed products, the count of nonsense."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.common.anomalies import Anomalies
from adapters.common.http_calls import HttpCaller
from adapters.common.json_link import SocketTiming
from adapters.kraken.config import KrakenConfig
from adapters.kraken.listing import Listed
from adapters.kraken.tokens import KrakenTokens
from engine.ports import Clock


class KrakenAccess:
    """Connections stand while anyone is inside `opened`; a call outside opens its own: close() at the end."""

    def __init__(self, config: KrakenConfig, clock: Clock, rng: random.Random | None = None) -> None:
        self.config = config
        self.clock = clock
        self.rng = rng if rng is not None else random.Random()
        self.anomalies = Anomalies()
        """Records that made no sense, by kind, counted since the start."""
        self.http = HttpCaller(config.timing.connect_s)
        self.tokens = KrakenTokens(config, self.http, clock)
        self.listed = Listed(config.instruments)
        self._inside = 0

    def sockets(self, dead_s: float | None = None) -> SocketTiming:
        """The waits of one of our connections."""
        timing = self.config.timing
        return SocketTiming(
            open_s=timing.connect_s + timing.read_s,
            ping_s=timing.ping_s,
            dead_s=timing.dead_s if dead_s is None else dead_s,
            watch_s=timing.watch_s,
            backoff_first_s=timing.backoff_first_s,
            backoff_cap_s=timing.backoff_cap_s,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The last one out closes the connections."""
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                await self.close()

    async def close(self) -> None:
        """Close what is open. The venue can be used again after it."""
        await self.http.close()
