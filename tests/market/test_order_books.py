"""Order books that are kept, and those that are not believed."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from engine.market.order_books import ABSURD, APART_NS, CROSSED, OrderBooks
from engine.model.events import Depth, Quote
from engine.model.market import DEPTH_LEVELS

Levels = tuple[tuple[int, int], ...]
GOOD = Depth(ts_recv=5, instrument="MNQ", bids=((100, 3), (99, 4)), asks=((101, 2), (102, 7)))


def quote(bid: int, ask: int) -> Quote:
    return Quote(ts_recv=1, instrument="MNQ", bid=bid, ask=ask)


def test_the_newest_book_is_kept_and_bounded() -> None:
    books = OrderBooks(Counter())
    books.take(GOOD, None, 100)
    assert books.newest["MNQ"] is GOOD
    long = replace(GOOD, bids=tuple((100 - n, 1) for n in range(60)), ts_recv=6)
    books.take(long, None, 100)
    assert len(books.newest["MNQ"].bids) == DEPTH_LEVELS
    books.forget("MNQ")
    assert books.broken("MNQ", 9) == "no book has come"


@pytest.mark.parametrize(
    ("bids", "asks", "counted"),
    [
        (((101, 1),), ((101, 1),), CROSSED),
        (((105, 1),), ((101, 1),), CROSSED),
        (((99, 1), (100, 1)), (), ABSURD),
        (((100, 1), (100, 2)), (), ABSURD),
        ((), ((101, 0),), ABSURD),
        ((), ((101, 1), (102, -4)), ABSURD),
        (((50, 1),), ((51, 1),), ABSURD),  # more than a twentieth away
    ],
)
def test_one_that_can_t_be_leaves_the_one_before_and_is_marked(
    bids: Levels, asks: Levels, counted: str
) -> None:
    counts = Counter[str]()
    books = OrderBooks(counts)
    books.take(GOOD, None, 100)
    books.take(replace(GOOD, bids=bids, asks=asks), None, 100)
    assert counts == {counted: 1}
    kept = books.newest["MNQ"]
    assert (kept.bids, kept.asks) == (GOOD.bids, GOOD.asks)
    assert books.broken("MNQ", 9)
    books.take(GOOD, None, 100)
    assert not books.broken("MNQ", 9)


def test_what_the_venue_s_adapter_calls_broken_is() -> None:
    books = OrderBooks(Counter())
    lost = replace(GOOD, bids=(), asks=(), broken="3 changes of it are missing")
    books.take(GOOD, None, 100)
    books.take(lost, None, 100)
    assert books.broken("MNQ", 9) == lost.broken
    assert books.newest["MNQ"].bids == GOOD.bids


def test_one_that_is_not_the_quote_s_for_long_is_not_believed() -> None:
    books = OrderBooks(Counter())
    books.take(GOOD, quote(100, 101), 100)
    books.compare("MNQ", quote(101, 102), 10)
    assert not books.broken("MNQ", 10 + APART_NS)
    assert books.broken("MNQ", 11 + APART_NS)
    books.compare("MNQ", quote(100, 101), 12 + APART_NS)
    assert not books.broken("MNQ", 13 + APART_NS)
