"""The section [sentiment] of tstream.toml: which news and posts are read, how often and for how much."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from adapters.sentiment.config import X_POST_USD, ScorerKind, SourceKind
from tstream.settings.alerts import Names, RoomName
from tstream.settings.fields import Number, Section, Usd, Whole, need, refuse, setting
from tstream.settings.instruments import Symbol


class TextSourceSettings(Section):
    """One source of texts, a [[sentiment.sources]] table."""

    name: RoomName = setting("", "What it is called: a short name of small letters, digits and hyphens.")
    kind: SourceKind = setting(
        SourceKind.RSS, "A feed (RSS, Atom), newsapi.org, Reddit, or X, where each post that is read costs."
    )
    url: str = setting(
        "", "Address of the feed; of the others only where it is not their own.", allowed="a URL"
    )
    query: str = setting("", "What is searched for, as newsapi.org or X understand it.", max_length=400)
    subreddits: Names = setting((), "Which parts of Reddit are read.", allowed="a list of names")
    instruments: tuple[Symbol, ...] = setting(
        (), "What its texts are about; empty for the market as a whole.", allowed="a list of contracts"
    )
    named_only: bool = setting(
        True, "A text counts for those of the instruments that it names; else for all of them."
    )
    minutes: Whole = setting(5, "It is read so often.", ge=1, le=1440)
    weight: Number = setting(1.0, "How much its texts count beside those of others.", gt=0, le=100)
    daily_usd: Usd = setting(Decimal(1), "Most that X may cost a day of UTC.", ge=0, le=10_000)
    post_usd: Usd = setting(X_POST_USD, "What X asks for one post that is read.", gt=0, le=10)

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        kind = self.kind
        if not self.name:
            raise refuse("is needed", key="name")
        if kind is SourceKind.RSS:
            need(self, "sentiment.sources", ("url",), "where a feed is read")
        elif kind is SourceKind.REDDIT:
            need(self, "sentiment.sources", ("subreddits",), "where Reddit is read")
        else:
            need(self, "sentiment.sources", ("query",), "where something is searched for")
        if self.url and not self.url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise refuse("must begin with https://", key="url")
        for one in self.subreddits:
            if not one.replace("_", "").isalnum():
                raise refuse("must be names as they stand behind r/", key="subreddits")
        return self


class SentimentSettings(Section):
    """News and posts that are read beside the engine ([mood.md](mood.md)). Its keys: only from .env or the
    environment, where they may also be called `NEWS_API_KEY` and `TWITTER_API_KEY`.
    """

    news_key: SecretStr = setting(SecretStr(""), "Key of newsapi.org.")
    x_key: SecretStr = setting(SecretStr(""), "Bearer token of the API of X.")
    reddit_id: SecretStr = setting(SecretStr(""), "Id of an application at Reddit.")
    reddit_secret: SecretStr = setting(SecretStr(""), "Its secret.")
    scorer: ScorerKind = setting(
        ScorerKind.WORDS, "How a text is read: by its words, or by its meaning, which brings torch."
    )
    words: dict[Symbol, Annotated[Names, Field(min_length=1)]] = setting(
        {},
        "What people call an instrument, where that is not known.",
        allowed="a table from a contract to a list of words",
        default="known for the usual ones",
    )
    sources: tuple[TextSourceSettings, ...] = setting(
        (), "What is read.", allowed="[[sentiment.sources]] tables"
    )

    @model_validator(mode="after")
    def _has_keys(self) -> Self:
        names = [one.name for one in self.sources]
        if len(set(names)) < len(names):
            raise refuse("has two of the same name", key="sources")
        kinds = {one.kind for one in self.sources}
        for kind, keys in (
            (SourceKind.NEWS, ("news_key",)),
            (SourceKind.X, ("x_key",)),
            (SourceKind.REDDIT, ("reddit_id", "reddit_secret")),
        ):
            missing = [key for key in keys if not getattr(self, key).get_secret_value()]
            if kind in kinds and missing:
                raise refuse(f"is needed where {kind} is read, in .env", key=missing[0])
        return self

    def secrets(self) -> tuple[SecretStr, ...]:
        return self.news_key, self.x_key, self.reddit_id, self.reddit_secret
