"""The one connection to TWS or IB Gateway that feed and broker share: made, watched, and made again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from adapters.common.pacing import Backoff
from adapters.common.plain_words import in_words
from adapters.common.redaction import scrub
from adapters.ibkr import codes
from adapters.ibkr.config import IbkrConfig
from adapters.ibkr.contracts import choose, contract_of
from adapters.ibkr.library import NEWEST_SERVER, OLDEST_SERVER, load
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.instrument import Instrument
from engine.ports import Clock

if TYPE_CHECKING:
    from ib_async import IB, Contract

_log = logging.getLogger(__name__)
T = TypeVar("T")


class GatewayUser(Protocol):
    """Who lives off the connection."""

    async def connected(self) -> None:
        """It stands: all that was there before is forgotten. Raises PortError."""

    def lost(self, detail: str) -> None:
        """It has ended, or did not come about."""

    def noticed(self, code: int, text: str) -> None:
        """The venue says something to everybody (adapters/ibkr/codes.py)."""


class Gateway:
    """Connects while somebody uses it. Everything that is asked goes through `ib`."""

    def __init__(self, config: IbkrConfig, clock: Clock, rng: random.Random | None = None) -> None:
        self.config = config
        self.clock = clock
        self.anomalies: Counter[str] = Counter()
        """Records that made no sense, by reason."""
        self.contracts: dict[str, Contract] = {}
        """The active month by symbol, of this connection."""
        self._rng = rng or random.Random()
        self._library: Any = None
        self._ib: IB | None = None
        self._ended = asyncio.Event()
        self._listeners: dict[GatewayUser, asyncio.Future[None]] = {}
        """Who lives off it; the future of each ends where a person is needed."""
        self._up = False
        self._keeper: asyncio.Task[None] | None = None
        self._last_error = ""
        self._hopeless: asyncio.Future[None] | None = None
        """Done once a connection that is coming about will not."""
        self._refused: dict[int, tuple[int, str]] = {}
        """The newest error about a request or an order, by its number."""
        self._changed: set[asyncio.Event] = set()

    @property
    def library(self) -> Any:
        """Raises FatalError where it is not installed."""
        if self._library is None:
            self._library = load()
        return self._library

    @property
    def ib(self) -> IB:
        """Raises RetryableError while there is no connection."""
        if self._ib is None or not self._ib.isConnected():
            raise RetryableError("TWS or IB Gateway is not connected")
        return self._ib

    def note(self, kind: str, reason: object) -> None:
        """A record was left out."""
        self.anomalies[kind] += 1
        if self.anomalies[kind] in (1, 10, 100, 1_000):
            _log.warning("%s left out, %d in all; the last: %s", kind, self.anomalies[kind], scrub(reason))

    @asynccontextmanager
    async def used_by(self, listener: GatewayUser) -> AsyncIterator[asyncio.Future[None]]:
        """Hold the connection for somebody; what is given ends by FatalError only."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listeners[listener] = ended
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep(), name="ibkr")
        try:
            if self._up:
                await self._tell_connected(listener)
            yield ended
        finally:
            del self._listeners[listener]
            ended.cancel()
            if not self._listeners:
                await self.close()

    async def close(self) -> None:
        """End the connection."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        self._drop()

    async def _keep(self) -> None:
        waits = self.config.waits
        backoff = Backoff(waits.backoff_first_s, waits.backoff_cap_s, self._rng)
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                await self._connect()
                self._up = True
                for listener in tuple(self._listeners):
                    await self._tell_connected(listener)
                await self._ended.wait()
                why = self._last_error or "the connection has ended"
            except FatalError as error:
                self._drop()
                self._tell_lost(str(error))
                for ended in self._listeners.values():
                    if not ended.done():
                        ended.set_exception(error)
                return
            except (RetryableError, RefusedError) as error:
                why = str(error)
            backoff.held(loop.time() - started)
            self._drop()
            self._tell_lost(why)
            await asyncio.sleep(backoff.pause_s())

    async def _connect(self) -> None:
        """Connect, read what is there, resolve the contracts. Raises RetryableError, FatalError."""
        config, library = self.config, self.library
        ib: IB = library.IB()
        ib.RaiseRequestErrors = True
        self._ended = asyncio.Event()
        self._last_error = ""
        self._refused.clear()
        self.contracts = {}
        ib.errorEvent += self._on_error
        ib.client.apiError += self._on_api_error
        ib.disconnectedEvent += self._on_disconnected
        ib.updateEvent += self._on_update
        fields = library.StartupFetch
        self._ib = ib
        hopeless = self._hopeless = asyncio.get_running_loop().create_future()
        connecting = asyncio.ensure_future(
            ib.connectAsync(
                config.host,
                config.port,
                config.client_id,
                timeout=config.waits.connect_s,
                account=config.account,
                raiseSyncErrors=True,
                fetchFields=fields.POSITIONS
                | fields.ORDERS_OPEN
                | fields.ACCOUNT_UPDATES
                | fields.EXECUTIONS,
            )
        )
        hopeless.add_done_callback(lambda _: connecting.cancel())
        try:
            await connecting
        except (ConnectionError, OSError, TimeoutError, asyncio.CancelledError) as error:
            self._drop()
            if isinstance(error, asyncio.CancelledError) and not hopeless.done():
                raise
            where = f"TWS or IB Gateway at {config.host}:{config.port}"
            raise RetryableError(f"{where}: {self._last_error or in_words(error)}") from None
        version = ib.client.serverVersion()
        if not OLDEST_SERVER <= version <= NEWEST_SERVER:
            raise FatalError(
                f"TWS speaks version {version} of its API, and {OLDEST_SERVER} to {NEWEST_SERVER} are needed"
            )
        for instrument in config.instruments.values():
            self.contracts[instrument.symbol] = await self._resolve(instrument)

    async def _resolve(self, instrument: Instrument) -> Contract:
        """Raises RetryableError, FatalError where the venue does not know it so."""
        config = self.config
        asked = config.asked(instrument)
        wanted = contract_of(self.library, asked)
        try:
            found = await self.ask(
                self.ib.reqContractDetailsAsync(wanted), f"contracts of {instrument.symbol}"
            )
            return choose(found, instrument, asked, self.clock(), config.roll_days)
        except RefusedError as error:
            raise FatalError(str(error)) from None

    async def ask(self, question: Awaitable[T], what: str, limit_s: float | None = None) -> T:
        """An answer of the library. Raises RefusedError where the venue says no, RetryableError."""
        limit_s = self.config.waits.read_s if limit_s is None else limit_s
        try:
            return await asyncio.wait_for(question, limit_s)
        except TimeoutError:
            raise RetryableError(f"{what}: no answer within {limit_s:g} s") from None
        except ConnectionError:
            raise RetryableError(f"{what}: the connection to the gateway has ended") from None
        except self.library.RequestError as error:
            if error.code == codes.PACING:
                raise RetryableError(f"{what}: {scrub(error.message)} ({error.code})") from None
            raise RefusedError(f"{what}: {scrub(error.message)} ({error.code})", error.code) from None

    async def until(self, condition: Callable[[], T | None], limit_s: float) -> T:
        """What a condition gives once it gives something: looked at whenever the gateway has said anything.
        Raises TimeoutError, ConnectionError.
        """
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            async with asyncio.timeout(limit_s):
                while (found := condition()) is None:
                    if self._ended.is_set():
                        raise ConnectionError("the connection to the gateway has ended")
                    await changed.wait()
                    changed.clear()
            return found
        finally:
            self._changed.discard(changed)

    def error_about(self, number: int) -> tuple[int, str] | None:
        """The newest error about a request or an order: code and text."""
        return self._refused.get(number)

    def forget_error(self, number: int) -> None:
        self._refused.pop(number, None)

    async def _tell_connected(self, listener: GatewayUser) -> None:
        """What one of them can't work with is its own matter. Raises RetryableError."""
        try:
            await listener.connected()
        except FatalError as error:
            listener.lost(str(error))
            ended = self._listeners.get(listener)
            if ended is not None and not ended.done():
                ended.set_exception(error)

    def _tell_lost(self, why: str) -> None:
        for listener in tuple(self._listeners):
            listener.lost(why)

    def _on_error(self, number: int, code: int, text: str, _contract: object) -> None:
        text = scrub(text)
        if number >= 0:
            self._refused[number] = (code, text)
            if len(self._refused) > 1_000:
                del self._refused[next(iter(self._refused))]
        if code == codes.ID_IN_USE:
            self._give_up(f"client id {self.config.client_id} is in use: another program has it")
        for listener in tuple(self._listeners):
            listener.noticed(code, text)
        self._on_update()

    def _on_api_error(self, text: str) -> None:
        if not text.startswith("API connection failed"):  # what that was is known better
            self._give_up(scrub(text))

    def _give_up(self, why: str) -> None:
        """A connection that is coming about will not: the library would wait for it all the same."""
        self._last_error = self._last_error or why
        if self._hopeless is not None and not self._hopeless.done():
            self._hopeless.set_result(None)

    def _on_disconnected(self) -> None:
        self._ended.set()
        self._on_update()

    def _on_update(self) -> None:
        for changed in self._changed:
            changed.set()

    def _drop(self) -> None:
        ib, self._ib, self._up = self._ib, None, False
        self._ended.set()
        self._on_update()
        if ib is not None:
            ib.errorEvent -= self._on_error
            ib.client.apiError -= self._on_api_error
            ib.disconnectedEvent -= self._on_disconnected
            ib.updateEvent -= self._on_update
            ib.disconnect()
