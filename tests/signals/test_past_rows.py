"""The closes before one: the same for training as live, and nothing that comes later."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lab.training.examples import NO_PLACE, Example, Examples, merged
from engine.lab.training.labels import Label
from engine.model.market import MINUTE, Timeframe
from engine.signals.past_rows import WINDOW, PastRows

M5 = Timeframe.M5


def filled(*minutes: int, most: int = WINDOW) -> PastRows[int]:
    rows: PastRows[int] = PastRows(M5, most)
    for one in minutes:
        rows.add(one * MINUTE, one)
    return rows


def test_what_counts_are_the_newest_closes_by_the_clock() -> None:
    rows = filled(*range(0, 100, 5))
    assert list(rows.before(100 * MINUTE)) == list(range(45, 100, 5))
    assert list(rows.before(95 * MINUTE, 3)) == [85, 90], "its own row is none of those before it"
    assert list(rows.before(98 * MINUTE, 3)) == [85, 90], "nor is that of a close which it is asked after"
    assert list(filled(0, 5, 10, 60).before(65 * MINUTE)) == [10, 60], "a pause takes its place"
    assert list(filled(5, 5, 0, 10).before(15 * MINUTE)) == [5, 10], "what was there is passed over"
    assert list(filled().before(0)) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=40), st.integers(1, WINDOW))
def test_no_more_than_the_window_and_nothing_of_the_future(steps: list[int], window: int) -> None:
    times, now = [], 0
    for step in steps:
        now += step
        times.append(now)
    rows = filled(*times)
    found = list(rows.before(now * MINUTE, window))
    assert len(found) < window or window == 1
    assert all(now - 5 * window < one <= now - 5 for one in found)
    assert found == sorted(found)
    rows.add((now + 5) * MINUTE, now + 5)
    later = list(rows.before(now * MINUTE, window))
    assert later == [one for one in found if one in later]
    assert now + 5 not in later


def test_places_stay_right_where_markets_are_merged() -> None:
    """Each second close is no example; two markets take turns."""

    def some(first: int) -> Examples:
        made, past = Examples(1), PastRows[int](M5)
        for n in range(20):
            ts = (first + 5 * n) * MINUTE
            if n % 2:
                place = made.put_aside((float(ts),))
            else:
                example = Example(Label(ts, ts + 1, 1.0, "time"), "MES", True)
                place = made.add((float(ts),), example, tuple(past.before(ts)))
            past.add(ts, place)
        return made

    one, other = some(0), some(2)
    both = merged([one, other])
    assert len(both) == 20
    assert len(both.aside) == 20
    for n, example in enumerate(both.listed):
        ts = example.label.ts
        told = [both.row(place)[0] for place in both.past(n)]
        count = min(WINDOW - 1, ts // (5 * MINUTE))
        assert told == [ts - 5 * MINUTE * back for back in range(count, 0, -1)]
    assert both.pasts[0] == NO_PLACE
