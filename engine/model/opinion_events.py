"""What comes from outside about opinions: a model's answers, its worker, and the mood of texts."""

from __future__ import annotations

from engine.model.event import Event


class MoodTold(Event, frozen=True, kw_only=True, gc=False, tag="mood"):
    """What a source of texts thinks of an instrument now; `ts_venue` is when its newest text was written."""

    source: str
    """As the settings name it: "news"."""
    instrument: str
    """A symbol of the run; empty for the market as a whole."""
    score: float
    """-1 fall to 1 rise."""
    weight: float = 1.0
    """How much it counts beside others: texts, readers, the source's own weight."""
