"""The sections [history], [redis] and [files] of tstream.toml: what is kept for others to read."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr, model_validator

from adapters.common.secret import words_of_login
from tstream.settings.fields import Section, Whole, refuse, setting


class HistorySettings(Section):
    """What the journal tells, as SQL tables ([history.md](history.md)). The address: only from .env or the
    environment, where it may also be called `DATABASE_URL`.
    """

    enabled: bool = setting(True, "Keep the history.")
    url: SecretStr = setting(
        SecretStr(""), "Address of a PostgreSQL database; empty keeps a SQLite file beside the journals."
    )

    @model_validator(mode="after")
    def _is_postgres(self) -> Self:
        _check(self.url, ("postgresql", "postgres"), "postgresql://user:password@host/database")
        return self


class RedisSettings(Section):
    """A Redis that ticks and the core picture are published to ([history.md](history.md#redis)). The address:
    only from .env or the environment, where it may also be called `REDIS_URL`.
    """

    url: SecretStr = setting(SecretStr(""), "Its address; empty publishes nothing.")
    prefix: str = setting("tstream", "What its keys and channels begin with.", min_length=1, max_length=40)

    @model_validator(mode="after")
    def _is_redis(self) -> Self:
        _check(self.url, ("redis", "rediss", "unix"), "redis://:password@host:6379/0")
        return self


class FilesSettings(Section):
    """JSON files and plain logs of what the engine does, for jq, watch and tail ([files.md](files.md))."""

    enabled: bool = setting(True, "Write them.")
    folder: Path | None = setting(
        None, "Where to.", allowed="a folder", default="the folder `files` of the state folder"
    )
    every_s: Whole = setting(30, "Between two writings of `status.json`, seconds.", ge=1, le=3600)


def secrets(*urls: SecretStr) -> tuple[str, ...]:
    """What of these addresses may appear nowhere."""
    return tuple(word for url in urls for word in words_of_login(url.get_secret_value()))


def _check(url: SecretStr, schemes: tuple[str, ...], such_as: str) -> None:
    text = url.get_secret_value()
    if not text:
        return
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise refuse(f'must be an address such as "{such_as}"', key="url") from None
    if parts.scheme not in schemes:
        raise refuse(f'must be an address such as "{such_as}"', key="url")
