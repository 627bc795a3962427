"""A practice twin as a whole: an HTTP server with a venue's wire around an exchange that plays a market.

async with Twin(KrakenWire, config) as twin:        # twin.url, twin.exchange, twin.account, twin.faults
    twin.push(Quote(...), Print(...)); twin.now()
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

from aiohttp import web

from adapters.common.steady import passing_ns
from adapters.simulator.exchange.clock import PracticeClock
from adapters.simulator.exchange.store import StateError
from adapters.simulator.market.coins import CoinMarket
from adapters.simulator.market.hours import LEAD_NS, chicago, next_open
from adapters.simulator.twins.account import KEPT_NS, TwinAccount
from adapters.simulator.twins.calls import spoiled
from adapters.simulator.twins.config import TwinConfig
from adapters.simulator.twins.exchange import TwinExchange
from adapters.simulator.twins.faults import TwinFaults
from adapters.simulator.twins.records import SavedTwinAccount
from adapters.simulator.twins.sockets import Sockets
from adapters.simulator.twins.store import SavedTwin, TwinStore
from adapters.simulator.twins.trouble import NoAnswer, Trouble, TroubleKind
from adapters.simulator.twins.wire import TwinWire
from engine.model.events import Print, Quote
from engine.model.market import NANOS
from engine.ports import Clock, MarketSource

SAVE_EVERY_S = 1.0
_SLICE = 2000
"""Market events played before other work gets its turn, when the twin has fallen behind."""
_SHORTEST_WAIT_S = 0.0005


class Twin:
    """A venue's twin on loopback, from `async with` on. Without a source it plays the generated market of
    coins; without a clock it lives in practice time, and `practice_clock` is what the other end needs to
    share it.

    Raises StateError, and OSError when the port is taken.
    """

    def __init__(
        self,
        wire: type[TwinWire],
        config: TwinConfig,
        source: MarketSource | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.config = config
        self._store, saved = _kept(config)
        played = source if source is not None else _market(config, saved)
        held = round(config.hold_s * NANOS)
        self.practice_clock = config.clock or PracticeClock(
            played.start_ts, passing_ns() + held, config.speed
        )
        self.exchange = TwinExchange(
            config,
            played,
            clock if clock is not None else lambda: self.practice_clock.at(passing_ns()),
            self._store,
            saved,
        )
        self._poked = asyncio.Event()
        self.sockets = Sockets(self._poked.set)
        seed = config.seed if config.fault_seed is None else config.fault_seed
        self.faults = TwinFaults(wire.spoken(), config.faults, seed, self.exchange, self.sockets)
        self.wire = wire(self.exchange, self.sockets, self.faults.calls)
        self.exchange.connect(self.wire)
        self._closing = asyncio.Event()
        self._player: asyncio.Task[None] | None = None
        app = web.Application(client_max_size=1_000_000, middlewares=[self._guard])
        app.add_routes(list(self.wire.routes()))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self.port = 0

    async def __aenter__(self) -> Self:
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, self.config.host, self.config.port).start()
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
        self._closing.set()
        try:
            if self._player is not None:
                self._player.cancel()
                with suppress(asyncio.CancelledError):
                    await self._player
            self.faults.close()
            await self.sockets.close()
        finally:
            await self._stop()

    async def _stop(self) -> None:
        await self._runner.cleanup()
        self.exchange.save(always=True)
        if self._store is not None:
            self._store.close()

    # -- what others use ----------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Base of the calls; for sockets "ws" stands in place of "http"."""
        return f"http://{self.config.host}:{self.port}"

    @property
    def account(self) -> TwinAccount:
        """The first account."""
        return self.exchange.account

    def now(self) -> int:
        """Practice time, nanoseconds UTC."""
        return self.exchange.now()

    def push(self, *events: Quote | Print) -> None:
        """Make the market do something now, in the order given, beside what its source plays."""
        self.exchange.push(*events)
        self._poked.set()

    def pump(self) -> None:
        """Let everything happen that is due, without waiting for the player's next turn."""
        self.exchange.catch_up()

    def release(self, real_origin_ns: int) -> None:
        """Let practice time that is held go on at an instant of the real clock, nanoseconds."""
        if real_origin_ns < self.practice_clock.real_origin_ns:
            self.practice_clock = replace(self.practice_clock, real_origin_ns=real_origin_ns)

    def summary(self) -> str:
        """How each account stands, in words."""
        return "; ".join(map(_summary, self.exchange.accounts.values()))

    async def failed(self) -> None:
        """Wait until the player ends, which it does by an error only, and raise that."""
        if self._player is not None:
            await asyncio.shield(self._player)

    # -- requests -----------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: object) -> web.StreamResponse:
        """Every request comes in here: maintenance and faults first, then the wire."""
        assert callable(handler)
        if self.exchange.now() < self.faults.maintenance_until:
            left = -(-(self.faults.maintenance_until - self.exchange.now()) // NANOS)
            return self.wire.trouble(Trouble(TroubleKind.MAINTENANCE, "maintenance", 503, int(left)))

        async def handle() -> web.StreamResponse:
            self.exchange.catch_up()
            answer = await handler(request)
            assert isinstance(answer, web.StreamResponse)
            return answer

        call = self.wire.call_of(request)
        answer = await self.faults.calls.run(call, handle, self.wire.trouble, _spoiled)
        if not isinstance(answer, NoAnswer):
            self.exchange.catch_up()
            self._poked.set()
            return answer
        if answer is NoAnswer.HANG:
            await self._hang(request)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=499)

    async def _hang(self, request: web.Request) -> None:
        """Until the client gives up or the twin closes."""
        while request.transport is not None and not request.transport.is_closing():
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await self._closing.wait()
                return

    # -- the player ---------------------------------------------------------------------------------------

    async def _play(self) -> None:
        """Play market events in small batches, and orders' timers when they are due."""
        exchange, loop = self.exchange, asyncio.get_running_loop()
        saved = loop.time()
        while True:
            self._poked.clear()
            done = exchange.catch_up(_SLICE)
            if loop.time() - saved >= SAVE_EVERY_S:
                saved = loop.time()
                exchange.save(always=True)
            if not done:
                await asyncio.sleep(0)
                continue
            due_s = (exchange.next_due() - exchange.now()) / NANOS / self.config.speed
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self.config.batch_s, max(_SHORTEST_WAIT_S, due_s))):
                    await self._poked.wait()


def _summary(account: TwinAccount) -> str:
    held = [
        f"{symbol} {one.instrument.qty(one.qty):+f}" for symbol, one in account.holdings.positions.items()
    ]
    held += [f"{one.total:f} {one.currency}" for one in account.holdings.balances if one.total]
    return f"{account.name}: {account.holdings.money:.2f}, {', '.join(held) or 'flat'}"


def _spoiled(answer: web.StreamResponse, how: str) -> web.StreamResponse:
    body = answer.text if isinstance(answer, web.Response) and answer.text is not None else ""
    return web.Response(text=spoiled(body, how), content_type="application/json")


def _kept(
    config: TwinConfig,
) -> tuple[TwinStore[SavedTwinAccount] | None, SavedTwin[SavedTwinAccount] | None]:
    """The state file, and what an earlier run left there. Raises StateError."""
    if config.state is None:
        return None, None
    store = TwinStore(config.state, SavedTwinAccount)
    try:
        saved = store.load()
        if saved is not None:
            store.check_terms(saved, config.instruments)
            store.prune(saved.meta.now - 2 * KEPT_NS)
    except StateError:
        store.close()
        raise
    return store, saved


def _market(config: TwinConfig, saved: SavedTwin[SavedTwinAccount] | None) -> MarketSource:
    """The generated market, going on where the kept one stopped."""
    asked = config.since_ns or (0 if config.clock is None else config.clock.origin_ns)
    make = partial(CoinMarket, config.instruments, config.seed)
    if saved is None:
        # as the practice venue of futures, so that both may begin together
        opens = next_open(None, chicago(time.time_ns()).date()) - LEAD_NS
        return make(asked or opens, config.rate)
    unsaved = int(2 * SAVE_EVERY_S * saved.meta.speed * NANOS)
    start = max(saved.meta.now + unsaved, asked)
    return make(start, config.rate, saved.past(start))
