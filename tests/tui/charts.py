"""Believable charts: a random walk for each future that ends at its price, the same on every run."""

from __future__ import annotations

import random
from functools import cache

from engine.market.candles import resample
from engine.model.chart import ChartView, ZoneView
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Bar, Timeframe

NOW = 1_791_988_937 * NANOS
"""Wednesday 14 October 2026, 09:42:17 in Chicago."""

LAST = {
    "MNQ": "21034.25",
    "NQ": "21034.50",
    "MES": "6012.75",
    "ES": "6012.75",
    "MGC": "2671.4",
    "GC": "2671.5",
}
"""The last prices."""
_WILD = {"MNQ": 14, "NQ": 14, "MES": 4, "ES": 4, "MGC": 4, "GC": 4}


def _walk(instrument: Instrument, count: int, frame: Timeframe = Timeframe.M1) -> list[Bar]:
    """`count` closed bars that end at the last price."""
    rng = random.Random(f"{instrument.symbol[-2:]}")
    size = _WILD[instrument.symbol]
    moves = [rng.gauss(0, size) + size * 0.22 * (1 if (i // 50) % 3 else -1.6) for i in range(count)]
    opens = [0.0]
    for move in moves:
        opens.append(opens[-1] + move)
    shift = instrument.ticks(LAST[instrument.symbol]) - opens[-1]
    open_ts = NOW // MINUTE * MINUTE - count * frame.nanos
    open_ts -= open_ts % frame.nanos
    bars = []
    for i, move in enumerate(moves):
        first, final = round(opens[i] + shift), round(opens[i] + move + shift)
        high = max(first, final) + abs(round(rng.gauss(0, size * 0.6)))
        low = min(first, final) - abs(round(rng.gauss(0, size * 0.6)))
        volume = int(300 + 900 * rng.random() + 60 * abs(move))
        bars.append(Bar(instrument.symbol, frame, open_ts + i * frame.nanos, first, high, low, final, volume))
    return bars


@cache
def charts(instrument: Instrument, minutes: int = 900) -> dict[Timeframe, ChartView]:
    """Charts of all timeframes of one contract, with a few zones."""
    short, long = _walk(instrument, minutes), _walk(instrument, minutes, Timeframe.M30)
    found = {}
    for frame in Timeframe:
        walk = long if frame.by_calendar else short
        bars = tuple(resample(walk, frame))
        forming = bars[-1] if bars[-1].close_ts > NOW else None
        closed = bars if forming is None else bars[:-1]
        last, span = closed[-1].close, max(b.high for b in closed[-30:]) - min(b.low for b in closed[-30:])
        at = closed[-min(28, len(closed))].open_ts
        zones = (
            ZoneView("OB", 1, last - span * 45 // 100, last - span * 34 // 100, at),
            ZoneView("S/R", 0, last + span * 20 // 100, last + span * 24 // 100, at, 3),
            ZoneView("OB", -1, last + span * 38 // 100, last + span * 46 // 100, at),
        )
        found[frame] = ChartView(instrument.symbol, frame, closed[-240:], forming, zones)
    return found


def closes(instrument: Instrument) -> tuple[int, ...]:
    """The closes of the last eight minutes, ticks."""
    chart = charts(instrument)[Timeframe.M1]
    bars = chart.bars if chart.forming is None else (*chart.bars, chart.forming)
    return tuple(bar.close for bar in bars[-8:])
