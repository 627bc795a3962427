"""One login at a ProjectX gateway, and what everybody shares who works with it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from adapters.common.anomalies import Anomalies
from adapters.common.rate_budget import Priority
from adapters.projectx.account import choose_account
from adapters.projectx.config import ProjectXConfig, SessionOpen
from adapters.projectx.contracts import Contracts
from adapters.projectx.rest import Rest
from adapters.projectx.session import Session
from adapters.projectx.transport import Transport
from adapters.projectx.wire import WireAccount, WireError
from engine.model.errors import FatalError, RetryableError
from engine.model.events import LinkChanged, LinkState
from engine.ports import Clock, Sink

Word = tuple[LinkState, str, int, tuple[int, int]]
"""State, words and expiry of a link; requests of a period, and how many it may have."""


class Access:
    """One token, one rate budget and one table of contracts.

    Connections stand while anyone is inside `opened`. A call outside that opens its own, so close() at the
    end. How the gateway answers and how the token stands is told as LinkChanged "rest" and "token".
    """

    def __init__(
        self, config: ProjectXConfig, clock: Clock, session_open: SessionOpen, rng: random.Random
    ) -> None:
        self.config = config
        self.clock = clock
        self.session_open = session_open
        self.rng = rng
        self.anomalies = Anomalies()
        """Records that made no sense, by kind, counted since the start."""
        self._sinks: list[Sink] = []
        self._standing: dict[str, Word] = {}
        self._told: dict[str, Word] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._transport = Transport(
            config.api_url, config.timing, config.limits, self.anomalies, self._health
        )
        self.session = Session(config, self._transport, clock, self._token)
        self.rest = Rest(self.session, self.anomalies)
        self.contracts = Contracts(config.instruments, self.rest, self.anomalies)

    async def choose_account(self, wanted: str | int | None) -> WireAccount:
        """The account that choose_account() picks; among the inactive ones if no active one will do.

        Raises FatalError when only a person can choose, RetryableError.
        """
        try:
            return choose_account(await self.accounts(active=True), wanted)
        except FatalError:
            return choose_account(await self.accounts(active=False), wanted)

    async def accounts(self, rest: Rest | None = None, *, active: bool) -> list[WireAccount]:
        """The login's accounts; rows that make no sense are counted and left out. Raises RetryableError."""
        return await (rest or self.rest).accounts(active=active, bad=self._bad_account)

    async def account(self, account_id: int, rest: Rest) -> WireAccount:
        """One account, whether active or locked meanwhile. Raises RetryableError if it is not listed."""
        for active in (True, False):
            for row in await self.accounts(rest, active=active):
                if row.id == account_id:
                    return row
        raise RetryableError("the account is not among those of the login")

    def rest_of(self, book: str) -> tuple[Rest, Rest]:
        """The calls of one book, and the same for questions on which a close or a stop depends.

        Each book of the login keeps places of the rate budget for its closes and its protection.
        """
        self._transport.keep_for(book)
        return Rest(self.session, self.anomalies, who=book), Rest(
            self.session, self.anomalies, Priority.VERIFY, who=book
        )

    async def ping(self) -> tuple[str, str | None]:
        """The gateway's sign of life and its Date header; needs no login. Raises RetryableError."""
        return await self._transport.ping()

    @asynccontextmanager
    async def opened(self, sink: Sink) -> AsyncIterator[None]:
        """Keeps the login fresh while anyone is inside; the last one out closes the connections."""
        self._sinks.append(sink)
        if not self._keepers:
            self._keepers = [
                asyncio.create_task(self.session.keep_fresh(), name="projectx-token"),
                asyncio.create_task(self._tell_budget(), name="projectx-budget"),
            ]
            for link, word in tuple(self._standing.items()):
                self._report(link, *word)
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
        self._told.clear()
        self.session.forget()
        await self._transport.close()

    # -- how it stands -----------------------------------------------------------------------------------

    async def _tell_budget(self) -> None:
        """Say now and then how much of the rate budget is used, and see how it is after a pause."""
        while True:
            await asyncio.sleep(self.config.timing.tell_s)
            if self._transport.pause_over:
                with suppress(RetryableError):
                    await self.ping()
            if self._standing.get("rest", (None,))[0] is LinkState.LIVE:
                self._report_rest(LinkState.LIVE, self._transport.used())

    def _health(self, ok: bool, detail: str) -> None:
        state = LinkState.LIVE if ok else LinkState.DOWN
        if state is not self._standing.get("rest", (None,))[0]:
            self._report_rest(state, detail or self._transport.used())

    def _report_rest(self, state: LinkState, detail: str) -> None:
        self._report("rest", state, detail, requests=self._transport.requests())

    def _token(self, state: LinkState, detail: str, until: int) -> None:
        self._report("token", state, detail, until)

    def _report(
        self, link: str, state: LinkState, detail: str, until: int = 0, requests: tuple[int, int] = (0, 0)
    ) -> None:
        """Tell what has changed, once: to the first who listens."""
        word = self._standing[link] = state, detail, until, requests
        if self._sinks and word != self._told.get(link):
            self._told[link] = word
            self._sinks[0](
                LinkChanged(
                    ts_recv=self.clock(),
                    ts_venue=self._transport.venue_time() if link == "token" else 0,
                    link=link,
                    state=state,
                    detail=detail,
                    venue=self.config.venue,
                    until=until,
                    used=requests[0],
                    allowed=requests[1],
                )
            )

    def _bad_account(self, error: WireError) -> None:
        self.anomalies.note("account", error)
