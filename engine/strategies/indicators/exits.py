"""Exits of the strategy "indicators" (docs/indicators.md#exits): where stop and target stand, how the stop
follows, when a trade is left. Several go together; one of them sets the stop.
"""

from __future__ import annotations

from math import ceil
from typing import Annotated

from msgspec import Meta, Struct

from engine.model.market import Bar
from engine.model.plans import Trail
from engine.signals.atr import Atr
from engine.signals.board import SignalBoard
from engine.signals.indicators.averages import Rsi
from engine.signals.indicators.channels import Bollinger
from engine.strategies.indicators.entries import Deviations, Length, Lower, Upper

Percent = Annotated[float, Meta(gt=0, le=50)]
"""Of the price of the entry."""
OrNone = Annotated[float, Meta(ge=0, le=500)]
"""0 leaves it out."""


class Distances(Struct, frozen=True):
    """Where an exit wants stop and target, ticks from the entry; 0: it says nothing of it."""

    stop: int = 0
    target: int = 0
    trail: Trail | None = None


SILENT = Distances()


class _Kind(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base: an exit that says nothing."""

    @property
    def sets_stop(self) -> bool:
        return False

    @property
    def sets_target(self) -> bool:
        return False

    @property
    def words(self) -> str:
        """How a trade is left by it without a target; empty where it is not."""
        return ""

    @property
    def minutes_held(self) -> int:
        """After so many minutes a trade is left; 0: never by it."""
        return 0

    def distances(self, bar: Bar, board: SignalBoard) -> Distances | None:
        """At a close that enters; None while it is not warm."""
        return SILENT

    def leaves(self, sign: int, bar: Bar, board: SignalBoard) -> str:
        """Why a long (+1) or short (-1) trade is left at this close; empty where it is not."""
        return ""


class AtrExit(_Kind, frozen=True, tag="atr"):
    """Stop and target in multiples of the ATR; a target of 0 is none."""

    length: Length = 14
    stop_atr: Annotated[float, Meta(gt=0, le=50)] = 2.0
    target_atr: OrNone = 3.0

    @property
    def sets_stop(self) -> bool:
        return True

    @property
    def sets_target(self) -> bool:
        return self.target_atr > 0

    def distances(self, bar: Bar, board: SignalBoard) -> Distances | None:
        atr = board.follow(bar.instrument, bar.timeframe, Atr, self.length).value
        if atr is None or not atr:
            return None
        stop = _ticks(self.stop_atr * atr)
        return Distances(stop, _times(self.target_atr / self.stop_atr, stop))


class PercentExit(_Kind, frozen=True, tag="percent"):
    """Stop and target in percent of the price; a target of 0 is none."""

    stop_pct: Percent = 1.0
    target_pct: OrNone = 2.0

    @property
    def sets_stop(self) -> bool:
        return True

    @property
    def sets_target(self) -> bool:
        return self.target_pct > 0

    def distances(self, bar: Bar, board: SignalBoard) -> Distances:
        stop = _share(bar, self.stop_pct)
        return Distances(stop, _times(self.target_pct / self.stop_pct, stop))


class FixedRatioExit(_Kind, frozen=True, tag="fixed_ratio"):
    """Stop in percent of the price, target at so many times the risk."""

    stop_pct: Percent = 1.0
    ratio: Annotated[float, Meta(gt=0, le=40)] = 2.0

    @property
    def sets_stop(self) -> bool:
        return True

    @property
    def sets_target(self) -> bool:
        return True

    def distances(self, bar: Bar, board: SignalBoard) -> Distances:
        stop = _share(bar, self.stop_pct)
        return Distances(stop, _times(self.ratio, stop))


class TrailingExit(_Kind, frozen=True, tag="trailing"):
    """The stop follows the best price at `trail_pct`, from `activation_pct` of profit on. Where no other exit
    sets the stop, it begins as far away as it follows.
    """

    trail_pct: Percent = 2.0
    activation_pct: OrNone = 0.0

    @property
    def words(self) -> str:
        return f"trailing {self.trail_pct:g} %"

    def distances(self, bar: Bar, board: SignalBoard) -> Distances:
        trail = Trail(_share(bar, self.trail_pct), round(bar.close * self.activation_pct / 100))
        return Distances(trail=trail)


class TimeExit(_Kind, frozen=True, tag="time"):
    """Closed at market after so many minutes."""

    minutes: Annotated[int, Meta(ge=1, le=100_000)] = 240

    @property
    def words(self) -> str:
        return f"after {self.minutes} min"

    @property
    def minutes_held(self) -> int:
        return self.minutes


class RsiBbExit(_Kind, frozen=True, tag="rsi_bb"):
    """A long is left when RSI is at least `overbought` or the close at or above the upper band; with `both`,
    when both hold.
    """

    rsi_length: Length = 14
    oversold: Lower = 30.0
    overbought: Upper = 70.0
    bb_length: Length = 20
    bb_deviations: Deviations = 2.0
    both: bool = False

    @property
    def words(self) -> str:
        return "RSI and Bollinger"

    def leaves(self, sign: int, bar: Bar, board: SignalBoard) -> str:
        rsi = board.follow(bar.instrument, bar.timeframe, Rsi, self.rsi_length).value
        bands = board.follow(bar.instrument, bar.timeframe, Bollinger, self.bb_length, self.bb_deviations)
        band = bands.upper if sign > 0 else bands.lower
        if rsi is None or band is None or not bands.deviation:
            return ""
        level = self.overbought if sign > 0 else self.oversold
        far, out = (rsi - level) * sign >= 0, (bar.close - band) * sign >= 0
        if not (far and out if self.both else far or out):
            return ""
        said = [f"RSI {rsi:.0f} at {'least' if sign > 0 else 'most'} {level:g}"] if far else []
        said += [f"at the {'upper' if sign > 0 else 'lower'} band"] if out else []
        return " and ".join(said)


AnyExit = AtrExit | PercentExit | FixedRatioExit | TrailingExit | TimeExit | RsiBbExit


def check(exits: tuple[AnyExit, ...]) -> None:
    """Raises ValueError where they don't go together."""
    kinds = [type(one) for one in exits]
    if len(set(kinds)) < len(kinds):
        raise ValueError("exits: each kind may be there once")
    stops = [one for one in exits if one.sets_stop]
    if len(stops) > 1:
        raise ValueError("exits: one of atr, percent and fixed_ratio may set the stop, not several")
    if not stops and TrailingExit not in kinds:
        raise ValueError("exits: one of them has to set the stop: add atr, percent, fixed_ratio or trailing")
    if not any(one.sets_target or one.words for one in exits):
        raise ValueError("exits: without a target one has to say how a trade is left: trailing, time, rsi_bb")


def _times(ratio: float, stop: int) -> int:
    """A target at so many times the risk or more, ticks."""
    return ceil(round(ratio * stop, 6))


def _ticks(distance: float) -> int:
    return max(1, round(distance))


def _share(bar: Bar, percent: float) -> int:
    return _ticks(bar.close * percent / 100)
