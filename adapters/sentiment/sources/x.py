"""X: recent posts that a search finds. Each post that is read costs money."""

from __future__ import annotations

from msgspec import Struct

from adapters.sentiment.calls import DeclinedError, ServiceCaller, decoded
from adapters.sentiment.config import POSTS, TextSource
from adapters.sentiment.memory import ReadingMemory
from adapters.sentiment.sources.times import ns_of
from adapters.sentiment.texts import Text, plain
from engine.model.errors import RefusedError
from engine.ports import Clock

BASE = "https://api.x.com"
FEWEST = 10
"""A search can't be asked for fewer posts."""


class SpentError(RefusedError):
    """What may be spent today is spent."""


class _Metrics(Struct, frozen=True):
    retweet_count: float = 0
    reply_count: float = 0
    like_count: float = 0
    quote_count: float = 0


class _Post(Struct):
    id: str
    text: str = ""
    created_at: str | None = None
    public_metrics: _Metrics = _Metrics()


class _Posts(Struct):
    data: list[_Post] = []


class X:
    """One search."""

    def __init__(
        self, source: TextSource, key: str, calls: ServiceCaller, kept: ReadingMemory, clock: Clock
    ) -> None:
        self._source = source
        self._key = key
        self._calls = calls
        self._kept = kept
        self._clock = clock

    async def read(self) -> list[Text]:
        """Raises SpentError, RetryableError, RefusedError. As many posts are paid for beforehand as may come;
        of an answer that is lost nobody knows what it has cost, so all of it counts.
        """
        source, memory = self._source, self._kept.of(self._source.name)
        left = int((source.daily_usd - memory.spent_usd) / source.post_usd) if source.post_usd else POSTS
        most = min(POSTS, left)
        cost = most * source.post_usd
        if most < FEWEST or not self._kept.spend(source.name, cost, source.daily_usd):
            spent = f"{memory.spent_usd.normalize():f} of {source.daily_usd.normalize():f} USD"
            raise SpentError(f"{source.name}: {spent} are spent today; it goes on at midnight UTC")
        query = {
            "query": source.query,
            "max_results": f"{most}",
            "tweet.fields": "created_at,public_metrics",
            "sort_order": "recency",
        }
        if memory.newest:
            query["since_id"] = memory.newest
        url = f"{source.base_url or BASE}/2/tweets/search/recent"
        try:
            answer = await self._calls.get(source.name, url, query, {"Authorization": f"Bearer {self._key}"})
        except (RefusedError, DeclinedError) as error:
            self._kept.give_back(source.name, cost)  # only posts that come cost anything
            if isinstance(error, RefusedError):
                memory.newest = ""  # it may be older than what the search goes back to
            raise
        posts = decoded(source.name, answer.body, _Posts).data[:most]
        self._kept.give_back(source.name, cost - len(posts) * source.post_usd)
        numbers = [one.id for one in posts if one.id.isdecimal() and len(one.id) < 25]
        memory.newest = max((*numbers, memory.newest), key=lambda one: int(one or 0), default="")
        return [
            Text(one.id[:100], words, ns_of(one.created_at, self._clock()), _readers(one.public_metrics))
            for one in posts
            if (words := plain(one.text))
        ]


def _readers(told: _Metrics) -> float:
    return max(0.0, told.like_count + 2 * (told.retweet_count + told.quote_count + told.reply_count))
