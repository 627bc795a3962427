from __future__ import annotations

from collections import defaultdict
from functools import cache
from itertools import pairwise

import pytest
from msgspec.structs import replace

from engine.market.bars import BarsClosed
from engine.market.candles import resample
from engine.model.instrument import CME_FUTURES, InstrumentKind, Volatility
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.plans import Exit, Idea
from engine.model.scores import Requirement, first_failed
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
def said(
    seed: int, config: ZoneReactionConfig = DEFAULT, kind: InstrumentKind = InstrumentKind.FUTURE
) -> tuple[Said, ...]:
    """Everything the strategy said in a market, with the bar and the alignment that it said it on."""
    strategy = ZoneReaction(config)
    answers: list[Said] = []

    def each(closed: BarsClosed, board: SignalBoard) -> None:
        bars = {bar.instrument: bar for bar in closed.bars if bar.timeframe is Timeframe.M1}
        for answer in strategy.on_bars(closed, board):
            answers.append((answer, bars[answer.instrument], board.alignment(answer.instrument)))

    instruments = {symbol: replace(one, kind=kind) for symbol, one in CME_FUTURES.items()}
    run(minutes(seed), each, instruments=instruments)
    return tuple(answers)


def ideas(seed: int, config: ZoneReactionConfig = DEFAULT) -> list[tuple[Idea, Bar, Alignment]]:
    return [(one, bar, alignment) for one, bar, alignment in said(seed, config) if isinstance(one, Idea)]


def declined(seed: int, config: ZoneReactionConfig = DEFAULT) -> list[Declined]:
    return [one for one, _, _ in said(seed, config) if isinstance(one, Declined)]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_idea_keeps_the_rules(seed: int) -> None:
    found = ideas(seed)
    assert len(found) >= 4
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
        assert alignment.score_tenths >= 50
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
    assert {miss.reason for miss in declined(0, config)} >= {"score under 10.1 (requirement 1)"}


def test_a_level_in_the_way_forbids_the_trade() -> None:
    strict = replace(DEFAULT, barrier_touches=1)
    misses = [miss for seed in SEEDS for miss in declined(seed, strict) if miss.reason.startswith("only ")]
    assert misses
    assert sum(len(ideas(seed, strict)) for seed in SEEDS) < sum(len(ideas(seed)) for seed in SEEDS)


def test_a_stop_too_far_away_forbids_the_trade() -> None:
    tight = replace(DEFAULT, max_stop_ticks=4)
    assert all(idea.stop_ticks <= 4 for idea, _, _ in ideas(0, tight))
    assert any(miss.reason.startswith("stop ") for miss in declined(0, tight))


def test_a_stop_is_never_too_far_in_ticks_where_a_tick_is_small_beside_the_price() -> None:
    tight = replace(DEFAULT, max_stop_ticks=4)
    assert said(0, tight, InstrumentKind.PERPETUAL) == said(0, DEFAULT, InstrumentKind.PERPETUAL)


def test_a_greater_reward_to_risk_can_be_asked_for() -> None:
    greedy = replace(DEFAULT, min_reward_to_risk=3.0, second_reward_to_risk=3.5)
    found = [idea for idea, _, _ in ideas(0, greedy)]
    assert found
    assert all(idea.reward_to_risk >= 3.0 and len(set(idea.targets)) == 2 for idea in found)


ASKED = [
    ({"min_score_tenths": 101}, Requirement.SCORE, "score under 10.1 (requirement 1)"),
    ({"min_agreeing": 5}, Requirement.ALIGNMENT, " of 5 timeframes (requirement 2)"),
    ({"min_reward_to_risk": 30.0}, Requirement.REWARD_TO_RISK, " R to "),
    ({"min_volume": 50.0}, Requirement.VOLUME, "x the usual, at least 50x (requirement 4)"),
    ({"veto": (Timeframe.M1, Timeframe.M5)}, Requirement.TREND, "(requirement 5)"),
]


@pytest.mark.parametrize(("asked", "requirement", "words"), ASKED, ids=[one[1] for one in ASKED])
def test_a_refusal_names_the_requirement_that_failed(
    asked: dict[str, object], requirement: Requirement, words: str
) -> None:
    config = replace(DEFAULT, **asked)
    failed = [(miss, first_failed(miss.checks)) for seed in SEEDS for miss in declined(seed, config)]
    ours = [(miss, check) for miss, check in failed if check and check.requirement is requirement]
    assert ours
    for miss, check in ours:
        assert words in miss.reason
        assert miss.reason.endswith(f"(requirement {requirement.number})")
        assert check.value is not None
        assert check.least is not None
        assert (check.value > check.least) is (requirement is Requirement.TREND)
    for idea, _, _ in (one for seed in SEEDS for one in ideas(seed, config)):
        assert {check.requirement for check in idea.checks} == set(Requirement) - {Requirement.REFERENCE}
        assert all(check.passed for check in idea.checks)


def test_what_an_idea_says_of_itself_adds_up() -> None:
    for one, _, _ in (one for seed in SEEDS for one in said(seed)):
        assert abs(10 * sum(part.points for part in one.parts) - one.score_tenths) < 0.6
        pattern = one.pattern
        assert pattern is not None
        assert (pattern.known_at, pattern.direction) == (one.ts, one.side.sign)
        assert pattern.kind in ("block_held", "level_held")


@pytest.mark.parametrize(("symbol", "tenths", "key"), [("MNQ", 50, "high"), ("ES", 60, "medium")])
def test_the_least_score_goes_by_volatility_unless_one_is_said(symbol: str, tenths: int, key: str) -> None:
    instrument = CME_FUTURES[symbol]
    assert ZoneReaction().least_score(instrument) == (tenths, f"{key}_min_score")
    assert ZoneReaction(replace(DEFAULT, min_score_tenths=72)).least_score(instrument) == (72, "min_score")
    other = replace(instrument, volatility=Volatility.MEDIUM if key == "high" else Volatility.HIGH)
    assert ZoneReaction().least_score(other)[0] == 110 - tenths


def test_a_shorter_look_back_knows_fewer_zones() -> None:
    short = replace(DEFAULT, high_look_back=2, medium_look_back=2)
    assert 0 < sum(len(ideas(seed, short)) for seed in SEEDS) < sum(len(ideas(seed)) for seed in SEEDS)


def test_a_reference_that_contradicts_refuses_or_costs_points() -> None:
    """MNQ against its own mirror: where the mirror rises, that speaks against a rise of MNQ."""
    market = minutes(1, symbols=["MNQ"])
    mirror = [
        replace(bar, instrument="DXY", open=50_000, high=50_000, low=50_000, close=50_000 - bar.close // 4)
        for bar in market[0]
    ]

    def asked(**more: object) -> list[Idea | Declined]:
        strategy = ZoneReaction(replace(DEFAULT, reference="DXY", **more))
        strategy.reference_bars = tuple(resample(mirror, Timeframe.M5))
        heard: list[Idea | Declined] = []

        def each(closed: BarsClosed, board: SignalBoard) -> None:
            heard.extend(one for one in strategy.on_bars(closed, board) if not isinstance(one, Exit))

        run(market, each)
        return heard

    refused = [one for one in asked() if isinstance(one, Declined) and "correlation −" in one.reason]
    assert refused
    for one in refused:
        failed = first_failed(one.checks)
        assert failed is not None
        assert (failed.requirement, failed.least) == (Requirement.REFERENCE, 0.5)
        assert failed.value is not None
        assert failed.value < -0.9
        assert failed.text == failed.words
    cheaper = [one for one in asked(reference_points=0.5) if one.parts[-1].name == "DXY"]
    assert cheaper
    assert all(one.parts[-1].points == -0.5 for one in cheaper)
    assert not any("correlation" in one.reason for one in cheaper if isinstance(one, Declined))
    never = asked(reference_least=1.0)
    assert not any(isinstance(one, Declined) and "correlation" in one.reason for one in never)


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
