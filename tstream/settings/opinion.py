"""The section [opinion] of tstream.toml: who is heard beside the rules."""

from __future__ import annotations

from engine.model.decision import OpinionConfig
from tstream.settings.declared import DeclaredSection, keys_of


@keys_of(OpinionConfig())
class OpinionSettings(DeclaredSection):
    """A second opinion on what bots want to enter: a trained model, and the mood of news and posts
    ([models.md](models.md)). Nothing of it is needed to trade.
    """
