"""Keeps one hub connected: backoff, resubscription, watchdog, and rotation when the token is renewed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from msgspec import Raw

from adapters.common.pacing import Backoff
from adapters.projectx.access import Access
from adapters.projectx.signalr import Hub, HubClosed, HubUnauthorized, InvocationFailed
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError
from engine.model.events import LinkState

_log = logging.getLogger(__name__)

Report = Callable[[LinkState, str, int], None]
"""Takes state, words and, where it is known better than "now", since when it is so (nanoseconds UTC)."""


Invoke = Callable[..., Awaitable[object]]
"""Calls a hub's method and waits for its answer. Raises InvocationFailed, HubClosed."""


class Silence(NamedTuple):
    """Why a stream must be taken for dead, and since when (nanoseconds UTC) it told nothing."""

    reason: str
    since: int


class Stream:
    """What one connection carries. Made anew for each: subscriptions and partial quotes don't outlive it.

    By itself it is one whose silence is normal, and of which two may count at once.
    """

    async def subscribe(self, invoke: Invoke) -> None:
        """Ask for what this connection is to carry. Raises InvocationFailed, HubClosed, RetryableError."""
        raise NotImplementedError

    async def tend(self, invoke: Invoke) -> None:
        """Ask for what is wanted by now besides; trouble with that costs nothing else. Raises HubClosed."""

    def take(self, record: bytes) -> bool:
        """Read a whole record if it is of the kind that comes most; False leaves it to `receive`."""
        return False

    def receive(self, target: str, arguments: Raw) -> None:
        """An invocation by the hub."""
        raise NotImplementedError

    def go_live(self) -> None:
        """From now on this connection is the one that counts."""

    def follow(self, before: Any) -> None:
        """Another stream of the same kind counts until this one takes over: see what it tells meanwhile."""

    def alone(self) -> None:
        """The other stream came to nothing: this one goes on counting."""

    def retire(self) -> None:
        """Another connection counts now; what still comes must not be told twice."""

    async def first_messages(self) -> None:
        """Until every subscription has shown that it works."""

    def missing(self) -> str:
        """What first_messages() still waits for, in words; empty if nothing that matters now."""
        return ""

    def silence(self, now: float) -> Silence | None:
        """Whether the stream must be taken for dead at a loop time."""
        return None

    def heard(self) -> int:
        """When its last record came, nanoseconds UTC; 0 if that says nothing."""
        return 0

    async def diagnose(self) -> str:
        """What can be learned by other ways about a stream that fell silent. Raises the four errors."""
        return ""


class _Line:
    """A hub with what it carries, and the token generation it was opened with."""

    __slots__ = ("generation", "hub", "since", "stream")

    def __init__(self, hub: Hub, stream: Stream, generation: int, since: float) -> None:
        self.hub = hub
        self.stream = stream
        self.generation = generation
        self.since = since


class Link:
    """LIVE is reported only once every subscription is acknowledged and has shown that it works."""

    def __init__(
        self,
        name: str,
        url: str,
        venue: Access,
        make_stream: Callable[[], Awaitable[Stream]],
        report: Report,
    ) -> None:
        self._name = name
        self._url = url
        self._session = venue.session
        self._timing = timing = venue.config.timing
        self._make_stream = make_stream
        self._told: tuple[LinkState, str] | None = None
        self._report_to = report
        self._anomalies = venue.anomalies
        self._line: _Line | None = None
        self._backoff = Backoff(timing.backoff_first_s, timing.backoff_cap_s, venue.rng)
        self._worked = False

    async def run(self) -> None:
        """Until cancelled. Raises FatalError when it can't begin without a person.

        Once it has worked, what would be fatal at the beginning is waited out like everything else: a page
        of a gateway under maintenance must not end the night's connection.
        """
        loop = asyncio.get_running_loop()
        self._report(LinkState.CONNECTING)
        try:
            while True:
                try:
                    line = self._line = await self._open(None)
                    self._worked = True
                    self._report(LinkState.LIVE, line.stream.missing())
                    await self._hold(line)
                except (HubClosed, InvocationFailed, RetryableError, RefusedError) as error:
                    self._report(LinkState.DOWN, str(error), self._heard())
                except FatalError as error:
                    self._report(LinkState.DOWN, str(error), self._heard())
                    if not self._worked:
                        raise
                finally:
                    ended, self._line = self._line, None
                    if ended is not None:
                        await ended.hub.close()
                if ended is not None:
                    self._backoff.held(loop.time() - ended.since)
                await asyncio.sleep(self._backoff.pause_s())
        except asyncio.CancelledError:
            self._report(LinkState.DOWN, "stopped")
            raise

    async def _open(self, before: Stream | None) -> _Line:
        """A connection whose stream works. It counts from its first record on, unless `before` does."""
        stream = await self._make_stream()
        if before is None:
            stream.go_live()
        else:
            stream.follow(before)
        token = await self._session.token()
        generation = self._session.generation
        hub: Hub | None = None

        def receive(target: str, arguments: Raw) -> None:
            if target == "GatewayLogout":
                self._session.revoke(token)
                if hub is not None:
                    hub.abandon("the venue ended our session (GatewayLogout)")
            else:
                stream.receive(target, arguments)

        try:
            hub = await Hub.connect(self._url, token, receive, self._junk, self._timing, stream.take)
        except HubUnauthorized:
            self._session.revoke(token)
            raise
        try:
            await stream.subscribe(hub.invoke)
            await self._prove(hub, stream)
        except BaseException:
            await hub.close()
            raise
        return _Line(hub, stream, generation, asyncio.get_running_loop().time())

    async def _prove(self, hub: Hub, stream: Stream) -> None:
        proof = asyncio.create_task(stream.first_messages())
        try:
            either: set[asyncio.Future[Any]] = {proof, hub.closed}
            await asyncio.wait(
                either,
                timeout=self._timing.first_message_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            proof.cancel()
        if hub.closed.done():
            raise HubClosed(hub.closed.result())
        if missing := stream.missing():
            raise HubClosed(f"subscribed, but nothing came: {missing}")

    async def _hold(self, line: _Line) -> None:
        """While the connection, or the one that takes its place, is good."""
        loop = asyncio.get_running_loop()
        rotate_at = 0.0
        while True:
            await asyncio.wait({line.hub.closed}, timeout=self._timing.watch_s)
            if line.hub.closed.done():
                raise HubClosed(line.hub.closed.result())
            await line.stream.tend(line.hub.invoke)
            now = loop.time()
            if (silence := line.stream.silence(now)) is not None:
                await self._on_silence(line, silence)
                return
            if self._session.generation != line.generation and now >= rotate_at:
                try:
                    line = await self._rotate(line)
                except (HubClosed, InvocationFailed, RetryableError, RefusedError) as error:
                    _log.warning("%s hub: no second connection for the new token yet: %s", self._name, error)
                    rotate_at = now + self._timing.backoff_cap_s

    async def _rotate(self, old: _Line) -> _Line:
        """Make before break: the new connection works before the old one is closed."""
        try:
            new = await self._open(old.stream)
        except BaseException:
            old.stream.alone()
            raise
        if old.hub.closed.done():
            self._report(LinkState.DOWN, old.hub.closed.result(), old.stream.heard())
        old.stream.retire()
        new.stream.go_live()
        self._line = new
        self._told = None
        self._report(LinkState.LIVE, "token renewed")
        await old.hub.close()
        return new

    async def _on_silence(self, line: _Line, silence: Silence) -> None:
        """Say it, and before the next connection take a fresh token and ask elsewhere, if that is quick."""
        self._report(LinkState.STALE, silence.reason, silence.since)
        await line.hub.close(silence.reason)
        found, _ = await asyncio.gather(
            self._quickly(line.stream.diagnose()), self._quickly(self._session.freshen())
        )
        self._report(LinkState.STALE, f"{silence.reason}; {found}", silence.since)

    async def _quickly(self, ask: Awaitable[str | None]) -> str:
        """The answer, or why there is none; the next connection does not wait longer for it."""
        try:
            async with asyncio.timeout(self._timing.connect_s):
                return await ask or ""
        except (PortError, TimeoutError) as error:
            return f"REST says nothing: {error or 'no answer'}"

    def _heard(self) -> int:
        return self._line.stream.heard() if self._line is not None else 0

    def _report(self, state: LinkState, detail: str = "", since: int = 0) -> None:
        new, self._told = (state, detail) != self._told, (state, detail)
        if new:
            _log.info("%s hub %s %s", self._name, state, detail)
        if new or state is LinkState.DOWN:  # each try that fails is told
            self._report_to(state, detail, since)

    def _junk(self, reason: str, record: bytes) -> None:
        self._anomalies.note(f"{self._name} hub record", reason, record[:120])
