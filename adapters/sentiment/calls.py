"""One question to a service of texts, and its answer as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from adapters.common.http_calls import KIB, HttpAnswer, HttpCall, HttpCaller
from engine.model.errors import FatalError, RefusedError, RetryableError

T = TypeVar("T")
MOST_BYTES = 2048 * KIB
LIMIT_S = 20.0
USER_AGENT = "python:tstream:v1 (reads headlines)"


class DeclinedError(RetryableError):
    """The service has answered, and given nothing."""


class ServiceCaller:
    """Asks services of texts. A redirection is followed for feeds alone, and to https alone."""

    def __init__(self, http: HttpCaller) -> None:
        self._http = http

    async def get(
        self,
        who: str,
        url: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """An answer of status 200. Raises RetryableError, RefusedError (the key or the question is wrong)."""
        whole = f"{url}?{urlencode(query)}" if query else url
        told = {"User-Agent": USER_AGENT} | dict(headers or {})
        answer = await self._send(HttpCall(who, "GET", whole, told, limit_s=LIMIT_S, most_bytes=MOST_BYTES))
        return good(who, answer)

    async def feed(self, who: str, url: str) -> bytes:
        """The body of a feed. Raises as `get`."""
        for _ in range(4):
            call = HttpCall(
                who, "GET", url, {"User-Agent": USER_AGENT}, limit_s=LIMIT_S, most_bytes=MOST_BYTES
            )
            answer = await self._send(call)
            if answer.status not in (301, 302, 303, 307, 308):
                return good(who, answer).body
            url = answer.headers.get("Location", "")
            if not url.startswith("https://"):
                raise RefusedError(f"{who}: it has moved to an address that is not https")
        raise RefusedError(f"{who}: it moves in circles")

    async def post(self, who: str, url: str, body: str, headers: Mapping[str, str]) -> HttpAnswer:
        told = {"User-Agent": USER_AGENT, "Content-Type": "application/x-www-form-urlencoded", **headers}
        call = HttpCall(who, "POST", url, told, body.encode(), limit_s=LIMIT_S, most_bytes=MOST_BYTES)
        return good(who, await self._send(call))

    async def _send(self, call: HttpCall) -> HttpAnswer:
        try:
            return await self._http.send(call)
        except FatalError as error:
            raise RefusedError(str(error)) from None


def good(who: str, answer: HttpAnswer) -> HttpAnswer:
    """An answer that says yes. Raises DeclinedError, RefusedError."""
    if answer.status == 200:
        return answer
    text = f"{who}: HTTP {answer.status}"
    if answer.status in (401, 403):
        raise RefusedError(f"{text}: the key is not taken, or may not do that")
    if answer.status in (400, 404, 410, 422):
        raise RefusedError(f"{text}: it does not understand what it is asked, or has nothing there")
    raise DeclinedError(text)


def decoded(who: str, body: bytes, shape: type[T]) -> T:
    """Raises RetryableError for an answer that makes no sense."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RetryableError(f"{who}: an answer that can't be read ({error})"[:200]) from None
