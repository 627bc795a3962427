"""The section [opinion] as the engine wants it."""

from __future__ import annotations

from engine.model.decision import OpinionConfig
from tstream.settings.declared import filled
from tstream.settings.model import Settings


def opinion_config(settings: Settings) -> OpinionConfig:
    """Who is heard beside the rules."""
    return filled(OpinionConfig, settings.opinion)
