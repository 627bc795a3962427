"""Indicators equal TA-Lib and talipp, which know nothing of them, wherever the conventions are the same
(docs/indicators.md#indicators).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from talipp import indicators as tp
from talipp.indicators.SuperTrend import Trend
from talipp.ohlcv import OHLCV

from engine.model.market import Bar
from engine.signals.atr import Atr
from engine.signals.indicators.averages import Ema, Macd, Rsi, Sma
from engine.signals.indicators.channels import Bollinger, Donchian, Ichimoku
from engine.signals.indicators.trend import Adx, SuperTrend
from engine.signals.indicators.vwap import Vwap
from tests.signals.shapes import bar, wander

WALKS = [wander(seed, 700) for seed in (1, 2, 3)]

walks = st.lists(
    st.tuples(st.integers(-40, 40), st.integers(0, 25), st.integers(0, 25), st.integers(0, 500)),
    min_size=1,
    max_size=140,
)
lengths = st.integers(2, 25)


def bars_of(moves: Iterable[tuple[int, int, int, int]]) -> list[Bar]:
    """Bars that open at the last close, or beside it."""
    close, bars = 10_000, []
    for n, (move, above, below, volume) in enumerate(moves):
        open_ = close + (move if n % 3 == 0 else 0)
        close += move
        bars.append(bar(n, open_, max(open_, close) + above, min(open_, close) - below, close, volume))
    return bars


def column(bars: Sequence[Bar], name: str) -> Any:
    return np.array([getattr(one, name) for one in bars], dtype=float)


def ohlc(bars: Sequence[Bar]) -> tuple[Any, Any, Any]:
    return column(bars, "high"), column(bars, "low"), column(bars, "close")


def candles(bars: Sequence[Bar]) -> list[OHLCV]:
    return [OHLCV(one.open, one.high, one.low, one.close, one.volume) for one in bars]


def closes(
    indicator: Any, bars: Sequence[Bar], read: Callable[[Any], Any] = lambda one: one.value
) -> list[Any]:
    found = []
    for one in bars:
        indicator.add(one.close)
        found.append(read(indicator))
    return found


def whole_bars(
    indicator: Any, bars: Sequence[Bar], read: Callable[[Any], Any] = lambda one: one.value
) -> list[Any]:
    found = []
    for one in bars:
        indicator.add(one)
        found.append(read(indicator))
    return found


def same(ours: Sequence[Any], theirs: Iterable[Any], tolerance: float = 1e-6) -> None:
    """Equal bar by bar, warm at the same bar."""
    wanted = [None if one is None or one != one else float(one) for one in theirs]
    assert [one is None for one in ours] == [one is None for one in wanted]
    warm = [
        (mine, his) for mine, his in zip(ours, wanted, strict=True) if his is not None and mine is not None
    ]
    assert [mine for mine, _ in warm] == pytest.approx([his for _, his in warm], abs=tolerance, rel=1e-9)


@settings(deadline=None)
@given(walks, lengths)
def test_averages_equal_ta_lib(moves: list[tuple[int, int, int, int]], length: int) -> None:
    bars = bars_of(moves)
    price = column(bars, "close")
    same(closes(Sma(length), bars), talib.SMA(price, length))
    same(closes(Ema(length), bars), talib.EMA(price, length))


@settings(deadline=None)
@given(walks, lengths)
def test_rsi_equals_ta_lib_but_where_nothing_has_moved(
    moves: list[tuple[int, int, int, int]], length: int
) -> None:
    bars = bars_of(moves)
    ours = closes(Rsi(length), bars)
    theirs = talib.RSI(column(bars, "close"), length)
    flat = np.array([len({one.close for one in bars[: n + 1]}) == 1 for n in range(len(bars))])
    same(ours, np.where(flat & ~np.isnan(theirs), 50.0, theirs))


@settings(deadline=None)
@given(walks, lengths, st.sampled_from([1.0, 2.0, 2.5]))
def test_bollinger_equals_ta_lib_and_talipp(
    moves: list[tuple[int, int, int, int]], length: int, deviations: float
) -> None:
    bars = bars_of(moves)
    upper, middle, lower = talib.BBANDS(column(bars, "close"), length, deviations, deviations)
    # TA-Lib works its variance out of floats: what it can't tell from 0 is 0, and small ones are rough.
    same(closes(Bollinger(length, deviations), bars), middle)
    same(closes(Bollinger(length, deviations), bars, lambda one: one.upper), upper, 1e-2)
    same(closes(Bollinger(length, deviations), bars, lambda one: one.lower), lower, 1e-2)
    exact = tp.BB(length, deviations, [float(one.close) for one in bars])
    same(
        closes(Bollinger(length, deviations), bars, lambda one: one.upper),
        [None if one is None else one.ub for one in exact],
        1e-5,
    )


@settings(deadline=None)
@given(walks, lengths)
def test_channels_equal_ta_lib_and_talipp(moves: list[tuple[int, int, int, int]], length: int) -> None:
    bars = bars_of(moves)
    high, low, _ = ohlc(bars)
    same(whole_bars(Donchian(length), bars, lambda one: one.value and one.value[0]), talib.MAX(high, length))
    same(whole_bars(Donchian(length), bars, lambda one: one.value and one.value[1]), talib.MIN(low, length))
    lines = list(tp.Ichimoku(length + 3, length, 1, 2 * length, length + 3, candles(bars)))
    ichimoku = Ichimoku(length, length + 3, 2 * length, length + 3)
    mine = whole_bars(ichimoku, bars, lambda one: (one.base, one.conversion, one.cloud))
    same([one[0] for one in mine], [one.base_line for one in lines])
    same([one[1] for one in mine], [one.conversion_line for one in lines])
    for n, (_, _, cloud) in enumerate(mine):
        drawn = n - length - 3
        assert (cloud is None) == (drawn < 2 * length - 1)
        if cloud is not None:
            window = bars[drawn - 2 * length + 1 : drawn + 1]
            middle = (max(one.high for one in window) + min(one.low for one in window)) / 2
            assert cloud == (lines[n].cloud_leading_fast_line, middle)


@settings(deadline=None)
@given(walks, lengths)
def test_adx_equals_ta_lib(moves: list[tuple[int, int, int, int]], length: int) -> None:
    bars = bars_of(moves)
    series = ohlc(bars)
    same(whole_bars(Adx(length), bars), talib.ADX(*series, length))
    same(whole_bars(Adx(length), bars, lambda one: one.rising), talib.PLUS_DI(*series, length))
    same(whole_bars(Adx(length), bars, lambda one: one.falling), talib.MINUS_DI(*series, length))


@settings(deadline=None)
@given(walks)
def test_vwap_equals_talipp(moves: list[tuple[int, int, int, int]]) -> None:
    bars = bars_of(moves)
    same(whole_bars(Vwap(), bars), tp.VWAP(candles(bars)))


@pytest.mark.parametrize("walk", WALKS)
def test_atr_is_talipps_once_it_is_warm(walk: list[Bar]) -> None:
    ours, theirs = whole_bars(Atr(14), walk), list(tp.ATR(14, candles(walk)))
    same(ours[13:], theirs[13:])


@pytest.mark.parametrize("walk", WALKS)
def test_macd_is_talipps_at_once_and_ta_libs_after_a_while(walk: list[Bar]) -> None:
    price = column(walk, "close")
    exact = tp.MACD(12, 26, 9, [float(one) for one in price])
    same(closes(Macd(), walk), [None if one is None else one.macd for one in exact])
    same(
        closes(Macd(), walk, lambda one: one.histogram),
        [None if one is None else one.histogram for one in exact],
    )
    _, signal, _ = talib.MACD(price, 12, 26, 9)
    same(closes(Macd(), walk, lambda one: one.signal)[400:], signal[400:], 1e-5)


@pytest.mark.parametrize("walk", WALKS)
def test_supertrend_is_talipps_from_its_second_turn_on(walk: list[Bar]) -> None:
    ours = SuperTrend(10, 3.0)
    lines = whole_bars(ours, walk, lambda one: (one.value, one.direction))
    assert lines[8] == (None, 0)
    turns = [n for n in range(10, len(walk)) if lines[n][1] != lines[n - 1][1]]
    first = turns[1]
    theirs = list(tp.SuperTrend(10, 3, candles(walk)))
    same([line for line, _ in lines[first:]], [one.value for one in theirs[first:]])
    assert len(turns) >= 5
    wanted = [1 if one.trend is Trend.UP else -1 for one in theirs[first:]]
    assert [side for _, side in lines[first:]] == wanted


def test_a_length_that_is_too_short_is_refused() -> None:
    for make in (lambda: Sma(0), lambda: Rsi(0), lambda: Bollinger(1), lambda: Adx(1), lambda: Donchian(0)):
        with pytest.raises(ValueError, match="at least"):
            make()
    with pytest.raises(ValueError, match="below the slow one"):
        Macd(26, 12)


def test_a_mean_of_fractions_does_not_drift() -> None:
    mean = Sma(20)
    values = [1e9 * (n % 7) + 0.1 * n for n in range(50_000)]
    for value in values:
        mean.add(value)
    assert mean.value == pytest.approx(sum(values[-20:]) / 20, rel=1e-14)
