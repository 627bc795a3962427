"""What the market says: quotes, prints, bars. Prices in ticks, times in integer nanoseconds UTC."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

NANOS = 1_000_000_000
MINUTE = 60 * NANOS


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for buy, -1 for sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class Timeframe(StrEnum):
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"

    @property
    def nanos(self) -> int:
        return _NANOS[self]

    @property
    def minutes(self) -> int:
        return _MINUTES[self]


_MINUTES = {Timeframe.M1: 1, Timeframe.M5: 5, Timeframe.M15: 15, Timeframe.M30: 30, Timeframe.H1: 60}
_NANOS = {timeframe: minutes * MINUTE for timeframe, minutes in _MINUTES.items()}


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

    @property
    def close_ts(self) -> int:
        return self.open_ts + self.timeframe.nanos
