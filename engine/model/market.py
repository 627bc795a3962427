"""What the market says: quotes, prints, bars. Prices in ticks, times in integer nanoseconds UTC."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

NANOS = 1_000_000_000
MINUTE = 60 * NANOS
DEPTH_LEVELS = 32
"""Levels of a side of an order book that are told at most."""


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    sign: int
    """+1 for buy, -1 for sell."""
    opposite: Side


# What is asked of members all the time are plain attributes: a property costs a call.
Side.BUY.sign, Side.SELL.sign = 1, -1
Side.BUY.opposite, Side.SELL.opposite = Side.SELL, Side.BUY


class Timeframe(StrEnum):
    """The lengths of bars that there are, the shortest first (docs/semantics.md#timeframes)."""

    M1 = "1m"
    M2 = "2m"
    M3 = "3m"
    M5 = "5m"
    M10 = "10m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    D1 = "1d"

    minutes: int
    nanos: int
    """Its length, nanoseconds; the last bar of a session may be shorter."""
    by_calendar: bool
    """Whether it is counted from the open of the instrument's session; else it stands on UTC's grid."""


_MINUTES = {
    Timeframe.M1: 1,
    Timeframe.M2: 2,
    Timeframe.M3: 3,
    Timeframe.M5: 5,
    Timeframe.M10: 10,
    Timeframe.M15: 15,
    Timeframe.M30: 30,
    Timeframe.H1: 60,
    Timeframe.H2: 120,
    Timeframe.H4: 240,
    Timeframe.D1: 1440,
}
for _timeframe, _minutes in _MINUTES.items():
    _timeframe.minutes, _timeframe.nanos = _minutes, _minutes * MINUTE
    _timeframe.by_calendar = _minutes > 60

USUAL = (Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.M30, Timeframe.H1)
"""What every instrument is folded into: the timeframes whose agreement is weighed."""


class Bar(Struct, frozen=True, gc=False):
    """One candle over [open_ts, close_ts), key (instrument, timeframe, open_ts). Final once emitted."""

    instrument: str
    timeframe: Timeframe
    open_ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    n_src: int = 1
    """Minute bars (or prints, for 1m) that went into it; an incomplete hour has fewer than 60."""
    gap: bool = False
    """The feed was blind during some of it."""
    backfilled: bool = False
    """From the venue's history, not built from the stream: updates indicators, opens no trade."""
    end_ts: int = 0
    """Where it ends before its length is over, at the end of a session; 0: it is a whole one."""

    @property
    def close_ts(self) -> int:
        return self.end_ts or self.open_ts + self.timeframe.nanos
