"""Calls of Telegram's Bot API, and what its refusals mean
(docs/protocols/telegram.md#envelope-and-errors).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapters.common.secret import Secret
from adapters.notify.channels.channel import RateLimitedError
from adapters.notify.channels.http_client import HttpClient
from engine.model.errors import FatalError, RefusedError, RetryableError, UnknownOutcomeError

TOKEN_REMEDY = "Telegram does not know this bot token; copy it again from @BotFather into .env"
_PAUSE_S = 5.0
"""A 429 that names no time."""


@dataclass(frozen=True, slots=True)
class BotReply:
    """What Telegram answered. `result` is only there when `ok`."""

    ok: bool
    result: Any
    code: int = 0
    description: str = ""
    """In their words, without secrets."""
    migrated_to: int | None = None
    """The group has become a supergroup with this id."""


class BotApi:
    """One bot. The token is part of every address, so nothing of an address leaves this class."""

    def __init__(self, base_url: str, token: Secret, secrets: tuple[str, ...]) -> None:
        self._base = f"{base_url.rstrip('/')}/bot{token.reveal()}/"
        self._http = HttpClient("Telegram", (self._base, *secrets))

    async def call(self, method: str, body: dict[str, Any], answer_s: float | None = None) -> BotReply:
        """The answer, where it is a yes or a no to this request (400, 403, 409).

        Raises RateLimitedError (429), RetryableError, UnknownOutcomeError, FatalError (no such bot).
        """
        response = await self._http.post(self._base + method, body, answer_s)
        told = response.json()
        if response.status == 200 and told.get("ok") is True:
            return BotReply(True, told.get("result"))
        parameters = told.get("parameters")
        parameters = parameters if isinstance(parameters, dict) else {}
        description = self._http.scrub(told.get("description") or f"HTTP {response.status}")
        match response.status:
            case 401 | 404:
                raise FatalError(f"{TOKEN_REMEDY} ({description})")
            case 429:
                pause_s = response.pause_s(parameters.get("retry_after"), _PAUSE_S)
                raise RateLimitedError(f"Telegram: {description}", pause_s)
            case status if status >= 500:
                raise RetryableError(f"Telegram: {description}")
            case status if 300 <= status < 400:
                raise FatalError("Telegram: it redirects; check the base URL in the settings")
            case 200:
                raise UnknownOutcomeError("Telegram: the answer is not Telegram's; is a proxy between?")
        migrated = parameters.get("migrate_to_chat_id")
        return BotReply(
            False, None, response.status, description, migrated if isinstance(migrated, int) else None
        )

    async def name(self) -> str:
        """The bot's name, without @. Raises as `call` does."""
        said = await self.call("getMe", {})
        name = said.result.get("username") if said.ok and isinstance(said.result, dict) else None
        if not isinstance(name, str):
            raise RefusedError(f"Telegram did not say who the bot is: {said.description or 'no name'}")
        return name

    async def close(self) -> None:
        await self._http.close()
