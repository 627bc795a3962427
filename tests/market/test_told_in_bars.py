"""Minutes that a feed tells as they are: the same longer bars as from prints, each boundary at once."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from engine.market.bars import LATE, BarsClosed, MinuteBars
from engine.market.calendars.known import CME
from engine.market.candles import resample
from engine.market.quarantine import ABSURD, Quarantine
from engine.model.events import BarReported, TimeAdvanced
from engine.model.market import MINUTE, Bar, Timeframe
from tests.market.feed import T0, minute

FRAMES = (Timeframe.M2, Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4)


def wander(seed: int, count: int, start: int = T0 - T0 % Timeframe.D1.nanos) -> list[Bar]:
    """Minutes of a random walk; about every tenth is missing, as at night."""
    chance, price, bars = Random(seed), 20_000, list[Bar]()
    for n in range(count):
        path = [price, *(price + chance.randint(-9, 9) for _ in range(3))]
        price = path[-1]
        if chance.random() > 0.1:
            open_ts = start + n * MINUTE
            bars.append(
                Bar("ES", Timeframe.M1, open_ts, path[0], max(path), min(path), price, chance.randint(0, 99))
            )
    return bars


def told(bars: list[Bar], alone: bool = True) -> tuple[MinuteBars, list[BarsClosed]]:
    calendars = {"ES": CME} if alone else {"ES": CME, "NQ": CME}
    kept = MinuteBars(grace_ns=0, keep=5_000, timeframes=FRAMES, calendars=calendars)
    kept.feed_up(bars[0].open_ts)
    closed: list[BarsClosed] = []
    for bar in bars:
        due = kept.next_deadline()
        while due is not None and due < bar.close_ts:
            closed += kept.on_time(due)
            due = kept.next_deadline()
        closed += kept.on_bar(bar, bar.close_ts)
    closed += kept.on_time(bars[-1].close_ts + Timeframe.H4.nanos)
    return kept, closed


@pytest.mark.parametrize("alone", [True, False], ids=["one contract", "beside one that is silent"])
def test_longer_bars_are_those_of_the_minutes(alone: bool) -> None:
    bars = wander(1, 3_000)
    kept, closed = told(bars, alone)
    for frame in FRAMES:
        whole = [bar for bar in resample(bars, frame) if bar.open_ts >= bars[0].open_ts]
        expected = [bar for bar in whole if bar.close_ts <= bars[-1].close_ts]
        assert list(kept.bars("ES", frame))[: len(expected)] == expected
    minutes = [bar for one in closed for bar in one.bars if bar.timeframe is Timeframe.M1]
    assert minutes == bars
    assert [one.ts for one in closed] == sorted({one.ts for one in closed})


@pytest.mark.parametrize("longest", [Timeframe.H1, Timeframe.H4, Timeframe.D1])
@pytest.mark.parametrize(
    "between", [(Timeframe.M5,), (Timeframe.M2, Timeframe.M10), (Timeframe.M15, Timeframe.M30)]
)
def test_a_long_bar_is_the_same_by_whatever_steps_it_is_made(
    longest: Timeframe, between: tuple[Timeframe, ...]
) -> None:
    bars = wander(2, 4_000)
    by_steps = bars
    for frame in between:
        by_steps = list(resample(by_steps, frame))
    assert list(resample(by_steps, longest)) == list(resample(bars, longest))


def test_a_boundary_waits_for_the_last_contract() -> None:
    kept = MinuteBars(grace_ns=0, calendars={"ES": CME, "NQ": CME})
    one, other = minute(0, backfilled=False), minute(0, instrument="NQ", backfilled=False)
    kept.feed_up(T0)
    assert not kept.on_bar(one, one.close_ts)
    assert kept.next_deadline() == one.close_ts
    assert kept.on_bar(other, other.close_ts) == (BarsClosed(one.close_ts, (one, other)),)


def test_a_minute_that_is_closed_stays_as_it_was() -> None:
    counts = Counter[str]()
    kept = MinuteBars(grace_ns=0, counts=counts, calendars={"ES": CME})
    first = minute(0, backfilled=False)
    kept.on_bar(first, first.close_ts)
    assert not kept.on_bar(minute(0, 105, backfilled=False), first.close_ts)
    assert (counts[LATE], kept.bars("ES", Timeframe.M1)) == (1, (first,))


def test_a_bar_that_can_hardly_be_is_dropped_and_two_alike_are_believed() -> None:
    counts = Counter[str]()
    quarantine = Quarantine(counts)

    def sifted(n: int, close: int) -> object:
        bar = minute(n, close, backfilled=False)
        (one,) = quarantine.sift(BarReported(ts_recv=bar.close_ts, bar=bar))
        return one.bar.close if isinstance(one, BarReported) else type(one)

    closes = (20_000, 20_010, 9_000, 20_020, 30_000, 30_010)
    assert [sifted(n, close) for n, close in enumerate(closes)] == [
        20_000,
        20_010,
        TimeAdvanced,
        20_020,
        TimeAdvanced,
        30_010,
    ]
    assert counts[ABSURD] == 2


def test_bars_of_five_minutes_make_their_own_multiples() -> None:
    bars = list(resample(wander(3, 3_000), Timeframe.M5))
    frames = (Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4)
    kept = MinuteBars(grace_ns=0, keep=5_000, timeframes=frames, calendars={"ES": CME})
    kept.feed_up(bars[0].open_ts)
    for bar in bars:
        due = kept.next_deadline()
        while due is not None and due < bar.close_ts:
            kept.on_time(due)
            due = kept.next_deadline()
        kept.on_bar(bar, bar.close_ts)
    for frame in frames:
        whole = [bar for bar in resample(bars, frame) if bar.open_ts >= bars[0].open_ts]
        expected = [bar for bar in whole if bar.close_ts <= bars[-1].close_ts]
        found = list(kept.bars("ES", frame))
        assert [_prices(bar) for bar in found[: len(expected)]] == [_prices(bar) for bar in expected]
        assert len(expected) > 5


def _prices(bar: Bar) -> tuple[int, ...]:
    return bar.open_ts, bar.close_ts, bar.open, bar.high, bar.low, bar.close, bar.volume
