"""The thread that the REST API lives in: it is never on the engine's loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from concurrent.futures import Future
from contextlib import suppress

from adapters.common.pacing import Backoff
from adapters.control.access import AccessLog
from adapters.control.rest.config import ApiConfig
from adapters.control.rest.server import ApiServer
from adapters.control.rest.unhurried import unhurried_loop
from engine.model.errors import FatalError, RetryableError
from engine.ports import Clock, EngineHandle

log = logging.getLogger(__name__)

_STOP_S = 5.0


class ApiThread:
    """The API in a daemon thread and loop of its own: clients hold up no event of the engine."""

    def __init__(self, handle: EngineHandle, config: ApiConfig, access: AccessLog, clock: Clock) -> None:
        """`clock` is the wall's."""
        self._parts = handle, config, access, clock
        self.url: Future[str] = Future()
        """Where it listens, once it does."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    async def run(self) -> None:
        """On the engine's loop: until it is cancelled. Raises what ended the API."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        thread = threading.Thread(target=self._work, args=(loop, ended), name="api", daemon=True)
        thread.start()
        try:
            await ended
        finally:
            self._end()
            await asyncio.to_thread(thread.join, _STOP_S)

    def _end(self) -> None:
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)

    def _work(self, outside: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
        failure: Exception | None = None
        try:
            with asyncio.Runner(loop_factory=unhurried_loop) as runner:
                runner.run(self._main())
        except Exception as error:  # noqa: BLE001 - handed over to whoever waits for the end
            failure = error

        def tell() -> None:
            if ended.done():
                return
            if failure is None:
                ended.set_result(None)
            else:
                ended.set_exception(failure)

        with suppress(RuntimeError):  # the engine's loop is closed
            outside.call_soon_threadsafe(tell)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._listening(self._stop)
        if server is None:
            return
        try:
            log.info("the API is at %s", server.url)
            # Many clients make much garbage, and a full collection stops every thread: what is there already
            # is left out of it from now on, as it stays anyway.
            gc.freeze()
            if not self.url.done():
                self.url.set_result(server.url)
            await self._stop.wait()
        finally:
            await server.stop()

    async def _listening(self, stop: asyncio.Event) -> ApiServer | None:
        """A server that listens; the port may be another's for a while. None where the end came first."""
        pauses = Backoff(5.0, 60.0)
        while not stop.is_set():
            server = ApiServer(*self._parts)
            try:
                await server.start()
                return server
            except RetryableError as error:
                log.error("the API is not there: %s", error)
            except FatalError as error:
                log.error("the API is not there until a person changes something: %s", error)
                await stop.wait()
                return None
            with suppress(TimeoutError):
                async with asyncio.timeout(pauses.pause_s()):
                    await stop.wait()
        return None
