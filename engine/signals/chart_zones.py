"""What of a series' zones a chart is given (docs/signals.md#on-the-chart)."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.chart import ZoneView
from engine.signals.frame import FrameSignals
from engine.signals.gaps import GapState
from engine.signals.order_blocks import BlockState
from engine.signals.previous import Extremes
from engine.signals.sessions import SessionLevels, SessionVwap

_ZONES_A_KIND = 6
"""Most order blocks, levels, gaps and pools."""


def zones_of(frame: FrameSignals, week: Extremes) -> tuple[ZoneView, ...]:
    """The newest blocks and gaps, the most touched levels, the nearest pools, what was before, and the middle
    of the last leg. Prices in ticks. `week` knows the week before, where the series itself is too short.
    """
    if frame.bar is None:
        return ()
    return (*_blocks(frame), *_levels(frame), *_gaps(frame), *_pools(frame), *_lines(frame, week))


def _blocks(frame: FrameSignals) -> Iterator[ZoneView]:
    for block in frame.blocks.live[-_ZONES_A_KIND:]:
        kind = "BRK" if block.state is BlockState.BROKEN else "OB"
        yield ZoneView(
            kind, block.polarity, block.low, block.high, block.stamp, block.touches, block.works_since
        )


def _levels(frame: FrameSignals) -> Iterator[ZoneView]:
    close = frame.bar.close if frame.bar is not None else 0
    strongest = sorted(frame.levels.strong(2), key=lambda one: (-one.touches, -one.last_index))
    for level in strongest[:_ZONES_A_KIND]:
        side = 1 if level.high <= close else -1
        yield ZoneView("S/R", side, level.low, level.high, level.stamp, level.touches, level.known_at)


def _gaps(frame: FrameSignals) -> Iterator[ZoneView]:
    """Those that may still throw price back: a filled one has done so."""
    open_ones = [gap for gap in frame.gaps.live if gap.state is not GapState.FILLED]
    for gap in open_ones[-_ZONES_A_KIND:]:
        kind = "IFVG" if gap.state is GapState.INVERTED else "FVG"
        yield ZoneView(kind, gap.polarity, gap.low, gap.high, gap.stamp, 0, gap.works_since)


def _pools(frame: FrameSignals) -> Iterator[ZoneView]:
    close = frame.bar.close if frame.bar is not None else 0
    nearest = sorted(frame.liquidity.live, key=lambda pool: abs(pool.level - close))
    for pool in nearest[:_ZONES_A_KIND]:
        yield _line("LIQ", pool.level, pool.stamp, pool.known_at, pool.touches)


def _lines(frame: FrameSignals, week: Extremes) -> Iterator[ZoneView]:
    for previous, high, low in ((frame.previous_day, "PDH", "PDL"), (week, "PWH", "PWL")):
        if previous.high is not None and previous.low is not None:
            yield _line(high, previous.high, previous.stamp, previous.known_at)
            yield _line(low, previous.low, previous.stamp, previous.known_at)
    leg = frame.legs.last
    if leg is not None:
        yield _line("EQ", leg.middle, leg.end.stamp, leg.known_at)


def session_lines(levels: SessionLevels, vwap: SessionVwap) -> Iterator[ZoneView]:
    """The session so far, its extremes from the bars on that made them; the close of the one before, extremes
    of the night once it is over, and where the VWAP is now.
    """
    night, day, opened = levels.night, levels.day, levels.opened
    if levels.close_before is not None:
        yield _line("PC", levels.close_before, opened, opened)
    if day is not None and day.open is not None:
        yield _line("OPEN", day.open, opened, opened)
        for kind, price, bar in (("HI", day.high, day.high_bar), ("LO", day.low, day.low_bar)):
            if price is not None and bar is not None:
                yield _line(kind, price, bar.open_ts, bar.close_ts)
    if levels.night_ended and night is not None and night.high is not None and night.low is not None:
        yield _line("ONH", night.high, opened, levels.night_ended)
        yield _line("ONL", night.low, opened, levels.night_ended)
    if vwap.value is not None and vwap.bar is not None:
        yield _line("VWAP", round(vwap.value), vwap.bar.open_ts, vwap.bar.close_ts)


def _line(kind: str, price: int, stamp: int, known_at: int, touches: int = 0) -> ZoneView:
    return ZoneView(kind, 0, price, price, stamp, touches, known_at)
