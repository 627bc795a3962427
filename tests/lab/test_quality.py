"""What is found in bars, by the calendar of their instrument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from engine.lab.hours import HOUR
from engine.lab.quality import inspect
from engine.market.calendars.known import ALWAYS, CME, US_EQUITIES
from engine.model.datasets import Finding, Flaw
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe

ES = CME_FUTURES["ES"]
FIVE = 5 * MINUTE
Keep = Callable[[int], bool]


def series(first: date, days: int, calendar: object = CME, frame: Timeframe = Timeframe.M5) -> list[Bar]:
    """Quiet bars of every open minute, with a burst of volume in the first of the regular hours."""
    found = []
    price = 20_000
    for number in range(days):
        day = first + timedelta(days=number)
        opens, closes = calendar.session_bounds(day)[0], calendar.session_close(day)  # type: ignore[attr-defined]
        for ts in range(opens, closes, frame.nanos):
            price += (ts // frame.nanos * 7) % 5 - 2
            burst = US_EQUITIES.session_bounds(US_EQUITIES.trade_date(ts))[0] == ts
            found.append(Bar("ES", frame, ts, price, price + 4, price - 4, price + 1, 900 if burst else 90))
    return found


WEEKS = series(date(2026, 3, 2), 26)
"""Four weeks, in the first of which New York and Chicago change their clocks."""


def found(bars: list[Bar], stamp: str = "open", calendar: object = CME) -> dict[Flaw, Finding]:
    return {one.flaw: one for one in inspect(bars, ES, calendar, stamp)}  # type: ignore[arg-type]


def shifted(bars: list[Bar], by: int, keep: Keep = lambda ts: True) -> list[Bar]:
    return [replace(bar, open_ts=bar.open_ts + by * keep(bar.open_ts)) for bar in bars]


def test_whole_sessions_with_their_breaks_and_weekends_have_no_flaw() -> None:
    assert found(WEEKS) == {}
    assert found(series(date(2026, 3, 2), 12, ALWAYS), calendar=ALWAYS) == {}
    assert found(series(date(2026, 3, 2), 26, US_EQUITIES), calendar=US_EQUITIES) == {}


def test_what_is_missing_inside_sessions_is_counted_and_the_longest_is_named() -> None:
    gone = {200, 201, 202, 700, len(WEEKS) - 400}
    finding = found([bar for place, bar in enumerate(WEEKS) if place not in gone])[Flaw.GAP]
    assert finding.count == 3
    assert f"5 bars of {len(WEEKS):,}" in finding.words
    assert finding.first[0].endswith(": 3 bars")
    assert not finding.grave
    day = WEEKS[3 * 276 : 4 * 276]
    finding = found([bar for bar in WEEKS if bar not in day])[Flaw.GAP]
    assert finding.first == ("2026-03-04 23:00 to 2026-03-05 22:00: 276 bars",)
    assert finding.grave


def test_a_hole_over_midnight_in_a_market_without_sessions_is_one() -> None:
    bars = series(date(2026, 3, 2), 6, ALWAYS)
    finding = found(bars[:500] + bars[640:], calendar=ALWAYS)[Flaw.GAP]
    assert (finding.count, finding.first[0][-8:]) == (1, "140 bars")


def test_a_recording_of_cash_hours_keeps_to_them() -> None:
    cash = [bar for bar in WEEKS if "08:30" <= CME.hhmm(bar.open_ts) < "15:00"]
    flaws = found(cash)
    assert list(flaws) == [Flaw.HOURS]
    assert "08:30 to 15:00 Chicago time" in flaws[Flaw.HOURS].words
    assert found(cash[:100] + cash[102:])[Flaw.GAP].count == 1


@pytest.mark.parametrize("calendar", [CME, US_EQUITIES, ALWAYS])
def test_stamps_by_the_other_end_are_noticed(calendar: object) -> None:
    bars = series(date(2026, 3, 2), 26, calendar)
    assert "look stamped by their open, and were taken for the close" in (
        found(shifted(bars, -FIVE), "close", calendar)[Flaw.STAMP].words
    )
    late = found(shifted(bars, FIVE), "open", calendar)[Flaw.STAMP]
    assert "look stamped by their close, and were taken for the open" in late.words
    assert late.grave
    assert "look stamped by their open:" in found(bars, "", calendar)[Flaw.STAMP].words


def test_where_nothing_tells_the_stamp_it_is_said_that_nothing_does() -> None:
    bars = [replace(bar, volume=5) for bar in series(date(2026, 3, 2), 20, ALWAYS)]
    assert found(bars, calendar=ALWAYS) == {}
    assert "tell whether they are stamped" in found(bars, "", ALWAYS)[Flaw.STAMP].words


def test_an_hour_off_after_a_clock_change_is_dated() -> None:
    change = CME.session_bounds(date(2026, 3, 9))[0]
    flaws = found(shifted(WEEKS, HOUR, lambda ts: ts >= change))
    assert flaws[Flaw.HOUR_OFF].grave
    assert flaws[Flaw.HOUR_OFF].first == ("2026-03-08 22:00 to 2026-03-27 21:00: an hour late",)
    cash = [bar for bar in WEEKS if "08:30" <= CME.hhmm(bar.open_ts) < "15:00"]
    early = found(shifted(cash, -HOUR, lambda ts: ts < change))[Flaw.HOUR_OFF]
    assert early.first == ("2026-03-01 23:00 to 2026-03-06 22:00: an hour early",)
    assert Flaw.HOUR_OFF not in found(WEEKS[:300] + WEEKS[320:])


def test_bars_outside_the_sessions_are_counted() -> None:
    stray = replace(WEEKS[0], open_ts=CME.session_close(date(2026, 3, 3)) + FIVE)
    bars = sorted([*WEEKS, stray], key=lambda bar: bar.open_ts)
    finding = found(bars)[Flaw.OUTSIDE]
    assert (finding.count, finding.first, finding.grave) == (1, ("2026-03-03 22:05",), False)


def test_outliers_stand_out_on_both_sides_and_steps_stay() -> None:
    bars = list(WEEKS)
    bars[600] = replace(bars[600], low=bars[600].low - 1_000)
    flaws = found(bars)
    assert (flaws[Flaw.SPIKE].count, flaws[Flaw.SPIKE].grave) == (1, True)
    moved = [
        replace(bar, open=bar.open + up, high=bar.high + up, low=bar.low + up, close=bar.close + up)
        for place, bar in enumerate(WEEKS)
        for up in (900 * (place >= 650),)
    ]
    flaws = found(moved)
    assert set(flaws) == {Flaw.STEP}
    assert flaws[Flaw.STEP].count == 1


def test_a_change_of_the_volumes_level_is_another_feed() -> None:
    seam = WEEKS[276 * 9].open_ts
    thin = [replace(bar, volume=bar.volume // (30 if bar.open_ts < seam else 1)) for bar in WEEKS]
    finding = found(thin)[Flaw.VOLUME]
    assert finding.count == 1
    assert finding.first[0].startswith("2026-03-12 22:00: 30 times")


def test_dead_bars_are_counted() -> None:
    def dead(bars: list[Bar]) -> Iterator[Bar]:
        for place, bar in enumerate(bars):
            flat = replace(bar, high=bar.open, low=bar.open, close=bar.open, volume=0)
            yield flat if place % 3 == 0 else bar

    flaws = found(list(dead(WEEKS)))
    assert flaws[Flaw.NO_VOLUME].grave
    assert flaws[Flaw.FLAT].count == (len(WEEKS) + 2) // 3
