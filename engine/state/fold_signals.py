"""The part of `apply` that is about signals: the newest ones, and what their patterns came to."""

from __future__ import annotations

from engine.model import records as r
from engine.state.live_results import LiveResults
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
    _result(state, record)
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


def _result(state: State, record: r.PatternEnded) -> None:
    """What a backtest speaks for is held against it; against another backtest it begins anew."""
    found = state.book(record.book).plans.get(record.plan_id)
    if found is None or found.plan.expectation is None:
        return
    results, bot = state.kept_book(record.book).results, found.plan.bot
    known = results.get(bot)
    if known is None or known.expected != found.plan.expectation:
        known = results[bot] = LiveResults(found.plan.expectation)
    known.add(record.r)


def begun_anew(state: State, bot: str) -> None:
    """A person has started a bot again: it is judged by what comes."""
    for book in state.books.values():
        book.results.pop(bot, None)
