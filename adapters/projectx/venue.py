"""One ProjectX venue: the parts that feed and broker share, put together."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.projectx.anomalies import Anomalies
from adapters.projectx.broker import ProjectXBroker
from adapters.projectx.config import ProjectXConfig, SessionOpen, always_open
from adapters.projectx.contracts import Contracts
from adapters.projectx.desk import choose_account
from adapters.projectx.feed import ProjectXFeed
from adapters.projectx.rest import Rest
from adapters.projectx.session import Session
from adapters.projectx.transport import Transport
from adapters.projectx.wire import AccountRow, WireError
from engine.model.errors import FatalError, RetryableError
from engine.model.events import LinkChanged, LinkState
from engine.ports import Broker, Clock, MarketFeed, Sink

_log = logging.getLogger(__name__)


class ProjectXVenue:
    """`feed` and `broker` share one login, one rate budget and one table of contracts.

    Connections stand while either of them runs. A call outside that opens its own, so close() at the end.
    """

    def __init__(
        self,
        config: ProjectXConfig,
        clock: Clock,
        *,
        session_open: SessionOpen = always_open,
        rng: random.Random | None = None,
    ) -> None:
        """`session_open` tells when silence of the market is a fault; `rng` spreads reconnects."""
        self.config = config
        self.clock = clock
        self.session_open = session_open
        self.rng = rng or random.Random()
        self.anomalies = Anomalies()
        """Records that made no sense, by kind, counted since the start."""
        self._sinks: list[Sink] = []
        self._rest_state: LinkState | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._transport = Transport(config.api_url, config.timing, config.limits, self._health)
        self.session = Session(config, self._transport, clock)
        self.rest = Rest(self.session)
        self.contracts = Contracts(config.instruments, self.rest, self.anomalies)
        self.feed: MarketFeed = ProjectXFeed(self)
        self.broker: Broker = ProjectXBroker(self)

    async def choose_account(self) -> AccountRow:
        """The account to trade on; among the inactive ones if no active one will do.

        Raises FatalError when only a person can choose, RetryableError.
        """
        try:
            return choose_account(await self._accounts(active=True), self.config.account)
        except FatalError:
            return choose_account(await self._accounts(active=False), self.config.account)

    async def account(self, account_id: int) -> AccountRow:
        """One account, whether active or locked meanwhile. Raises RetryableError if it is not listed."""
        for active in (True, False):
            for row in await self._accounts(active=active):
                if row.id == account_id:
                    return row
        raise RetryableError("the account is not among those of the login")

    async def ping(self) -> tuple[str, str | None]:
        """The gateway's sign of life and its Date header; needs no login. Raises RetryableError."""
        return await self._transport.ping()

    @asynccontextmanager
    async def opened(self, sink: Sink) -> AsyncIterator[None]:
        """Keeps the login fresh while anyone is inside; the last one out closes the connections."""
        self._sinks.append(sink)
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_fresh(), name="projectx-token")
        try:
            yield
        finally:
            self._sinks.remove(sink)
            if not self._sinks:
                await self.close()

    async def close(self) -> None:
        """Close what is open. The venue can be used again after it."""
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        self._rest_state = None
        await self._transport.close()

    async def _keep_fresh(self) -> None:
        try:
            await self.session.keep_fresh()
        except FatalError as error:
            # The old token may serve for a while yet. Asking again with the same key could lock the login.
            _log.error("the token is not renewed any more: %s", error)
            self._health(False, str(error))

    def _health(self, ok: bool, detail: str) -> None:
        state = LinkState.LIVE if ok else LinkState.DOWN
        if state is not self._rest_state and self._sinks:
            self._rest_state = state
            self._sinks[0](LinkChanged(ts_recv=self.clock(), link="rest", state=state, detail=detail))

    async def _accounts(self, *, active: bool) -> list[AccountRow]:
        """Rows that make no sense are counted and left out."""
        return await self.rest.accounts(active=active, bad=self._bad_account)

    def _bad_account(self, error: WireError) -> None:
        self.anomalies.note("account", error)
