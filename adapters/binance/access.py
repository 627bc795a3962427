"""One login at Binance, and what everybody shares who works with it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.binance.config import BinanceConfig
from adapters.binance.listing import SpotSymbols
from adapters.binance.rest import SpotRest
from adapters.binance.transport import SpotTransport
from adapters.common.anomalies import Anomalies
from engine.model.errors import PortError
from engine.model.events import LinkChanged, LinkState
from engine.ports import Clock, Sink

_log = logging.getLogger(__name__)


class SpotAccess:
    """One weight budget, one clock offset, one table of symbols.

    Connections stand while anyone is inside `opened`. A call outside that opens its own, so close() at the
    end. How Binance answers is told as LinkChanged "rest".
    """

    def __init__(self, config: BinanceConfig, clock: Clock, rng: random.Random) -> None:
        """Raises FatalError where environment and addresses do not go together."""
        self.config = config
        self.kind = config.kind
        self.clock = clock
        self.rng = rng
        self.anomalies = Anomalies()
        """Records that made no sense, by kind, counted since the start."""
        self.transport = SpotTransport(config, clock, self.anomalies, self._health)
        self.rest = SpotRest(self.transport, self.anomalies)
        self.symbols = SpotSymbols(config.instruments, self.rest, self.anomalies)
        self._sinks: list[Sink] = []
        self._state: tuple[LinkState, str] | None = None
        self._told: tuple[LinkState, str] | None = None
        self._keepers: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def opened(self, sink: Sink) -> AsyncIterator[None]:
        """Keeps clock and symbols fresh while anyone is inside; the last one out closes the connections."""
        self._sinks.append(sink)
        if not self._keepers:
            self._keepers = [
                asyncio.create_task(self._keep_fresh(), name="binance-clock"),
                asyncio.create_task(self._tell_weight(), name="binance-weight"),
            ]
            if self._state is not None:
                self._report(*self._state)
        try:
            yield
        finally:
            self._sinks.remove(sink)
            if not self._sinks:
                await self.close()

    async def close(self) -> None:
        """Close what is open. The venue can be used again after it."""
        keepers, self._keepers = self._keepers, []
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        self._told = None
        await self.transport.close()

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self.config.timing.clock_s)
            try:
                await self.transport.sync()
                await self.symbols.resolve()
            except PortError as error:
                _log.warning("clock and symbols could not be asked again: %s", error)

    async def _tell_weight(self) -> None:
        while True:
            await asyncio.sleep(self.config.timing.tell_s)
            if self._state is not None and self._state[0] is LinkState.LIVE:
                self._report(LinkState.LIVE, self._used())

    def _used(self) -> str:
        budget = self.transport.budget
        return f"weight {budget.used()} of {budget.limit} in this minute"

    def _health(self, ok: bool, detail: str) -> None:
        state = LinkState.LIVE if ok else LinkState.DOWN
        if self._state is None or state is not self._state[0]:
            self._report(state, detail or self._used())

    def _report(self, state: LinkState, detail: str) -> None:
        """Tell what has changed, once: to the first who listens."""
        self._state = state, detail
        if self._sinks and self._state != self._told:
            self._told = self._state
            budget = self.transport.budget
            self._sinks[0](
                LinkChanged(
                    ts_recv=self.clock(),
                    link="rest",
                    state=state,
                    detail=detail,
                    venue=self.config.venue,
                    used=budget.used(),
                    allowed=budget.limit,
                )
            )
