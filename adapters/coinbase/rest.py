"""Calls of Coinbase Advanced Trade, each with a token of its own, within its rate limits. Sends each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from adapters.coinbase.config import CoinbaseConfig
from adapters.coinbase.signing import CoinbaseSigner
from adapters.coinbase.wire import CoinbaseError, CoinbaseTime, CoinbaseWireError, read
from adapters.common.anomalies import Anomalies
from adapters.common.http_calls import KIB, HttpAnswer, HttpCall, HttpCaller, lost
from adapters.common.rate_budget import Priority, RateBudget
from adapters.common.redaction import scrub
from adapters.common.venue_clock import VenueClock
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.market import NANOS
from engine.ports import Clock

BASE = "/api/v3/brokerage"
MILLI = 1_000_000
_WINDOW_S = 1.0
"""How long to leave the venue alone that is asked too often and names no time."""
_PATIENCE_S: Mapping[Priority, float] = {
    Priority.CLOSE: 10.0,
    Priority.PROTECT: 10.0,
    Priority.VERIFY: 10.0,
    Priority.ENTRY: 2.0,
    Priority.QUERY: 5.0,
    Priority.HISTORY: 45.0,
}

Health = Callable[[bool, str], None]
Params = Mapping[str, str | int | list[str]]


class CoinbaseRest:
    """Thirty requests a second of one key, and ten of an address without one: neither is on the venue's pages
    any more, so four fifths of them are taken, and a 429 makes a pause.
    """

    def __init__(self, config: CoinbaseConfig, clock: Clock, anomalies: Anomalies, health: Health) -> None:
        """Raises FatalError for a key that can't be read."""
        self.clock = VenueClock(clock)
        self._signer = CoinbaseSigner(config.key_name, config.private_key)
        self._timing = config.timing
        self._base = config.hosts.api_url.rstrip("/")
        self._host = urlsplit(self._base).netloc
        self._anomalies = anomalies
        self._health = health
        self._http = HttpCaller(config.timing.connect_s)
        self._measuring = asyncio.Lock()
        second = 1.0 / config.speed
        self._private = RateBudget(
            30,
            second,
            share=0.8,
            left_above={Priority.PROTECT: 0.05, Priority.ENTRY: 0.25, Priority.QUERY: 0.5},
        )
        self._public = RateBudget(10, second, share=0.8, left_above={Priority.HISTORY: 0.5})

    def used(self) -> tuple[int, int]:
        """Requests of the key within the last second, and how many there may be."""
        return self._private.used(), self._private.limit

    async def stream_token(self) -> str:
        """For a subscription. Raises RetryableError."""
        await self._measured()
        return self._signer.token(self.clock.now() // NANOS)

    async def ask(self, name: str, path: str, params: Params, priority: Priority) -> bytes:
        """The body of an answer. Raises RetryableError, RefusedError, FatalError."""
        query = urlencode(params, doseq=True)
        return await self._signed(name, "GET", path, query, b"", priority, acts=False)

    async def act(self, name: str, path: str, body: dict[str, Any], priority: Priority) -> bytes:
        """Ask for what changes something, once. Raises the four errors."""
        return await self._signed(name, "POST", path, "", msgspec.json.encode(body), priority, acts=True)

    async def public(self, name: str, path: str, params: Params, priority: Priority) -> bytes:
        """The body of an answer about the market, which needs no key."""
        await self._public.take(priority, _PATIENCE_S[priority])
        query = urlencode(params, doseq=True)
        url = f"{self._base}{BASE}{path}" + (f"?{query}" if query else "")
        call = HttpCall(name, "GET", url, {"Cache-Control": "no-cache"}, limit_s=self._timing.read_s)
        return self._judged(call, await self._send(call), self._public)

    async def measure(self) -> None:
        """Ask the venue for its time. Raises RetryableError."""
        await self._public.take(Priority.VERIFY, _PATIENCE_S[Priority.VERIFY])
        call = HttpCall("time", "GET", f"{self._base}{BASE}/time", limit_s=self._timing.read_s)
        try:
            answer = await self._send(call)
            told = read(self._judged(call, answer, self._public), CoinbaseTime)
            millis = int(told.epoch_millis)
        except (RefusedError, CoinbaseWireError, ValueError) as error:
            raise RetryableError(f"time: {error}") from None
        self.clock.told(millis * MILLI, answer.came_at - answer.sent_at)

    async def close(self) -> None:
        await self._http.close()

    async def _measured(self) -> None:
        async with self._measuring:
            if not self.clock.known:
                await self.measure()

    async def _signed(
        self, name: str, method: str, path: str, query: str, body: bytes, priority: Priority, *, acts: bool
    ) -> bytes:
        await self._measured()
        await self._private.take(priority, _PATIENCE_S[priority])
        token = self._signer.token(self.clock.now() // NANOS, f"{method} {self._host}{BASE}{path}")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        limit_s = self._timing.read_s
        if acts:
            limit_s = self._timing.protect_s if priority <= Priority.PROTECT else self._timing.act_s
        call = HttpCall(
            name,
            method,
            f"{self._base}{BASE}{path}" + (f"?{query}" if query else ""),
            headers,
            body,
            acts=acts,
            limit_s=limit_s,
            most_bytes=256 * KIB if acts else 8192 * KIB,
        )
        return self._judged(call, await self._send(call), self._private)

    async def _send(self, call: HttpCall) -> HttpAnswer:
        try:
            return await self._http.send(call)
        except (RetryableError, UnknownOutcomeError) as error:
            self._health(False, str(error))
            raise

    def _judged(self, call: HttpCall, answer: HttpAnswer, budget: RateBudget) -> bytes:
        """The body of a good answer. Raises the four errors."""
        status = answer.status
        if status == 200:
            budget.worked(answer.sent_at)
            self._health(True, "")
            return answer.body
        if status == 429:
            pause = budget.limited(_seconds(answer.headers.get("x-ratelimit-reset")) or _WINDOW_S)
            text = f"{call.name}: the venue's rate limit is used up (HTTP 429), waiting {pause:.0f} s"
            self._health(False, text)
            raise RetryableError(text)
        raise self._http_error(call, status, answer.body)

    def _http_error(self, call: HttpCall, status: int, body: bytes) -> PortError:
        """With 4xx the request was found wrong and not done."""
        try:
            told = read(body, CoinbaseError)
        except CoinbaseWireError:
            told = CoinbaseError()
        words = scrub(" ".join(filter(None, (told.error, told.message or told.error_details))))
        text = f"{call.name}: HTTP {status}{f' ({words})' if words else ''}"
        if status == 401:
            if "expired" in words.lower():
                self.clock.forget()
                return RetryableError(f"{text}: the clocks differ, and are compared anew")
            return FatalError(f"{text}: the key is not accepted: check its name, the key, and its rights")
        if 300 <= status < 400:
            return FatalError(f"{text}: the venue redirects: check its address")
        if 400 <= status < 500 and status != 408:
            self._health(True, "")
            return RefusedError(text, status)
        error = lost(call, f"HTTP {status}")
        self._health(False, str(error))
        return error


def _seconds(text: str | None) -> float | None:
    """How long a pause the venue asks for, where it says so in a form that can be read."""
    return float(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 4 else None
