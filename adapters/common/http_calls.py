"""One HTTP call to a venue: its whole answer, or the one of the four errors that its failure means."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
from yarl import URL

from adapters.common.fault_words import fault_words
from adapters.common.redaction import scrub
from engine.model.errors import FatalError, PortError, RetryableError, UnknownOutcomeError

KIB = 1024
_IDLE_S = 15.0
"""Idle connections are dropped well before a server would: no order is to go into one that closes."""


class HttpCall(NamedTuple):
    """What is asked. `url` goes out as it is written, so that a signature over its query stays true."""

    name: str
    """As people are told of it: "place"."""
    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    acts: bool = False
    """It changes something: after a lost answer its outcome is unknown."""
    limit_s: float = 10.0
    most_bytes: int = 4096 * KIB
    """Of an answer, unpacked."""


class HttpAnswer(NamedTuple):
    """An answer of any status: what it means is for who knows the venue."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: float
    """By the loop's clock, seconds; so is `came_at`."""
    came_at: float


class HttpCaller:
    """Sends each call once. Needs a running loop; connections are opened when they are needed."""

    def __init__(self, connect_s: float = 5.0) -> None:
        self._connect_s = connect_s
        self._http: aiohttp.ClientSession | None = None

    async def send(self, call: HttpCall) -> HttpAnswer:
        """Raises RetryableError (certainly not done, or a question without an answer), UnknownOutcomeError,
        FatalError for an address that is none.
        """
        loop = asyncio.get_running_loop()
        timeout = aiohttp.ClientTimeout(total=call.limit_s, sock_connect=min(self._connect_s, call.limit_s))
        sent_at = loop.time()
        try:
            async with self._session().request(
                call.method,
                URL(call.url, encoded=True),
                data=call.body or None,
                headers=call.headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                status, headers = response.status, response.headers
                body = await whole_body(response, call.most_bytes)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise RetryableError(f"{call.name}: the venue can't be reached: {fault_words(error)}") from None
        except (aiohttp.InvalidURL, ValueError):
            raise FatalError(f"the venue's address is not a URL: {scrub(call.url)}") from None
        except TimeoutError:
            raise lost(call, f"no answer within {call.limit_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise lost(call, fault_words(error)) from None
        if body is None:
            raise lost(call, f"an answer of more than {call.most_bytes // KIB} KiB, which was not read")
        return HttpAnswer(status, headers, body, sent_at, loop.time())

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            connector = aiohttp.TCPConnector(keepalive_timeout=_IDLE_S, limit=20)
            self._http = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), requote_redirect_url=False
            )
            # By itself aiohttp sends all but a POST again where a kept connection breaks; there is no switch.
            self._http._retry_connection = False
        return self._http


def lost(call: HttpCall, why: str) -> PortError:
    """The call went out, and nothing says what became of it."""
    text = f"{call.name}: {why}"
    return UnknownOutcomeError(text) if call.acts else RetryableError(text)


async def whole_body(response: aiohttp.ClientResponse, most: int) -> bytes | None:
    """The whole body, unpacked; None, and the connection is gone, if it is larger than `most` bytes."""
    body = bytearray()
    if (response.content_length or 0) <= most:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > most:
                break
        else:
            return bytes(body)
    response.close()
    return None
