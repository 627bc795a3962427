"""What a pattern would have come to, by hand; and that a scan sees nothing that lies ahead."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.lab.pattern_scan import ScanRules, outcome_of, scan, tallied
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe
from engine.signals.patterns import Pattern, PatternKind
from tests.signals.shapes import wander

MNQ = CME_FUTURES["MNQ"]
COSTS_R = 1.22 / 0.5
"""Both sides of one MNQ in ticks."""
M1, M5 = Timeframe.M1, Timeframe.M5
HELD = Pattern(PatternKind.BLOCK_HELD, M1, 1, 0, 0, MINUTE, 100, 90, 100)
"""A block of 90 to 100 that held: the stop goes to 88 where the ATR is 20, two ticks below it."""
ATR = 20.0


def bars(*rows: tuple[int, int, int, int]) -> list[Bar]:
    return [Bar("MNQ", M1, (n + 1) * MINUTE, *row, 10) for n, row in enumerate(rows)]


BY_HAND = [
    ("target", [(108, 110, 100, 109), (109, 149, 101, 140)], 40, -8, 41),
    ("target only through it", [(108, 110, 100, 109), (109, 148, 101, 140)], None, 0, 0),
    ("not on the entry bar", [(108, 160, 107, 140), (140, 140, 80, 90)], -20, -20, 32),
    ("beyond the target at the open", [(108, 110, 107, 109), (150, 150, 80, 90)], 40, -1, 42),
    ("the stop comes first", [(108, 110, 105, 109), (109, 160, 88, 120)], -20, -20, 1),
    ("beyond the stop at the open", [(108, 110, 105, 109), (70, 75, 60, 72)], -38, -38, 0),
    ("no entry beyond the stop", [(88, 120, 80, 110)], None, 0, 0),
    ("nothing yet", [(108, 110, 105, 109)], None, 0, 0),
]
"""Rows, the ticks that were won without slippage and costs, MAE and MFE in ticks; 20 are at risk."""


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("name", "rows", "ticks", "mae", "mfe"), BY_HAND, ids=[one[0] for one in BY_HAND])
def test_outcomes_by_hand(
    name: str, rows: list[tuple[int, int, int, int]], ticks: int | None, mae: int, mfe: int, sign: int
) -> None:
    """The mirrored market gives the same to a pattern that points down."""
    pattern = HELD
    if sign < 0:
        pattern = replace(HELD, direction=-1, price=200, low=200, high=210)
        rows = [(300 - o, 300 - low, 300 - high, 300 - close) for o, high, low, close in rows]
    rules = ScanRules(slippage_ticks=0)
    found = outcome_of(pattern, ATR, bars(*rows), MNQ, rules)
    if ticks is None:
        assert found is None
        return
    assert found is not None
    assert found.r == pytest.approx((ticks - COSTS_R) / 20, abs=1e-3)
    assert found.mae_r == pytest.approx(mae / 20, abs=1e-3)
    assert found.mfe_r == pytest.approx(mfe / 20, abs=1e-3)


def test_time_runs_out_and_slippage_is_paid() -> None:
    quiet = bars(*[(108, 110, 105, 112)] * 5)
    found = outcome_of(HELD, ATR, quiet, MNQ, ScanRules(longest=3))
    assert found is not None
    assert (found.how, found.ended_at) == ("time", 4 * MINUTE)
    assert found.r == pytest.approx((112 - 108 - 2 - COSTS_R) / 20, abs=1e-3)


def test_a_scan_says_of_a_day_what_it_says_with_the_future_cut_off() -> None:
    whole = wander(3, 4_000, instrument="MNQ")
    start, end = whole[2_000].open_ts, whole[3_000].open_ts
    found = scan(MNQ, whole, [M1, M5], start, end)
    assert {one.pattern.timeframe for one in found} == {M1, M5}
    assert all(start <= one.pattern.known_at < end for one in found)
    assert [one.pattern.known_at for one in found] == sorted(one.pattern.known_at for one in found)
    cut = scan(MNQ, whole[:3_000], [M1, M5], start, end)
    assert [one.pattern for one in cut] == [one.pattern for one in found]
    assert all(one.outcome in (None, other.outcome) for one, other in zip(cut, found, strict=True))
    ended = [one for one in found if one.outcome is not None]
    assert {one.outcome.how for one in ended if one.outcome} == {"target", "stop", "time"}
    tallies = tallied("MNQ", found)
    assert sum(tally.count for tally in tallies.values()) == len(ended)
    assert all(one.outcome is None for one in found if not one.pattern.direction)


def test_longer_bars_can_not_be_made_of_others() -> None:
    with pytest.raises(ValueError, match="bars of 3m"):
        scan(MNQ, [Bar("MNQ", M5, 0, 1, 1, 1, 1, 1)], [Timeframe.M3], 0, 9)
