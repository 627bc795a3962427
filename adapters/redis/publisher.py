"""What goes to Redis, and how: ticks as they come, the core picture as it changes (docs/history.md#redis).

Keys and channels begin with a prefix. Losing Redis loses what would have been published meanwhile, and that
is all.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.common.pacing import Backoff
from adapters.common.redaction import scrub
from adapters.common.secret import Secret, words_of_login
from engine.model.errors import FatalError, PortError, RetryableError
from engine.model.events import AnyEvent, Print, Quote
from engine.model.instrument import Instrument
from engine.model.view import View
from engine.ports import EngineHandle

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = logging.getLogger("redis")

SEND_S = 0.1
"""Between two sendings of ticks."""
VIEW_S = 0.5
"""Between two core pictures, at least."""
KEPT_S = 60
"""What was published last can be asked for so long: what is older says nothing of the market."""
WAITING = 5_000
"""Ticks that wait to be sent; the oldest give way."""
TIMEOUT_S = 3.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0

_encoder = msgspec.json.Encoder(decimal_format="number")


class TickTap:
    """Hears the engine's events, on its loop, and keeps the prices among them until they are fetched."""

    def __init__(self) -> None:
        self._ticks: deque[Quote | Print] = deque(maxlen=WAITING)

    def hear(self, event: AnyEvent) -> None:
        if type(event) is Quote or type(event) is Print:
            self._ticks.append(event)

    def take(self) -> list[Quote | Print]:
        """All that wait, oldest first. From any thread."""
        found = []
        while True:
            try:
                found.append(self._ticks.popleft())
            except IndexError:
                return found


class RedisPublisher:
    """Publishes until it is told to stop. For one loop, on a thread that no engine is on."""

    def __init__(
        self,
        url: Secret,
        prefix: str,
        tap: TickTap,
        engine: EngineHandle,
        instruments: Mapping[str, Instrument],
    ) -> None:
        self._url = url
        self._prefix = prefix
        self._tap = tap
        self._engine = engine
        self._instruments = instruments
        self._shown = -1
        self._view_due = 0.0
        self._failing = ""

    async def run(self, stop: asyncio.Event) -> None:
        """Raises FatalError where redis is not installed."""
        line, waits = _client(self._url), Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        try:
            while not stop.is_set():
                pause_s = SEND_S
                try:
                    await self._send(line)
                except PortError as error:
                    if str(error) != self._failing:
                        log.warning("nothing is published: %s", error)
                    self._failing, pause_s = str(error), waits.pause_s()
                else:
                    if self._failing:
                        log.info("publishing to Redis again")
                    self._failing = ""
                    waits.worked()
                try:
                    async with asyncio.timeout(pause_s):
                        await stop.wait()
                except TimeoutError:
                    continue
        finally:
            await line.aclose()

    async def _send(self, line: Redis) -> None:
        """Raises RetryableError."""
        ticks, now = self._tap.take(), asyncio.get_running_loop().time()
        view = None
        if now >= self._view_due:
            self._view_due = now + VIEW_S
            view = self._engine.view()
            view = view if view.version != self._shown else None
        if not ticks and view is None:
            return
        pipe = line.pipeline(transaction=False)
        for channel, body in self._messages(ticks):
            pipe.publish(channel, body)
        for name, body in self._newest(ticks):
            pipe.set(name, body, ex=KEPT_S)
        if view is not None:
            body = encoded(view)
            pipe.set(f"{self._prefix}:view", body, ex=KEPT_S)
            pipe.publish(f"{self._prefix}:view", body)
        await _within(pipe.execute(), self._url)
        if view is not None:
            self._shown = view.version

    def _messages(self, ticks: Sequence[Quote | Print]) -> list[tuple[str, bytes]]:
        return [
            (f"{self._prefix}:ticks:{tick.instrument}", _encoder.encode(body))
            for tick in ticks
            if (body := self._body(tick)) is not None
        ]

    def _newest(self, ticks: Sequence[Quote | Print]) -> list[tuple[str, bytes]]:
        """The last quote of each instrument, for whoever asks instead of listening."""
        last = {tick.instrument: tick for tick in ticks if isinstance(tick, Quote)}
        return [
            (f"{self._prefix}:ticker:{name}", _encoder.encode(body))
            for name, tick in last.items()
            if (body := self._body(tick)) is not None
        ]

    def _body(self, tick: Quote | Print) -> dict[str, Any] | None:
        """Prices in price units, times in nanoseconds UTC."""
        known = self._instruments.get(tick.instrument)
        if known is None:
            return None
        body: dict[str, Any] = {"symbol": tick.instrument, "venue": tick.venue, "ts": tick.ts_venue}
        if isinstance(tick, Print):
            return body | {
                "type": "trade",
                "price": known.price(tick.price),
                "quantity": known.qty(tick.size),
            }
        prices = {"bid": tick.bid, "ask": tick.ask, "last": tick.last}
        return (
            body
            | {"type": "quote"}
            | {name: None if ticks is None else known.price(ticks) for name, ticks in prices.items()}
        )


async def ping(url: Secret) -> None:
    """Whether Redis answers. Raises RetryableError, FatalError."""
    line = _client(url)
    try:
        await _within(line.ping(), url)
    finally:
        await line.aclose()


def _client(url: Secret) -> Redis:
    try:
        from redis.asyncio import Redis
    except ImportError:
        raise FatalError(
            'publishing needs redis: install it with pip install "tstream[redis]", or unset redis.url'
        ) from None
    return Redis.from_url(
        url.reveal(), socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, max_connections=2
    )


async def _within(answer: Awaitable[Any], url: Secret) -> None:
    """Wait for it, no longer than TIMEOUT_S. Raises RetryableError, without what is secret."""
    from redis.exceptions import RedisError

    try:
        async with asyncio.timeout(TIMEOUT_S):
            await answer
    except (RedisError, OSError, TimeoutError) as error:
        text = scrub(error, *words_of_login(url.reveal())) or "it does not answer"
        raise RetryableError(f"Redis can't be used now: {text}") from None


def encoded(view: View) -> bytes:
    """The core picture as JSON; amounts and prices are numbers with all their digits."""
    return _encoder.encode(view)
