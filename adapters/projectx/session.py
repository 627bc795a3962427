"""The login: who holds the token, when it is renewed, what happens when it is refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from adapters.common.rate_budget import Priority
from adapters.common.redaction import scrub
from adapters.projectx import codes, tokens
from adapters.projectx.config import ProjectXConfig
from adapters.projectx.endpoints import LOGIN, LOGOUT, VALIDATE, Endpoint
from adapters.projectx.transport import NOT_FOUND, Leave, Transport, Unauthorized
from adapters.projectx.wire import Reply
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import LinkState
from engine.ports import Clock

_log = logging.getLogger(__name__)

_REMEDIES: dict[int | None, str] = {
    codes.Login.AGREEMENTS_NOT_SIGNED: "log in to the platform once and sign the agreements",
    codes.Login.API_SUBSCRIPTION_NOT_FOUND: "the login has no API subscription",
    codes.Login.API_KEY_AUTHENTICATION_DISABLED: "API keys are switched off for this login",
    NOT_FOUND: "check the gateway's address",
}

Tell = Callable[[LinkState, str, int], None]
"""Hears how the token stands: LIVE; STALE while it can't be renewed but is good; DOWN when there is none, or
none to be had once it ends. Then words, and when it expires (nanoseconds UTC, 0 if there is none)."""


class Session:
    """Holds one token for REST and hubs. `generation` grows with every new token.

    A login that is refused before any has worked is fatal: only a person can mend it. Once one has worked
    the same answer is one to wait out, slowly: orders that protect go on with the old token while it lasts,
    and a key that works again is found by itself.
    """

    def __init__(self, config: ProjectXConfig, transport: Transport, clock: Clock, tell: Tell) -> None:
        self._config = config
        self._transport = transport
        self._clock = clock
        self._tell = tell
        self._token: str | None = None
        self._life = tokens.Life()
        self._changing = asyncio.Lock()
        self._refusal = ""
        self._refusals = 0
        """Logins in a row that were refused with the same key."""
        self._refused_key = 0
        self._refused_at = 0.0
        self.generation = 0

    async def token(self, urgent: bool = False) -> str:
        """The current token, by a login if there is none. Raises RetryableError, FatalError."""
        return self._token or await self.renew(None, urgent)

    async def renew(self, refused: str | None, urgent: bool = False) -> str:
        """A token other than `refused`; callers who come together share one login. After a refusal what is
        `urgent` waits less for the next try than the rest.
        """
        async with self._changing:
            if self._token is None or self._token == refused:
                self._token = None
                try:
                    self._adopt(await self._log_in(urgent))
                except (RetryableError, FatalError) as error:
                    self._tell(LinkState.DOWN, str(error), 0)
                    raise
            assert self._token is not None
            return self._token

    def revoke(self, token: str) -> None:
        """The venue ended the session that this token stands for."""
        if self._token == token:
            self._token = None

    def forget(self) -> None:
        """Log in anew before the next call: the key may be another one by then."""
        self._token = None

    async def call(
        self,
        endpoint: Endpoint,
        body: dict[str, Any],
        priority: Priority | None = None,
        leave: Leave | None = None,
        who: str = "",
    ) -> Reply:
        """Send with the token, not before `leave`. Raises the four errors.

        HTTP 401 is definite: the request was not looked at. So after one new login it is sent again,
        orders too; nothing else is ever sent twice.
        """
        urgent = (endpoint.priority if priority is None else priority) <= Priority.VERIFY
        token = await self.token(urgent)
        try:
            return await self._transport.post(endpoint, body, token, priority, leave, who)
        except Unauthorized:
            token = await self.renew(token, urgent)
        try:
            return await self._transport.post(endpoint, body, token, priority, who=who)
        except Unauthorized:
            self.revoke(token)
            raise RetryableError(f"{endpoint.name}: a fresh token was refused (HTTP 401)") from None

    async def keep_fresh(self) -> None:
        """Renew the token well before it expires, and log in again where one was lost; until cancelled.

        The age is looked at again and again instead of slept out: the machine may have been asleep, and
        the venue's clock may run faster than ours.
        """
        said = ""
        while True:
            await asyncio.sleep(self._config.timing.renew_check_s)
            if self._wait_s(self._config.api_key.reveal()):
                continue
            try:
                if self._token is None:
                    if self.generation:
                        await self.renew(None)
                elif self._clock() >= self._life.renew_at:
                    await self.freshen()
            except (RetryableError, FatalError) as error:
                if str(error) != said:
                    said = str(error)
                    _log.warning("the token could not be renewed, trying again: %s", said)
            else:
                said = ""

    async def freshen(self) -> None:
        """Take a new token while the old one is good, which stays if that fails.

        Raises RetryableError, FatalError.
        """
        async with self._changing:
            old = self._token
            if old is None:
                return
            try:
                self._adopt(await self._successor(old))
            except (RetryableError, FatalError) as error:
                until = self._life.expires_at
                if self._clock() >= until:
                    self._tell(LinkState.DOWN, f"the token has expired: {error}", until)
                elif self._refusal:
                    self._tell(LinkState.DOWN, str(error), until)
                else:
                    self._tell(LinkState.STALE, f"not renewed yet, the old one is still good: {error}", until)
                raise

    async def log_out(self) -> None:
        """End the session at the venue. Raises RetryableError, RefusedError."""
        if self._token is not None:
            token, self._token = self._token, None
            try:
                await self._transport.post(LOGOUT, {}, token)
            except Unauthorized:
                _log.debug("logged out already")

    async def _successor(self, old: str) -> str:
        try:
            fresh = (await self._transport.post(VALIDATE, {}, old)).new_token
        except (Unauthorized, RefusedError):
            fresh = None
        now = self._clock()
        if fresh is None or fresh == old or tokens.life(fresh, now).renew_at <= now:
            fresh = await self._log_in()
        return fresh

    async def _log_in(self, urgent: bool = False) -> str:
        key = self._config.api_key.reveal()
        if self._wait_s(key, urgent):
            raise self._refused(key)
        body = {"userName": self._config.user_name, "apiKey": key}
        try:
            reply = await self._transport.post(LOGIN, body)
        except (RefusedError, Unauthorized) as error:
            code = error.code if isinstance(error, RefusedError) else 401
            told = scrub(error, key).removeprefix(f"{LOGIN.name}: ")
            if code == codes.Login.UNKNOWN_ERROR:
                raise RetryableError(f"login: {told}") from None
            remedy = _REMEDIES.get(code, "check user name and API key")
            self._refusal = f"login refused: {told}: {remedy}"
            self._refusals = self._refusals + 1 if self._refused_key == hash(key) else 1
            self._refused_key = hash(key)
            self._refused_at = asyncio.get_running_loop().time()
            raise self._refused(key) from None
        if not reply.token:
            raise RetryableError("login: the gateway gave no token")
        return reply.token

    def _wait_s(self, key: str, urgent: bool = False) -> float:
        """Until a key that was refused is tried again, seconds; 0 for any other."""
        if not self._refusal or self._refused_key != hash(key):
            return 0.0
        timing = self._config.timing
        pause = timing.refused_first_s * (1 if urgent else 2.0 ** min(self._refusals - 1, 16))
        return max(
            0.0, self._refused_at + min(pause, timing.refused_pause_s) - asyncio.get_running_loop().time()
        )

    def _refused(self, key: str) -> FatalError | RetryableError:
        if not self.generation:
            return FatalError(self._refusal)
        wait, urgent = round(self._wait_s(key)), round(self._wait_s(key, urgent=True))
        sooner = f", in {urgent} s for what closes and what you ask for" if urgent < wait else ""
        return RetryableError(f"{self._refusal}; the next try comes in {wait} s{sooner}")

    def _adopt(self, token: str) -> None:
        self._token = token
        self._life = tokens.life(token, self._clock())
        self._refusal, self._refusals = "", 0
        self.generation += 1
        self._tell(LinkState.LIVE, "renewed" if self.generation > 1 else "logged in", self._life.expires_at)
