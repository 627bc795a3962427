"""A validated edge is played where the search saw it, with the stop and target that it was tested with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil

import pytest
from msgspec.structs import replace

from engine.market.bars import MinuteBars
from engine.market.calendars.known import CME
from engine.market.candles import resample
from engine.model.expectation import Expectation
from engine.model.market import Bar, Side, Timeframe
from engine.model.plans import Idea
from engine.signals.board import SignalBoard
from engine.signals.occurrences import Occurrence, occurrences
from engine.signals.patterns import PatternKind
from engine.strategies.edges.strategy import EdgeConfig, EdgePlayer
from engine.strategies.edges.words import context_words, pattern_words
from engine.strategies.protocol import Declined, Said
from tests.support.price_series import MES, random_walk

MINUTES = random_walk(11, 1_500)
TOLD = Expectation(60, 0.5, 0.4, 2.0)


def said(edge: EdgePlayer, minutes: Sequence[Bar]) -> list[Said]:
    """What it says live, bar by bar, of minutes as a feed tells them."""
    kept = MinuteBars(grace_ns=0, timeframes=edge.timeframes, calendars={"MES": CME})
    board = SignalBoard({"MES": MES}, kept)
    kept.feed_up(minutes[0].open_ts)
    found: list[Said] = []
    for bar in minutes:
        closings = list(kept.on_bar(bar, bar.close_ts))
        for closed in closings:
            board.on_closed(closed)
            if any(one.timeframe is edge.config.timeframe for one in closed.bars):
                found += edge.on_bars(closed, board)
    return found


def searched(timeframe: Timeframe) -> list[Occurrence]:
    return list(occurrences(resample(MINUTES, timeframe, CME), "MES", timeframe, CME))


def an_edge(timeframe: Timeframe, pattern: str, **more: object) -> EdgePlayer:
    return EdgePlayer(
        replace(EdgeConfig(signal="x", timeframe=timeframe, pattern=pattern, reward_to_risk=2.0), **more)
    )


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M2, Timeframe.M5])
def test_live_it_says_what_the_search_saw(timeframe: Timeframe) -> None:
    seen = searched(timeframe)
    counts = Counter((one.pattern, one.direction, context) for one in seen for context in one.contexts)
    tried = [key for key, count in counts.most_common(60) if count > 3][::6]
    assert len(tried) >= 5
    for pattern, direction, context in tried:
        edge = an_edge(timeframe, pattern, direction=direction, context=context)
        expected = [
            (one.known_at, one.direction, one.stop)
            for one in seen
            if (one.pattern, one.direction) == (pattern, direction) and context in one.contexts
        ]
        ideas = [one for one in said(edge, MINUTES) if isinstance(one, Idea)]
        assert [(one.ts, one.side.sign, one.stop) for one in ideas] == expected


def test_the_idea_is_the_trade_that_was_tested() -> None:
    edge = an_edge(Timeframe.M2, "break bos", hold_bars=24, expectation=TOLD, signal="break bos 2m")
    idea = next(one for one in said(edge, MINUTES) if isinstance(one, Idea) and one.side is Side.SELL)
    assert idea.stop_ticks >= 2
    assert idea.targets == (idea.reference - ceil(2 * idea.stop_ticks),)
    assert idea.exit_ts == idea.ts + 24 * Timeframe.M2.nanos
    assert (idea.strategy, idea.expectation) == ("break bos 2m", TOLD)
    assert idea.pattern is not None
    assert (idea.pattern.kind, idea.pattern.timeframe, idea.pattern.direction) == (
        "break bos",
        Timeframe.M2,
        -1,
    )
    assert idea.reasons == ("closed below the last swing low, with the structure (break of structure)",)


def test_both_ways_means_whichever_it_points() -> None:
    sides = {one.side for one in said(an_edge(Timeframe.M1, "level_held"), MINUTES) if isinstance(one, Idea)}
    assert sides == {Side.BUY, Side.SELL}


def test_aligned_leaves_out_what_the_next_longer_timeframe_is_against() -> None:
    plain = said(an_edge(Timeframe.M2, "break bos"), MINUTES)
    aligned = said(an_edge(Timeframe.M2, "break bos", aligned=True), MINUTES)
    declined = [one for one in aligned if isinstance(one, Declined)]
    assert declined
    assert {one.reason for one in declined} <= {"5m points up", "5m points down"}
    assert len(aligned) == len(plain)
    assert any(isinstance(one, Idea) for one in aligned)


def test_blind_and_backfilled_bars_say_nothing() -> None:
    edge = an_edge(Timeframe.M1, "level_held")
    assert said(edge, MINUTES)
    assert not said(edge, [replace(bar, gap=True) for bar in MINUTES])


def test_every_pattern_that_points_somewhere_has_words() -> None:
    """Those that never do are no candidates."""
    aimless = {"block_expired", "gap_expired", "pool_created", "pool_grown", "pool_expired"}
    aimless |= {"level_created", "day_rolled", "week_rolled", "break"}
    kinds = {str(kind) for kind in PatternKind} - aimless | {"break bos", "break choch"}
    for kind in kinds:
        for direction in (1, -1):
            words = pattern_words(kind, direction)
            assert "{" not in words
            assert "_" not in words
            assert words != f"{kind.replace('_', ' ')} {'up' if direction > 0 else 'down'}"
    seen = {one.pattern for one in searched(Timeframe.M1)}
    assert seen <= kinds


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ("any", ()),
        ("trending with", ("the 5m trend goes with it",)),
        ("trending against", ("the 5m trend goes against it",)),
        ("ranging", ("the 5m market is ranging",)),
        ("session RTH", ("in the regular hours",)),
        ("session ETH", ("outside the regular hours",)),
        ("hours 08-12 CT", ("between 08 and 12 CT",)),
    ],
)
def test_contexts_in_words(context: str, words: tuple[str, ...]) -> None:
    assert context_words(context, Timeframe.M5) == words
