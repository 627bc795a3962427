"""The practice venue as a whole: an HTTP server with two hubs around an exchange that plays a market."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from aiohttp import web

from adapters.common.steady import passing_ns
from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.account import PracticeAccount
from adapters.simulator.exchange.clock import PracticeClock
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.faults.controls import Platform, VenueControls
from adapters.simulator.faults.faults import Faults
from adapters.simulator.market.contracts import Listing
from adapters.simulator.market.hours import NANOS
from adapters.simulator.opening import SAVE_EVERY_S, open_market, open_source
from adapters.simulator.wire.projectx.access import Tokens
from adapters.simulator.wire.projectx.endpoints import Endpoints
from adapters.simulator.wire.projectx.hubs import Hubs
from adapters.simulator.wire.projectx.json_rows import hub_event
from adapters.simulator.wire.projectx.market_stream import MarketPublisher
from adapters.simulator.wire.projectx.rest import HttpServer
from engine.model.events import Print, Quote
from engine.ports import Clock, MarketSource

_SLICE = 2000
"""Market events played before other work gets its turn, when the venue has fallen behind."""
_SHORTEST_WAIT_S = 0.0005


class PracticeVenue:
    """A ProjectX venue on loopback: `async with PracticeVenue(config) as venue: ... venue.url`.

    Without a source it plays the generated market. `month` ("201312") is the contract month of the source,
    where it is known. Without a clock it lives in practice time from the source's start, at the config's
    speed; `practice_clock` is then what the other end needs to share it.
    Raises StateError, and OSError when the port is taken.
    """

    def __init__(
        self,
        config: SimulatorConfig | None = None,
        source: MarketSource | None = None,
        clock: Clock | None = None,
        month: str | None = None,
    ) -> None:
        self.config = config if config is not None else SimulatorConfig()
        opening = open_market(self.config, time.time_ns()) if source is None else open_source(source, month)
        held = round(self.config.hold_s * NANOS)
        self.practice_clock = self.config.clock or PracticeClock(
            opening.source.start_ts, passing_ns() + held, self.config.speed
        )
        config = self.config
        self.tokens = Tokens(config.token_lifetime_ns, config.key)
        self.exchange = Exchange(
            config.exchange(),
            opening.source,
            clock if clock is not None else lambda: self.practice_clock.at(passing_ns()),
            opening.listing,
            opening.storage,
        )
        self.hubs = Hubs(config.timing)
        self.controls = VenueControls(self.exchange, self.hubs, self.tokens)
        self.platforms = {
            account_id: Platform(account, self.exchange.now)
            for account_id, account in self.exchange.accounts.items()
        }
        """Each account past the API, by id."""
        self.faults = Faults(
            config.faults,
            config.seed if config.fault_seed is None else config.fault_seed,
            opening.source.start_ts,
            self.exchange,
            self.hubs,
            self.controls,
            self.platforms,
        )
        publisher = MarketPublisher(self.hubs.market, self.exchange.now)
        self.controls.reset_depth = publisher.reset_depth
        self.hubs.market.on_subscribed = publisher.welcome
        self.exchange.connect(publisher, lambda event: self.faults.events.send(hub_event(event)))
        self._storage = opening.storage
        self._poked = asyncio.Event()
        self._player: asyncio.Task[None] | None = None
        server = HttpServer(
            self.exchange,
            self.hubs,
            Endpoints(self.exchange, self.tokens, config.user),
            self.tokens,
            (config.bars_limit, config.rest_limit),
            self._poked.set,
        )
        app = web.Application(client_max_size=1_000_000)
        app.router.add_route("*", "/{path:.*}", self.faults.calls.guard(server.handle))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self.port = 0

    async def __aenter__(self) -> Self:
        try:
            await self._runner.setup()
            site = web.TCPSite(self._runner, self.config.host, self.config.port)
            await site.start()
        except OSError:
            await self._stop()
            raise
        self.port = self._runner.addresses[0][1]
        self._player = asyncio.create_task(self._play())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and keep everything. Raises what made the player fail, if it did."""
        try:
            if self._player is not None:
                self._player.cancel()
                with suppress(asyncio.CancelledError):
                    await self._player
            self.faults.close()
            await self.hubs.close()
        finally:
            await self._stop()

    async def _stop(self) -> None:
        await self._runner.cleanup()
        self.exchange.save(self.exchange.now(), always=True)
        if self._storage is not None:
            self._storage.store.close()

    # -- what others use ---------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Base of the REST calls; the hubs are at /hubs/user and /hubs/market below it."""
        return f"http://{self.config.host}:{self.port}"

    @property
    def listing(self) -> Listing:
        return self.exchange.listing

    @property
    def account(self) -> PracticeAccount:
        """The first account."""
        return next(iter(self.exchange.accounts.values()))

    @property
    def platform(self) -> Platform:
        """The first account past the API."""
        return next(iter(self.platforms.values()))

    def now(self) -> int:
        """Practice time, nanoseconds UTC."""
        return self.exchange.now()

    def push(self, *events: Quote | Print) -> None:
        """Make the market do something now, in the order given, beside what its source plays."""
        for event in events:
            self.exchange.push(event)

    def pump(self) -> None:
        """Let everything happen that is due, without waiting for the player's next turn."""
        self.exchange.catch_up()

    def release(self, real_origin_ns: int) -> None:
        """Let practice time that is held go on at an instant of the real clock, nanoseconds UTC."""
        if real_origin_ns < self.practice_clock.real_origin_ns:
            self.practice_clock = replace(self.practice_clock, real_origin_ns=real_origin_ns)

    async def failed(self) -> None:
        """Wait until the player ends, which it does by an error only, and raise that."""
        if self._player is not None:
            await asyncio.shield(self._player)

    # -- the player --------------------------------------------------------------------------------

    async def _play(self) -> None:
        """Play market events in small batches, and orders' timers when they are due."""
        exchange, batch = self.exchange, self.config.batch_s
        loop = asyncio.get_running_loop()
        saved = loop.time()
        while True:
            self._poked.clear()
            done = exchange.catch_up(_SLICE)
            if loop.time() - saved >= SAVE_EVERY_S:
                saved = loop.time()
                exchange.save(exchange.now(), always=True)
            if not done:
                await asyncio.sleep(0)
                continue
            due_s = (exchange.next_due() - exchange.now()) / NANOS / self.config.speed
            wait = min(batch, max(_SHORTEST_WAIT_S, due_s))
            try:
                async with asyncio.timeout(wait):
                    await self._poked.wait()
            except TimeoutError:
                continue
