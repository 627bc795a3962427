"""The section [sentiment] of tstream.toml: keys of those who sell news and posts."""

from __future__ import annotations

from pydantic import SecretStr

from tstream.settings.fields import Section, setting


class SentimentSettings(Section):
    """Keys of news and of posts. They are read and kept secret, and nothing asks for news by them yet. Only
    from .env or the environment, where they may also be called `NEWS_API_KEY` and `TWITTER_API_KEY`.
    """

    news_key: SecretStr = setting(SecretStr(""), "Key of a news service.")
    x_key: SecretStr = setting(SecretStr(""), "Key of the API of X.")
