from __future__ import annotations

from engine.market.calendars.known import CME
from engine.market.staleness import Late, Lateness, Staleness
from engine.model.market import MINUTE, NANOS
from tests.market.feed import T0, at

DAY = CME.trade_date(T0)
OPEN, CLOSE = CME.session_bounds(DAY)


def heard(ts: int) -> Staleness:
    staleness = Staleness(30 * NANOS)
    staleness.seen("ES", ts)
    return staleness


def test_silence_in_session_hours_is_stale_after_the_limit() -> None:
    staleness = heard(T0)
    assert not staleness.stale("ES", at(30))
    assert staleness.stale("ES", at(30.001))
    staleness.seen("ES", at(31))
    assert not staleness.stale("ES", at(61))


def test_each_instrument_is_judged_alone() -> None:
    staleness = heard(T0)
    staleness.seen("GC", at(40))
    assert staleness.stale("ES", at(50))
    assert not staleness.stale("GC", at(50))


def test_an_instrument_that_was_never_heard_is_stale() -> None:
    staleness = Staleness(30 * NANOS)
    assert staleness.stale("ES", T0)
    assert staleness.stale("XX", T0)
    assert staleness.age("ES", T0) is None


def test_nothing_is_stale_while_the_market_is_closed() -> None:
    staleness = heard(CLOSE - NANOS)
    assert not staleness.stale("ES", CLOSE)
    assert not staleness.stale("ES", CLOSE + 30 * MINUTE)
    assert not Staleness(NANOS).stale("ES", CLOSE)


def test_at_the_open_the_clock_starts_anew() -> None:
    staleness = heard(OPEN - 60 * MINUTE)
    assert not staleness.stale("ES", OPEN + 30 * NANOS)
    assert staleness.stale("ES", OPEN + 31 * NANOS)


def test_the_age_counts_from_the_last_event_and_never_runs_backwards() -> None:
    staleness = heard(T0)
    assert staleness.age("ES", at(12)) == 12 * NANOS
    assert staleness.age("ES", at(-1)) == 0


def test_a_venue_is_late_only_beside_a_prompt_one_and_by_more_than_one_price() -> None:
    """It may be our clock, or a price that is only repeated."""
    lateness = Lateness()

    def minute(**lags_s: tuple[float, ...]) -> list[Late]:
        for venue, lags in lags_s.items():
            for lag in lags:
                lateness.seen(venue, int(lag * NANOS))
        return list(lateness.look(0, 0))

    assert minute(a=(3.0,) * 9, b=(4.0,) * 9) == [], "all are late: our clock"
    assert minute(a=(0.1,) * 9, b=(3.0,) * 4) == [], "too few to tell"
    assert minute(a=(0.1,) * 9, b=(*(3.0,) * 8, 1.9)) == [], "the least counts"
    assert minute(a=(0.1,) * 9, b=(3.0,) * 9) == [Late("b", 3 * NANOS, "a")]
    assert minute(a=(0.1,) * 9) == []
    assert minute(a=(0.1,) * 9, b=(0.2,) * 9) == [Late("b", 0, "a")]
    lateness.seen("a", NANOS)
    assert lateness.look(60, 0) == []
    assert lateness.due == 60 + MINUTE
