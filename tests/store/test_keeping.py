"""Which backups stay as they grow older."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.store.backups.keeping import WHOLE_DAY_NS, Keeping, kept

NS = 1_000_000_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


def every_six_hours(days: int, last: str = "2026-11-29T18:00") -> list[int]:
    end = datetime.fromisoformat(last).replace(tzinfo=UTC)
    return [int((end - timedelta(hours=6 * n)).timestamp()) * NS for n in range(4 * days)]


@pytest.mark.parametrize(
    ("made", "keeping", "stay"),
    [
        ([], Keeping(), []),
        (["2026-11-29T00:00"], Keeping(1, 0, 0), ["2026-11-29T00:00"]),
        # a day's newest; the last 24 hours are whole
        (
            [
                "2026-11-27T06:00",
                "2026-11-27T18:00",
                "2026-11-28T06:00",
                "2026-11-28T18:00",
                "2026-11-29T12:00",
            ],
            Keeping(3, 0, 0),
            ["2026-11-27T18:00", "2026-11-28T18:00", "2026-11-29T12:00"],
        ),
        # days without any use none up
        (
            ["2026-01-05T00:00", "2026-06-01T00:00", "2026-11-29T00:00"],
            Keeping(2, 0, 0),
            ["2026-06-01T00:00", "2026-11-29T00:00"],
        ),
        # a week begins on Monday: the 22nd is a Sunday, the 23rd a Monday
        (
            ["2026-11-20T00:00", "2026-11-22T00:00", "2026-11-23T00:00", "2026-11-29T00:00"],
            Keeping(1, 2, 0),
            ["2026-11-22T00:00", "2026-11-29T00:00"],
        ),
        # weeks know no turn of the year: 1 January 2027 is a Friday of the week of 28 December
        (
            ["2026-12-28T00:00", "2027-01-01T00:00", "2027-01-04T00:00"],
            Keeping(1, 2, 0),
            ["2027-01-01T00:00", "2027-01-04T00:00"],
        ),
        (
            ["2026-09-30T00:00", "2026-10-01T00:00", "2026-11-29T00:00"],
            Keeping(1, 0, 2),
            ["2026-10-01T00:00", "2026-11-29T00:00"],
        ),
    ],
    ids=["none", "one", "days", "gaps", "weeks", "new year", "months"],
)
def test_what_stays(made: list[str], keeping: Keeping, stay: list[str]) -> None:
    assert kept(map(at, made), keeping) == frozenset(map(at, stay))


def test_after_two_years_of_six_hours_there_are_days_weeks_and_months() -> None:
    made = every_six_hours(730)
    stay = sorted(kept(made, Keeping()))
    days = {datetime.fromtimestamp(ts // NS, UTC).date() for ts in stay}
    assert stay[-1] == max(made)
    assert len([day for day in days if day > datetime(2026, 10, 30, tzinfo=UTC).date()]) == 30
    assert len({day.isocalendar()[:2] for day in days}) >= 12
    assert len({(day.year, day.month) for day in days}) == 12
    assert len(stay) < 30 + 12 + 12 + 4


HOURS = st.lists(st.integers(0, 24 * 500), max_size=60).map(lambda found: [h * 3600 * NS for h in found])
KEEPING = st.builds(Keeping, st.integers(1, 5), st.integers(0, 4), st.integers(0, 4))


@given(HOURS, KEEPING)
def test_thinning_out_often_or_at_once_leaves_the_same(made: list[int], keeping: Keeping) -> None:
    there: frozenset[int] = frozenset()
    for ts in sorted(made):
        there = kept({*there, ts}, keeping)
    assert there == kept(made, keeping)


@given(HOURS, KEEPING)
def test_nothing_is_made_up_and_the_newest_day_is_whole(made: list[int], keeping: Keeping) -> None:
    stay = kept(made, keeping)
    assert stay <= set(made)
    assert kept(stay, keeping) == stay
    if made:
        assert {ts for ts in made if ts > max(made) - WHOLE_DAY_NS} <= stay
        spans = keeping.daily + keeping.weekly + keeping.monthly
        assert len({ts for ts in stay if ts <= max(made) - WHOLE_DAY_NS}) <= spans
