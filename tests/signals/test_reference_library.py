"""Counts and tables of a reference library on its own recording, swing length 5.

The library tells some things in hindsight; what is compared is what both can say, and the counts that a
causal reading of the same rules must give.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

from engine.model.market import Bar, Timeframe
from engine.signals.order_blocks import BlockState, OrderBlock, OrderBlocks
from engine.signals.structure import Break, Structure
from engine.signals.swings import Swing, SwingDetector
from tests.support.recordings import DATA, needs_recordings

pytestmark = [pytest.mark.recordings, needs_recordings]


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


def test_the_swings_that_stand_are_the_librarys_but_for_its_book_ends() -> None:
    swings, _, _ = live()
    superseded = {s.supersedes for s in swings}
    standing = {
        s.index: (s.kind, s.price) for s in swings if s.superseded_by is None and s.index not in superseded
    }
    library = dict(library_swings())
    del library[0], library[len(recording()) - 1]
    assert standing == library
    assert Counter(kind for kind, _ in standing.values()) == {1: 1353, -1: 1353}


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
