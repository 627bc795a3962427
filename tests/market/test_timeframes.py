"""All timeframes on all calendars: where bars begin and end, and that every way to them gives the same."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market.bars import BarsClosed, MinuteBars
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import ALWAYS, CALENDARS, CME, US_EQUITIES
from engine.market.candles import fold, resample
from engine.market.intervals import interval_at
from engine.market.series import MINUTES_KEPT
from engine.model.events import Print
from engine.model.market import MINUTE, NANOS, USUAL, Bar, Timeframe

HOUR = 60 * MINUTE
HALF_HOUR = 30 * MINUTE
SESSION_FRAMES = (Timeframe.H2, Timeframe.H4, Timeframe.D1)
DAYS = [
    date(2026, 3, 5),  # a weekend in which Chicago and New York set their clocks forward lies behind it
    date(2026, 10, 30),  # and here back
    date(2026, 11, 25),  # a holiday, and a day that closes early
    date(2026, 12, 23),  # Christmas
    date(2026, 6, 9),
]


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NANOS


def spans(calendar: Calendar, timeframe: Timeframe, day: date) -> list[tuple[str, str]]:
    """The intervals of a trade date by its own clock, found minute by minute."""
    start, end = calendar.day_bounds(day)
    found = dict.fromkeys(interval_at(ts, timeframe, calendar) for ts in range(start, end, 15 * MINUTE))
    return [(calendar.hhmm(one[0]), calendar.hhmm(one[1])) for one in found if one is not None]


@pytest.mark.parametrize(
    ("calendar", "timeframe", "day", "expected"),
    [
        (CME, "4h", "2026-06-09", "17:00 21:00 01:00 05:00 09:00 13:00 16:00"),
        (CME, "4h", "2026-11-27", "17:00 21:00 01:00 05:00 09:00 12:15"),
        (CME, "2h", "2026-11-26", "17:00 19:00 21:00 23:00 01:00 03:00 05:00 07:00 09:00 11:00 12:00"),
        (CME, "1d", "2026-06-09", "17:00 16:00"),
        (CME, "1d", "2026-11-27", "17:00 12:15"),
        (CME, "1d", "2026-12-25", ""),
        (CME, "1d", "2026-06-07", ""),  # a Sunday: its evening is Monday's
        (ALWAYS, "4h", "2026-06-07", "00:00 04:00 08:00 12:00 16:00 20:00 00:00"),
        (ALWAYS, "1d", "2026-12-25", "00:00 00:00"),
        (US_EQUITIES, "2h", "2026-06-09", "09:30 11:30 13:30 15:30 16:00"),
        (US_EQUITIES, "4h", "2026-11-27", "09:30 13:00"),
        (US_EQUITIES, "1d", "2026-06-09", "09:30 16:00"),
    ],
)
def test_longer_bars_are_counted_from_the_open_of_the_session(
    calendar: Calendar, timeframe: str, day: str, expected: str
) -> None:
    found = spans(calendar, Timeframe(timeframe), date.fromisoformat(day))
    assert " ".join([*(start for start, _ in found), *(end for _, end in found[-1:])]) == expected


@pytest.mark.parametrize("calendar", CALENDARS.values(), ids=CALENDARS)
def test_sessions_begin_and_end_on_quarters_of_an_hour(calendar: Calendar) -> None:
    """So that none ends inside a quarter, and half hours make up what begins on them."""
    for n in range(3 * 365):
        day = date(2025, 1, 1) + timedelta(days=n)
        opened, closes = calendar.session_bounds(day)[0], calendar.session_close(day)
        assert (opened % HALF_HOUR, closes % (15 * MINUTE)) == (0, 0)


markets = st.tuples(st.sampled_from(list(CALENDARS)), st.sampled_from(DAYS), st.integers(0, 999))


def trades(calendar: Calendar, day: date, seed: int) -> list[Print]:
    """A print every few minutes from the open of a day on, for three days, in and out of sessions."""
    chance = random.Random(seed)
    ts, found = calendar.session_bounds(day)[0], list[Print]()
    end = ts + 80 * HOUR
    while ts < end:
        price, size = chance.randrange(900, 1100), chance.randrange(9)
        found.append(Print(ts_recv=ts, ts_venue=ts, instrument="X", price=price, size=size))
        ts += chance.choice([1, 2, 5, 60, 90]) * MINUTE
    return found


def run(
    stream: list[Print], calendar: Calendar, *timeframes: Timeframe
) -> tuple[MinuteBars, list[BarsClosed]]:
    bars = MinuteBars(grace_ns=0, timeframes=timeframes, calendars={"X": calendar})
    bars.feed_up(stream[0].ts_venue - HALF_HOUR)
    closed = [one for traded in stream for one in bars.on_print(traded)]
    return bars, [*closed, *bars.on_time(stream[-1].ts_venue + 100 * HOUR)]


def whole(bar: Bar) -> tuple[int, ...]:
    return bar.open_ts, bar.close_ts, bar.open, bar.high, bar.low, bar.close, bar.volume


@given(markets)
@settings(max_examples=15)
def test_every_way_to_a_longer_bar_gives_the_same(
    market: tuple[str, date, int],
) -> None:
    calendar = CALENDARS[market[0]]
    stream = trades(calendar, market[1], market[2])
    live, closed = run(stream, calendar, *Timeframe)
    read, usual = run(stream, calendar, *USUAL)
    minutes = list(fold(stream, Timeframe.M1))
    for timeframe in Timeframe:
        announced = [bar for one in closed for bar in one.bars if bar.timeframe is timeframe]
        assert list(live.bars("X", timeframe)) == announced, "what is kept is what was announced"
        assert read.bars("X", timeframe) == live.bars("X", timeframe), "folded or made when it is read"
        direct = list(fold(stream, timeframe, calendar=calendar))
        assert [whole(bar) for bar in announced] == [whole(bar) for bar in direct], "prints or minutes"
        assert list(resample(minutes, timeframe, calendar)) == announced or timeframe is Timeframe.M1
        for one in closed:
            assert all(bar.close_ts == one.ts for bar in one.bars), "at its end, not later"
    assert [bar for one in usual for bar in one.bars] == [
        bar for one in closed for bar in one.bars if bar.timeframe in USUAL
    ], "what others need changes nothing"


@given(markets)
@settings(max_examples=15)
def test_volume_is_conserved_and_no_bar_crosses_a_session(
    market: tuple[str, date, int],
) -> None:
    calendar = CALENDARS[market[0]]
    stream = trades(calendar, market[1], market[2])
    in_session = sum(
        traded.size
        for traded in stream
        if calendar.session_bounds(day := calendar.trade_date(traded.ts_venue))[0]
        <= traded.ts_venue
        < calendar.session_close(day)
    )
    for timeframe in Timeframe:
        bars = list(fold(stream, timeframe, calendar=calendar))
        total = in_session if timeframe.by_calendar else sum(traded.size for traded in stream)
        assert sum(bar.volume for bar in bars) == total
        for bar in bars:
            day = calendar.trade_date(bar.open_ts)
            assert day == calendar.trade_date(bar.close_ts - 1)
            if timeframe.by_calendar:
                assert (
                    calendar.session_bounds(day)[0]
                    <= bar.open_ts
                    < bar.close_ts
                    <= calendar.session_close(day)
                )
            assert 0 < bar.close_ts - bar.open_ts <= timeframe.nanos
        if timeframe is Timeframe.D1:
            days = [calendar.trade_date(bar.open_ts) for bar in bars]
            assert len(set(days)) == len(days), "one bar a trade date"


def test_at_one_instant_the_shorter_ones_come_first_each_by_instrument() -> None:
    bars = MinuteBars(grace_ns=0, timeframes=Timeframe)
    opened, _ = CME.session_bounds(date(2026, 6, 9))
    closes = CME.session_close(date(2026, 6, 9))
    bars.feed_up(opened)
    closed: list[BarsClosed] = []
    for ts in range(opened, closes, MINUTE):
        for name in ("NQ", "ES"):
            closed += bars.on_print(Print(ts_recv=ts, ts_venue=ts, instrument=name, price=100, size=1))
    closed += bars.on_time(closes)
    assert [(bar.timeframe, bar.instrument) for bar in closed[-1].bars] == [
        (timeframe, name) for timeframe in Timeframe for name in ("ES", "NQ")
    ]
    day = closed[-1].bars[-1]
    assert (day.open_ts, day.close_ts, day.volume, day.n_src) == (opened, closes, 1380, 1380)
    assert day.end_ts == closes
    assert {one.ts for one in closed if one.bars[-1].timeframe is Timeframe.D1} == {closes}


def test_a_short_bar_closes_at_its_end_in_a_quiet_market() -> None:
    """The last trade was at ten; the day closes early at a quarter past twelve by the timer alone."""
    bars = MinuteBars(grace_ns=0, timeframes=[Timeframe.D1])
    opened, _ = CME.session_bounds(date(2026, 11, 27))
    bars.feed_up(opened)
    ts = utc("2026-11-27 16:00")
    bars.on_print(Print(ts_recv=ts, ts_venue=ts, instrument="ES", price=7, size=1))
    bars.on_time(ts + MINUTE)
    assert bars.next_deadline() == utc("2026-11-27 18:15")
    (closed,) = bars.on_time(utc("2026-11-27 18:15"))
    assert [(bar.timeframe, bar.close_ts) for bar in closed.bars] == [(Timeframe.D1, utc("2026-11-27 18:15"))]


def half_hour(ts: int, close: int = 50) -> Bar:
    return Bar("ES", Timeframe.M30, ts, close, close + 1, close - 1, close, 30, backfilled=True)


def one_minute(ts: int, close: int = 100) -> Bar:
    return Bar("ES", Timeframe.M1, ts, close, close + 1, close - 1, close, 1, backfilled=True)


@pytest.mark.parametrize("timeframes", [USUAL, tuple(Timeframe)], ids=["read", "folded"])
def test_half_hours_of_history_reach_further_back_than_minutes(timeframes: tuple[Timeframe, ...]) -> None:
    now = utc("2026-06-11 15:10")
    began = utc("2026-06-10 13:07")  # in the middle of a half hour, which history has whole
    bars = MinuteBars(grace_ns=0, timeframes=timeframes)
    bars.load_history("ES", [one_minute(ts) for ts in range(began, now, MINUTE) if CME.is_open(ts)])
    usual = {timeframe: bars.bars("ES", timeframe) for timeframe in USUAL}
    assert bars.bars("ES", Timeframe.D1) == ()
    far = utc("2026-06-07 22:00")
    history = [half_hour(ts) for ts in range(far, now, HALF_HOUR) if CME.is_open(ts)]
    assert bars.load_history("ES", history) == sum(bar.open_ts < began for bar in history)
    days = bars.bars("ES", Timeframe.D1)
    assert [CME.trade_date(bar.open_ts).day for bar in days] == [8, 9, 10]
    minutes_of_tenth = (utc("2026-06-10 21:00") - utc("2026-06-10 13:30")) // MINUTE
    assert days[-1].volume == 31 * 30 + minutes_of_tenth
    assert (days[-1].open, days[-1].close, days[0].n_src) == (50, 100, 46)
    assert len(bars.bars("ES", Timeframe.H4)) == 3 * 6 + 4
    assert {timeframe: bars.bars("ES", timeframe) for timeframe in USUAL} == usual, (
        "minutes rule up to an hour"
    )
    assert bars.load_history("ES", history) == 0


@pytest.mark.parametrize("timeframes", [USUAL, tuple(Timeframe)], ids=["read", "folded"])
def test_minutes_that_are_let_go_are_kept_in_half_hours(timeframes: tuple[Timeframe, ...]) -> None:
    began = utc("2026-06-01 00:00")
    bars = MinuteBars(grace_ns=0, timeframes=timeframes, calendars={"ES": ALWAYS})
    count = 3 * MINUTES_KEPT + 77
    bars.load_history("ES", [one_minute(began + n * MINUTE, 100 + n % 9) for n in range(count)])
    assert sum(bar.volume for bar in bars.bars("ES", Timeframe.H4)) == count // 240 * 240
    assert [bar.volume for bar in bars.bars("ES", Timeframe.D1)] == [1440] * (count // 1440)
    assert bars.bars("ES", Timeframe.M10)[-1].close_ts == began + count // 10 * 10 * MINUTE
    assert (
        len(bars.bars("ES", Timeframe.M10)) >= MINUTES_KEPT // 10
        or len(bars.bars("ES", Timeframe.M10)) >= 288
    )


def test_a_reader_of_what_nobody_folds_gets_the_same_tuple_until_the_next_one_closes() -> None:
    bars = MinuteBars(grace_ns=0)
    t0 = utc("2026-06-10 14:00")
    bars.feed_up(t0)
    seen = []
    for n in range(7):
        ts = t0 + n * MINUTE
        bars.on_print(Print(ts_recv=ts, ts_venue=ts, instrument="ES", price=100 + n, size=1))
        seen.append(bars.bars("ES", Timeframe.M3))
        forming = bars.forming("ES", Timeframe.M3)
        assert forming is not None
        assert (forming.open, forming.close, forming.volume) == (100 + n // 3 * 3, 100 + n, n % 3 + 1)
    assert [len(one) for one in seen] == [0, 0, 0, 1, 1, 1, 2]
    assert seen[3] is seen[4] is seen[5]
