"""Tokens for private sockets: asked for with the key, kept as long as they are good for a connection."""

from __future__ import annotations

import asyncio

from adapters.common.http_calls import KIB, HttpCall, HttpCaller
from adapters.common.typed_json import UNREADABLE
from adapters.kraken import answers
from adapters.kraken.config import KrakenConfig
from adapters.kraken.signing import signature
from adapters.kraken.wire import read_rest
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.ports import Clock

PATH = "/0/private/GetWebSocketsToken"
_MILLI = 1_000_000
_MOST_BYTES = 16 * KIB


class KrakenTokens:
    """One token at a time, shared by the connections of the login, and by those who ask together."""

    def __init__(self, config: KrakenConfig, http: HttpCaller, clock: Clock) -> None:
        self._config = config
        self._http = http
        self._clock = clock
        self._token = ""
        self._got_at = float("-inf")
        self._locked_until = float("-inf")
        self._nonce = 0
        self._asking = asyncio.Lock()

    async def token(self, refused: str = "") -> str:
        """One that is good for a new connection, and other than `refused`.

        Raises FatalError for a key that a person must see to, RetryableError.
        """
        async with self._asking:
            loop = asyncio.get_running_loop()
            fresh = loop.time() - self._got_at < self._config.timing.token_use_s
            if not self._token or not fresh or self._token == refused:
                self._token = ""
                self._token = await self._ask()
                self._got_at = loop.time()
            return self._token

    async def _ask(self) -> str:
        config, loop = self._config, asyncio.get_running_loop()
        left = self._locked_until - loop.time()
        if left > 0:
            raise RetryableError(f"no token: the venue locked the key out, it is asked again in {left:.0f} s")
        key, secret = config.api_key.reveal(), config.api_secret.reveal()
        if not key or not secret:
            raise FatalError(
                "no API key: put key and private key into .env; without them prices alone are shown"
            )
        self._nonce = max(self._nonce + 1, self._clock() // _MILLI)
        body = f"nonce={self._nonce}"
        headers = {
            "API-Key": key,
            "API-Sign": signature(secret, PATH, str(self._nonce), body),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        call = HttpCall(
            "token",
            "POST",
            config.api_url.rstrip("/") + PATH,
            headers,
            body.encode(),
            limit_s=config.timing.read_s,
            most_bytes=_MOST_BYTES,
        )
        answer = await self._http.send(call)
        try:
            reply = read_rest(answer.body)
        except UNREADABLE:
            raise _unread(answer.status) from None
        if reply.error:
            if any(error.startswith(answers.LOCKED_OUT) for error in reply.error):
                self._locked_until = loop.time() + config.timing.locked_out_s
            raise answers.key_fault(reply.error)
        if reply.result is None or not reply.result.token:
            raise RetryableError("no token: the venue's answer has none")
        return reply.result.token


def _unread(status: int) -> RetryableError | FatalError | RefusedError:
    if status in (301, 302, 307, 308, 404):
        return FatalError(f"no token: HTTP {status} at api_url: check the address")
    return RetryableError(f"no token: an answer that can't be read (HTTP {status})")
