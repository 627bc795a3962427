from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.market.calendars.known import CME
from engine.market.user_hours import UserHours
from engine.model.market import MINUTE, NANOS
from engine.model.view import SessionPhase

CHICAGO = ZoneInfo("America/Chicago")
HELSINKI = ZoneInfo("Europe/Helsinki")
HOUR = 60 * MINUTE

weekdays = st.dates(date(2012, 1, 1), date(2031, 12, 31)).filter(lambda day: day.weekday() < 5)
instants = st.integers(1_325_376_000, 1_956_528_000).map(lambda second: second * NANOS)
MISMATCH_WEEKS = (date(2026, 3, 8), date(2026, 10, 25), date(2027, 3, 14), date(2027, 10, 31))
"""Sundays after which the US and Europe are an hour nearer or farther than usual."""


def chicago(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=CHICAGO).timestamp()) * NANOS


@given(weekdays)
def test_every_session_is_23_hours_and_begins_where_the_break_ends(day: date) -> None:
    open_ts, close_ts = CME.session_bounds(day)
    assert close_ts - open_ts == 23 * HOUR
    assert CME.clock(open_ts) == "17:00:00"
    assert CME.clock(close_ts) == "16:00:00"
    assert CME.trade_date(open_ts) == day
    assert CME.trade_date(open_ts - 1) == day - timedelta(days=1)
    assert CME.trade_date(close_ts - 1) == day


@given(instants)
def test_the_trade_date_is_chicago_wall_time_plus_seven_hours(ts: int) -> None:
    wall = datetime.fromtimestamp(ts // NANOS, CHICAGO).replace(tzinfo=None)
    assert CME.trade_date(ts) == (wall + timedelta(hours=7)).date()


@given(instants)
def test_the_next_roll_is_the_first_instant_of_the_next_trade_date(ts: int) -> None:
    roll = CME.next_roll(ts)
    assert roll > ts
    assert CME.trade_date(roll - 1) == CME.trade_date(ts)
    assert CME.trade_date(roll) == CME.trade_date(ts) + timedelta(days=1)


@given(instants)
def test_the_phase_holds_until_its_next_change(ts: int) -> None:
    change = CME.next_phase_change(ts)
    assert change > ts
    assert {CME.phase(ts), CME.phase((ts + change) // 2), CME.phase(change - 1)} == {CME.phase(ts)}


@given(instants)
def test_the_phase_follows_the_chicago_wall_on_ordinary_days(ts: int) -> None:
    day = CME.trade_date(ts)
    wall = datetime.fromtimestamp(ts // NANOS, CHICAGO)
    minutes = wall.hour * 60 + wall.minute
    assume(day not in CME.holidays.closed and day not in CME.holidays.early)
    if day.weekday() >= 5 or 16 * 60 <= minutes < 17 * 60:
        assert CME.phase(ts) is SessionPhase.CLOSED
    elif 8 * 60 + 30 <= minutes < 15 * 60:
        assert CME.phase(ts) is SessionPhase.RTH
    else:
        assert CME.phase(ts) is SessionPhase.ETH


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        ("2026-08-05T08:29:59", SessionPhase.ETH),
        ("2026-08-05T08:30:00", SessionPhase.RTH),
        ("2026-08-05T14:59:59", SessionPhase.RTH),
        ("2026-08-05T15:00:00", SessionPhase.ETH),
        ("2026-08-05T16:00:00", SessionPhase.CLOSED),
        ("2026-08-05T17:00:00", SessionPhase.ETH),
        ("2026-08-07T16:00:00", SessionPhase.CLOSED),
        ("2026-08-09T16:59:59", SessionPhase.CLOSED),
        ("2026-08-09T17:00:00", SessionPhase.ETH),
        ("2026-11-26T11:59:59", SessionPhase.RTH),
        ("2026-11-26T12:00:00", SessionPhase.CLOSED),
        ("2026-11-26T17:00:00", SessionPhase.ETH),
        ("2026-11-27T12:14:59", SessionPhase.RTH),
        ("2026-11-27T12:15:00", SessionPhase.CLOSED),
        ("2026-12-24T17:30:00", SessionPhase.CLOSED),
        ("2026-12-25T10:00:00", SessionPhase.CLOSED),
        ("2026-12-27T17:00:00", SessionPhase.ETH),
    ],
)
def test_phases_of_known_moments(wall: str, expected: SessionPhase) -> None:
    assert CME.phase(chicago(wall)) is expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 8, 5), "15:10"),
        (date(2026, 3, 9), "15:10"),
        (date(2026, 11, 26), "11:50"),
        (date(2026, 11, 27), "12:05"),
    ],
)
def test_positions_must_be_flat_by(day: date, expected: str) -> None:
    assert CME.hhmm(CME.flat_by(day)) == expected
    assert CME.trade_date(CME.flat_by(day)) == day
    assert CME.flat_by(day) < CME.session_close(day)


def test_a_closed_day_has_no_time_to_hold_anything() -> None:
    christmas = date(2026, 12, 25)
    open_ts, _ = CME.session_bounds(christmas)
    assert CME.session_close(christmas) == CME.flat_by(christmas) == open_ts


def test_holiday_data_covers_weekdays_of_the_years_it_claims() -> None:
    for day in CME.holidays.closed | CME.holidays.early.keys():
        assert day.weekday() < 5, day
        assert CME.known(day)
    assert {day.year for day in CME.holidays.closed} == set(CME.holidays.years)
    assert not CME.holidays.closed & CME.holidays.early.keys()


def test_unknown_years_are_admitted_and_get_a_regular_week() -> None:
    assert not CME.known(date(2013, 10, 7))
    assert not CME.known(date(2029, 1, 3))
    assert CME.phase(chicago("2029-12-25T10:00:00")) is SessionPhase.RTH


@pytest.mark.parametrize("sunday", MISMATCH_WEEKS)
def test_roll_and_deadline_hold_while_us_and_eu_clocks_disagree(sunday: date) -> None:
    for offset in range(1, 6):
        day = sunday + timedelta(days=offset)
        open_ts, close_ts = CME.session_bounds(day)
        assert close_ts - open_ts == 23 * HOUR
        assert CME.clock(CME.flat_by(day)) == "15:10:00"
        assert CME.clock(CME.next_roll(CME.flat_by(day))) == "17:00:00"


@pytest.mark.parametrize("flip", [date(2026, 3, 8), date(2026, 11, 1)])
def test_each_utc_hour_around_a_clock_change_has_one_trade_date(flip: date) -> None:
    first = int(datetime(flip.year, flip.month, flip.day, tzinfo=UTC).timestamp()) * NANOS - 24 * HOUR
    dates = [CME.trade_date(first + hour * HOUR) for hour in range(72)]
    assert dates == sorted(dates)
    lengths = {day: dates.count(day) for day in dates[24:48]}
    assert lengths[flip] == (23 if flip.month == 3 else 25)  # the Sunday on which nobody trades


def test_user_hours_stand_on_the_users_own_wall() -> None:
    hours = UserHours("02:00", "23:00", "Europe/Helsinki")
    for moment, expected in (
        (datetime(2026, 8, 5, 1, 59, 59, tzinfo=HELSINKI), False),
        (datetime(2026, 8, 5, 2, 0, tzinfo=HELSINKI), True),
        (datetime(2026, 8, 5, 22, 59, 59, tzinfo=HELSINKI), True),
        (datetime(2026, 8, 5, 23, 0, tzinfo=HELSINKI), False),
        (datetime(2026, 10, 25, 3, 30, fold=0, tzinfo=HELSINKI), True),
        (datetime(2026, 10, 25, 3, 30, fold=1, tzinfo=HELSINKI), True),
    ):
        assert hours.open_at(int(moment.timestamp()) * NANOS) is expected, moment


def test_the_users_evening_ends_after_the_deadline_when_clocks_disagree() -> None:
    hours = UserHours("02:00", "23:00", "Europe/Helsinki")
    usual, odd = date(2026, 8, 5), date(2026, 3, 11)
    assert hours.open_at(CME.flat_by(usual)) is False
    assert hours.open_at(CME.flat_by(odd)) is True


@given(instants, st.sampled_from(["Europe/Helsinki", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]))
def test_user_hours_and_their_complement_share_the_day(ts: int, zone: str) -> None:
    by_day = UserHours("07:15", "21:45", zone)
    by_night = UserHours("21:45", "07:15", zone)
    assert by_day.open_at(ts) is not by_night.open_at(ts)
    wall = datetime.fromtimestamp(ts // NANOS, ZoneInfo(zone))
    minutes = wall.hour * 60 + wall.minute
    assert by_day.open_at(ts) is (7 * 60 + 15 <= minutes < 21 * 60 + 45)


def test_user_hours_may_span_the_whole_day() -> None:
    hours = UserHours("00:00", "24:00", "Europe/Helsinki")
    assert all(hours.open_at(chicago("2026-08-05T00:00:00") + n * HOUR) for n in range(24))


@pytest.mark.parametrize(
    ("start", "end", "zone"),
    [
        ("8:30", "15:00", "UTC"),
        ("08:30", "25:00", "UTC"),
        ("08:30", "15:60", "UTC"),
        ("08:30", "08:30", "UTC"),
        ("24:00", "08:30", "UTC"),
        ("0830", "15:00", "UTC"),
        ("08:30", "15:00", "Mars/Olympus"),
        ("08:30", "15:00", "../etc"),
        ("08:30", "15:00", ""),
    ],
)
def test_nonsense_hours_are_refused(start: str, end: str, zone: str) -> None:
    with pytest.raises(ValueError, match=r"time|hours"):
        UserHours(start, end, zone)
