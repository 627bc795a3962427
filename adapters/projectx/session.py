"""The login: who holds the token, when it is renewed, what happens when it is refused."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from typing import Any

import msgspec
from msgspec import Struct

from adapters.projectx import codes
from adapters.projectx.config import ProjectXConfig
from adapters.projectx.endpoints import LOGIN, LOGOUT, VALIDATE, Endpoint
from adapters.projectx.scrub import scrub
from adapters.projectx.transport import NOT_FOUND, Transport, Unauthorized
from adapters.projectx.wire import Reply
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.ports import Clock

_log = logging.getLogger(__name__)

_SECOND = 1_000_000_000
UNDATED_LIFE_S = 23 * 3600
"""Life of a token that does not tell its own, seconds: tokens are said to live 24 hours."""
_RENEW_AFTER = 0.9
"""Part of its life after which a token is renewed."""

_REMEDIES: dict[int | None, str] = {
    codes.Login.AGREEMENTS_NOT_SIGNED: "log in to the platform once and sign the agreements",
    codes.Login.API_SUBSCRIPTION_NOT_FOUND: "the login has no API subscription",
    codes.Login.API_KEY_AUTHENTICATION_DISABLED: "API keys are switched off for this login",
    NOT_FOUND: "check the gateway's address",
}


class _Claims(Struct):
    exp: float | None = None
    iat: float | None = None
    nbf: float | None = None


class Session:
    """Holds one token for REST and hubs. `generation` grows with every new token."""

    def __init__(self, config: ProjectXConfig, transport: Transport, clock: Clock) -> None:
        self._config = config
        self._transport = transport
        self._clock = clock
        self._token: str | None = None
        self._renew_at = 0
        self._changing = asyncio.Lock()
        self.generation = 0

    async def token(self) -> str:
        """The current token, by a login if there is none. Raises RetryableError, FatalError."""
        return self._token or await self.renew(None)

    async def renew(self, refused: str | None) -> str:
        """A token other than `refused`; callers who come together share one login."""
        async with self._changing:
            if self._token is None or self._token == refused:
                self._adopt(await self._log_in())
            assert self._token is not None
            return self._token

    def revoke(self, token: str) -> None:
        """The venue ended the session that this token stands for."""
        if self._token == token:
            self._token = None

    async def call(self, endpoint: Endpoint, body: dict[str, Any], *, urgent: bool = False) -> Reply:
        """Send with the token. Raises the four errors.

        HTTP 401 is definite: the request was not looked at. So after one new login it is sent again,
        orders too; nothing else is ever sent twice.
        """
        token = await self.token()
        try:
            return await self._transport.post(endpoint, body, token, urgent=urgent)
        except Unauthorized:
            token = await self.renew(token)
        try:
            return await self._transport.post(endpoint, body, token, urgent=urgent)
        except Unauthorized:
            self.revoke(token)
            raise RetryableError(f"{endpoint.path}: a fresh token was refused (HTTP 401)") from None

    async def keep_fresh(self) -> None:
        """Renew the token well before it expires; until cancelled. Raises FatalError.

        The age is looked at again and again instead of slept out: the machine may have been asleep, and
        the venue's clock may run faster than ours.
        """
        while True:
            await asyncio.sleep(self._config.timing.renew_check_s)
            if self._token is not None and self._clock() >= self._renew_at:
                try:
                    await self._refresh()
                except (RetryableError, RefusedError) as error:
                    _log.warning("the token could not be renewed, trying again: %s", error)

    async def log_out(self) -> None:
        """End the session at the venue. Raises RetryableError, RefusedError."""
        if self._token is not None:
            token, self._token = self._token, None
            try:
                await self._transport.post(LOGOUT, {}, token)
            except Unauthorized:
                _log.debug("logged out already")

    async def _refresh(self) -> None:
        async with self._changing:
            old = self._token
            if old is None:
                return
            try:
                reply = await self._transport.post(VALIDATE, {}, old)
                fresh = reply.new_token
            except (Unauthorized, RefusedError):
                fresh = None
            if fresh is None or fresh == old or self._due(fresh) <= self._clock():
                fresh = await self._log_in()
            self._adopt(fresh)

    async def _log_in(self) -> str:
        body = {"userName": self._config.user_name, "apiKey": self._config.api_key.reveal()}
        try:
            reply = await self._transport.post(LOGIN, body, urgent=True)
        except RefusedError as error:
            told = scrub(error, body["apiKey"])
            if error.code == codes.Login.UNKNOWN_ERROR:
                raise RetryableError(f"login: {told}") from None
            remedy = _REMEDIES.get(error.code, "check user name and API key")
            raise FatalError(f"login refused: {told}: {remedy}") from None
        except Unauthorized:
            raise FatalError("login refused (HTTP 401): check user name and API key") from None
        if not reply.token:
            raise RetryableError("login: the gateway gave no token")
        return reply.token

    def _adopt(self, token: str) -> None:
        self._token = token
        self._renew_at = self._due(token)
        self.generation += 1

    def _due(self, token: str) -> int:
        """When to renew a token received now, nanoseconds UTC of our clock.

        Its life is taken as a length (expiry less issue), so that a difference between the venue's clock
        and ours does no harm.
        """
        claims = _claims(token)
        now = self._clock()
        issued = claims.iat if claims.iat is not None else claims.nbf
        if claims.exp is None:
            life = float(UNDATED_LIFE_S)
        elif issued is not None:
            life = claims.exp - issued
        else:
            life = claims.exp - now / _SECOND
        return now + int(max(0.0, life) * _RENEW_AFTER * _SECOND)


def _claims(token: str) -> _Claims:
    """What the token says of its own life; nothing is verified, only scheduled by it."""
    parts = token.split(".")
    if len(parts) != 3:
        return _Claims()
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Claims)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return _Claims()
