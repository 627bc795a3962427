"""Where a stop may stand by what a chart shows: some average ranges away, or behind a zone."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from engine.model.chart import ChartView
from engine.model.market import Side

ATR_BARS = 14


def atr_ticks(chart: ChartView | None) -> Decimal | None:
    """Average true range of the newest bars of a chart, ticks; None while there are too few."""
    bars = () if chart is None else chart.bars[-ATR_BARS - 1 :]
    if len(bars) <= ATR_BARS:
        return None
    ranges = [max(bar.high, before.close) - min(bar.low, before.close) for before, bar in pairwise(bars)]
    return Decimal(sum(ranges)) / len(ranges)


def zone_stop(chart: ChartView | None, side: Side, near: int) -> int | None:
    """A tick behind the nearest zone on the losing side of a price, ticks; None where there is none."""
    if chart is None:
        return None
    if side is Side.BUY:
        below = [zone.low for zone in chart.zones if zone.low < near]
        return max(below) - 1 if below else None
    above = [zone.high for zone in chart.zones if zone.high > near]
    return min(above) + 1 if above else None
