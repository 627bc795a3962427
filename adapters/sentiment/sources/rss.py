"""RSS and Atom feeds."""

from __future__ import annotations

import asyncio
import calendar
from io import BytesIO

from adapters.sentiment.calls import ServiceCaller
from adapters.sentiment.config import POSTS, TextSource
from adapters.sentiment.texts import Text, plain
from engine.model.errors import RefusedError
from engine.model.market import NANOS
from engine.ports import Clock


class Rss:
    """One feed."""

    def __init__(self, source: TextSource, calls: ServiceCaller, clock: Clock) -> None:
        self._source = source
        self._calls = calls
        self._clock = clock

    async def read(self) -> list[Text]:
        """Raises RetryableError, RefusedError."""
        body = await self._calls.feed(self._source.name, self._source.address)
        return await asyncio.to_thread(self._texts, body)

    def _texts(self, body: bytes) -> list[Text]:
        import feedparser

        # A stream, never the bytes themselves: what looks like a path or an address would be opened.
        found = feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
        if not found.entries and found.bozo:
            raise RefusedError(f"{self._source.name}: this is no feed")
        texts = []
        for entry in found.entries[:POSTS]:
            title = str(entry.get("title") or "")
            written = entry.get("published_parsed") or entry.get("updated_parsed")
            try:
                ts = calendar.timegm(written) * NANOS if written else self._clock()
            except (OverflowError, ValueError, TypeError):
                ts = self._clock()
            key = str(entry.get("id") or entry.get("link") or title)[:500]
            words = plain(title, str(entry.get("summary") or ""))
            if words:
                texts.append(Text(key, words, ts))
        return texts
