"""One question to the chart endpoint, and the one of four errors that its failure means."""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

import aiohttp

from adapters.common.pacing import Backoff
from adapters.common.plain_words import in_words
from adapters.common.redaction import scrub
from adapters.yahoo.config import YahooConfig
from adapters.yahoo.wire import MOST_BYTES, About, ChartError, ErrorWords, Result, looks_like_page, read
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.market import NANOS

_DIGITS = re.compile(r"[0-9]{1,6}")
_LONGEST_CRUMB = 64
_CRUMB_PATH = "/v1/test/getcrumb"
_LONGEST_HOLD_S = 3600.0
_CONSENT = ("consent.yahoo.com", "guce.yahoo.com")
_NOTHING_THERE = "Data doesn't exist for startDate"
"""Of a time in which the market was closed: an answer, and no refusal."""
LIMITED = 429


class LimitedError(RetryableError):
    """Yahoo wants to be left alone for a while."""


class ChartAsked(NamedTuple):
    """Bars of [start, end) that are wanted, nanoseconds UTC."""

    symbol: str
    interval: str
    start: int
    end: int
    extended: bool = False


class _Reply(NamedTuple):
    status: int
    body: bytes
    retry_after: str | None
    location: str


class ChartClient:
    """Asks one question at a time, never oftener than it may. Cookies are kept, and a crumb if one is asked
    for. Needs a running loop.
    """

    def __init__(self, config: YahooConfig, rng: random.Random | None = None) -> None:
        self._config = config
        polling = config.polling
        rng = rng or random.Random()
        self._limited = Backoff(polling.limited_first_s, polling.limited_cap_s, rng)
        self._held_until = float("-inf")
        self._next_at = float("-inf")
        self._turn = asyncio.Lock()
        self._host = 0
        self._crumb = ""
        self._http: aiohttp.ClientSession | None = None

    def held_s(self) -> float:
        """How long Yahoo wants no question, seconds."""
        return max(0.0, self._held_until - asyncio.get_running_loop().time())

    async def chart(self, ask: ChartAsked) -> Result:
        """Raises RefusedError for what Yahoo does not have, RetryableError, LimitedError."""
        async with self._turn:
            await self._wait()
            reply = await self._get(ask)
            if reply.status in (401, 403) and await self._fetch_crumb():
                reply = await self._get(ask)
            return self._judge(ask, reply)

    async def close(self) -> None:
        """Close the connections; a later question opens new ones."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    async def _wait(self) -> None:
        """Until the next question may be asked. Raises LimitedError instead of waiting for minutes."""
        if (held := self.held_s()) > 0:
            raise LimitedError(f"Yahoo wants no questions for another {held:.0f} s (HTTP 429)")
        loop = asyncio.get_running_loop()
        if (pause := self._next_at - loop.time()) > 0:
            await asyncio.sleep(pause)
        self._next_at = loop.time() + self._config.polling.apart_s

    async def _get(self, ask: ChartAsked) -> _Reply:
        query = {
            "interval": ask.interval,
            "period1": str(ask.start // NANOS),
            "period2": str(-(-ask.end // NANOS)),
            "includePrePost": "true" if ask.extended else "false",
            "events": "div,splits",
        }
        if self._crumb:
            query["crumb"] = self._crumb
        path = f"/v8/finance/chart/{quote(ask.symbol, safe='')}"
        hosts = self._config.hosts
        base = hosts[self._host % len(hosts)]
        try:
            return await self._request(base + path, query)
        except RetryableError:
            self._host += 1  # the other one next time
            raise

    async def _request(self, url: str, query: dict[str, str], most: int = MOST_BYTES) -> _Reply:
        limit_s = self._config.polling.read_s
        timeout = aiohttp.ClientTimeout(total=limit_s)
        try:
            async with self._session().get(
                url, params=query, timeout=timeout, allow_redirects=False
            ) as response:
                body = await _body(response, most)
                headers = response.headers
                return _Reply(response.status, body, headers.get("Retry-After"), headers.get("Location", ""))
        except aiohttp.InvalidURL:
            raise FatalError(f"Yahoo's address is not a URL: {scrub(url)}") from None
        except TimeoutError:
            raise RetryableError(f"Yahoo: no answer within {limit_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise RetryableError(f"Yahoo can't be reached: {in_words(error, self._crumb)}") from None

    async def _fetch_crumb(self) -> bool:
        """A cookie, and the crumb that belongs to it; whether there is one now."""
        self._crumb = ""
        with suppress(RetryableError):  # an error page as a rule: the crumb shows whether the cookie came
            await self._request(self._config.cookie_url, {}, 1 << 20)
        reply = await self._request(self._config.hosts[0] + _CRUMB_PATH, {}, 1 << 20)
        if reply.status == LIMITED or b"Too Many Requests" in reply.body:
            raise self._rate_limited(reply)
        text = reply.body.decode(errors="replace").strip()
        if reply.status != 200 or looks_like_page(reply.body) or not 0 < len(text) <= _LONGEST_CRUMB:
            return False
        self._crumb = text
        return True

    def _judge(self, ask: ChartAsked, reply: _Reply) -> Result:
        status, body = reply.status, reply.body
        if status == LIMITED or (status != 200 and b"Too Many Requests" in body[:200]):
            raise self._rate_limited(reply)
        if 300 <= status < 400:
            consent = any(name in reply.location for name in _CONSENT)
            why = "asks for consent to cookies first" if consent else f"redirects (HTTP {status})"
            raise RetryableError(f"Yahoo {why}: nothing is priced from this address")
        try:
            chart = read(body)
        except ChartError as error:
            answer = f"HTTP {status}, " if status != 200 else ""
            raise RetryableError(f"Yahoo: {answer}{error}") from None
        if chart.error is not None and _NOTHING_THERE in (chart.error.description or ""):
            self._limited.worked()
            return Result(About(ask.symbol))
        if chart.error is not None or status != 200:
            raise _refusal(ask, status, chart.error)
        if not chart.result:
            raise RetryableError(f"Yahoo: an answer about {ask.symbol} without a result")
        self._limited.worked()
        result = chart.result[0]
        if result.meta.symbol.upper() != ask.symbol.upper():
            raise RetryableError(f"Yahoo: asked for {ask.symbol}, answered for {scrub(result.meta.symbol)}")
        return result

    def _rate_limited(self, reply: _Reply) -> LimitedError:
        named = reply.retry_after
        pause = self._limited.pause_s()
        if named is not None and _DIGITS.fullmatch(named):
            pause = min(max(float(named), 1.0), _LONGEST_HOLD_S)
        self._held_until = asyncio.get_running_loop().time() + pause
        return LimitedError(f"Yahoo wants no questions for {pause:.0f} s (HTTP 429)")

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                headers={"User-Agent": self._config.user_agent, "Accept": "application/json,text/plain,*/*"},
                connector=aiohttp.TCPConnector(limit=2),
                cookie_jar=aiohttp.CookieJar(unsafe=True),  # of hosts without a name too, as tests have them
            )
        return self._http


async def _body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole body. Raises RetryableError for one that is larger than `most` bytes."""
    body = bytearray()
    if (response.content_length or 0) <= most:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > most:
                break
        else:
            return bytes(body)
    response.close()
    raise RetryableError(f"Yahoo: an answer of more than {most >> 20} MiB, which was not read")


def _refusal(ask: ChartAsked, status: int, told: ErrorWords | None) -> RefusedError | RetryableError:
    words = scrub((told.description or told.code or "") if told is not None else "") or f"HTTP {status}"
    if status >= 500 or status in (401, 403, 408):
        return RetryableError(f"Yahoo, about {ask.symbol}: {words}")
    return RefusedError(f"Yahoo, about {ask.symbol}: {words}", status)
