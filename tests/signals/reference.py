"""A reference library's recording and tables, swing length 5, and what it would make of our swings: its rules
in hindsight, so that what they share with ours can be compared number by number.
"""

from __future__ import annotations

import csv
import gzip
import struct
from collections.abc import Iterator
from functools import cache

from engine.model.market import Bar, Timeframe
from engine.signals.gaps import FairValueGap, FairValueGaps, GapState
from engine.signals.order_blocks import OrderBlock, OrderBlocks
from engine.signals.structure import Break, Structure
from engine.signals.swings import Swing, SwingDetector
from tests.support.recordings import DATA


def table(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(DATA / "smc" / name, "rt", encoding="ascii") as file:
        yield from csv.DictReader(file)


def points(text: str) -> int:
    return round(float(text) * 100_000)


@cache
def recording() -> tuple[Bar, ...]:
    return tuple(
        Bar(
            "EURUSD",
            Timeframe.M15,
            n * Timeframe.M15.nanos,
            points(row["Open"]),
            points(row["High"]),
            points(row["Low"]),
            points(row["Close"]),
            int(row["Tickvol"]),
        )
        for n, row in enumerate(table("EURUSD_15M.csv.gz"))
    )


@cache
def library_swings() -> dict[int, tuple[int, int]]:
    rows = enumerate(table("swing_highs_lows_result_data.csv.gz"))
    return {n: (int(float(row["HighLow"])), points(row["Level"])) for n, row in rows if row["HighLow"]}


@cache
def live() -> tuple[tuple[Swing, ...], tuple[Break, ...], OrderBlocks]:
    """Everything said while the recording is fed bar by bar."""
    detector, structure, blocks = SwingDetector(5), Structure(), OrderBlocks(expire_after=None, keep=4000)
    swings, breaks = [], []
    for bar in recording():
        swing = detector.add(bar)
        broken = structure.add(bar, swing)
        blocks.add(bar, () if broken is None else (broken,))
        if swing is not None:
            swings.append(swing)
        if broken is not None:
            breaks.append(broken)
    return tuple(swings), tuple(breaks), blocks


def every(blocks: OrderBlocks) -> list[OrderBlock]:
    return [*blocks.finished, *blocks.live]


def final_swings() -> list[tuple[int, int, int]]:
    """(index, kind, price) of our swings that stand at the end, with the artificial one that the library
    puts at either end of the series.
    """
    swings, _, _ = live()
    superseded = {swing.supersedes for swing in swings}
    stand = [
        (swing.index, swing.kind, swing.price)
        for swing in swings
        if swing.superseded_by is None and swing.index not in superseded
    ]
    bars = recording()
    ends = []
    for n, neighbour in ((0, stand[0]), (len(bars) - 1, stand[-1])):
        kind = -neighbour[1]
        ends.append((n, kind, bars[n].high if kind > 0 else bars[n].low))
    return [ends[0], *stand, ends[1]]


def structure_in_hindsight() -> dict[int, tuple[int, str, int, int]]:
    """By index of a swing: direction, label, level and breaking bar, by the last four of the final swings. A
    break that a later one overtakes is deleted. Levels are kept in 32 bits, which decides about equal closes.
    """
    swings, bars = final_swings(), recording()
    found: dict[int, tuple[int, str, int, int]] = {}
    for n in range(3, len(swings)):
        direction = swings[n][1]
        one, two, three, four = (price * direction for _, _, price in swings[n - 3 : n + 1])
        if one < three < two < four:
            label = "BOS"
        elif three < one < two < four:
            label = "CHoCH"
        else:
            continue
        index, _, level = swings[n - 2]
        (kept,) = struct.unpack("f", struct.pack("f", level / 100_000))
        for at in range(index + 2, len(bars)):
            if (bars[at].close / 100_000 - kept) * direction > 0:
                found = {old: event for old, event in found.items() if event[3] < at}
                found[index] = direction, label, level, at
                break
    return found


def pools_in_hindsight(tolerance: float) -> dict[int, tuple[int, float, int, int, int]]:
    """By index of the first swing: side, mean, index of the last one, the bar that reached beyond (or 0), and
    the index of the second one.
    """
    bars = recording()
    found: dict[int, tuple[int, float, int, int, int]] = {}
    for side in (1, -1):
        swings = [(index, price) for index, kind, price in final_swings() if kind == side]
        used: set[int] = set()
        for n, (index, price) in enumerate(swings):
            if index in used:
                continue
            beyond = side * price + tolerance
            reached = next(
                (
                    at
                    for at in range(index + 1, len(bars))
                    if (bars[at].high if side > 0 else -bars[at].low) >= beyond
                ),
                0,
            )
            pool = [
                (later, level)
                for later, level in swings[n:]
                if later not in used and abs(level - price) <= tolerance and (not reached or later < reached)
            ]
            if len(pool) > 1:
                used |= {later for later, _ in pool}
                mean = sum(level for _, level in pool) / len(pool)
                found[index] = side, mean, pool[-1][0], reached, pool[1][0]
    return found


@cache
def live_gaps() -> tuple[dict[int, FairValueGap], dict[int, int]]:
    """Every gap as it was born by its number, and the bar that first traded into it."""
    gaps = FairValueGaps(expire_after=len(recording()))
    born: dict[int, FairValueGap] = {}
    touched: dict[int, int] = {}
    for n, bar in enumerate(recording()):
        for gap in gaps.add(bar):
            if gap.state is GapState.OPEN:
                born[gap.number] = gap
            else:
                touched.setdefault(gap.number, n)
    return born, touched
