"""How a channel comes by what a trade-signal message has to say, beyond the words of its notice."""

from __future__ import annotations

from collections.abc import Callable

from engine.model.notices import Notice, PatternFacts, SignalFacts, reward_to_risk

__all__ = ["PatternFacts", "SignalFacts", "SignalReader", "reward_to_risk", "the_notices_own"]

SignalReader = Callable[[Notice], SignalFacts | None]
"""Gives what is known of the plan behind a notice of kind SIGNAL."""


def the_notices_own(notice: Notice) -> SignalFacts | None:
    """As the engine tells them."""
    return notice.signal
