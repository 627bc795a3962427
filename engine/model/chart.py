"""What is drawn of bars and signals: a chart of one contract and timeframe, and how the timeframes agree.

Prices are ticks. Times are nanoseconds UTC of the engine's clock.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from engine.model.market import Bar, Timeframe
from engine.model.scores import ScorePart


class FrameView(Struct, frozen=True):
    """What one timeframe says, on closed bars only."""

    timeframe: Timeframe
    direction: int
    """+1 up, -1 down, 0 neither."""
    strength_pct: int
    weight_pct: int
    pattern: str
    """The last pattern in a few words: "BOS up", "OB held 21021.25"; empty before there is one."""


class AlignmentView(Struct, frozen=True):
    instrument: str
    frames: tuple[FrameView, ...]
    score_tenths: int
    """0..100."""
    direction: int
    agreeing: int
    verdict: str
    reasons: tuple[str, ...]
    parts: tuple[ScorePart, ...] = ()
    """What each timeframe adds to the score."""


class ZoneView(Struct, frozen=True):
    """A price band on the chart, ticks."""

    kind: str
    """"OB" (order block), "BRK" (breaker), "S/R", "FVG" (fair value gap), "IFVG" (inverted), "LIQ" (pool),
    "PDH", "PDL", "PWH", "PWL" (extremes of the day and the week before), "EQ" (middle of the last leg),
    "ONH", "ONL" (extremes of the night, once it is over), "OPEN", "HI", "LO" (of the session so far), "PC"
    (close of the session before), "VWAP" (of the session, as of its newest close).
    """
    direction: int
    low: int
    high: int
    from_ts: int
    """Open time of the bar that it comes from: a mark may stand there, the zone may not."""
    touches: int = 0
    known_at: int = 0
    """Since when it is known to be what it is, nanoseconds UTC: it is drawn from here on."""


class OlderBars(StrEnum):
    """What is to be had of bars older than those of a chart."""

    MORE = "more"
    """Nobody has asked, or there may be more than what came."""
    LOADING = "loading"
    NONE = "none"
    """The venue has nothing older, or there is no venue."""
    MOST = "most"
    """So many are here that no older ones are kept."""
    FAILED = "failed"
    """They could not be loaded; they may be asked for again."""


class CurveView(Struct, frozen=True):
    """A number a bar that is drawn over the bars."""

    kind: str
    """"VWAP", "VWAP+1", "VWAP-2" (so many deviations from it), or an indicator's name: "ema 20"."""
    values: tuple[int | None, ...]
    """Of the newest closed bars, the newest last, ticks; None where there is nothing to say."""
    indicator: bool = False
    """One that the settings ask for."""


class ChartView(Struct, frozen=True):
    instrument: str
    timeframe: Timeframe
    bars: tuple[Bar, ...]
    """Closed bars, oldest first, prices in ticks."""
    forming: Bar | None
    zones: tuple[ZoneView, ...]
    older: OlderBars = OlderBars.MORE
    curves: tuple[CurveView, ...] = ()
