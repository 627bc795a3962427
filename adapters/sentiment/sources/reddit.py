"""Reddit: the newest posts of some subreddits, as an application without a user."""

from __future__ import annotations

import asyncio
import base64

from msgspec import Struct

from adapters.sentiment.calls import ServiceCaller, decoded
from adapters.sentiment.config import POSTS, ServiceKeys, TextSource
from adapters.sentiment.texts import Text, plain
from engine.model.errors import RefusedError
from engine.model.market import NANOS
from engine.ports import Clock

LOGIN, BASE = "https://www.reddit.com", "https://oauth.reddit.com"
_EARLY_S = 60.0


class _Token(Struct):
    access_token: str
    expires_in: float = 3600.0


class _Post(Struct):
    name: str = ""
    title: str = ""
    selftext: str = ""
    score: float = 0
    num_comments: float = 0
    created_utc: float = 0


class _Child(Struct):
    data: _Post


class _Children(Struct):
    children: list[_Child] = []


class _Listing(Struct):
    data: _Children


class Reddit:
    """Some subreddits, asked as one."""

    def __init__(self, source: TextSource, keys: ServiceKeys, calls: ServiceCaller, clock: Clock) -> None:
        self._source = source
        self._keys = keys
        self._calls = calls
        self._clock = clock
        self._token, self._good_until = "", 0.0

    async def read(self) -> list[Text]:
        """Raises RetryableError, RefusedError."""
        source, now = self._source, asyncio.get_running_loop().time()
        if not self._token or now >= self._good_until:
            await self._log_in(now)
        url = f"{source.base_url or BASE}/r/{'+'.join(source.subreddits)}/new"
        try:
            answer = await self._calls.get(
                source.name,
                url,
                {"limit": f"{POSTS}", "raw_json": "1"},
                {"Authorization": f"Bearer {self._token}"},
            )
        except RefusedError:
            self._token = ""  # it may have ended early: the next reading logs in again
            raise
        posts = [child.data for child in decoded(source.name, answer.body, _Listing).data.children[:POSTS]]
        return [
            Text(one.name[:100], words, self._ts(one.created_utc), max(0.0, one.score) + 2 * one.num_comments)
            for one in posts
            if (words := plain(one.title, one.selftext))
        ]

    async def _log_in(self, now: float) -> None:
        keys, name = self._keys, self._source.name
        basic = base64.b64encode(f"{keys.reddit_id}:{keys.reddit_secret}".encode()).decode()
        answer = await self._calls.post(
            name,
            f"{self._source.base_url or LOGIN}/api/v1/access_token",
            "grant_type=client_credentials",
            {"Authorization": f"Basic {basic}"},
        )
        token = decoded(name, answer.body, _Token)
        self._token, self._good_until = token.access_token, now + min(86_400.0, token.expires_in) - _EARLY_S

    def _ts(self, seconds: float) -> int:
        return int(seconds * NANOS) if 0 < seconds < 1e10 else self._clock()
