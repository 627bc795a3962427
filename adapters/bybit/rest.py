"""Signed calls of Bybit V5, within its rate limits. Never sends one twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import msgspec
from msgspec import Raw

from adapters.bybit import codes
from adapters.bybit.config import BybitConfig
from adapters.bybit.requests import Body
from adapters.bybit.signing import signed_headers
from adapters.bybit.wire import BybitAnswer, BybitWireError, read
from adapters.common.anomalies import Anomalies
from adapters.common.http_calls import KIB, HttpAnswer, HttpCall, HttpCaller, lost
from adapters.common.rate_budget import Priority, RateBudget
from adapters.common.venue_clock import VenueClock
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.ports import Clock

MILLI = 1_000_000
_TIME = "/v5/market/time"
_BANNED_S = 60.0
"""Of the ten minutes for which an address is shut out that asked too often: after each one look is had."""
_RESET = "X-Bapi-Limit-Reset-Timestamp"
_LONGEST_STAMP = 15
_WINDOW_S, _LONGEST_S = 1.0, 10.0
_PATIENCE_S: Mapping[Priority, float] = {
    Priority.CLOSE: 10.0,
    Priority.PROTECT: 10.0,
    Priority.VERIFY: 10.0,
    Priority.ENTRY: 2.0,
    Priority.QUERY: 5.0,
    Priority.HISTORY: 45.0,
}

Health = Callable[[bool, str], None]
"""Hears after each exchange whether the venue could be reached, and what was wrong."""


class BybitRest:
    """Ten orders a second and fifty questions are what the venue allows one user; we take four fifths."""

    def __init__(self, config: BybitConfig, clock: Clock, anomalies: Anomalies, health: Health) -> None:
        self.clock = VenueClock(clock, config.speed)
        self._config = config
        self._timing = config.timing
        self._base = config.hosts.api_url.rstrip("/")
        self._anomalies = anomalies
        self._health = health
        self._http = HttpCaller(config.timing.connect_s)
        self._measuring = asyncio.Lock()
        second = 1.0 / config.speed
        self._acts = RateBudget(
            10, second, share=0.8, left_above={Priority.PROTECT: 0.13, Priority.ENTRY: 0.4}
        )
        self._questions = RateBudget(
            50, second, share=0.8, left_above={Priority.QUERY: 0.25, Priority.HISTORY: 0.5}
        )

    def used(self) -> tuple[int, int]:
        """Orders sent within the last second, and how many there may be."""
        return self._acts.used(), self._acts.limit

    async def ask(
        self, name: str, path: str, params: Mapping[str, str | int], priority: Priority = Priority.QUERY
    ) -> Raw:
        """The `result` of a question. Raises RetryableError, RefusedError, FatalError."""
        query = urlencode(params)
        return await self._signed(name, "GET", path, query, priority, acts=False)

    async def act(self, name: str, path: str, body: Body, priority: Priority) -> Raw:
        """The `result` of what changes something: that it was received. Sent once, whatever happens.

        Raises RefusedError, UnknownOutcomeError, RetryableError (certainly not done), FatalError.
        """
        text = msgspec.json.encode(body).decode()
        return await self._signed(name, "POST", path, text, priority, acts=True)

    async def public(self, name: str, path: str, params: Mapping[str, str | int], priority: Priority) -> Raw:
        """The `result` of a question about the market, which needs no key."""
        await self._questions.take(priority, _PATIENCE_S[priority])
        call = HttpCall(name, "GET", f"{self._base}{path}?{urlencode(params)}", limit_s=self._timing.read_s)
        return self._result(call, await self._send(call), self._questions)

    async def measure(self) -> None:
        """Ask the venue for its time. Raises RetryableError."""
        await self._questions.take(Priority.VERIFY, _PATIENCE_S[Priority.VERIFY])
        call = HttpCall("time", "GET", self._base + _TIME, limit_s=self._timing.read_s)
        try:
            self._result(call, await self._send(call), self._questions)
        except RefusedError as error:
            raise RetryableError(str(error)) from None

    async def close(self) -> None:
        await self._http.close()

    async def _signed(
        self, name: str, method: str, path: str, payload: str, priority: Priority, *, acts: bool
    ) -> Raw:
        async with self._measuring:
            if not self.clock.known:
                await self.measure()
        budget = self._acts if acts else self._questions
        await budget.take(priority, _PATIENCE_S[priority])
        config, timing = self._config, self._timing
        headers = signed_headers(
            config.api_key.reveal(),
            config.api_secret.reveal(),
            self.clock.now() // MILLI,
            timing.window_ms,
            payload,
        )
        limit_s = timing.read_s
        if acts:
            limit_s = timing.protect_s if priority <= Priority.PROTECT else timing.act_s
            headers["Content-Type"] = "application/json"
        call = HttpCall(
            name,
            method,
            self._base + path + (f"?{payload}" if payload and not acts else ""),
            headers,
            payload.encode() if acts else b"",
            acts=acts,
            limit_s=limit_s,
            most_bytes=256 * KIB if acts else 8192 * KIB,
        )
        return self._result(call, await self._send(call), budget)

    async def _send(self, call: HttpCall) -> HttpAnswer:
        try:
            return await self._http.send(call)
        except (RetryableError, UnknownOutcomeError) as error:
            self._health(False, str(error))
            raise

    def _result(self, call: HttpCall, answer: HttpAnswer, budget: RateBudget) -> Raw:
        """What the answer brings. Raises the four errors."""
        if answer.status != 200:
            raise self._http_error(call, answer.status)
        try:
            envelope = read(answer.body, BybitAnswer)
        except BybitWireError as error:
            self._anomalies.note(call.name, error)
            raise lost(call, f"an answer that can't be read ({error})") from None
        self._health(True, "")
        code = envelope.ret_code
        if code == codes.OUT_OF_TIME:
            self.clock.forget()
        if envelope.time:
            self.clock.told(envelope.time * MILLI, answer.came_at - answer.sent_at)
        if code in codes.RATE:
            budget.limited(self._pause_s(answer))
        if code != codes.OK:
            raise codes.error_of(call.name, code, envelope.ret_msg, acts=call.acts)
        budget.worked(answer.sent_at)
        return envelope.result

    def _pause_s(self, answer: HttpAnswer) -> float:
        """Until the venue takes requests again, as it says; its windows are a second long."""
        text = answer.headers.get(_RESET, "")
        if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_STAMP:
            return _WINDOW_S
        left_ms = max(int(text) - self.clock.now() // MILLI, 0) / self._config.speed
        return min(left_ms / 1_000, _LONGEST_S) or _WINDOW_S

    def _http_error(self, call: HttpCall, status: int) -> PortError:
        """With 403 the address is shut out, for too many requests or for its country; nothing was done."""
        if status in (403, 429):
            pause = max(one.limited(_BANNED_S) for one in (self._acts, self._questions))
            text = (
                f"{call.name}: HTTP {status}: too many requests from this address, or one of a country that "
                f"is not served: questions and entries wait {pause:.0f} s"
            )
            self._health(False, text)
            return RetryableError(text)
        if status == 401:
            return FatalError(f"{call.name}: HTTP 401: the API key is not accepted")
        if 300 <= status < 400:
            return FatalError(f"{call.name}: the venue redirects (HTTP {status}): check its address")
        if 400 <= status < 500 and status != 408:
            return RefusedError(f"{call.name}: HTTP {status}", status)
        error = lost(call, f"HTTP {status}")
        self._health(False, str(error))
        return error
