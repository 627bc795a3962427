"""The order book of a Bybit product: snapshot, changes, and what is missing between them."""

from __future__ import annotations

import pytest

from adapters.bybit.depth import BybitBookBroken, BybitDepth
from adapters.bybit.mapping import BybitProduct
from adapters.bybit.wire import BybitBook
from tests.support.instruments import PERPETUAL

PRODUCT = BybitProduct(PERPETUAL)


def levels(*pairs: tuple[int, int]) -> list[tuple[str, str]]:
    return [(f"{PERPETUAL.price(p):f}", f"{PERPETUAL.qty(q):f}") for p, q in pairs]


def row(u: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> BybitBook:
    return BybitBook(s="X", b=levels(*bids), a=levels(*asks), u=u)


def begun() -> BybitDepth:
    depth = BybitDepth(PRODUCT, "bybit")
    assert depth.take(row(10, [(99, 5), (98, 2)], [(101, 7)]), True, 1)
    return depth


def test_changes_go_onto_the_snapshot_and_nothing_is_told_twice() -> None:
    depth = begun()
    assert depth.take(row(11, [(99, 0), (97, 1)], [(100, 3)]), False, 2)
    assert not depth.take(row(11, [(99, 9)], []), False, 3)
    told = depth.told(9)
    assert told is not None
    assert (told.bids, told.asks, told.ts_venue) == (((98, 2), (97, 1)), ((100, 3), (101, 7)), 2)


def test_a_missing_change_breaks_it_until_the_next_snapshot() -> None:
    depth = begun()
    with pytest.raises(BybitBookBroken, match="2 changes"):
        depth.take(row(13, [(99, 1)], []), False, 2)
    assert depth.told(9) is None
    assert not depth.take(row(14, [(99, 1)], []), False, 2)
    assert depth.take(row(20, [(90, 1)], [(91, 1)]), True, 3)
    assert depth.told(9) is not None


def test_a_service_that_began_anew_sends_the_whole_book_as_its_first_change() -> None:
    depth = begun()
    assert depth.take(row(1, [(50, 1)], [(51, 1)]), False, 2)
    told = depth.told(9)
    assert told is not None
    assert told.bids == ((50, 1),)


def test_numbers_that_never_follow_each_other_are_not_believed_for_ever() -> None:
    depth, broken = BybitDepth(PRODUCT, "bybit"), 0
    for n in range(10):
        depth.take(row(100 * n + 50, [(99, 5)], [(101, 7)]), True, 1)
        try:
            depth.take(row(100 * n + 60, [(99, 6)], []), False, 2)
        except BybitBookBroken:
            broken += 1
    assert broken == 3


def test_sides_that_cross_break_it() -> None:
    with pytest.raises(BybitBookBroken, match="cross"):
        begun().take(row(11, [(101, 1)], []), False, 2)
