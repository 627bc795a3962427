"""The rule that turns a bar into prints."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tapes import stream
from adapters.tapes.walk import turning_points, walk
from engine.market.candles import fold
from engine.model.events import Print, Quote
from engine.model.market import MINUTE, NANOS, USUAL, Bar, Side, Timeframe

OPEN_TS = 1_381_104_000 * NANOS


def bar_of(o: int, h: int, l: int, c: int, volume: int, frame: Timeframe = Timeframe.M1) -> Bar:  # noqa: E741
    return Bar("ES", frame, OPEN_TS, o, h, l, c, volume)


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    low = draw(st.integers(1, 30_000))
    high = low + draw(st.integers(0, 200))
    inside = st.integers(low, high)
    frame = draw(st.sampled_from(USUAL))
    return bar_of(draw(inside), high, low, draw(inside), draw(st.integers(0, 5_000)), frame)


@given(bars())
def test_folding_the_prints_gives_the_bar_again(bar: Bar) -> None:
    (again,) = fold(stream.prints("ES", walk(bar)), bar.timeframe)
    assert (again.open, again.high, again.low, again.close) == (bar.open, bar.high, bar.low, bar.close)
    assert (again.volume, again.open_ts) == (bar.volume, bar.open_ts)


@given(bars())
def test_prints_lie_in_order_inside_the_bar_and_size_zero_only_where_contracts_are_short(bar: Bar) -> None:
    points = list(walk(bar))
    times = [ts for ts, _, _ in points]
    assert times == sorted(set(times))
    assert bar.open_ts <= times[0]
    assert times[-1] < bar.close_ts
    assert sum(size for _, _, size in points) == bar.volume
    assert min(size for _, _, size in points) >= (1 if bar.volume >= len(turning_points(bar)) else 0)
    seconds = bar.timeframe.nanos // NANOS
    assert len(points) <= max(seconds, len(turning_points(bar)))


@given(bars())
def test_with_contracts_and_time_enough_every_tick_of_the_way_prints(bar: Bar) -> None:
    turns = turning_points(bar)
    way = sum(abs(b - a) for a, b in itertools.pairwise(turns))
    prices = [price for _, price, _ in walk(bar)]
    if way + 1 <= min(bar.volume, bar.timeframe.nanos // NANOS):
        assert max((abs(b - a) for a, b in itertools.pairwise(prices)), default=0) <= 1


@pytest.mark.parametrize(
    ("bar", "turns"),
    [
        (bar_of(10, 14, 7, 12, 100), [10, 7, 14, 12]),
        (bar_of(12, 14, 7, 10, 100), [12, 14, 7, 10]),
        (bar_of(10, 14, 10, 14, 100), [10, 14]),
        (bar_of(10, 12, 10, 10, 100), [10, 12, 10]),
        (bar_of(14, 14, 10, 10, 100), [14, 10]),
        (bar_of(10, 10, 10, 10, 100), [10]),
    ],
)
def test_a_rising_bar_sees_its_low_first_and_a_falling_one_its_high(bar: Bar, turns: list[int]) -> None:
    assert turning_points(bar) == turns


def test_a_flat_bar_stands_still_but_prints_every_five_seconds() -> None:
    points = list(walk(bar_of(10, 10, 10, 10, 27)))
    assert [price for _, price, _ in points] == [10] * 12
    assert [size for _, _, size in points] == [2, 2, 2, 3, 2, 2, 2, 3, 2, 2, 2, 3]


def test_a_bar_with_fewer_contracts_than_turning_points_prints_some_of_them_with_size_zero() -> None:
    assert [(price, size) for _, price, size in walk(bar_of(10, 14, 7, 12, 2))] == [
        (10, 1),
        (7, 1),
        (14, 0),
        (12, 0),
    ]


def trade(ts: int, price: int) -> tuple[int, int, int]:
    return ts, price, 1


def test_the_aggressor_follows_the_last_change_of_price() -> None:
    prints = list(stream.prints("ES", [trade(ts, price) for ts, price in enumerate((10, 10, 9, 9, 10, 10))]))
    assert [one.aggressor for one in prints] == [
        Side.BUY,
        Side.BUY,
        Side.SELL,
        Side.SELL,
        Side.BUY,
        Side.BUY,
    ]
    assert [one.seq for one in prints] == [1, 2, 3, 4, 5, 6]


def test_every_print_finds_the_quote_that_it_took() -> None:
    points = [trade(ts, price) for ts, price in enumerate((10, 10, 9, 9, 12))]
    quote: Quote | None = None
    quotes = 0
    for event in stream.quoted(stream.prints("ES", points)):
        if isinstance(event, Quote):
            quote = event
            quotes += 1
            continue
        assert quote is not None
        assert quote.bid is not None
        assert quote.ask == quote.bid + 1
        assert event.price == (quote.ask if event.aggressor is Side.BUY else quote.bid)
        assert quote.last == event.price
    assert quotes == 3


def test_a_standing_quote_is_repeated_in_a_lull_but_not_when_the_market_is_closed() -> None:
    lull, closed = 3 * MINUTE, 3 * MINUTE + stream.QUIET + 1
    points = [trade(0, 10), trade(lull, 10), trade(lull + closed, 11)]
    events = list(stream.steady(stream.quoted(stream.prints("ES", points))))
    beats = [event.ts_venue for event in events if isinstance(event, Quote)]
    assert beats == [0, *range(5 * NANOS, lull, 5 * NANOS), lull + closed]
    assert [event.ts_venue for event in events if isinstance(event, Print)] == [0, lull, lull + closed]
    assert [event.ts_venue for event in events] == sorted(event.ts_venue for event in events)
