from __future__ import annotations

from collections import defaultdict
from functools import cache
from itertools import pairwise

import pytest
from msgspec.structs import replace

from engine.market.bars import BarsClosed
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.plans import Exit, Idea
from engine.signals.alignment import Alignment
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Declined, Strategy
from engine.strategies.zones import ZoneReaction, ZoneReactionConfig
from tests.market.feed import T0
from tests.signals.markets import SYMBOLS, minutes, run
from tests.strategies.scripted import ScriptedStrategy

SEEDS = range(3)
DEFAULT = ZoneReactionConfig()

Said = tuple[Idea | Declined, Bar, Alignment]


@cache
def said(seed: int, config: ZoneReactionConfig = DEFAULT) -> tuple[Said, ...]:
    """Everything the strategy said in a market, with the bar and the alignment that it said it on."""
    strategy = ZoneReaction(config)
    answers: list[Said] = []

    def each(closed: BarsClosed, board: SignalBoard) -> None:
        bars = {bar.instrument: bar for bar in closed.bars if bar.timeframe is Timeframe.M1}
        for answer in strategy.on_bars(closed, board):
            answers.append((answer, bars[answer.instrument], board.alignment(answer.instrument)))

    run(minutes(seed), each)
    return tuple(answers)


def ideas(seed: int, config: ZoneReactionConfig = DEFAULT) -> list[tuple[Idea, Bar, Alignment]]:
    return [(one, bar, alignment) for one, bar, alignment in said(seed, config) if isinstance(one, Idea)]


def declined(seed: int, config: ZoneReactionConfig = DEFAULT) -> list[Declined]:
    return [one for one, _, _ in said(seed, config) if isinstance(one, Declined)]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_idea_keeps_the_rules(seed: int) -> None:
    found = ideas(seed)
    assert len(found) >= 5
    for idea, bar, alignment in found:
        sign = idea.side.sign
        assert idea.strategy == "zones"
        assert idea.reference == bar.close
        assert idea.ts == bar.close_ts
        assert DEFAULT.min_stop_ticks <= idea.stop_ticks <= DEFAULT.max_stop_ticks
        extreme = bar.low if sign > 0 else bar.high
        assert (extreme - idea.stop) * sign > 0
        assert idea.reward_to_risk >= 1.5
        first, second = ((target - idea.reference) * sign for target in idea.targets)
        assert first < second
        assert second >= 2.2 * idea.stop_ticks
        assert alignment.direction == sign
        assert (idea.score_tenths, idea.agreeing) == (alignment.score_tenths, alignment.agreeing)
        assert alignment.score_tenths >= 60
        assert alignment.agreeing >= 3
        assert alignment.opposing == ()
        assert idea.reasons[0].startswith(("OB ", "S/R "))
        assert 2 * (bar.close - bar.low if sign > 0 else bar.high - bar.close) > bar.high - bar.low


def test_both_sides_are_traded() -> None:
    assert {idea.side for seed in SEEDS for idea, _, _ in ideas(seed)} == {Side.BUY, Side.SELL}


@pytest.mark.parametrize("seed", SEEDS)
def test_an_instrument_is_left_alone_after_an_idea(seed: int) -> None:
    times: dict[str, list[int]] = defaultdict(list)
    for idea, _, _ in ideas(seed):
        times[idea.instrument].append(idea.ts)
    assert times
    for stamps in times.values():
        assert all(later - earlier >= DEFAULT.cooldown_ns for earlier, later in pairwise(stamps))


@pytest.mark.parametrize("seed", SEEDS)
def test_near_misses_are_few_and_say_why(seed: int) -> None:
    times: dict[tuple[str, Side], list[int]] = defaultdict(list)
    for miss in declined(seed):
        assert miss.reason
        assert miss.score_tenths >= DEFAULT.near_score_tenths
        times[miss.instrument, miss.side].append(miss.ts)
    assert times
    for stamps in times.values():
        assert all(later - earlier >= DEFAULT.near_cooldown_ns for earlier, later in pairwise(stamps))


def test_the_same_market_gives_the_same_answers() -> None:
    first = said(1)
    said.cache_clear()
    assert said(1) == first


def test_a_score_out_of_reach_leaves_near_misses_only() -> None:
    config = replace(DEFAULT, min_score_tenths=101)
    assert ideas(0, config) == []
    assert {miss.reason for miss in declined(0, config)} >= {"score under 10.1"}


def test_a_level_in_the_way_forbids_the_trade() -> None:
    strict = replace(DEFAULT, barrier_touches=1)
    misses = [miss for seed in SEEDS for miss in declined(seed, strict) if miss.reason.startswith("only ")]
    assert misses
    assert sum(len(ideas(seed, strict)) for seed in SEEDS) < sum(len(ideas(seed)) for seed in SEEDS)


def test_a_stop_too_far_away_forbids_the_trade() -> None:
    tight = replace(DEFAULT, max_stop_ticks=4)
    assert all(idea.stop_ticks <= 4 for idea, _, _ in ideas(0, tight))
    assert any(miss.reason.startswith("stop ") for miss in declined(0, tight))


def test_a_greater_reward_to_risk_can_be_asked_for() -> None:
    greedy = replace(DEFAULT, min_reward_to_risk=3.0, second_reward_to_risk=3.5)
    found = [idea for idea, _, _ in ideas(0, greedy)]
    assert found
    assert all(idea.reward_to_risk >= 3.0 and len(set(idea.targets)) == 2 for idea in found)


def test_a_near_miss_reads_like_a_sentence() -> None:
    miss = Declined("zones", "ES", Side.SELL, 51, "2 of 5 timeframes", 0)
    assert miss.text == "short ES 5.1 refused: 2 of 5 timeframes"
    assert replace(miss, side=Side.BUY, score_tenths=100).text.startswith("long ES 10.0 refused")


@pytest.mark.parametrize("flaw", ["gap", "backfilled"])
def test_blind_and_backfilled_minutes_open_nothing(flaw: str) -> None:
    strategy = ZoneReaction()
    heard: list[Idea | Declined] = []

    def each(closed: BarsClosed, board: SignalBoard) -> None:
        flawed = tuple(replace(bar, **{flaw: True}) for bar in closed.bars)
        heard.extend(strategy.on_bars(BarsClosed(closed.ts, flawed), board))

    run(minutes(0), each)
    assert ideas(0)
    assert heard == []


def test_a_script_gives_each_idea_once_at_the_first_close_after_its_time() -> None:
    template = Idea("scripted", "ES", Side.BUY, 0, -20, (30, 50), 70, ("script",), 0)
    strategy: Strategy = ScriptedStrategy(
        [(T0 + 90 * MINUTE // 60, template), (T0 + 3 * MINUTE, template)], relative=True
    )
    heard: list[Idea | Declined | Exit] = []
    run(minutes(0, 10, SYMBOLS), lambda closed, board: heard.extend(strategy.on_bars(closed, board)), 0)
    assert [idea.ts for idea in heard] == [T0 + 2 * MINUTE, T0 + 3 * MINUTE]
    for idea in heard:
        assert isinstance(idea, Idea)
        assert idea.stop_ticks == 20
        assert idea.targets == (idea.reference + 30, idea.reference + 50)
