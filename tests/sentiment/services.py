"""Loopback services of texts: a feed, newsapi.org, Reddit and X, which counts what it would charge."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>news</title>{}</channel></rss>"""
KEY, TOKEN = "news-key-of-a-test", "x-token-of-a-test"


def item(number: int, title: str, ts: str = "Tue, 07 Oct 2031 14:00:00 GMT", body: str = "") -> str:
    return (
        f"<item><guid>n{number}</guid><title>{title}</title><pubDate>{ts}</pubDate>"
        f"<description>{body}</description></item>"
    )


@dataclass
class Services:
    url: str = ""
    feed: bytes = b""
    articles: list[dict[str, Any]] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    """Of X, newest last."""
    threads: list[dict[str, Any]] = field(default_factory=list)
    """Of Reddit."""
    status: dict[str, int] = field(default_factory=dict)
    """What a service answers with instead."""
    asked: Counter[str] = field(default_factory=Counter)
    logins: int = 0
    sold: int = 0
    """Posts of X that were delivered."""
    hangs: bool = False
    """X delivers, and the answer is lost."""

    def _say(self, name: str) -> None:
        self.asked[name] += 1
        if (status := self.status.get(name)) is not None:
            raise web.HTTPException(text="no") if status == 200 else _error(status)

    async def rss(self, request: web.Request) -> web.Response:
        self._say("rss")
        return web.Response(body=self.feed, content_type="application/rss+xml")

    async def moved(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(request.query["to"])

    async def news(self, request: web.Request) -> web.Response:
        self._say("news")
        if request.headers.get("X-Api-Key") != KEY:
            raise web.HTTPUnauthorized
        return web.json_response({"status": "ok", "articles": self.articles})

    async def log_in(self, request: web.Request) -> web.Response:
        self.logins += 1
        if not request.headers["Authorization"].startswith("Basic "):
            raise web.HTTPUnauthorized
        return web.json_response({"access_token": f"t{self.logins}", "expires_in": 3600})

    async def reddit(self, request: web.Request) -> web.Response:
        self._say("reddit")
        if request.headers["Authorization"] != f"Bearer t{self.logins}":
            raise web.HTTPUnauthorized
        return web.json_response(
            {"data": {"children": [{"kind": "t3", "data": one} for one in self.threads]}}
        )

    async def x(self, request: web.Request) -> web.Response:
        self._say("x")
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            raise web.HTTPUnauthorized
        since, most = int(request.query.get("since_id", 0)), int(request.query["max_results"])
        if not 10 <= most <= 100:
            raise web.HTTPBadRequest
        found = [one for one in reversed(self.posts) if int(one["id"]) > since][:most]
        self.sold += len(found)
        if self.hangs:
            assert request.transport is not None
            request.transport.close()
        return web.json_response({"data": found, "meta": {"result_count": len(found)}})


def _error(status: int) -> web.HTTPException:
    return {429: web.HTTPTooManyRequests, 503: web.HTTPServiceUnavailable, 401: web.HTTPUnauthorized}[
        status
    ]()


@asynccontextmanager
async def services() -> AsyncIterator[Services]:
    made = Services()
    app = web.Application()
    app.router.add_get("/feed", made.rss)
    app.router.add_get("/moved", made.moved)
    app.router.add_get("/v2/everything", made.news)
    app.router.add_post("/api/v1/access_token", made.log_in)
    app.router.add_get("/r/{names}/new", made.reddit)
    app.router.add_get("/2/tweets/search/recent", made.x)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
