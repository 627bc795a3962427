"""The part of `apply` that is about signals: the newest ones, and what their patterns came to."""

from __future__ import annotations

from engine.model import records as r
from engine.state.state import State
from engine.strategies.learning import Tally, key_of

SIGNALS_KEPT = 60
TAUGHT_KEPT = 2_000
"""Patterns of which it is remembered that they were learned from: far more than can be open at a time."""


def signal(state: State, record: r.IdeaRefused | r.IdeaDeclined | r.PlanOpened) -> None:
    state.signals.append(record)
    del state.signals[:-SIGNALS_KEPT]


def pattern_ended(state: State, record: r.PatternEnded) -> None:
    """One pattern teaches once, in however many books it was traded."""
    seen = record.pattern
    key = key_of(record.instrument, seen).text
    taught = f"{key}|{seen.direction}|{seen.known_at}"
    if taught in state.taught:
        return
    state.taught[taught] = None
    if len(state.taught) > TAUGHT_KEPT:
        del state.taught[next(iter(state.taught))]
    before = state.experience.get(key, Tally())
    state.experience[key] = before.plus(record.r, record.mae_r, record.mfe_r)
