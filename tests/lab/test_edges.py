"""The search for edges: trades by hand, no look at the future, nothing in noise, and what is planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import pytest
from msgspec.structs import replace

from engine.lab.edges.analysis import Analysis, Stage
from engine.lab.edges.candidates import Candidate, Trials, figures, misses, trials
from engine.lab.edges.outcomes import BarTrader, EntryOutcome
from engine.lab.edges.rules import EdgeRules
from engine.lab.edges.search import find, search, split_ts
from engine.lab.edges.search import test as look_once
from engine.market.calendars.known import CME
from engine.market.candles import resample
from engine.model.market import MINUTE, Bar, Timeframe
from engine.signals.occurrences import ANY, Occurrence, occurrences, stop_price
from tests.market.feed import T0
from tests.support.price_series import MES, Planted, random_walk, with_edge

FREE = EdgeRules(timeframes=(Timeframe.M1,), costs=False)

# --- one trade ----------------------------------------------------------------------------------------------

Row = tuple[int, int, int, int]
"""Open, high, low, close in ticks; None is a minute without a trade."""


def bars_of(*rows: Row | None, start: int = T0) -> list[Bar]:
    return [
        Bar("MES", Timeframe.M1, start + n * MINUTE, *row, 1) for n, row in enumerate(rows) if row is not None
    ]


def played(
    *rows: Row | None, direction: int = 1, stop: int = 90, rules: EdgeRules = FREE, start: int = T0
) -> EntryOutcome | None:
    """A trade that is decided when the first bar opens."""
    trader = BarTrader(MES, bars_of(*rows, start=start), CME, rules)
    return trader.play(Occurrence("x", Timeframe.M1, direction, start, stop, (ANY,)))


FLAT = (100, 104, 96, 100)


@dataclass(frozen=True)
class Case:
    rows: tuple[Row | None, ...]
    result_r: float
    how: str
    after: int
    """Minutes from the decision to the end of the bar that ended it."""


CASES = {
    "target": Case((FLAT, (100, 121, 99, 118)), 2.0, "target", 2),
    "touched only, not through": Case((FLAT, (100, 120, 99, 118), (118, 119, 80, 85)), -1.0, "stop", 3),
    "not in the entry bar": Case(((100, 130, 99, 101), (101, 102, 90, 91)), -1.0, "stop", 2),
    "stop in the entry bar": Case(((100, 101, 90, 95),), -1.0, "stop", 1),
    "both in one bar": Case((FLAT, (100, 125, 89, 120)), -1.0, "stop", 2),
    "opens beyond the stop": Case((FLAT, (85, 86, 80, 81)), -1.5, "stop", 2),
    "opens beyond the target": Case((FLAT, (140, 141, 139, 140)), 2.0, "target", 2),
    "a hole in the minutes": Case((FLAT, None, None, (100, 121, 99, 118)), 2.0, "target", 4),
    "time is up": Case((FLAT,) * 23 + ((100, 104, 96, 103),) + (FLAT,) * 9, 0.3, "time", 24),
    "the bars end": Case((FLAT, (100, 106, 96, 105)), 0.5, "time", 2),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("direction", [1, -1])
def test_what_comes_of_a_trade(case: Case, direction: int) -> None:
    """Risk is ten ticks from the open of 100; a short is the same on its head."""
    rows = [
        row if row is None or direction > 0 else (200 - row[0], 200 - row[2], 200 - row[1], 200 - row[3])
        for row in case.rows
    ]
    outcome = played(*rows, direction=direction, stop=100 - 10 * direction)
    assert outcome is not None
    assert outcome.result_r == pytest.approx(case.result_r)
    assert outcome.how == case.how
    assert outcome.exit_ts == T0 + case.after * MINUTE


def test_costs_are_paid() -> None:
    """One tick of slippage at both market orders, 2 x 0.61 USD of fees at 1.25 USD a tick."""
    paid = replace(FREE, costs=True)
    lost = played(FLAT, (100, 101, 80, 85), rules=paid)
    assert lost is not None
    fees = float(MES.round_trip(101, 89) / MES.tick_value_usd)
    assert fees == pytest.approx(0.976)
    assert lost.result_r == pytest.approx((89 - 101 - fees) / 11)
    won = played(FLAT, (100, 124, 99, 120), rules=paid)
    assert won is not None
    assert won.result_r == pytest.approx((22 - fees) / 11)  # the target is 22 from 101, without slippage


@pytest.mark.parametrize(
    "rows",
    [(), ((90, 95, 85, 90),), (None, FLAT)],
    ids=["no bar follows", "the open is at the stop", "the next minute did not trade"],
)
def test_no_trade(rows: tuple[Row | None, ...]) -> None:
    later = bars_of(FLAT, start=T0 - MINUTE) + bars_of(*rows)
    trader = BarTrader(MES, later, CME, FREE)
    assert trader.play(Occurrence("x", Timeframe.M1, 1, T0, 90, (ANY,))) is None


def test_positions_are_flat_when_they_must_be() -> None:
    flat_by = CME.flat_by(CME.trade_date(T0))
    outcome = played(*[FLAT] * 30, start=flat_by - 5 * MINUTE)
    assert outcome is not None
    assert (outcome.how, outcome.exit_ts) == ("time", flat_by)
    assert played(*[FLAT] * 30, start=flat_by) is None


@pytest.mark.parametrize(
    ("price", "stop"),
    [(88, 86), (60, 70), (99, 90), (100, 85), (110, 85)],
    ids=["beyond the price", "at most three ATR", "at least one", "no zone behind", "a zone ahead"],
)
def test_stops(price: int, stop: int) -> None:
    """At a close of 100 and an ATR of 10: a quarter ATR beyond the price, or 1.5 ATR away."""
    assert stop_price(100, price, 1, 10.0) == stop
    assert stop_price(-100, -price, -1, 10.0) == -stop


# --- candidates ---------------------------------------------------------------------------------------------


def test_patterns_are_known_when_they_are_said_to_be() -> None:
    """Cut anywhere, and wild from there on: what was found before is the same."""
    bars = random_walk(4, 900)
    whole = list(occurrences(bars, "MES", Timeframe.M1, CME))
    assert len(whole) > 100
    for cut in (300, 555, 777):
        wild = [replace(bar, open=1, low=1, high=90_000, close=7) for bar in bars[cut:]]
        now = bars[cut].open_ts
        before = [one for one in whole if one.known_at <= now]
        for rest in ([], wild):
            found = list(occurrences([*bars[:cut], *rest], "MES", Timeframe.M1, CME))
            assert [one for one in found if one.known_at <= now] == before


def tried(bars: Sequence[Bar], rules: EdgeRules = FREE) -> Trials:
    first, *others = (trials(bars, MES, timeframe, rules) for timeframe in rules.timeframes)
    for other in others:
        first = first.merged(other)
    return first


def test_a_candidate_holds_one_position_at_a_time() -> None:
    found = tried(random_walk(4, 900))
    assert len(found.outcomes) > 30
    for outcomes in found.outcomes.values():
        for one, other in pairwise(outcomes):
            assert one.exit_ts <= other.decided_ts
    everything = {name: len(found.outcomes[name]) for name in found.outcomes if name.context == ANY}
    for name, outcomes in found.outcomes.items():
        assert len(outcomes) <= everything[replace(name, context=ANY)] + 1


def test_longer_timeframes_are_played_on_the_finest_bars() -> None:
    """What five-minute bars can't tell, minutes can: outcomes differ, occurrences don't."""
    bars = random_walk(4, 4_000)
    rules = replace(FREE, timeframes=(Timeframe.M5,))
    fine, coarse = tried(bars, rules), tried(list(resample(bars, Timeframe.M5)), rules)
    assert fine.occurrences == coarse.occurrences
    assert fine.outcomes.keys() == coarse.outcomes.keys()
    assert fine.outcomes != coarse.outcomes


def test_figures_and_thresholds_by_hand() -> None:
    shown = figures([2.0, -1.0, -1.0, 2.0, -0.5])
    assert (shown.trades, shown.win_rate) == (5, 0.4)
    assert shown.profit_factor == pytest.approx(1.6)
    assert shown.expectancy_r == pytest.approx(0.3)
    assert shown.total_r == pytest.approx(1.5)
    assert shown.deviation_r == pytest.approx(1.56525, abs=1e-5)
    assert figures([]).win_rate is None
    assert figures([1.0]).profit_factor is None
    rules = EdgeRules()
    assert misses(shown, rules, Timeframe.M5, 0.1) == ""
    assert misses(shown, rules, Timeframe.M5, 1.0) == "5 trades of 50"
    assert misses(figures([2.0, -1.0, -1.0]), rules, Timeframe.M5, 0.06) == "win rate 33 % under 38 %"
    assert misses(figures([1.0, -1.0]), rules, Timeframe.M5, 0.04) == "profit factor 1.00 under 1.20"
    name = Candidate(Timeframe.M5, "break bos", -1, "trend with").name
    assert name == "break bos short 5m, trend with"


# --- the search ---------------------------------------------------------------------------------------------


def blank(bars: Sequence[Bar], rules: EdgeRules = FREE, seed: int = 1) -> Analysis:
    return Analysis(
        source="made up",
        instrument="MES",
        bars=len(bars),
        bar_timeframe=bars[0].timeframe,
        start_ts=bars[0].open_ts,
        end_ts=bars[-1].close_ts,
        timeframes=rules.timeframes,
        seed=seed,
        error_rate=rules.error_rate,
        costs=rules.costs,
    )


def searched(bars: Sequence[Bar], rules: EdgeRules = FREE, seed: int = 1) -> Analysis:
    return search(tried(bars, rules), rules, blank(bars), lambda: Random(seed))


@pytest.fixture(scope="module")
def planted() -> list[Bar]:
    return with_edge(Planted.BREAK, 1, 2_500, ticks=8.0)


def test_a_planted_edge_is_found(planted: list[Bar]) -> None:
    analysis = searched(planted)
    assert analysis.verdict.startswith(f"{len(analysis.validated)} edge")
    assert analysis.validated
    for edge in analysis.validated:
        assert edge.p_value is not None
        assert edge.p_holm is not None
        assert edge.p_value <= edge.p_holm <= 0.05
        assert edge.out_of_sample is not None
        assert (edge.out_of_sample.expectancy_r or 0) > 0.3
    assert analysis.overfitting is not None
    assert analysis.overfitting.probability < 0.35
    assert analysis.walk_forward is not None
    assert (analysis.walk_forward.result.expectancy_r or 0) > 0
    assert analysis == searched(planted)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_found_in_noise(seed: int) -> None:
    analysis = searched(random_walk(seed, 2_000))
    assert analysis.trials > 50
    assert analysis.validated == ()
    assert analysis.verdict.startswith("no edge found")
    assert all(edge.failed for edge in analysis.edges)


def test_what_is_found_knows_nothing_of_the_time_that_tests_it(planted: list[Bar]) -> None:
    found = tried(planted)
    first = find(found, FREE, blank(planted))
    assert (first.stage, first.validated) == (Stage.FIND, ())
    assert len(first.edges) > 1
    split = split_ts(found, FREE)
    wild = [
        bar if bar.open_ts < split else replace(bar, open=1, low=1, high=90_000, close=7) for bar in planted
    ]
    assert find(tried(wild), FREE, blank(planted)).edges == first.edges


def test_what_it_took_to_look_again_is_paid(planted: list[Bar]) -> None:
    """The same time looked at a third time is worth a third."""
    found = tried(planted)
    first = find(found, FREE, blank(planted))
    once = look_once(first, found, FREE, Random(1))
    thrice = look_once(replace(first, looks=3), found, FREE, Random(1))
    for one, other in zip(once.edges, thrice.edges, strict=True):
        assert one.p_holm is not None
        assert other.p_holm == pytest.approx(min(1.0, 3 * one.p_holm))
