"""Counts and tables of a reference library on its own recording, swing length 5.

The library tells some things in hindsight; what is compared is what both can say, and the counts that a
causal reading of the same rules must give.
"""

from __future__ import annotations

from collections import Counter

import pytest

from engine.signals.atr import Atr
from engine.signals.liquidity import LiquidityPools, PoolState
from engine.signals.order_blocks import BlockState, OrderBlocks
from engine.signals.structure import Break
from engine.signals.swings import Swing, SwingDetector
from tests.signals.reference import (
    every,
    final_swings,
    library_swings,
    live,
    live_gaps,
    points,
    pools_in_hindsight,
    recording,
    structure_in_hindsight,
    table,
)
from tests.support.recordings import needs_recordings

pytestmark = [pytest.mark.recordings, needs_recordings]


def test_the_recording_is_whole() -> None:
    assert len(recording()) == 24_424


def test_raw_swings_are_as_many_as_the_library_finds() -> None:
    swings, _, _ = live()
    bars = recording()
    lows = sum(bars[i].low == min(bar.low for bar in bars[i - 4 : i + 6]) for i in range(9, len(bars) - 5))
    counts = Counter(swing.kind for swing in swings)
    both = sum(
        bars[swing.index].low == min(bar.low for bar in bars[swing.index - 4 : swing.index + 6])
        for swing in swings
        if swing.kind > 0
    )
    assert (counts[1], lows, both) == (1735, 1734, 7)
    assert counts[-1] == lows - both


def test_the_swings_that_stand_are_the_librarys_with_its_book_ends() -> None:
    assert {index: (kind, price) for index, kind, price in final_swings()} == library_swings()
    assert Counter(kind for _, kind, _ in final_swings()[1:-1]) == {1: 1353, -1: 1353}


def test_in_hindsight_our_swings_give_the_librarys_structure() -> None:
    library = {
        n: (
            int(float(row["BOS"] or row["CHOCH"])),
            "BOS" if row["BOS"] else "CHoCH",
            points(row["Level"]),
            int(float(row["BrokenIndex"])),
        )
        for n, row in enumerate(table("bos_choch_result_data.csv.gz"))
        if row["BOS"] or row["CHOCH"]
    }
    assert structure_in_hindsight() == library
    assert Counter(label for _, label, _, _ in library.values()) == {"BOS": 676, "CHoCH": 453}


def test_gaps_are_the_librarys_bar_by_bar_and_so_is_their_first_touch() -> None:
    born, touched = live_gaps()
    ours = {
        gap.created_index - 1: (gap.direction, gap.high, gap.low, touched.get(gap.number, 0))
        for gap in born.values()
    }
    library = {
        n: (
            int(float(row["FVG"])),
            points(row["Top"]),
            points(row["Bottom"]),
            int(float(row["MitigatedIndex"])),
        )
        for n, row in enumerate(table("fvg_result_data.csv.gz"))
        if row["FVG"]
    }
    assert ours == library
    assert (len(ours), sum(not touch for *_, touch in ours.values())) == (5020, 37)


def test_gaps_of_bars_in_a_row_joined_are_the_librarys() -> None:
    joined: dict[int, tuple[int, int, int]] = {}
    for gap in live_gaps()[0].values():
        at = gap.created_index - 1
        top, bottom = gap.high, gap.low
        before = joined.get(at - 1)
        if before is not None and before[0] == gap.direction:
            top, bottom = max(top, before[1]), min(bottom, before[2])
            del joined[at - 1]
        joined[at] = gap.direction, top, bottom
    library = {
        n: (int(float(row["FVG"])), points(row["Top"]), points(row["Bottom"]))
        for n, row in enumerate(table("fvg_consecutive_result_data.csv.gz"))
        if row["FVG"]
    }
    assert joined == library


def test_in_hindsight_our_swings_give_the_librarys_liquidity() -> None:
    """Its tolerance is a share of the whole series' range, which nobody knows before its end."""
    low, high = min(bar.low for bar in recording()), max(bar.high for bar in recording())
    pools = pools_in_hindsight((high - low) / 100)
    library = {
        n: (
            int(float(row["Liquidity"])),
            float(row["Level"]) * 100_000,
            int(float(row["End"])),
            int(float(row["Swept"])),
        )
        for n, row in enumerate(table("liquidity_result_data.csv.gz"))
        if row["Liquidity"]
    }
    assert len(library) == 498
    assert {n: pool[:1] + pool[2:4] for n, pool in pools.items()} == {
        n: pool[:1] + pool[2:] for n, pool in library.items()
    }
    assert all(abs(pools[n][1] - level) < 1 for n, (_, level, _, _) in library.items())


@pytest.mark.parametrize(("atr", "counts"), [(1644.4, (831, 586, 417, 414)), (None, (198, 138, 105, 0))])
def test_live_pools_end_where_their_level_is_left(
    atr: float | None, counts: tuple[int, int, int, int]
) -> None:
    """With the library's tolerance at the end, and with our own. A pool of the library lasts until
    price is a whole tolerance beyond its first swing, ours until it is beyond the extreme: 414 of 498 have
    the same second swing.
    """
    detector, pools, average = SwingDetector(5), LiquidityPools(expire_after=10**6, keep=10**6), Atr()
    second: set[tuple[int, int]] = set()
    ends: Counter[PoolState] = Counter()
    for bar in recording():
        own = average.add(bar)
        for pool in pools.add(bar, detector.add(bar), own if atr is None else atr):
            ends[pool.state] += pool.state is not PoolState.RESTING
            if pool.touches == 2 and pool.state is PoolState.RESTING:
                second.add((pool.side, pool.newest))
    hindsight = pools_in_hindsight(164.44) if atr else {}
    same = sum((side, newest) in second for side, _, _, _, newest in hindsight.values())
    assert (
        len(second),
        ends[PoolState.SWEPT],
        ends[PoolState.BROKEN],
        same,
    ) == counts


def test_live_breaks_meet_the_librarys_as_often_as_they_can() -> None:
    _, breaks, _ = live()
    assert len(breaks) == 1254
    ours = {(one.swing.index, one.direction): one for one in breaks}
    library = {
        (n, int(float(row["BOS"] or row["CHOCH"]))): (
            int(float(row["BrokenIndex"])),
            "BOS" if row["BOS"] else "CHoCH",
        )
        for n, row in enumerate(table("bos_choch_result_data.csv.gz"))
        if row["BOS"] or row["CHOCH"]
    }
    assert len(library) == 1129
    shared = [(ours[key], library[key]) for key in library.keys() & ours.keys()]
    assert len(shared) == 929
    assert sum(one.index == index for one, (index, _) in shared) == 918
    labels = Counter((label, one.label) for one, (_, label) in shared)
    assert labels["BOS", "CHoCH"] == 181
    assert labels["CHoCH", "BOS"] == 47
    assert labels["BOS", "BOS"] + labels["CHoCH", "CHoCH"] == 701


def hindsight_blocks() -> OrderBlocks:
    """The same tracker fed the library's final swings, each from its own bar on."""
    blocks = OrderBlocks(expire_after=None, keep=4000)
    standing: dict[int, Swing] = {}
    for n, bar in enumerate(recording()):
        breaks = []
        for direction in (1, -1):
            swing = standing.get(direction)
            if swing is not None and (bar.close - swing.price) * direction > 0:
                breaks.append(Break("BOS", direction, swing, n, bar.open_ts, bar.close_ts))
                del standing[direction]
        blocks.add(bar, breaks)
        if n in library_swings():
            kind, price = library_swings()[n]
            standing[kind] = Swing(kind, price, n, bar.open_ts, n, bar.close_ts)
    return blocks


def test_order_blocks_on_the_librarys_swings_end_as_the_librarys() -> None:
    blocks = hindsight_blocks()
    assert blocks.created == 1085
    survivors = {(one.candle_index, one.direction, one.high, one.low) for one in blocks.live}
    library = {
        (n, int(float(row["OB"])), points(row["Top"]), points(row["Bottom"]))
        for n, row in enumerate(table("ob_result_data.csv.gz"))
        if row["OB"]
    }
    assert survivors == library
    assert len(survivors) == 66


def test_live_order_blocks_are_made_at_every_break_and_nearly_all_are_the_same() -> None:
    _, breaks, blocks = live()
    assert blocks.created == len(breaks) == 1254
    keys = {(one.created_index, one.candle_index, one.direction) for one in every(blocks)}
    assert len(keys) == 1254
    hindsight = {(one.created_index, one.candle_index, one.direction) for one in every(hindsight_blocks())}
    assert len(keys & hindsight) == 1011
    assert blocks.counts[BlockState.DEAD] == 1254 - len(blocks.live)
