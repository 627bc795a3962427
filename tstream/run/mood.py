"""News and posts, read beside a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tstream.convert.sentiment import mood_config
from tstream.run.services import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.ports import Clock, Sink
    from tstream.paths import Paths
    from tstream.settings.model import Settings


def kept_in(paths: Paths) -> Path:
    """What was read and spent; one for all runs, for what is spent is spent once."""
    return paths.state / "mood.json"


def mood_services(settings: Settings, paths: Paths, sink: Sink, clock: Clock) -> Iterator[Service]:
    """Nothing where no source is set."""
    if settings.sentiment.sources:
        from adapters.sentiment.process import MoodProcess

        process = MoodProcess(mood_config(settings, kept_in(paths)), sink, clock)
        yield Service("news and posts", process.run)
