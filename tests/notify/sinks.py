"""Loopback stand-ins for Telegram, Slack and Discord: they record what comes and answer as they are told.

With the channels to them, whose addresses hold words that nobody may see.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from adapters.common.secret import Secret
from adapters.notify.channels.channel import Channel
from adapters.notify.channels.discord import DiscordChannel
from adapters.notify.channels.slack import SlackChannel
from adapters.notify.channels.telegram import TelegramChannel
from adapters.notify.config import TelegramConfig, WebhookConfig
from tests.support.waits import Changes

TOKEN = "123456789:AAcanaryCanaryCanaryCanaryCanaryCan"
SLACK_PATH = "/services/T0CANARY1/B0CANARY2/canaryCanaryCanaryCanary"
DISCORD_PATH = "/api/webhooks/112233445566/canaryDiscordCanaryDiscordCanary"
CANARIES = (TOKEN, TOKEN.partition(":")[2], "canaryCanaryCanaryCanary", "canaryDiscordCanaryDiscordCanary")


def a_telegram(base: str) -> Channel:
    return TelegramChannel(TelegramConfig(token=Secret(TOKEN), chats=(111,), base_url=base), 111)


def a_slack(base: str) -> Channel:
    return SlackChannel(WebhookConfig(url=Secret(base + SLACK_PATH)))


def a_discord(base: str) -> Channel:
    return DiscordChannel(WebhookConfig(url=Secret(base + DISCORD_PATH)))


@dataclass
class Got:
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    at: float
    """Loop time of its arrival."""


@dataclass
class Reply:
    status: int = 200
    body: Any = None
    """JSON where it is no text."""
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    """Take the request and never answer."""
    drop: bool = False
    """Take the request and hang up."""


class Sink:
    """One service. `script` is used up first; after that every request is welcome."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.script: deque[Reply] = deque()
        self.always: Reply | None = None
        """Answers every request once the script is used up."""
        self.url = ""
        self._changes = Changes()
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def open(self) -> None:
        """Listen; after a `shut` at the same port as before."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        assert site._server is not None
        self._port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._port}"

    async def shut(self) -> None:
        """Stop listening: connections are refused."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait(self, count: int) -> list[Got]:
        """The first `count` requests, once they have come."""
        await self._changes.until(lambda: len(self.got) >= count)
        return self.got[:count]

    def welcome(self, got: Got) -> Reply:
        raise NotImplementedError

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        got = Got(
            request.path,
            dict(request.query),
            json.loads(await request.read() or b"{}"),
            asyncio.get_running_loop().time(),
        )
        reply = await self.answer(got)
        if reply.hang:
            await asyncio.Event().wait()
        if reply.drop:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if isinstance(reply.body, str):
            return web.Response(status=reply.status, text=reply.body, headers=reply.headers)
        return web.json_response(reply.body, status=reply.status, headers=reply.headers)

    async def answer(self, got: Got) -> Reply:
        self.got.append(got)
        self._changes.tell()
        if self.script:
            return self.script.popleft()
        return self.always or self.welcome(got)


class SlackSink(Sink):
    def welcome(self, got: Got) -> Reply:
        return Reply(body="ok")


class DiscordSink(Sink):
    def welcome(self, got: Got) -> Reply:
        return Reply(body={"id": str(1000 + len(self.got))})


class TelegramSink(Sink):
    """Keeps sendMessage calls in `got`; serves `updates` by long poll, and remembers which were confirmed."""

    def __init__(self) -> None:
        super().__init__()
        self.updates: list[dict[str, Any]] = []
        self.polls: list[Got] = []
        self.poll_script: deque[Reply] = deque()
        self.called: list[str] = []
        self._news = asyncio.Event()

    def welcome(self, got: Got) -> Reply:
        return Reply(body={"ok": True, "result": {"message_id": len(self.got)}})

    @property
    def texts(self) -> list[str]:
        return [got.body["text"] for got in self.got]

    def say(self, update_id: int, text: str | None, **message: Any) -> None:
        """A message to the bot; fields as in the Bot API, `date` is needed."""
        whole = {"message_id": update_id, **message}
        if text is not None:
            whole["text"] = text
        self.updates.append({"update_id": update_id, "message": whole})
        self._news.set()

    async def answer(self, got: Got) -> Reply:
        method = got.path.rpartition("/")[2]
        self.called.append(method)
        if method == "sendMessage":
            return await super().answer(got)
        if method == "getMe":
            return Reply(body={"ok": True, "result": {"id": 1, "is_bot": True, "username": "Desk_Bot"}})
        if method != "getUpdates":
            return Reply(body={"ok": True, "result": True})
        self.polls.append(got)
        if self.poll_script:
            return self.poll_script.popleft()
        offset = got.body.get("offset", 0)
        while True:
            found = [update for update in self.updates if update["update_id"] >= offset]
            if found:
                return Reply(body={"ok": True, "result": found})
            self._news.clear()
            await self._news.wait()


def flood(seconds: float) -> Reply:
    """Telegram's 429."""
    told = f"Too Many Requests: retry after {seconds}"
    return Reply(
        429,
        {"ok": False, "error_code": 429, "description": told, "parameters": {"retry_after": seconds}},
    )


def telegram_no(code: int, description: str, **parameters: Any) -> Reply:
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return Reply(code, body)
