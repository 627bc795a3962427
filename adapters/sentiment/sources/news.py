"""newsapi.org: the newest articles that a search finds."""

from __future__ import annotations

from msgspec import Struct

from adapters.sentiment.calls import ServiceCaller, decoded
from adapters.sentiment.config import POSTS, TextSource
from adapters.sentiment.sources.times import ns_of
from adapters.sentiment.texts import Text, plain
from engine.ports import Clock

BASE = "https://newsapi.org"


class _Article(Struct):
    title: str | None = None
    description: str | None = None
    url: str | None = None
    publishedAt: str | None = None


class _Articles(Struct):
    articles: list[_Article] = []


class News:
    """One search."""

    def __init__(self, source: TextSource, key: str, calls: ServiceCaller, clock: Clock) -> None:
        self._source = source
        self._key = key
        self._calls = calls
        self._clock = clock

    async def read(self) -> list[Text]:
        """Raises RetryableError, RefusedError."""
        source = self._source
        query = {"q": source.query, "sortBy": "publishedAt", "pageSize": f"{POSTS}", "language": "en"}
        url = f"{source.base_url or BASE}/v2/everything"
        answer = await self._calls.get(source.name, url, query, {"X-Api-Key": self._key})
        found = decoded(source.name, answer.body, _Articles).articles[:POSTS]
        return [
            Text((one.url or words)[:500], words, ns_of(one.publishedAt, self._clock()))
            for one in found
            if (words := plain(one.title or "", one.description or ""))
        ]
