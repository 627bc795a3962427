from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest

from engine.market.calendars.known import CME
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe
from engine.signals.frame import FrameSignals
from engine.signals.patterns import PatternKind
from tests.signals.shapes import bar, wander

ES = CME_FUTURES["ES"]


def path(closes: Iterable[int], reach: int = 1) -> list[Bar]:
    """Bars that open where the one before closed and reach a little beyond their bodies."""
    bars = []
    before: int | None = None
    for n, close in enumerate(closes):
        open_ = close if before is None else before
        bars.append(bar(n, open_, max(open_, close) + reach, min(open_, close) - reach, close))
        before = close
    return bars


def zigzag(legs: Iterable[int], start: int = 20_000, step: int = 4) -> list[int]:
    """Closes that run so many bars up (positive) or down (negative), leg by leg."""
    closes = [start]
    for leg in legs:
        closes += [closes[-1] + step * (n + 1) * (1 if leg > 0 else -1) for n in range(abs(leg))]
    return closes


def after(bars: Iterable[Bar]) -> FrameSignals:
    frame = FrameSignals("ES", Timeframe.M1)
    for one in bars:
        frame.add(one)
    return frame


def test_before_there_is_anything_a_frame_is_silent() -> None:
    frame = FrameSignals("ES", Timeframe.M5)
    assert (frame.reading.direction, frame.reading.strength, frame.words(ES)) == (0, 0.0, "")


@pytest.mark.parametrize(("sign", "words"), [(1, "BOS up"), (-1, "BOS down")])
def test_a_staircase_points_its_way_and_names_its_breaks(sign: int, words: str) -> None:
    frame = after(path(zigzag([sign * leg for leg in (12, -7, 12, -7, 12, -7, 12)])))
    assert frame.reading.direction == sign
    assert frame.reading.strength > 0.8
    assert frame.structure.trend == sign
    assert frame.words(ES) == words


def test_a_turn_is_a_change_of_character() -> None:
    frame = after(path(zigzag([12, -7, 12, -7, 12, -20])))
    assert frame.words(ES) == "CHoCH down"
    assert frame.reading.direction == -1


def test_an_old_trend_in_a_flat_market_is_a_range() -> None:
    closes = zigzag([12, -7, 12])
    flat = [closes[-1] - 10 + (n % 2) for n in range(120)]
    frame = after(path([*closes, *flat]))
    assert frame.reading.direction == 0
    assert frame.words(ES) == "range"


def test_a_zone_that_throws_price_back_is_named_with_its_price() -> None:
    bars = path(zigzag([8, -8, 8, -8, 8, -8, 8]))
    frame = FrameSignals("ES", Timeframe.M1)
    held = []
    for one in bars:
        frame.add(one)
        if frame.pattern is not None and frame.pattern.kind is PatternKind.LEVEL_HELD:
            held.append((frame.pattern.direction, frame.words(ES)))
    assert (1, "S/R 4999.75 ×2") in held
    assert (-1, "S/R 5008.25 ×2") in held


def test_an_order_block_that_holds_is_named_with_its_edge() -> None:
    # A base at 20000, a break of the high before it, and a return into the base that is bought.
    closes = zigzag([10, -10, 16, -15, 6])
    frame = FrameSignals("ES", Timeframe.M1)
    said = set()
    for one in path(closes):
        frame.add(one)
        said.add(frame.words(ES))
    blocks = [block for block in frame.live_blocks(1) if block.touches]
    assert blocks
    assert f"OB held {ES.text(blocks[0].high)}" in said


def test_old_patterns_give_way_to_yesterdays_extremes() -> None:
    frame = FrameSignals("ES", Timeframe.M5)
    for n, day in enumerate((date(2026, 8, 4), date(2026, 8, 5), date(2026, 8, 6))):
        open_ts, close_ts = CME.session_bounds(day)
        for ts in range(open_ts, close_ts, 5 * MINUTE):
            price = 20_000 + 100 * n
            frame.add(Bar("ES", Timeframe.M5, ts, price, price + 1, price - 1, price, 5))
    assert frame.words(ES) == "above prev day high"
    assert frame.previous_day.high == 20_101


@pytest.mark.parametrize("seed", range(4))
def test_strength_stays_between_nothing_and_all(seed: int) -> None:
    frame = FrameSignals("ES", Timeframe.M1)
    seen = set()
    for one in wander(seed, 600):
        frame.add(one)
        assert 0.0 <= frame.reading.strength <= 1.0
        seen.add(frame.reading.direction)
    assert seen == {-1, 0, 1}
