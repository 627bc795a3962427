"""Training by hand tables: labels, weights, folds, probabilities, gain, champion."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.lab.training.champion import LEAST_BLOCKS, duel
from engine.lab.training.examples import Example, Examples, merged
from engine.lab.training.folds import held_out, kept_fold, training_folds
from engine.lab.training.gain import choice_p, traded
from engine.lab.training.labels import Label, Labeller, class_weights, one_at_a_time, uniqueness
from engine.lab.training.picks import pattern_picks
from engine.lab.training.probabilities import (
    Bin,
    auc,
    brier,
    calibration_error,
    isotonic,
    lift,
    log_loss,
    reliability,
)
from engine.market.calendars.known import ALWAYS, CME
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.opinion import Barriers, straight_between
from engine.signals.occurrences import occurrences
from tests.market.feed import T0
from tests.support.price_series import MES, random_walk

# --- the triple barrier -------------------------------------------------------------------------------------

Row = tuple[int, int, int, int]
"""Open, high, low, close in ticks."""
M1 = Timeframe.M1
BARRIERS = Barriers(stop_atr=1.0, target_r=2.0, bars=4)


def bars_of(*rows: Row, start: int = T0) -> list[Bar]:
    return [Bar("MES", M1, start + n * MINUTE, *row, 1) for n, row in enumerate(rows)]


FLAT = (1000, 1001, 999, 1000)


@pytest.mark.parametrize(
    ("rows", "side", "how", "result", "bars"),
    [
        ([FLAT, (1000, 1021, 1000, 1020), FLAT], Side.BUY, "target", 2.0, 2),
        ([FLAT, (1000, 1020, 1000, 1020), FLAT, FLAT, FLAT], Side.BUY, "time", 0.0, 4),  # touched, not passed
        ([(1000, 1030, 1000, 1000), FLAT, FLAT, FLAT, FLAT], Side.BUY, "time", 0.0, 4),  # in the first bar
        ([FLAT, (1000, 1000, 990, 990), FLAT], Side.BUY, "stop", -1.0, 2),
        ([FLAT, (1000, 1030, 990, 1020), FLAT], Side.BUY, "stop", -1.0, 2),  # both in one bar
        ([FLAT, (985, 990, 980, 990), FLAT], Side.BUY, "stop", -1.5, 2),  # opened beyond the stop
        ([FLAT, (1000, 1000, 979, 980), FLAT], Side.SELL, "target", 2.0, 2),
        ([FLAT, FLAT, FLAT, (1000, 1005, 1000, 1004), (1004, 1040, 1004, 1040)], Side.BUY, "time", 0.4, 4),
    ],
)
def test_which_barrier_comes_first(rows: list[Row], side: Side, how: str, result: float, bars: int) -> None:
    """A stop 10 ticks away, a target at 20, four minutes; entered at the open after the close at T0."""
    labeller = Labeller(MES, bars_of(*rows), CME, BARRIERS, costs=False)
    label = labeller.label(T0, M1, side, atr=10.0)
    assert label is not None
    assert (label.how, label.hit) == (how, how == "target")
    assert label.result_r == pytest.approx(result)
    assert label.end_ts == T0 + bars * MINUTE


def test_costs_are_paid() -> None:
    """One tick of slippage at entry and at the stop, and the round trip of MES: 0.74 USD at 1.25 a tick."""
    bars = bars_of(FLAT, (1001, 1001, 991, 991), FLAT)
    label = Labeller(MES, bars, CME, BARRIERS).label(T0, M1, Side.BUY, atr=10.0)
    fees = float(MES.round_trip(1001, 990) / MES.tick_value_usd)
    assert label is not None
    assert label.result_r == pytest.approx(-(1 + 10 + fees) / 10)


def test_no_trade_sleeps_over_a_session_or_hangs_in_the_air() -> None:
    day = CME.trade_date(T0)
    flat_by = CME.flat_by(day)
    assert flat_by is not None
    late = bars_of(*[FLAT] * 30, start=flat_by - 3 * MINUTE)
    labeller = Labeller(MES, late, CME, Barriers(1.0, 2.0, 20), costs=False)
    label = labeller.label(flat_by - 3 * MINUTE, M1, Side.BUY, 10.0)
    assert label is not None
    assert (label.how, label.end_ts) == ("time", flat_by)
    assert labeller.label(flat_by, M1, Side.BUY, 10.0) is None, "too late for an entry"
    assert labeller.label(T0 - 600 * MINUTE, M1, Side.BUY, 10.0) is None, "no bar opened soon enough"
    short = Labeller(MES, bars_of(FLAT, FLAT), CME, BARRIERS, costs=False)
    assert short.label(T0, M1, Side.BUY, 10.0) is None, "the recording ends before the trade does"
    midnight = ALWAYS.day_bounds(ALWAYS.trade_date(T0))[1]
    coins = Labeller(MES, bars_of(*[FLAT] * 9, start=midnight - 2 * MINUTE), ALWAYS, BARRIERS, costs=False)
    label = coins.label(midnight - 2 * MINUTE, M1, Side.BUY, 10.0)
    assert label is not None
    assert label.end_ts == midnight + 2 * MINUTE, "a market that never closes trades through its midnight"


# --- weights ------------------------------------------------------------------------------------------------


def test_uniqueness_by_hand() -> None:
    """The first is alone at 0 and one of two at 2; the second one of two at 2, one of two at 3."""
    assert uniqueness([(0, 3), (2, 5), (3, 4), (9, 10)]) == pytest.approx([3 / 4, 1 / 2, 1 / 2, 1.0])
    assert uniqueness([(0, 4), (0, 4)]) == [0.5, 0.5]
    assert uniqueness([]) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), min_size=1, max_size=30))
def test_uniqueness_is_a_share(drawn: list[tuple[int, int]]) -> None:
    spans = sorted((begin, begin + length) for begin, length in drawn)
    assert all(0 < one <= 1 for one in uniqueness(spans))


def test_class_weights_by_hand() -> None:
    assert class_weights([True, False, False, False], [1.0] * 4) == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])
    assert class_weights([True, True], [1.0, 3.0]) == [0.5, 1.5]
    with pytest.raises(ValueError, match="nothing weighs"):
        class_weights([True], [0.0])


def test_one_at_a_time() -> None:
    assert one_at_a_time([(0, 5), (3, 4), (5, 9), (6, 7), (9, 9)], range(5)) == [0, 2, 4]


# --- folds --------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 40)), min_size=20, max_size=60),
    st.integers(0, 20),
)
def test_no_outcome_reaches_into_a_later_part(drawn: list[tuple[int, int]], embargo: int) -> None:
    spans = sorted((begin, begin + length) for begin, length in drawn)
    if spans[-1][0] - spans[0][0] < 20:
        return
    tested: list[int] = []
    for fold in training_folds(spans, 3, 0.4, 0.25, embargo):
        tested += fold.test
        for earlier, later in ((fold.fit, fold.calibrate), (fold.calibrate, fold.test)):
            if earlier and later:
                assert max(spans[n][1] for n in earlier) + embargo <= min(spans[n][0] for n in later)
    assert sorted(tested) == sorted(set(tested))
    kept = kept_fold(spans, 0.25)
    assert not kept.test
    assert not set(kept.fit) & set(kept.calibrate)


def test_what_is_held_out_by_hand() -> None:
    spans = [(0, 2), (2, 4), (4, 9), (6, 7), (8, 9)]
    fold = held_out(spans, range(5), 0.25, 0)
    assert (fold.fit, fold.calibrate) == ((0, 1), (3, 4)), "the third is open at 6 and belongs nowhere"
    assert held_out(spans, (), 0.25, 0).fit == ()


# --- probabilities ------------------------------------------------------------------------------------------


def test_isotonic_by_hand() -> None:
    """Four parts of two: 0/2, 1/2, 0/2, 2/2; the second and the third violate and are pooled."""
    raw = [0.1, 0.1, 0.3, 0.3, 0.5, 0.5, 0.9, 0.9]
    hits = [False, False, True, False, False, False, True, True]
    table = isotonic(raw, hits, [1.0] * 8, pools=4)
    assert [pair for point in table for pair in point] == pytest.approx([0.1, 0.0, 0.4, 0.25, 0.9, 1.0])
    assert straight_between(table, 0.25) == pytest.approx(0.125)
    assert straight_between(table, 0.0) == 0.0
    assert straight_between(table, 0.99) == 1.0
    with pytest.raises(ValueError, match="nothing to calibrate"):
        isotonic([], [], [])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.floats(0.1, 3)), min_size=1, max_size=60))
def test_a_calibration_rises(drawn: list[tuple[float, bool, float]]) -> None:
    raw, hits, weights = ([one[n] for one in drawn] for n in range(3))
    table = isotonic(raw, hits, weights)  # type: ignore[arg-type]
    assert list(table) == sorted(table)
    assert all(-1e-9 <= over <= 1 + 1e-9 for _, over in table)


def test_scores_by_hand() -> None:
    predicted, hits = [0.2, 0.4, 0.4, 0.9], [False, True, False, True]
    assert brier(predicted, hits) == pytest.approx((0.04 + 0.36 + 0.16 + 0.01) / 4)
    assert log_loss(predicted, hits) == pytest.approx((0.22314 + 0.91629 + 0.51083 + 0.10536) / 4, abs=1e-5)
    assert auc(predicted, hits) == pytest.approx(3.5 / 4)
    assert auc(predicted, [True] * 4) is None
    assert lift(predicted, hits, 0.25) == 2.0
    bins = reliability(predicted, hits, [1.0, 2.0, -1.0, 3.0], bins=2)
    assert (bins[0].predicted, bins[0].hit_rate, bins[0].mean_r) == pytest.approx((1 / 3, 1 / 3, 2 / 3))
    assert bins[1] == Bin(0.9, 1.0, 1, 3.0), "equal probabilities stay together"
    assert calibration_error(bins) == pytest.approx((3 * 0.0 + 0.1) / 4)
    assert (brier([], []), log_loss([], []), calibration_error(()), lift([0.5], [False])) == (None,) * 4


# --- gain, champion -----------------------------------------------------------------------------------------


def test_a_choice_by_hand() -> None:
    """Two of four drawn blindly make as much as the best two in one of six draws."""
    p = choice_p([2.0, 1.5, -1.0, -1.0], [True, True, False, False], Random(1))
    assert p == pytest.approx(1 / 6, abs=0.05)
    losing = [-1.0] * 30
    assert choice_p(losing, [True] * 3 + [False] * 27, Random(1)) == 1.0, "trading less is no skill"
    assert choice_p([1.0, 1.0], [False, False], Random(1)) == 1.0


def test_what_trades_come_to() -> None:
    found = traded([1.0, -1.0, -1.0, 2.0])
    assert (found.trades, found.mean_r, found.total_r, found.win_rate) == (4, 0.25, 1.0, 0.5)
    assert found.worst_fall_r == 2.0
    assert found.sharpe == pytest.approx(0.25 / 1.5)
    assert (traded(()).mean_r, traded([1.0]).sharpe) == (None, None)


def test_a_challenger_must_be_better_on_what_neither_has_seen() -> None:
    chance = Random(3)
    hour = 60 * MINUTE
    spans = [(n * hour, n * hour + MINUTE) for n in range(60)]
    truth = [0.8 if n % 2 else 0.2 for n in range(60)]
    hits = [chance.random() < p for p in truth]
    blind = [0.5] * 60
    won = duel(spans, hits, blind, truth, 2 * hour, 0.05, Random(1))
    assert won.better
    assert won.p_value is not None
    assert won.p_value < 0.01
    assert not duel(spans, hits, truth, blind, 2 * hour, 0.05, Random(1)).better
    assert not duel(spans, hits, truth, truth, 2 * hour, 0.05, Random(1)).better, "a tie keeps the champion"
    few = duel(spans[:5], hits[:5], blind[:5], truth[:5], hour, 0.05, Random(1))
    assert not few.better
    assert f"{LEAST_BLOCKS} at least" in few.reason


# --- examples -----------------------------------------------------------------------------------------------


def test_examples_of_several_instruments_are_in_the_order_of_their_times() -> None:
    def some(instrument: str, *times: int) -> Examples:
        made = Examples(2)
        for ts in times:
            made.add((float(ts), 0.5), Example(Label(ts, ts + 25, 1.0, "time"), instrument, True))
        return made

    both = merged([some("MES", 10, 30), some("MNQ", 20, 40)])
    assert [one.label.ts for one in both.listed] == [10, 20, 30, 40]
    assert both.features.tolist() == [10, 0.5, 20, 0.5, 30, 0.5, 40, 0.5]
    assert both.made(range(4)) == [0, 1], "each instrument holds one at a time"
    with pytest.raises(ValueError, match="3 features"):
        both.add((1.0, 2.0, 3.0), both.listed[0])


def test_the_rules_trade_every_pattern_its_way() -> None:
    bars = random_walk(1, 400)
    picks = list(pattern_picks(bars, "MES", M1, CME))
    assert picks == [(one.known_at, one.direction) for one in occurrences(bars, "MES", M1, CME)]
    assert len(picks) > 20
