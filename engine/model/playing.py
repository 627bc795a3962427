"""What a person may ask of a replay's time, and what is shown of it. None of it reaches the core: a replay
that was paused, or went back, is told the same as one that was not.

Times are nanoseconds UTC of the recording.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from engine.model.market import Timeframe

PACES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, None)
"""Virtual seconds a real one, that the keys go through; None is as fast as it goes."""


class Advance(StrEnum):
    """How far a step goes."""

    PRINT = "print"
    """To the next trade of the market; where bars are all that is told, to the next one."""
    BAR = "bar"
    """To the next close of a bar of the shown contract and timeframe."""


class HoldPlay(Struct, frozen=True):
    """Let time stand still, or go on."""

    paused: bool


class SetPace(Struct, frozen=True):
    """Go on at another pace, a step faster or slower; whether it is paused stays."""

    faster: bool


class StepPlay(Struct, frozen=True):
    """Let time go on to the end of a step, and stand still there."""

    by: Advance
    instrument: str = ""
    timeframe: Timeframe = Timeframe.M1


class SeekPlay(Struct, frozen=True):
    """Go to a time and stand still there. What is before is played anew from the beginning, as it was: with
    what was commanded up to then, and nothing of what was commanded after.
    """

    ts: int


PlayWish = HoldPlay | SetPace | StepPlay | SeekPlay


class PlayingView(Struct, frozen=True):
    """Where a replay stands."""

    first_ts: int
    """When the recording begins,"""
    last_ts: int
    """and when it ends."""
    paused: bool = False
    run: int = 0
    """How often it has been begun anew: numbers of notices count within it."""
    until: int = 0
    """To where time passes at once, as it is on its way there; 0 where it keeps its pace."""

    def pace(self, speed: float | None) -> str:
        """In words, where its own pace is so many virtual seconds a real one."""
        told = "max" if speed is None else f"×{speed:g}"
        return "on its way" if self.until else f"paused {told}" if self.paused else told


def next_pace(speed: float | None, *, faster: bool) -> float | None:
    """The next of `PACES`; the last one stays."""
    if faster:
        if speed is None:
            return None
        return next((pace for pace in PACES if pace is None or pace > speed), None)
    slower = [pace for pace in PACES if pace is not None and (speed is None or pace < speed)]
    return slower[-1] if slower else speed
