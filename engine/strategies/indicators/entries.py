"""Entries by indicators (docs/indicators.md#entries). Each says at a close whether it points up, down or
nowhere, and None while it is not warm; a short is the long mirrored.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from engine.model.market import Bar
from engine.signals.board import SignalBoard
from engine.signals.indicators.averages import Rsi
from engine.signals.indicators.channels import Bollinger, Ichimoku
from engine.signals.indicators.trend import SuperTrend
from engine.signals.volume import RelativeVolume

Length = Annotated[int, Meta(ge=2, le=200)]
"""Bars."""
Lower = Annotated[float, Meta(gt=0, le=50)]
Upper = Annotated[float, Meta(ge=50, lt=100)]
"""Of an index from 0 to 100."""
Deviations = Annotated[float, Meta(gt=0, le=10)]
Ratio = Annotated[float, Meta(gt=0, le=100)]


class Pointing(NamedTuple):
    """Where an entry points, +1, -1 or 0, and why, in words."""

    sign: int
    reasons: tuple[str, ...] = ()


NOWHERE = Pointing(0)


class _Kind(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base."""


class RsiBb(_Kind, frozen=True, tag="rsi_bb"):
    """Sold out: RSI at most `oversold` and the close at or below the lower Bollinger band."""

    rsi_length: Length = 14
    oversold: Lower = 30.0
    overbought: Upper = 70.0
    bb_length: Length = 20
    bb_deviations: Deviations = 2.0

    def point(self, bar: Bar, board: SignalBoard) -> Pointing | None:
        return _stretched(self, bar, board)


class RsiBbVolume(_Kind, frozen=True, tag="rsi_bb_volume"):
    """As `rsi_bb`, on `volume_ratio` times the mean volume of the bars before or more."""

    rsi_length: Length = 14
    oversold: Lower = 30.0
    overbought: Upper = 70.0
    bb_length: Length = 20
    bb_deviations: Deviations = 2.0
    volume_length: Length = 20
    volume_ratio: Ratio = 1.5

    def point(self, bar: Bar, board: SignalBoard) -> Pointing | None:
        return _with_volume(_stretched(self, bar, board), self.volume_length, self.volume_ratio, bar, board)


class RsiIchimoku(_Kind, frozen=True, tag="rsi_ichimoku"):
    """With the trend: close above the cloud, conversion above base, RSI from `least` to `most`."""

    rsi_length: Length = 14
    least: Upper = 50.0
    most: Upper = 70.0
    conversion: Length = 9
    base: Length = 26
    slow: Length = 52
    ahead: Length = 26

    def __post_init__(self) -> None:
        _ordered(self.least, self.most)

    def point(self, bar: Bar, board: SignalBoard) -> Pointing | None:
        lines = board.follow(
            bar.instrument, bar.timeframe, Ichimoku, self.conversion, self.base, self.slow, self.ahead
        )
        cloud, conversion, base = lines.cloud, lines.conversion, lines.base
        if cloud is None or conversion is None or base is None:
            return None
        if bar.close > max(cloud) and conversion > base:
            found = Pointing(1, ("above the cloud", "conversion above base"))
        elif bar.close < min(cloud) and conversion < base:
            found = Pointing(-1, ("below the cloud", "conversion below base"))
        else:
            return NOWHERE
        return _with_momentum(found, self.rsi_length, self.least, self.most, bar, board)


class RsiVolumeSupertrend(_Kind, frozen=True, tag="rsi_volume_supertrend"):
    """With the trend: SuperTrend rising, RSI from `least` to `most`, on volume as of `rsi_bb_volume`."""

    rsi_length: Length = 14
    least: Upper = 50.0
    most: Upper = 70.0
    supertrend_length: Length = 10
    supertrend_multiple: Annotated[float, Meta(gt=0, le=20)] = 3.0
    volume_length: Length = 20
    volume_ratio: Ratio = 1.5

    def __post_init__(self) -> None:
        _ordered(self.least, self.most)

    def point(self, bar: Bar, board: SignalBoard) -> Pointing | None:
        line = board.follow(
            bar.instrument, bar.timeframe, SuperTrend, self.supertrend_length, self.supertrend_multiple
        )
        if not line.direction:
            return None
        trend = Pointing(line.direction, (f"SuperTrend {'rising' if line.direction > 0 else 'falling'}",))
        found = _with_momentum(trend, self.rsi_length, self.least, self.most, bar, board)
        return _with_volume(found, self.volume_length, self.volume_ratio, bar, board)


AnyEntry = RsiBb | RsiBbVolume | RsiIchimoku | RsiVolumeSupertrend


def _ordered(least: float, most: float) -> None:
    if least >= most:
        raise ValueError(f"least must be below most, not {least:g} and {most:g}")


def _stretched(entry: RsiBb | RsiBbVolume, bar: Bar, board: SignalBoard) -> Pointing | None:
    rsi = board.follow(bar.instrument, bar.timeframe, Rsi, entry.rsi_length).value
    bands = board.follow(bar.instrument, bar.timeframe, Bollinger, entry.bb_length, entry.bb_deviations)
    upper, lower = bands.upper, bands.lower
    if rsi is None or upper is None or lower is None:
        return None
    if not bands.deviation:
        return NOWHERE  # a market that stands still is at no band
    if rsi <= entry.oversold and bar.close <= lower:
        return Pointing(1, (f"RSI {rsi:.0f} at most {entry.oversold:g}", "at the lower band"))
    if rsi >= entry.overbought and bar.close >= upper:
        return Pointing(-1, (f"RSI {rsi:.0f} at least {entry.overbought:g}", "at the upper band"))
    return NOWHERE


def _with_momentum(
    found: Pointing | None, length: int, least: float, most: float, bar: Bar, board: SignalBoard
) -> Pointing | None:
    rsi = board.follow(bar.instrument, bar.timeframe, Rsi, length).value
    if rsi is None or found is None:
        return None
    if not least <= (rsi if found.sign > 0 else 100 - rsi) <= most:
        return NOWHERE
    return Pointing(found.sign, (*found.reasons, f"RSI {rsi:.0f}"))


def _with_volume(
    found: Pointing | None, length: int, least: float, bar: Bar, board: SignalBoard
) -> Pointing | None:
    ratio = board.follow(bar.instrument, bar.timeframe, RelativeVolume, length, of="volume").value
    if ratio is None or found is None:
        return None
    if not found.sign or ratio < least:
        return NOWHERE
    return Pointing(found.sign, (*found.reasons, f"volume {ratio:.1f}x"))
