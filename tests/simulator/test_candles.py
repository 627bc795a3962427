from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from adapters.simulator.market.candles import DAY, HOURS, MINUTES, MONTH, SECONDS, TICKS, WEEK, Candles
from adapters.simulator.market.hours import practice_open, session
from engine.model.market import MINUTE, Bar, Timeframe

START = practice_open(date(2026, 11, 20))


def bar(minute: int, price: int, volume: int = 1) -> Bar:
    return Bar("ES", Timeframe.M1, START + minute * MINUTE, price, price + 2, price - 2, price + 1, volume)


def test_prints_make_minutes() -> None:
    candles = Candles("ES", ())
    for second, price, size in ((0, 10, 1), (20, 14, 2), (59, 8, 3)):
        assert candles.on_print(START + second * 1_000_000_000, price, size) is None
    closed = candles.on_print(START + MINUTE, 9, 1)
    assert closed == Bar("ES", Timeframe.M1, START, 10, 14, 8, 8, 6)
    assert candles.closed == [closed]
    assert candles.last == 9


def test_a_minute_closes_without_a_further_print() -> None:
    candles = Candles("ES", ())
    candles.on_print(START, 10, 1)
    assert candles.close_until(START + MINUTE - 1) is None
    assert candles.close_until(START + MINUTE) is not None
    assert candles.forming is None
    assert candles.last == 10


def test_a_quiet_minute_has_no_bar() -> None:
    candles = Candles("ES", ())
    candles.on_print(START, 10, 1)
    candles.on_print(START + 3 * MINUTE, 11, 1)
    assert [b.open_ts for b in candles.since(0)] == [START, START + 3 * MINUTE]


def test_a_window_is_newest_first_half_open_and_limited() -> None:
    candles = Candles("ES", [bar(i, i) for i in range(10)])
    now = START + 20 * MINUTE
    found = candles.window(MINUTES, 1, START + 2 * MINUTE, START + 8 * MINUTE, 3, now, partial=False)
    assert [(b.open_ts - START) // MINUTE for b in found] == [7, 6, 5]


def test_an_unfinished_bar_is_shown_only_when_asked_for() -> None:
    candles = Candles("ES", [bar(i, i) for i in range(7)])
    now = START + 7 * MINUTE
    closed = candles.window(MINUTES, 5, START, now, 100, now, partial=False)
    both = candles.window(MINUTES, 5, START, now, 100, now, partial=True)
    assert [b.open_ts for b in closed] == [START]
    assert [b.open_ts for b in both] == [START + 5 * MINUTE, START]
    assert (both[1].open, both[1].high, both[1].low, both[1].close, both[1].volume) == (0, 6, -2, 5, 5)


def test_the_forming_minute_is_the_first_of_a_window() -> None:
    candles = Candles("ES", [bar(0, 10)])
    candles.on_print(START + MINUTE, 50, 4)
    now = START + MINUTE + 1
    assert [b.close for b in candles.window(MINUTES, 1, START, now, 9, now, partial=True)] == [50, 11]
    assert [b.close for b in candles.window(MINUTES, 1, START, now, 9, now, partial=False)] == [11]


def test_days_begin_at_17_and_weeks_on_sunday_evening() -> None:
    thursday, friday = session(date(2026, 11, 19)), session(date(2026, 11, 20))
    bars = [
        Bar("ES", Timeframe.M1, ts, price, price, price, price, 1)
        for ts, price in (
            (thursday.open, 1),
            (thursday.close - MINUTE, 2),
            (friday.open, 3),
            (friday.close - MINUTE, 4),
        )
    ]
    candles = Candles("ES", bars)
    now = friday.close + 10 * 24 * 60 * MINUTE

    def shown(unit: int) -> list[tuple[int, int, int]]:
        rows = candles.window(unit, 1, 0, now, 100, now, partial=False)
        return [(b.open_ts, b.open, b.close) for b in rows]

    assert shown(DAY) == [(friday.open, 3, 4), (thursday.open, 1, 2)]
    assert shown(WEEK) == [(session(date(2026, 11, 16)).open, 1, 4)]
    assert candles.window(MONTH, 1, 0, now, 100, now, partial=True)[0].volume == 4
    assert candles.window(MONTH, 1, 0, now, 100, now, partial=False) == []


@given(st.lists(st.integers(1, 20), min_size=1, max_size=300), st.sampled_from([1, 2, 5, 15, 60]))
def test_larger_bars_conserve_volume_and_extremes(volumes: list[int], count: int) -> None:
    candles = Candles("ES", [bar(i, volume * 3, volume) for i, volume in enumerate(volumes)])
    now = START + 400 * MINUTE
    found = candles.window(MINUTES, count, 0, now, 20_000, now, partial=True)
    assert sum(b.volume for b in found) == sum(volumes)
    assert max(b.high for b in found) == max(volumes) * 3 + 2
    assert min(b.low for b in found) == min(volumes) * 3 - 2
    if count == 60:
        assert found == candles.window(HOURS, 1, 0, now, 20_000, now, partial=True)


def test_seconds_and_ticks_of_the_latest_trades() -> None:
    candles = Candles("ES", ())
    for ms, price in ((0, 10), (400, 12), (900, 11), (1_000, 9), (3_100, 8)):
        candles.on_print(START + ms * 1_000_000, price, 2)
    end, now = START + MINUTE, START + 3_200_000_000

    def told(unit: int, count: int, *, partial: bool) -> list[tuple[int, int, int, int, int, int]]:
        found = candles.window(unit, count, START, end, 9, now, partial=partial)
        return [((b.open_ts - START) // 1_000_000, b.open, b.high, b.low, b.close, b.volume) for b in found]

    assert told(SECONDS, 1, partial=False) == [(1_000, 9, 9, 9, 9, 2), (0, 10, 12, 10, 11, 6)]
    assert told(SECONDS, 5, partial=True) == [(0, 10, 12, 8, 8, 10)]
    assert told(TICKS, 2, partial=False) == [(900, 11, 11, 9, 9, 4), (0, 10, 12, 10, 12, 4)]
    assert told(TICKS, 2, partial=True)[0] == (3_100, 8, 8, 8, 8, 2)
