from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.market.calendars.known import CME
from engine.model.market import MINUTE, Bar, Timeframe
from engine.signals.levels import Levels
from engine.signals.previous import Previous
from engine.signals.swings import Swing


def swing(price: int, known: int, kind: int = 1) -> Swing:
    return Swing(kind, price, known - 5, known - 5, known, known)


def test_near_swings_make_one_zone_and_far_ones_another() -> None:
    levels = Levels(tolerance_atr=0.5)
    for known, price in enumerate((100, 103, 140, 99, 138)):
        levels.add(swing(price, known), atr=8)
    assert [(zone.low, zone.high, zone.touches, zone.last_index) for zone in levels.found] == [
        (99, 103, 3, 3),
        (138, 140, 2, 4),
    ]
    assert levels.strong(3) == levels.found[:1]


def test_a_zone_never_grows_wider_than_twice_the_tolerance() -> None:
    levels = Levels(tolerance_atr=0.5)
    for known, price in enumerate((100, 104, 108, 112)):
        levels.add(swing(price, known), atr=8)
    assert [(zone.low, zone.high) for zone in levels.found] == [(100, 108), (112, 112)]


def test_two_ticks_are_always_near() -> None:
    levels = Levels()
    for known, price in enumerate((100, 102, 105)):
        levels.add(swing(price, known), atr=0.1)
    assert [zone.touches for zone in levels.found] == [2, 1]


def test_a_turn_that_goes_further_is_one_touch_and_a_plateau_is_none() -> None:
    levels = Levels()
    first, further, plateau = swing(100, 10), swing(101, 13), swing(101, 16)
    levels.add(first, atr=8)
    levels.add(replace(further, supersedes=first.index), atr=8)
    assert levels.add(replace(plateau, superseded_by=further.index), atr=8) is None
    assert [(zone.low, zone.high, zone.touches) for zone in levels.found] == [(100, 101, 1)]
    levels.add(swing(100, 30), atr=8)
    assert levels.found[0].touches == 2


def test_a_zone_without_news_is_forgotten() -> None:
    levels = Levels(expire_after=50)
    levels.add(swing(100, 0), atr=8)
    levels.add(swing(200, 50), atr=8)
    assert len(levels.found) == 2
    levels.add(swing(300, 51), atr=8)
    assert [zone.low for zone in levels.found] == [200, 300]


def test_the_stalest_zone_makes_room() -> None:
    levels = Levels(keep=2)
    for known, price in enumerate((100, 200, 101, 300)):
        levels.add(swing(price, known), atr=8)
    assert [zone.low for zone in levels.found] == [100, 300]


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 20)), max_size=80))
def test_zones_hold_their_swings_and_are_sorted_and_bounded(rows: list[tuple[int, int]]) -> None:
    levels = Levels(keep=10, expire_after=30)
    for known, (price, atr) in enumerate(rows):
        zone = levels.add(swing(price, known), atr)
        assert zone is not None
        assert zone.low <= price <= zone.high
        assert zone.known_at <= known == zone.newest.known_at
        assert len(levels.found) <= 10
        assert all(known - one.last_index <= 30 for one in levels.found)
        lows = [one.low for one in levels.found]
        assert lows == sorted(lows)


def day_bars(day: date, low: int, high: int, late: int = 0) -> list[Bar]:
    open_ts, close_ts = CME.session_bounds(day)
    return [
        Bar("ES", Timeframe.H1, ts, low, high, low, high, 1)
        for ts in range(open_ts + late * 60 * MINUTE, close_ts, 60 * MINUTE)
    ]


def test_yesterdays_extremes_are_known_at_the_roll_and_whole_days_only() -> None:
    previous = Previous()
    for one in day_bars(date(2026, 8, 4), 100, 120, late=10):
        previous.add(one)
    for one in day_bars(date(2026, 8, 5), 110, 130):
        previous.add(one)
        assert previous.high is None  # the 4th was only partly seen
    third = day_bars(date(2026, 8, 6), 90, 95)
    previous.add(third[0])
    assert (previous.low, previous.high, previous.stamp) == (110, 130, third[0].open_ts)
    for one in third[1:]:
        previous.add(one)
    assert (previous.low, previous.high) == (110, 130)
