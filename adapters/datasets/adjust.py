"""Back-adjustment for indicators: the bars of earlier months are shifted by the gaps of the rolls after them.

The last month keeps its prices; differences inside a month are untouched, and no roll makes a jump. Adjusted
prices were never traded: orders, fills and money go by the unadjusted ones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec.structs import replace

from engine.model.datasets import DatasetRoll
from engine.model.market import Bar


def back_adjusted(bars: Iterable[Bar], rolls: Sequence[DatasetRoll]) -> Iterator[Bar]:
    """The bars with differences added (ticks); they may come to nothing or less far back."""
    ordered = sorted(rolls, key=_ts)
    starts = [roll.ts for roll in ordered]
    shifts = [sum(roll.gap for roll in ordered[place:]) for place in range(len(ordered) + 1)]
    for bar in bars:
        shift = shifts[bisect_right(starts, bar.open_ts)]
        if shift:
            yield replace(
                bar,
                open=bar.open + shift,
                high=bar.high + shift,
                low=bar.low + shift,
                close=bar.close + shift,
            )
        else:
            yield bar


def rolls_of(bars: Sequence[Bar], contracts: Sequence[str]) -> list[DatasetRoll]:
    """Where another contract follows, with the step from the close before it to the open after it."""
    return [
        DatasetRoll(after.open_ts, after.open - before.close, one, other)
        for (before, one), (after, other) in pairwise(zip(bars, contracts, strict=True))
        if one != other
    ]


def rolls_at(bars: Iterable[Bar], starts: Sequence[int]) -> list[DatasetRoll]:
    """The rolls at these times. One before the first or after the last bar is no roll of these bars."""
    waiting = sorted(set(starts))
    found: list[DatasetRoll] = []
    before: Bar | None = None
    for bar in bars:
        while waiting and waiting[0] <= bar.open_ts:
            ts = waiting.pop(0)
            if before is not None:
                found.append(DatasetRoll(ts, bar.open - before.close))
        before = bar
    return found


def _ts(roll: DatasetRoll) -> int:
    return roll.ts
