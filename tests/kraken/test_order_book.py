"""Books: the checksum and the sequence tell of what was lost, and nothing else passes for the venue's."""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kraken.mapping import ProductGrid
from adapters.kraken.order_book import DEPTH, BrokenBook, CheckedBook, SequencedBook
from adapters.kraken.v1_wire import V1BookDelta, V1BookSnapshot, read_v1
from adapters.kraken.wire import KrakenWireError, UwsBook, UwsBookRow, read_message
from tests.kraken.gateway import book, checksum
from tests.kraken.samples import BTC


def row(**changes: Any) -> UwsBookRow:
    return row_of(json.dumps(book("PF_XBTUSD", **changes)))


def row_of(text: str) -> UwsBookRow:
    message = read_message(f'{{"channel":"book","type":"snapshot","data":[{text}]}}'.encode())
    assert isinstance(message, UwsBook)
    return message.data[0]


def levels(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    return [{"price": price, "qty": qty} for price, qty in pairs]


@pytest.fixture
def checked() -> CheckedBook:
    return CheckedBook(ProductGrid(BTC), (1, 4))


def test_the_top_is_best_bid_and_ask_in_ticks(checked: CheckedBook) -> None:
    top = checked.snapshot(row(bids=levels((100.0, 1), (100.5, 2)), asks=levels((101.5, 1), (101.0, 3))))
    assert top == (201, 202)


def test_an_update_replaces_levels_and_nothing_removes_them(checked: CheckedBook) -> None:
    whole = book("PF_XBTUSD", bids=levels((100.0, 1), (100.5, 2)), asks=levels((101.0, 3)))
    checked.snapshot(row_of(json.dumps(whole)))
    left = whole | {"bids": levels((100.0, 1))}
    change = {"symbol": "PF_XBTUSD", "bids": levels((100.5, 0)), "asks": [], "checksum": checksum(left)}
    assert checked.update(row_of(json.dumps(change))) == (200, 202)


def test_a_wrong_checksum_breaks_the_book_until_its_next_snapshot(checked: CheckedBook) -> None:
    checked.snapshot(row())
    with pytest.raises(BrokenBook, match="checksum"):
        checked.update(row(checksum=1))
    with pytest.raises(BrokenBook, match="before its snapshot"):
        checked.update(row())
    assert checked.snapshot(row()) == (120_000, 120_001)


def test_numbers_are_checked_as_they_are_written(checked: CheckedBook) -> None:
    text = (
        '{"symbol":"PF_XBTUSD","bids":[{"price":60000.0,"qty":1.5000}],'
        '"asks":[{"price":60000.5,"qty":"0.0021"}],"checksum":%d}'
    )
    assert checked.snapshot(row_of(text % crc32(b"600005" + b"21" + b"600000" + b"15000"))) == (
        120_000,
        120_001,
    )


def test_where_that_never_fits_they_are_rendered_with_the_products_precision(checked: CheckedBook) -> None:
    text = (
        '{"symbol":"PF_XBTUSD","bids":[{"price":60000,"qty":1.5}],'
        '"asks":[{"price":60000.5,"qty":0.0021}],"checksum":%d}'
    )
    rendered = crc32(b"600005" + b"21" + b"600000" + b"15000")
    assert checked.snapshot(row_of(text % rendered)) == (120_000, 120_001)
    with pytest.raises(BrokenBook):
        checked.snapshot(row_of(text % crc32(b"600005" + b"21" + b"60000" + b"15")))


def test_only_so_many_levels_are_kept(checked: CheckedBook) -> None:
    bids = levels(*((100 + step / 2, 1) for step in range(40)))
    checked.snapshot(row(bids=bids[:DEPTH], asks=levels((200.0, 1))))
    for one in bids[DEPTH:]:
        checked.update(row(bids=[one], asks=[], checksum=None))
    best = bids[-10:]
    assert checked.checksum() == checksum({"bids": best, "asks": levels((200.0, 1))})


@pytest.mark.parametrize("bad", [{"bids": levels((60000.3, 1))}, {"asks": levels((60000.5, 0.00001))}])
def test_what_is_off_the_grid_is_no_book(checked: CheckedBook, bad: dict[str, Any]) -> None:
    with pytest.raises(KrakenWireError):
        checked.snapshot(row(**bad))


def test_a_crossed_book_is_broken(checked: CheckedBook) -> None:
    with pytest.raises(BrokenBook, match="cross"):
        checked.snapshot(row(bids=levels((60001.0, 1))))


# -- v1 ------------------------------------------------------------------------------------------------


def delta(seq: int, side: str, price: float, qty: float) -> V1BookDelta:
    body = {"feed": "book", "product_id": "PF_XBTUSD", "side": side, "seq": seq, "price": price, "qty": qty}
    message = read_v1(json.dumps(body).encode())
    assert isinstance(message, V1BookDelta)
    return message


def sequenced(seq: int = 5) -> SequencedBook:
    body = {
        "feed": "book_snapshot",
        "product_id": "PF_XBTUSD",
        "seq": seq,
        "bids": levels((100.0, 1), (99.5, 2)),
        "asks": levels((101.0, 3)),
    }
    message = read_v1(json.dumps(body).encode())
    assert isinstance(message, V1BookSnapshot)
    made = SequencedBook(ProductGrid(BTC))
    assert made.snapshot(message) == (200, 202)
    return made


def test_v1_counts_its_messages() -> None:
    made = sequenced()
    assert made.delta(delta(5, "buy", 100.5, 1)) is None, "the snapshot has it"
    assert made.delta(delta(6, "buy", 100.5, 1)) == (201, 202)
    assert made.delta(delta(7, "buy", 100.5, 0)) == (200, 202)
    assert made.delta(delta(8, "buy", 42.0, 0)) == (200, 202), "a level that is not there may go"
    with pytest.raises(BrokenBook, match="1 messages"):
        made.delta(delta(10, "buy", 100.5, 1))
    with pytest.raises(BrokenBook, match="before its snapshot"):
        made.delta(delta(11, "buy", 100.5, 1))


@given(
    st.lists(
        st.tuples(st.sampled_from(["buy", "sell"]), st.integers(180, 220), st.integers(0, 2)), max_size=60
    )
)
def test_v1_knows_its_best_prices_whatever_comes_and_goes(changes: list[tuple[str, int, int]]) -> None:
    made = sequenced()
    plain = {"buy": {200: 1, 199: 2}, "sell": {202: 3}}
    for seq, (side, price, qty) in enumerate(changes, 6):
        top = made.delta(delta(seq, side, price / 2, qty / 10_000))
        plain[side].pop(price, None)
        if qty:
            plain[side][price] = qty
        assert top == (max(plain["buy"], default=None), min(plain["sell"], default=None))
