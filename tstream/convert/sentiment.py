"""The settings of news and posts as the reader's plain values."""

from __future__ import annotations

from pathlib import Path

from adapters.sentiment.config import MoodConfig, ServiceKeys, SourceKind, TextSource
from tstream.settings.model import Settings


def mood_config(settings: Settings, file: Path) -> MoodConfig:
    """`file` keeps what was read and spent, over restarts."""
    section = settings.sentiment
    return MoodConfig(
        sources=tuple(
            TextSource(
                name=one.name,
                kind=one.kind,
                address=one.url if one.kind is SourceKind.RSS else "",
                query=one.query,
                subreddits=one.subreddits,
                instruments=one.instruments,
                named_only=one.named_only,
                every_s=one.minutes * 60.0,
                weight=one.weight,
                daily_usd=one.daily_usd,
                post_usd=one.post_usd,
                base_url="" if one.kind is SourceKind.RSS else one.url.rstrip("/"),
            )
            for one in section.sources
        ),
        keys=ServiceKeys(*(key.get_secret_value() for key in section.secrets())),
        file=str(file),
        words=section.words,
        scorer=section.scorer,
    )
