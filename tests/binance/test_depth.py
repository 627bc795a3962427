"""The order book of Binance spot: changes that wait for a snapshot, and gaps between them."""

from __future__ import annotations

import pytest

from adapters.binance.depth import Gap, SpotDepth
from adapters.binance.mapping import LotGrid
from adapters.binance.records import DepthRow
from adapters.binance.wire import DepthAnswer
from tests.binance.samples import BTC

GRID = LotGrid(BTC)


def levels(*pairs: tuple[int, int]) -> list[tuple[str, str]]:
    return [(f"{BTC.price(p):f}", f"{BTC.qty(q):f}") for p, q in pairs]


def change(first: int, last: int, *bids: tuple[int, int]) -> DepthRow:
    return DepthRow(E=5, s="BTCUSDT", U=first, u=last, b=levels(*bids), a=[])


def snapshot(number: int) -> DepthAnswer:
    return DepthAnswer(lastUpdateId=number, bids=levels((99, 5), (98, 4)), asks=levels((101, 7)))


def bids(depth: SpotDepth) -> object:
    told = depth.told(9)
    return None if told is None else told.bids


def test_what_waited_goes_onto_the_snapshot_and_what_it_has_already_does_not() -> None:
    depth = SpotDepth(GRID, "binance")
    assert not depth.take(change(8, 10, (99, 1)))  # older than the snapshot
    assert not depth.take(change(11, 12, (97, 2)))
    assert bids(depth) is None
    assert depth.snapshot(snapshot(10))
    assert bids(depth) == ((99, 5), (98, 4), (97, 2))
    assert not depth.take(change(11, 12, (97, 9)))
    assert depth.take(change(13, 13, (98, 0)))
    assert bids(depth) == ((99, 5), (97, 2))


def test_a_snapshot_that_is_older_than_the_first_change_is_not_taken() -> None:
    depth = SpotDepth(GRID, "binance")
    depth.take(change(20, 22, (99, 1)))
    assert not depth.snapshot(snapshot(18))
    assert depth.snapshot(snapshot(19))


def test_a_missing_change_asks_for_another_snapshot() -> None:
    depth = SpotDepth(GRID, "binance")
    depth.snapshot(snapshot(10))
    with pytest.raises(Gap, match="1 changes"):
        depth.take(change(12, 14, (97, 2)))
    assert bids(depth) is None
    assert depth.snapshot(snapshot(13))
    assert bids(depth) == ((99, 5), (98, 4), (97, 2))
