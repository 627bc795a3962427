"""One HTTP request to the gateway and the one of four errors that its failure means."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractStreamWriter

from adapters.common.anomalies import Anomalies
from adapters.common.fault_words import fault_words
from adapters.common.http_calls import whole_body
from adapters.common.rate_budget import Priority, RateBudget
from adapters.common.redaction import scrub
from adapters.projectx import codes
from adapters.projectx.config import RateLimits, Timing
from adapters.projectx.endpoints import KIB, PING_PATH, Endpoint
from adapters.projectx.wire import Reply, WireError, read
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.market import NANOS

NOT_FOUND = 404
_LONGEST_PONG = 1024
"""Bytes of the answer to a ping."""

Health = Callable[[bool, str], None]
"""Hears after each exchange whether the gateway could be reached, and what was wrong."""


_LEFT_ALONE = (
    "the gateway wants no requests for {:.0f} s (HTTP 429): no question and no entry goes out,"
    " cancels, closes and protection are still tried"
)
_DIGITS = re.compile(r"[0-9]{1,12}")

_A_LOOK = 6
"""Questions of a look at an account, and one besides."""
HEAD_START_S = 1.0
"""Queries wait so long, at most, for orders that are on their way out."""

Leave = asyncio.Future[None]
"""Done once a request may go out."""


def header_time(date: str) -> int | None:
    """The time of a Date header, nanoseconds UTC; None where it can't be read."""
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    return int(told.replace(tzinfo=told.tzinfo or UTC).timestamp()) * NANOS


class Unauthorized(Exception):
    """HTTP 401: the token was not accepted, and nothing was done. Never leaves the session."""


class _Body(aiohttp.payload.BytesPayload):
    """A body that goes out with its headers, in one write, when it may; everything is ready before."""

    def __init__(self, body: bytes, leave: Leave, out: asyncio.Future[None]) -> None:
        super().__init__(body, content_type="application/json")
        self._leave = leave
        self._out = out

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        if not self._leave.done():
            await asyncio.shield(self._leave)
        await super().write_with_length(writer, content_length)
        if not self._out.done():
            self._out.set_result(None)


_encoder = msgspec.json.Encoder(decimal_format="number")


class Transport:
    """Sends requests within the rate budget. Never sends one twice. Needs a running loop."""

    def __init__(
        self, base_url: str, timing: Timing, limits: RateLimits, anomalies: Anomalies, health: Health
    ) -> None:
        self._base = base_url.rstrip("/")
        self._timing = timing
        self._limits = limits
        self._anomalies = anomalies
        self._tell = health
        self._http: aiohttp.ClientSession | None = None
        self._dated: tuple[str, float] | None = None
        """The Date header of the newest answer, and the loop's time when it came."""
        self._paused = False
        """The last word on the gateway was that it wants to be left alone."""
        self._leaving: set[asyncio.Future[None]] = set()
        """One for each request that changes something and is not out yet."""
        self._budget = RateBudget(
            limits.requests,
            limits.period_s,
            share=limits.share,
            left_above={
                Priority.PROTECT: limits.close_reserve,
                Priority.VERIFY: limits.reserve / 2,
                Priority.ENTRY: limits.reserve,
                Priority.QUERY: limits.reserve + limits.entry_reserve,
            },
            most={Priority.QUERY: limits.query_most},
        )
        self._books: set[str] = set()
        self._history_budget = RateBudget(
            limits.history_requests, limits.history_period_s, share=limits.share, left_above={}
        )

    def keep_for(self, book: str) -> None:
        """From now on a book has places of its own for what closes and protects, and one look a period."""
        self._books.add(book)
        self._budget.keep_for(book)
        self._budget.allow(Priority.QUERY, _A_LOOK * len(self._books))

    def requests(self) -> tuple[int, int]:
        """Requests sent within the last period, and how many it may have; history's own are not counted."""
        return self._budget.used(), self._budget.limit

    def used(self) -> str:
        """How much of the rate budgets the last periods took, in words."""
        parts = ((self._budget, "requests"), (self._history_budget, "of history"))
        return ", ".join(
            f"{budget.used()} of {budget.limit} {what} in {budget.period_s:g} s"
            + (f", {waiting} waiting" if (waiting := budget.waiting()) else "")
            for budget, what in parts
        )

    async def post(
        self,
        endpoint: Endpoint,
        body: dict[str, Any],
        token: str | None = None,
        priority: Priority | None = None,
        leave: Leave | None = None,
        who: str = "",
    ) -> Reply:
        """The successful reply. Raises one of the four errors, or Unauthorized.

        `priority` instead of the endpoint's own says who goes first when requests are scarce. The request is
        got ready, and its bytes wait for `leave`. Orders go before queries: those wait until they are out.
        `who` is the book whose places are taken.
        """
        if not endpoint.acts:
            if self._leaving:
                await asyncio.wait(self._leaving, timeout=HEAD_START_S)
            return await self._post(endpoint, _encoder.encode(body) if body else b"", token, priority, who)
        out: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if leave is None:
            leave = asyncio.get_running_loop().create_future()
            leave.set_result(None)
        self._leaving.add(out)
        try:
            out_of = _Body(_encoder.encode(body), leave, out)
            return await self._post(endpoint, out_of, token, priority, who)
        finally:
            self._leaving.discard(out)
            out.cancel()

    async def _post(
        self,
        endpoint: Endpoint,
        body: bytes | _Body,
        token: str | None,
        priority: Priority | None,
        who: str,
    ) -> Reply:
        rank = endpoint.priority if priority is None else priority
        budget = self._history_budget if rank is Priority.HISTORY else self._budget
        await budget.take(rank, self._patience(rank), who)
        sent_at = asyncio.get_running_loop().time()
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        limit_s = self._timing.read_s
        if endpoint.acts:
            limit_s = self._timing.protect_s if rank <= Priority.PROTECT else self._timing.act_s
        timeout = aiohttp.ClientTimeout(total=limit_s, sock_connect=min(self._timing.connect_s, limit_s))
        try:
            async with self._session().post(
                self._base + endpoint.path,
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                status, retry_after = response.status, response.headers.get("Retry-After")
                self._seen_date(response)
                payload = await whole_body(response, endpoint.most_bytes)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise self._unreached(error) from None
        except aiohttp.InvalidURL:
            raise FatalError(f"the gateway's address is not a URL: {scrub(self._base)}") from None
        except TimeoutError:
            raise self._lost(endpoint, f"no answer within {limit_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._lost(endpoint, fault_words(error)) from None
        if payload is None:
            why = f"an answer of more than {endpoint.most_bytes // KIB} KiB, which was not read"
            self._anomalies.note(endpoint.path, why)
            raise self._lost(endpoint, why)
        return self._judge(endpoint, budget, status, sent_at, retry_after, payload)

    async def ping(self) -> tuple[str, str | None]:
        """The answer's text ("pong") and its Date header. Raises RetryableError."""
        await self._budget.take(Priority.QUERY, self._limits.read_patience_s)
        timeout = aiohttp.ClientTimeout(total=self._timing.read_s, sock_connect=self._timing.connect_s)
        try:
            async with self._session().get(self._base + PING_PATH, timeout=timeout) as response:
                answer = (await whole_body(response, _LONGEST_PONG) or b"").decode(errors="replace")
                if response.status != 200:
                    raise RetryableError(f"the gateway's ping answered HTTP {response.status}")
                self._health(True, "")
                self._seen_date(response)
                return scrub(answer.strip().strip('"')), response.headers.get("Date")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreached(error) from None

    def _seen_date(self, response: aiohttp.ClientResponse) -> None:
        date = response.headers.get("Date")
        if date is not None:
            self._dated = date, asyncio.get_running_loop().time()

    def venue_time(self) -> int:
        """What the gateway's clock shows now, as it said with its newest answer, nanoseconds UTC to the
        second; 0 where it said nothing that can be read.
        """
        if self._dated is None:
            return 0
        date, at = self._dated
        told = header_time(date)
        return 0 if told is None else told + int((asyncio.get_running_loop().time() - at) * NANOS)

    @property
    def pause_over(self) -> bool:
        """The gateway wanted to be left alone, the time for it is over, and nobody has asked since."""
        return self._paused and not self._budget.held_s()

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            # Idle connections are dropped well before a server would: no order is to go into one that closes.
            connector = aiohttp.TCPConnector(keepalive_timeout=15.0, limit=20)
            self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._http

    def _patience(self, rank: Priority) -> float:
        if rank <= Priority.VERIFY:
            return self._limits.urgent_patience_s
        if rank is Priority.HISTORY:
            return self._limits.history_patience_s
        return self._limits.entry_patience_s if rank is Priority.ENTRY else self._limits.read_patience_s

    def _judge(
        self,
        endpoint: Endpoint,
        budget: RateBudget,
        status: int,
        sent_at: float,
        retry_after: str | None,
        payload: bytes,
    ) -> Reply:
        if status == 429:
            raise self._rate_limited(endpoint, budget, retry_after)
        if status == 401:
            raise Unauthorized("HTTP 401")
        if status != 200:
            raise self._http_error(endpoint, status, payload)
        try:
            reply = read(payload, Reply)
        except WireError as error:
            self._anomalies.note(endpoint.path, error)
            raise self._lost(endpoint, f"an answer that can't be read ({error})") from None
        budget.worked(sent_at)
        self._health(True, "")
        if not reply.success:
            raise _business_error(endpoint, reply)
        return reply

    def _rate_limited(self, endpoint: Endpoint, budget: RateBudget, retry_after: str | None) -> PortError:
        named = retry_after if retry_after is not None and _DIGITS.fullmatch(retry_after) else None
        pause = budget.limited(None if named is None else float(named))
        if budget is self._budget:
            self._health(False, _LEFT_ALONE.format(pause))
            self._paused = True
        text = f"{endpoint.name}: the gateway's rate limit is used up (HTTP 429), waiting {pause:.0f} s"
        return RetryableError(text) if endpoint.limited_is_unsent else UnknownOutcomeError(text)

    def _health(self, ok: bool, text: str) -> None:
        self._paused = False
        self._tell(ok, text)

    def _http_error(self, endpoint: Endpoint, status: int, payload: bytes) -> PortError:
        """A status other than 200, 401 and 429. With 4xx the request was found wrong and not done."""
        problem = "" if endpoint.public else _problem(payload)
        if 400 <= status < 500 and status != 408:
            self._health(True, "")
            return RefusedError(f"{endpoint.name}: HTTP {status}{problem}", status)
        if 300 <= status < 400:
            return FatalError(f"{endpoint.name}: the gateway redirects (HTTP {status}): check its address")
        return self._lost(endpoint, f"HTTP {status}{problem}")

    def _unreached(self, error: BaseException) -> RetryableError:
        text = f"the gateway can't be reached: {fault_words(error)}"
        self._health(False, text)
        return RetryableError(text)

    def _lost(self, endpoint: Endpoint, why: str) -> PortError:
        """The request went out, its answer says nothing."""
        text = f"{endpoint.name}: {why}"
        self._health(False, text)
        return UnknownOutcomeError(text) if endpoint.acts else RetryableError(text)


def _business_error(endpoint: Endpoint, reply: Reply) -> PortError:
    code, message = reply.error_code, reply.error_message or ""
    text = f"{endpoint.name}: {codes.words(endpoint.codes, code)}"
    if message:
        text += f" ({scrub(message)})"
    if endpoint.acts and (code in endpoint.unclear or not _refuses(endpoint, code)):
        return UnknownOutcomeError(text)
    return RefusedError(text, code, codes.cause(endpoint.codes, code, message))


def _refuses(endpoint: Endpoint, code: int) -> bool:
    """Whether a failure's code is one we know. A new one could mean anything, "pending" too."""
    return code != 0 and any(code == known for known in endpoint.codes)


def _problem(payload: bytes) -> str:
    """The reasons in an ASP.NET problem report, or the start of whatever text came."""
    try:
        report = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return f": {scrub(payload[:200].decode(errors='replace'))}" if payload else ""
    if not isinstance(report, dict):
        return ""
    errors = report.get("errors")
    details = (
        "; ".join(
            f"{field}: {' '.join(map(str, told)) if isinstance(told, list) else told}"
            for field, told in errors.items()
        )
        if isinstance(errors, dict)
        else ""
    )
    return f": {scrub(details or report.get('title') or '')}"
