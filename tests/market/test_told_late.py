"""Minutes that are told late: the same bars as in time, whatever the delay, and nobody waits for them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market.bars import LATE, BarsClosed, MinuteBars
from engine.market.calendars.known import CME
from engine.market.candles import resample
from engine.market.sources import Sources
from engine.market.staleness import DELAYED_NS, Staleness
from engine.model.events import BarReported, LinkChanged, LinkState
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.signals.market_data import MarketData
from tests.market.feed import T0
from tests.market.test_told_in_bars import FRAMES, told, wander

DAY = T0 - T0 % Timeframe.D1.nanos


def late(bars: list[Bar], delay_ns: int, step_ns: int = 17 * NANOS) -> tuple[MinuteBars, list[BarsClosed]]:
    """The same minutes so much later, while the time goes on for everybody."""
    kept = MinuteBars(grace_ns=0, keep=5_000, timeframes=FRAMES, calendars={"ES": CME, "NQ": CME})
    kept.told_late("ES", late=True)
    kept.feed_up(bars[0].open_ts)
    closed: list[BarsClosed] = []
    now = bars[0].open_ts
    for bar in bars:
        at = bar.close_ts + delay_ns
        while now + step_ns < at:
            now += step_ns
            assert kept.on_time(now) == ()
        closed += kept.on_bar(bar, at)
    return kept, closed


@pytest.mark.parametrize("delay_s", [1, 20, 600, 5_000])
def test_late_minutes_make_the_same_bars_as_those_in_time(delay_s: int) -> None:
    bars = wander(3, 700)
    kept, closed = late(bars, delay_s * NANOS)
    _, in_time = told(bars)
    # A frame that ends without a trade closes with the next minute: nothing else is told of its end.
    both = [one for one in in_time if one.ts <= closed[-1].ts]
    assert [(one.ts, one.bars) for one in closed] == [(one.ts, one.bars) for one in both]
    for frame in FRAMES:
        first, last = bars[0].open_ts, closed[-1].ts
        whole = [bar for bar in resample(bars, frame) if bar.open_ts >= first and bar.close_ts <= last]
        assert list(kept.bars("ES", frame)) == whole
        assert not any(bar.gap for bar in kept.bars("ES", frame))


def test_a_minute_that_is_told_again_or_too_late_changes_nothing() -> None:
    bars = wander(5, 30)
    counts: Counter[str] = Counter()
    kept = MinuteBars(grace_ns=0, timeframes=FRAMES, calendars={"ES": CME}, counts=counts)
    kept.told_late("ES", late=True)
    for bar in bars:
        kept.on_bar(bar, bar.close_ts + 600 * NANOS)
    assert kept.on_bar(bars[-1], bars[-1].close_ts + 700 * NANOS) == ()
    assert kept.on_bar(bars[3], bars[-1].close_ts + 700 * NANOS) == ()
    assert counts[LATE] == 2


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(1, 199), again=st.integers(0, 30), delay_s=st.integers(0, 900))
def test_history_and_late_minutes_meet_without_a_hole_or_half_a_frame(
    cut: int, again: int, delay_s: int
) -> None:
    bars = wander(8, 200)
    cut = min(cut, len(bars) - 1)
    kept = MinuteBars(grace_ns=0, keep=5_000, timeframes=FRAMES, calendars={"ES": CME, "NQ": CME})
    kept.told_late("ES", late=True)
    now = bars[cut].open_ts + delay_s * NANOS
    kept.on_time(now)
    kept.load_history("ES", bars[:cut])
    for bar in bars[max(0, cut - again) :]:
        kept.on_bar(bar, bar.close_ts + delay_s * NANOS)
    key = [(bar.open_ts, bar.high, bar.low, bar.close, bar.volume) for bar in kept.bars("ES", Timeframe.M1)]
    assert key == [(bar.open_ts, bar.high, bar.low, bar.close, bar.volume) for bar in bars]
    whole = [bar for bar in resample(bars, Timeframe.M5) if bar.close_ts <= bars[-1].close_ts]
    made = [bar for bar in kept.bars("ES", Timeframe.M5) if bar.close_ts <= bars[-1].close_ts]
    assert [(b.open_ts, b.close, b.volume, b.n_src) for b in made] == [
        (b.open_ts, b.close, b.volume, b.n_src) for b in whole
    ]


def test_in_time_again_they_close_by_the_clock() -> None:
    kept = MinuteBars(grace_ns=0, timeframes=FRAMES, calendars={"ES": CME, "NQ": CME})
    kept.told_late("ES", late=True)
    kept.told_late("ES", late=False)
    kept.feed_up(DAY)
    bar = Bar("ES", Timeframe.M1, DAY, 1, 1, 1, 1, 1)
    assert kept.on_bar(bar, DAY + MINUTE) == ()
    (closed,) = kept.on_time(DAY + MINUTE)
    assert closed.bars == (bar,)
    assert kept.on_bar(bar, DAY + 20 * MINUTE) == ()


def link(venue: str, *, delayed: bool, state: LinkState = LinkState.LIVE) -> LinkChanged:
    return LinkChanged(ts_recv=DAY, link="market", state=state, venue=venue, delayed=delayed)


def test_the_active_venue_decides_whether_prices_are_delayed() -> None:
    sources = Sources({"ES": ("prompt", "yahoo"), "NQ": ("yahoo",)}, 10 * NANOS, {"ES": CME, "NQ": CME})
    sources.on_link(link("prompt", delayed=False))
    sources.on_link(link("yahoo", delayed=True))
    assert (sources.delayed("ES"), sources.delayed("NQ")) == (False, True)
    sources.on_link(link("prompt", delayed=False, state=LinkState.DOWN))
    bar = Bar("ES", Timeframe.M1, DAY, 1, 1, 1, 1, 1)
    sources.look(DAY, DAY)
    told_by = BarReported(ts_recv=DAY + MINUTE, ts_venue=bar.close_ts, bar=bar, venue="yahoo")
    assert not sources.counts(told_by, DAY + MINUTE)
    (switch,) = sources.look(DAY + MINUTE, DAY + MINUTE)[:1]
    assert switch.why.startswith("its market link is down")
    assert switch.now == "yahoo"
    assert sources.delayed("ES")


def test_without_a_choice_the_only_venue_decides() -> None:
    sources = Sources({}, 10 * NANOS, {})
    assert not sources.delayed("ES")
    sources.on_link(link("yahoo", delayed=True))
    assert sources.delayed("ES")


def test_delayed_prices_may_be_silent_for_longer_and_are_not_called_late() -> None:
    open_ts = T0
    staleness = Staleness(10 * NANOS, {"ES": CME})
    staleness.seen("ES", open_ts)
    assert staleness.stale("ES", open_ts + 11 * NANOS)
    staleness.delay("ES", delayed=True)
    assert not staleness.stale("ES", open_ts + 11 * NANOS)
    assert staleness.stale("ES", open_ts + 11 * NANOS + DELAYED_NS)

    sources = Sources({"ES": ("prompt",), "NQ": ("yahoo",)}, 10 * NANOS, {"ES": CME, "NQ": CME})
    sources.on_link(link("yahoo", delayed=True))
    bar = Bar("NQ", Timeframe.M1, open_ts, 1, 1, 1, 1, 1)
    for n in range(20):
        now = open_ts + n * NANOS
        sources.counts(BarReported(ts_recv=now, ts_venue=bar.close_ts, bar=bar, venue="yahoo"), now)
    assert sources.lateness.look(open_ts + MINUTE, 0) == []


def test_a_link_that_says_so_makes_an_instrument_late_from_the_first_minute_on() -> None:
    market = MarketData({"ES": CME_FUTURES["ES"]}, NANOS, 10 * NANOS, Counter())
    market.on_link(link("yahoo", delayed=True, state=LinkState.CONNECTING))
    bars = wander(2, 12)
    now = bars[-1].close_ts + 600 * NANOS
    market.bars.on_time(now)
    closed = [
        one
        for bar in bars
        for one in market.on_bar(BarReported(ts_recv=now, ts_venue=bar.close_ts, bar=bar), now)
    ]
    assert [bar.open_ts for one in closed for bar in one.bars if bar.timeframe is Timeframe.M1] == [
        bar.open_ts for bar in bars
    ]
    assert any(bar.timeframe is Timeframe.M5 for one in closed for bar in one.bars)
