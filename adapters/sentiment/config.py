"""What is read, how often and for how much: plain values that go to the reader's process."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class SourceKind(StrEnum):
    RSS = "rss"
    NEWS = "news"
    REDDIT = "reddit"
    X = "x"


class ScorerKind(StrEnum):
    WORDS = "words"
    """VADER with words of markets."""
    MEANING = "meaning"
    """Sentence embeddings, with a head that was trained on headlines."""


X_POST_USD = Decimal("0.005")
"""What X asked for one post that is read, in 2026."""
POSTS = 100
"""Most texts of one reading."""


class TextSource(Struct, frozen=True):
    """One source of texts."""

    name: str
    kind: SourceKind
    address: str = ""
    """Of a feed."""
    query: str = ""
    """What is searched for, as the service understands it."""
    subreddits: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    """What its texts are about; empty for the market as a whole."""
    named_only: bool = True
    """Of those, a text counts for what it names."""
    every_s: float = 300.0
    weight: float = 1.0
    daily_usd: Decimal = Decimal(1)
    """Most that may be spent on it a day of UTC, where reading costs anything."""
    post_usd: Decimal = X_POST_USD
    base_url: str = ""
    """Instead of the service's own."""


class ServiceKeys(Struct, frozen=True, repr_omit_defaults=True):
    """Secrets of the services; told to the reader's process on its stdin, and nowhere else."""

    news: str = ""
    x: str = ""
    reddit_id: str = ""
    reddit_secret: str = ""

    def __repr__(self) -> str:
        return "ServiceKeys(…)"


class MoodConfig(Struct, frozen=True):
    sources: tuple[TextSource, ...]
    keys: ServiceKeys
    file: str
    """Where it is kept what was read and spent."""
    scorer: ScorerKind = ScorerKind.WORDS
    words: Mapping[str, tuple[str, ...]] = {}
    """By instrument: what people call it."""
