"""Curves over a chart's bars: the session's VWAP, and indicators by their words."""

from __future__ import annotations

import pytest

from engine.market.calendars.known import CME
from engine.model.market import MINUTE, Bar, Timeframe
from engine.signals.chart_curves import VwapTrail, chart_indicator, indicator_curves, vwap_curves
from engine.signals.sessions import SessionLevels, SessionVwap
from tests.signals.test_sessions import DAY, at


def bar(ts: int, close: int, timeframe: Timeframe = Timeframe.M1) -> Bar:
    return Bar("ES", timeframe, ts, close, close + 2, close - 2, close, 10 + close % 7)


def test_the_vwap_of_each_bar_is_that_of_its_last_minute() -> None:
    opened = at("2026-06-15 22:00")
    minutes = [bar(opened + i * MINUTE, 100 + i % 9) for i in range(-5, 60) if i not in (15, 16, 17, 18, 19)]
    trail, vwap, seen = VwapTrail(CME), SessionVwap(CME), {}
    for minute in minutes:
        trail.add(minute)
        vwap.add(minute)
        seen[minute.close_ts] = vwap.value, vwap.deviation
    fives = [bar(opened + i * 5 * MINUTE, 100, Timeframe.M5) for i in range(-1, 13)]
    curves = {curve.kind: curve.values for curve in vwap_curves(trail, fives)}
    assert list(curves) == ["VWAP", "VWAP+1", "VWAP-1", "VWAP+2", "VWAP-2"]
    for i, five in enumerate(fives):
        for band in (0, 1, -1, 2, -2):
            value = curves["VWAP" if not band else f"VWAP{band:+d}"][i]
            mean, deviation = seen.get(five.close_ts, (None, None))
            wanted = None if mean is None or deviation is None else round(mean + band * deviation)
            assert value == wanted, (i, band)
    assert curves["VWAP"][0] is None, "of the session before nothing is known"
    assert curves["VWAP"][4] is None, "none of its minutes is there"


def test_without_a_session_seen_from_its_beginning_there_is_no_vwap() -> None:
    trail = VwapTrail(CME)
    trail.add(bar(at("2026-06-15 15:00"), 100))
    assert list(vwap_curves(trail, [bar(at("2026-06-15 15:00"), 100)])) == []


def test_the_close_of_the_session_before_is_known_once_the_next_begins() -> None:
    levels, seen = SessionLevels(CME), []
    for one in DAY:
        levels.add(one)
        seen.append(levels.close_before)
    assert seen == [None, 90, 90, 90, 90, 90, 90, 135]


def test_indicators_are_named_by_their_words_and_drawn_at_closes() -> None:
    bars = [bar(i * MINUTE, 100 + i) for i in range(8)]
    made = [chart_indicator(words) for words in ("SMA  4", "bollinger 4 1.5", "donchian 3", "supertrend 3 2")]
    curves = list(indicator_curves(made, bars))
    assert [curve.kind for curve in curves] == [
        "sma 4",
        *["bollinger 4 1.5"] * 2,
        *["donchian 3"] * 2,
        "supertrend 3 2",
    ]
    assert curves[0].values == (None, None, None, 102, 102, 104, 104, 106)
    assert [curve.values[-1] for curve in curves[3:5]] == [109, 103]
    assert all(len(curve.values) == 8 and curve.indicator for curve in curves)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("", "is no indicator of charts: ema, sma"),
        ("rsi 14", "is no indicator of charts"),
        ("ema x", "'ema x': "),
        ("ema 0", "numbers are from 1 to 1000"),
        ("ema 20 30", "'ema 20 30': "),
        ("sma 1e9", "'sma 1e9': "),
        ("bollinger 1", "at least 2"),
    ],
)
def test_what_is_no_indicator_is_said(words: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        chart_indicator(words)
