"""Smart Money signals: one new bar with all detectors on five timeframes, as history grows, and a full pass;
beside smartmoneyconcepts, which works its whole window out anew.

The peer is no dependency of the project: `pip install smartmoneyconcepts==0.0.27 pandas` into the same
environment; without it its rows say so.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from statistics import median
from typing import Any

from bench.figures import ms, table
from engine.market.candles import resample
from engine.model.market import MINUTE, USUAL, Bar, Timeframe
from engine.signals.frame import FrameSignals

HISTORIES = (1_000, 10_000, 50_000)
NEW_BARS = 600
PASS = 100_000
WINDOW = 1_000
_FIRST = 1_754_488_800 * 1_000_000_000
_PEER = "smartmoneyconcepts 0.0.27"
_MISSING = "not installed: pip install smartmoneyconcepts==0.0.27"


def minutes(count: int, seed: int = 1) -> list[Bar]:
    """A seeded random walk with calm and busy hours."""
    chance = random.Random(seed)
    price, heat = 24_000.0, 1.0
    bars = []
    for n in range(count):
        heat = min(3.0, max(0.4, heat * (1 + chance.gauss(0, 0.08))))
        path = [price]
        for _ in range(8):
            path.append(path[-1] + chance.gauss(0, 2.1 * heat))
        price = path[-1]
        ticks = [round(one) for one in path]
        volume = chance.randrange(20, 400)
        bars.append(
            Bar(
                "ES",
                Timeframe.M1,
                _FIRST + n * MINUTE,
                ticks[0],
                max(ticks),
                min(ticks),
                ticks[-1],
                volume,
            )
        )
    return bars


def one_bar(history: int) -> tuple[float, float, float]:
    """Seconds of processor time that a new bar costs on all five timeframes at once, with so many bars behind
    each: the median, the mean, and what all the timeframes' opinions cost when they are asked for.
    """
    frames: list[tuple[FrameSignals, list[Bar]]] = []
    for n, timeframe in enumerate(USUAL):
        series = [_as(bar, timeframe) for bar in minutes(history + NEW_BARS, seed=n)]
        frame = FrameSignals("ES", timeframe)
        for bar in series[:history]:
            frame.add(bar)
        frames.append((frame, series[history:]))
    took, asked = [], []
    for new in range(NEW_BARS):
        began = time.process_time_ns()
        for frame, series in frames:
            frame.add(series[new])
        done = time.process_time_ns()
        for frame, _ in frames:
            _ = frame.reading
        asked.append(time.process_time_ns() - done)
        took.append(done - began)
    return median(took) / 1e9, sum(took) / len(took) / 1e9, sum(asked) / len(asked) / 1e9


def _as(bar: Bar, timeframe: Timeframe) -> Bar:
    """The same candle in a series of another length."""
    n = (bar.open_ts - _FIRST) // MINUTE
    start = _FIRST - _FIRST % timeframe.nanos
    return Bar(
        bar.instrument,
        timeframe,
        start + n * timeframe.nanos,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
    )


def full_pass(bars: Sequence[Bar]) -> float:
    """Seconds of processor time for a whole series, all detectors."""
    frame = FrameSignals("ES", bars[0].timeframe)
    began = time.process_time()
    for bar in bars:
        frame.add(bar)
    return time.process_time() - began


def all_frames(bars: Sequence[Bar]) -> float:
    """The same minutes as five timeframes, the folding not counted."""
    return sum(full_pass(list(resample(bars, timeframe))) for timeframe in USUAL)


def peer() -> Callable[[Sequence[Bar]], float] | None:
    """Seconds that the library takes for what we follow, over a whole series; None where it is absent."""
    os.environ.setdefault("SMC_CREDIT", "0")  # else it prints a banner
    try:
        smc: Any = import_module("smartmoneyconcepts").smc
        pandas: Any = import_module("pandas")
    except ImportError:
        return None

    def work(bars: Sequence[Bar]) -> float:
        index = pandas.to_datetime([bar.open_ts for bar in bars])
        rows = [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]
        frame = pandas.DataFrame(rows, index, ["open", "high", "low", "close", "volume"]).astype(float)
        began = time.process_time()
        swings = smc.swing_highs_lows(frame, swing_length=5)
        smc.fvg(frame)
        smc.bos_choch(frame, swings)
        smc.ob(frame, swings)
        smc.liquidity(frame, swings)
        smc.retracements(frame, swings)
        smc.previous_high_low(frame, time_frame="1D")
        return time.process_time() - began

    return work


def run() -> None:
    """Measure and print."""
    library = peer()
    window = minutes(WINDOW)
    theirs = None if library is None else median([library(window) for _ in range(5)])

    def beside(ours: float, other: float | None) -> str:
        return "-" if other is None else f"{other / ours:,.0f}x less"

    rows = []
    for history in HISTORIES:
        middle, mean, asked = one_bar(history)
        rows.append(
            (
                f"one new bar on five timeframes, {history:,} bars behind each",
                f"{middle * 1e6:.0f} µs",
                f"{mean * 1e6:.0f} µs",
                f"{asked * 1e6:.0f} µs",
                beside(mean, theirs),
            )
        )
    again = _MISSING if theirs is None else ms(theirs)
    rows.append((f"{_PEER}, one window of {WINDOW:,} bars", again, "", "", ""))
    table("smc: what a close costs", ("", "median", "mean", "opinions asked for", "to one window"), rows)

    whole = minutes(PASS)
    parts = [(part, full_pass(whole[:part])) for part in (PASS // 10, PASS // 2, PASS)]
    other = None if library is None else library(whole)
    table(
        "smc: a full pass, all detectors",
        ("", "time", "a bar", "to the peer"),
        [
            *(
                (
                    f"{part:,} bars of 1m",
                    f"{took:.2f} s",
                    f"{took / part * 1e6:.1f} µs",
                    beside(took, other if part == PASS else None),
                )
                for part, took in parts
            ),
            (f"{PASS:,} minutes on five timeframes", f"{all_frames(whole):.2f} s", "", ""),
            (f"{_PEER}, {PASS:,} bars at once", _MISSING if other is None else f"{other:.2f} s", "", ""),
        ],
    )
