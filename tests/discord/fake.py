"""A Discord on loopback: REST and gateway on one port, good enough for the real discord.py client.

Tests (and benches) post, edit and delete as people, bots and webhooks do, and steer its faults.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.discord import rows
from tests.discord.gateway import Gateway
from tests.discord.rows import Author
from tests.support.waits import Changes

TOKEN = "MTExMTExMTExMTExMTExMTEx.GcAnAr.yThisIsTheCanaryThatNobodyMayEverSee0"

CHANNEL = 8_000_000_000_000_001

UNKNOWN_CHANNEL = {"message": "Unknown Channel", "code": 10003}
UNKNOWN_MESSAGE = {"message": "Unknown Message", "code": 10008}
MISSING_ACCESS = {"message": "Missing Access", "code": 50001}


@dataclass
class Reply:
    """What one request gets instead of the truth."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], Any] | None = None
    """Called, and awaited if there is something to await, before it goes out."""


def too_many(retry_after: float = 0.01) -> Reply:
    """A rate limit as Discord itself gives it (through its proxy, which says so)."""
    body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": False}
    return Reply(429, body, {"Via": "1.1 google"})


class FakeDiscord:
    """Use as an async context manager. Everything that people do is a plain call."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self._changes = Changes()
        self.until = self._changes.until
        self.gateway = Gateway(token, self._changes.tell)
        self.gateway.guilds = self._guilds
        self.channels: dict[int, dict[str, Any]] = {CHANNEL: rows.channel(CHANNEL, rows.TEXT, "alerts")}
        self.threads: dict[int, dict[str, Any]] = {}
        self.messages: dict[int, dict[int, dict[str, Any]]] = {}
        """By channel and id."""
        self.allowed = rows.VIEW | rows.HISTORY
        """Permissions of everybody, the bot included."""
        self.hidden: set[int] = set()
        """Channels that REST does not let the bot read."""
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path below /api/v10, query."""
        self.history_script: deque[Reply | None] = deque()
        """Answers to the next history requests; None is the truth."""
        self.login_script: deque[Reply] = deque()
        self.api_url = ""
        self._runner: web.AppRunner | None = None
        self._last = 0

    @property
    def gateway_url(self) -> str:
        return self.gateway.url

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/", self.gateway.serve)
        app.router.add_get("/api/v10/{tail:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.api_url = f"http://127.0.0.1:{port}/api/v10"
        self.gateway.url = f"ws://127.0.0.1:{port}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        self.gateway.drop()
        await self._runner.cleanup()

    def post(
        self,
        author: Author,
        text: str = "",
        *,
        channel: int = CHANNEL,
        age_s: float = 0.0,
        told: bool = True,
        **more: Any,
    ) -> int:
        """Post a message; gives its id. With `told` off the gateway tells nobody, not even on a resume."""
        number = self.snowflake(age_s)
        row = rows.message(number, channel, author, text, **more)
        self.messages.setdefault(channel, {})[number] = row
        if told:
            self._tell("MESSAGE_CREATE", row, author)
        return number

    def edit(
        self, number: int, text: str | None = None, *, told: bool = True, by_author: bool = True, **more: Any
    ) -> None:
        """Change a message; without `by_author` as Discord does that adds a preview."""
        row = self._row(number)
        if text is not None:
            row["content"] = text
        if by_author:
            row["edited_timestamp"] = rows.iso(time.time_ns())
        row |= more
        if told:
            self._tell("MESSAGE_UPDATE", row)

    def delete(self, *numbers: int, told: bool = True) -> None:
        """One, or several at once."""
        channel = int(self._row(numbers[0])["channel_id"])
        for number in numbers:
            del self.messages[channel][number]
        place = {"channel_id": str(channel), "guild_id": str(rows.GUILD)}
        if told and len(numbers) == 1:
            self.gateway.tell("MESSAGE_DELETE", {"id": str(numbers[0]), **place})
        elif told:
            self.gateway.tell("MESSAGE_DELETE_BULK", {"ids": [str(number) for number in numbers], **place})

    def begin_thread(self, parent: int = CHANNEL, *, told: bool = True) -> int:
        number = self.snowflake()
        self.threads[number] = rows.thread(number, parent, "thread")
        if told:
            self.gateway.tell("THREAD_CREATE", {**self.threads[number], "newly_created": True})
        return number

    def outage(self) -> None:
        self.gateway.tell("GUILD_DELETE", {"id": str(rows.GUILD), "unavailable": True})

    def outage_over(self) -> None:
        for guild in self._guilds():
            self.gateway.tell("GUILD_CREATE", guild)

    def snowflake(self, age_s: float = 0.0) -> int:
        """An id given so many seconds ago; never the same twice, and rising for those given now."""
        number = (time.time_ns() - int(age_s * 1e9)) // 1_000_000 - rows.EPOCH_MS << 22
        if not age_s:
            number = self._last = max(number, self._last + 1)
        while any(number in kept for kept in self.messages.values()):
            number += 1
        return number

    def asked(self, channel: int = CHANNEL) -> list[dict[str, str]]:
        """Queries of the history requests for a channel."""
        return [query for _, path, query in self.requests if path == f"channels/{channel}/messages"]

    def _guilds(self) -> list[dict[str, Any]]:
        return [rows.guild(list(self.channels.values()), list(self.threads.values()), self.allowed)]

    def _row(self, number: int) -> dict[str, Any]:
        return next(kept[number] for kept in self.messages.values() if number in kept)

    def _tell(self, event: str, row: dict[str, Any], author: Author | None = None) -> None:
        row = json.loads(json.dumps(row)) | {"guild_id": str(rows.GUILD)}
        if author is not None and not author.webhook:
            row["member"] = rows.member(author.user(), author.nick)
            del row["member"]["user"]
        self.gateway.tell(event, row)

    async def _rest(self, request: web.Request) -> web.Response:
        path = request.match_info["tail"]
        self.requests.append((request.method, path, dict(request.query)))
        self._changes.tell()
        if request.headers.get("Authorization") != f"Bot {self.token}":
            return _json({"message": "401: Unauthorized", "code": 0}, 401)
        match path.split("/"):
            case ["users", "@me"]:
                return await _scripted(self.login_script) or _json(rows.me())
            case ["oauth2", "applications", "@me"]:
                return _json(rows.application())
            case ["channels", channel, "messages"]:
                return await _scripted(self.history_script) or self._history(int(channel), request.query)
            case ["channels", channel, "messages", number]:
                row = self.messages.get(int(channel), {}).get(int(number))
                if int(channel) in self.hidden:
                    return _json(MISSING_ACCESS, 403)
                return _json(UNKNOWN_MESSAGE, 404) if row is None else _json(row)
        return _json({"message": "404: Not Found", "code": 0}, 404)

    def _history(self, channel: int, query: Any) -> web.Response:
        if channel not in self.channels and channel not in self.threads:
            return _json(UNKNOWN_CHANNEL, 404)
        if channel in self.hidden:
            return _json(MISSING_ACCESS, 403)
        numbers = sorted(self.messages.get(channel, {}), reverse=True)
        if "before" in query:
            numbers = [number for number in numbers if number < int(query["before"])]
        if "after" in query:
            numbers = [number for number in numbers if number > int(query["after"])]
            numbers = sorted(numbers)[: int(query["limit"])][::-1]
        if not self.allowed & rows.HISTORY:
            numbers = []
        return _json([self.messages[channel][number] for number in numbers[: int(query["limit"])]])


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """The content type without a character set: discord.py compares it to the letter."""
    content = json.dumps(body).encode()
    return web.Response(body=content, status=status, headers=headers, content_type="application/json")


async def _scripted(script: deque[Any]) -> web.Response | None:
    reply: Reply | None = script.popleft() if script else None
    if reply is None:
        return None
    if reply.before is not None:
        waiting = reply.before()
        if waiting is not None:
            await waiting
    if reply.status == 200 and reply.body is None:
        return None
    return _json(reply.body, reply.status, reply.headers)
