"""One JSON POST, and the one of the errors that its failure means. Addresses hold secrets: none gets out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from adapters.common.plain_words import in_words
from adapters.common.redaction import scrub
from adapters.notify.channels.channel import RateLimitedError
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError

CONNECT_S = 10.0
ANSWER_S = 20.0
_LARGEST = 256 * 1024
"""Bytes of an answer that are read."""
LONGEST_PAUSE_S = 3600.0
"""A longer Retry-After is believed to be a mistake or a ban; it is tried again after this."""

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The JSON object in the body, or an empty one."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return {}
        return found if isinstance(found, dict) else {}

    def pause_s(self, named: object, default_s: float) -> float:
        """The pause that the service asks for: `named` in the body, or in the header, or what is usual."""
        for value in (named, self.headers.get("Retry-After")):
            if (pause_s := seconds(value)) is not None:
                return pause_s
        return default_s


def seconds(value: object) -> float | None:
    """A pause that a service asks for: from 0 to an hour; None where it is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        wait = float(value)
    except ValueError:
        return None
    return min(max(wait, 0.0), LONGEST_PAUSE_S) if wait == wait else None


def webhook_refusal(service: str, status: int, words: str, pause_s: float, remedy: str) -> PortError:
    """What a webhook's answer other than a yes means; `words` are the service's own, without secrets."""
    if status == 429:
        return RateLimitedError(f"{service}: {words}", pause_s)
    if status >= 500:
        return RetryableError(f"{service}: {words}")
    if status in (401, 403, 404, 410) or 300 <= status < 400:
        return FatalError(f"{service} does not take this webhook any more ({words}): {remedy}")
    return RefusedError(f"{service}: {words}", status)


class HttpClient:
    """POSTs JSON to one service. Never sends anything twice. Needs a running loop."""

    def __init__(self, service: str, secrets: tuple[str, ...], answer_s: float = ANSWER_S) -> None:
        self._service = service
        self._secrets = tuple(sorted((s for s in secrets if s), key=len, reverse=True))
        self._answer_s = answer_s
        self._http: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"HttpClient({self._service})"

    async def post(self, url: str, body: dict[str, Any], answer_s: float | None = None) -> Response:
        """The answer, whatever its status. Raises RetryableError, UnknownOutcomeError, FatalError."""
        limit_s = answer_s if answer_s is not None else self._answer_s
        timeout = aiohttp.ClientTimeout(total=limit_s + CONNECT_S, sock_connect=CONNECT_S, sock_read=limit_s)
        address = self._address(url)
        try:
            async with self._session().post(
                address,
                data=_encoder.encode(body),
                headers={"Content-Type": "application/json"},
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                payload = bytearray()
                while len(payload) < _LARGEST and (chunk := await response.content.read(_LARGEST)):
                    payload += chunk
                return Response(response.status, response.headers, bytes(payload))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise RetryableError(
                f"{self._service} can't be reached: {in_words(error, *self._secrets)}"
            ) from None
        except TimeoutError:
            raise UnknownOutcomeError(f"{self._service}: no answer within {limit_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            why = in_words(error, *self._secrets)
            raise UnknownOutcomeError(f"{self._service}: the connection broke: {why}") from None

    def _address(self, url: str) -> URL:
        try:
            address = URL(url)
        except ValueError:
            address = URL()
        if address.scheme not in ("http", "https") or not address.host:
            raise FatalError(f"{self._service}: its address in the settings is no URL") from None
        return address

    def scrub(self, text: object) -> str:
        """A text of theirs, short and without secrets."""
        return scrub(text, *self._secrets)

    async def close(self) -> None:
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            connector = aiohttp.TCPConnector(keepalive_timeout=15.0, limit=4)
            self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._http
