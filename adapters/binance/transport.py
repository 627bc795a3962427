"""The way to Binance's REST API: weight, signature, the venue's clock, waits, and what an answer means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

import aiohttp
from yarl import URL

from adapters.binance import codes
from adapters.binance.budget import WeightBudget
from adapters.binance.config import BinanceConfig
from adapters.binance.signing import Params, Signer, encode
from adapters.binance.wire import MS, ErrorRow, RateRow, TimeRow, WireFault, read
from adapters.common.anomalies import Anomalies
from adapters.common.fault_words import fault_words
from adapters.common.http_calls import whole_body
from adapters.common.rate_budget import Priority
from adapters.common.redaction import scrub
from engine.model.errors import (
    Cause,
    FatalError,
    PortError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from engine.model.market import MINUTE
from engine.ports import Clock

_KIB = 1024
_MOST_BYTES = 8 * _KIB * _KIB
"""Of an answer: what is asked of a few symbols is a tenth of that."""
Health = Callable[[bool, str], None]


class SpotCall(NamedTuple):
    """One call of the REST API."""

    verb: str
    path: str
    weight: int
    priority: Priority
    signed: bool = False
    acts: bool = False
    """It changes something: what came of it must be known."""
    most_bytes: int = _MOST_BYTES


class SpotRefused(RefusedError):
    """Binance said no. `status` is that of HTTP: 409 says that one half of a request was done."""

    def __init__(self, message: str, code: int, cause: Cause, status: int) -> None:
        super().__init__(message, code, cause)
        self.status = status


TIME = SpotCall("GET", "/api/v3/time", 1, Priority.CLOSE)


class ClockRefused(RetryableError):
    """The venue found our time wrong, and did nothing."""


class SpotTransport:
    """Sends each request once, but for a query that our clock was wrong for. Needs a running loop."""

    def __init__(self, config: BinanceConfig, clock: Clock, anomalies: Anomalies, health: Health) -> None:
        self._config = config
        self._clock = clock
        self._anomalies = anomalies
        self._tell = health
        self.signer = Signer(config.api_secret)
        self.budget = WeightBudget(config.limits, self._next_minute_s)
        self._http: aiohttp.ClientSession | None = None
        self.offset_ns: int | None = None
        """What to add to our clock for the venue's; None until it was asked."""
        self._syncing = asyncio.Lock()

    # -- the venue's clock -------------------------------------------------------------------------------

    def venue_now(self) -> int:
        """What the venue's clock shows, nanoseconds UTC, as far as it is known."""
        return self._clock() + (self.offset_ns or 0)

    async def sync(self) -> int:
        """Ask the venue for its time; gives what to add to ours, nanoseconds. Raises RetryableError."""
        async with self._syncing:
            before = self._clock()
            answer = await self.ask(TIME, {})
            after = self._clock()
            try:
                told = read(answer, TimeRow).server_time * MS
            except WireFault as error:
                raise RetryableError(f"time: {error}") from None
            self.offset_ns = told - (before + after) // 2
            return self.offset_ns

    def take_limits(self, rows: Iterable[RateRow]) -> None:
        """What the venue says that a minute may have of weight."""
        for row in rows:
            if row.rate_limit_type == "REQUEST_WEIGHT" and row.interval == "MINUTE" and row.interval_num == 1:
                self.budget.most = max(100, min(row.limit, 1_000_000))

    def stamped(self) -> dict[str, str | int]:
        """What every signed request carries besides its own parameters."""
        return {"recvWindow": self._config.recv_window_ms, "timestamp": self.venue_now() // MS}

    def _next_minute_s(self) -> float:
        """Until the venue's next minute begins, which is shorter where its clock runs faster than ours."""
        period = self._config.limits.period_s
        return period * (1 - self.venue_now() % MINUTE / MINUTE)

    # -- requests ----------------------------------------------------------------------------------------

    async def ask(self, call: SpotCall, params: Params, priority: Priority | None = None) -> bytes:
        """The body of a successful answer. Raises the four errors.

        A query that was refused for its time is sent once more with the venue's; nothing else is ever sent
        twice.
        """
        if call.signed and self.offset_ns is None:
            await self.sync()
        try:
            return await self._send(call, params, priority)
        except ClockRefused:
            await self.sync()
            if call.acts:
                raise
        return await self._send(call, params, priority)

    async def _send(self, call: SpotCall, params: Params, priority: Priority | None) -> bytes:
        rank = call.priority if priority is None else priority
        await self.budget.take(rank, call.weight)
        query = self.signer.query({**params, **self.stamped()}) if call.signed else encode(params)
        timing = self._config.timing
        limit_s = timing.read_s
        if call.acts:
            limit_s = timing.protect_s if rank <= Priority.PROTECT else timing.act_s
        timeout = aiohttp.ClientTimeout(total=limit_s, sock_connect=min(timing.connect_s, limit_s))
        headers = {"X-MBX-APIKEY": self._config.api_key.reveal()} if call.signed else {}
        # What is signed is sent as it was signed: in the query of a question, else in the body.
        body = call.verb != "GET" and call.verb != "DELETE"
        url = f"{self._config.where.rest}{call.path}" + ("" if body or not query else f"?{query}")
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            async with self._session().request(
                call.verb,
                URL(url, encoded=True),
                data=query.encode() if body else None,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                status, told = response.status, response.headers
                self.budget.told(told.get("X-MBX-USED-WEIGHT-1M"))
                payload = await whole_body(response, call.most_bytes)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise self._unreached(error) from None
        except aiohttp.InvalidURL:
            raise FatalError(f"Binance's address is not a URL: {scrub(self._config.where.rest)}") from None
        except TimeoutError:
            raise self._lost(call, f"no answer within {limit_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._lost(call, fault_words(error)) from None
        if payload is None:
            self._anomalies.note(call.path, "an answer that is too long")
            raise self._lost(call, f"an answer of more than {call.most_bytes // _KIB} KiB")
        return self._judge(call, status, told.get("Retry-After"), payload)

    def _judge(self, call: SpotCall, status: int, retry_after: str | None, payload: bytes) -> bytes:
        """The payload of a success. Raises what any other answer means."""
        if status == 200:
            self.budget.worked()
            self._tell(True, "")
            return payload
        row = _error(payload)
        text = f"{call.path}: {row.words()} ({row.code})" if row.code else f"{call.path}: HTTP {status}"
        if status in (418, 429):
            pause = self.budget.limited(retry_after, banned=status == 418)
            what = "this address is banned" if status == 418 else "the limit is used up"
            said = f"{what} (HTTP {status}), Binance wants to be left alone for {pause:.0f} s"
            self._tell(False, said)
            # Both are given before a request is looked at.
            raise RetryableError(f"{call.path}: {said}")
        if status >= 500 or status == 408 or row.code in codes.UNKNOWN_OUTCOME:
            # Whether it was done is not known, whatever the words say.
            raise self._lost(call, f"HTTP {status}" + (f": {row.words()}" if row.code else ""))
        if 300 <= status < 400:
            raise FatalError(f"{call.path}: Binance redirects (HTTP {status}): check its address")
        if status == 451:
            raise FatalError("Binance serves nobody from where this machine is (HTTP 451)")
        self._tell(True, "")
        if row.code == codes.CLOCK:
            raise ClockRefused(f"{call.path}: our clock is not the venue's: {row.words()}")
        if row.code in codes.KEY_PROBLEMS:
            told = f"the key is refused: {row.words()} ({row.code}): {codes.remedy(row.code)}".rstrip(": ")
            # Of an order that is a refusal like any other; a query shows that nothing works without a person.
            raise SpotRefused(told, row.code, Cause.OTHER, status) if call.acts else FatalError(told)
        if row.code in codes.NOT_NOW or status == 403:
            raise RetryableError(text)
        raise SpotRefused(text, row.code or status, codes.cause(row.code, row.msg), status)

    def _unreached(self, error: BaseException) -> RetryableError:
        text = f"Binance can't be reached: {fault_words(error)}"
        self._tell(False, text)
        return RetryableError(text)

    def _lost(self, call: SpotCall, why: str) -> PortError:
        """The request went out, its answer says nothing."""
        text = f"{call.path}: {why}"
        self._tell(False, text)
        return UnknownOutcomeError(text) if call.acts else RetryableError(text)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            connector = aiohttp.TCPConnector(keepalive_timeout=15.0, limit=20)
            http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
            # By itself aiohttp sends a DELETE again where a connection breaks, and has no switch for that.
            http._retry_connection = False
            self._http = http
        return self._http

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()


def _error(payload: bytes) -> ErrorRow:
    """What an answer says of a failure; nothing where it is none of the API's."""
    try:
        return read(payload, ErrorRow)
    except WireFault:
        return ErrorRow()
