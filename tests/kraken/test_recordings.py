"""Everything that was recorded of the futures is decoded, and counts are the recording's own."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest

from adapters.common.typed_json import UNREADABLE
from adapters.kraken import mapping
from adapters.kraken.mapping import ProductGrid
from adapters.kraken.order_book import SequencedBook
from adapters.kraken.v1_wire import (
    V1BookDelta,
    V1BookSnapshot,
    V1Ticker,
    V1TickerLite,
    V1Trade,
    V1TradeSnapshot,
    read_chart,
    read_v1,
    read_v1_event,
    read_v1_instruments,
)
from adapters.kraken.wire import UwsBook, UwsCandles, UwsTicker, UwsTrades, read_message, read_reply
from engine.model.market import Timeframe
from tests.kraken import captures
from tests.support.recordings import needs_recordings

pytestmark = [pytest.mark.recordings, needs_recordings]

KINDS = {
    "book": V1BookDelta,
    "book_snapshot": V1BookSnapshot,
    "trade": V1Trade,
    "trade_snapshot": V1TradeSnapshot,
    "ticker_lite": V1TickerLite,
}


def test_every_line_of_the_session_is_decoded_as_what_it_is() -> None:
    found: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for line in captures.received():
        plain = json.loads(line)
        if "event" in plain:
            event = read_v1_event(line)
            assert (event.event, event.feed) == (plain["event"], plain.get("feed"))
            with pytest.raises(UNREADABLE):
                read_v1(line)
            found[event.event] += 1
        else:
            message = read_v1(line)
            assert type(message) is KINDS[plain["feed"]]
            found[plain["feed"]] += 1
        told[plain.get("event", plain.get("feed"))] += 1
    assert found == told
    assert found == {
        "info": 1,
        "subscribed": 30,
        "book": 7_014,
        "book_snapshot": 10,
        "ticker_lite": 107,
        "trade": 3,
        "trade_snapshot": 10,
    }


def test_books_have_no_gap_and_never_cross() -> None:
    grids = {symbol: ProductGrid(one) for symbol, one in captures.products().items()}
    books: dict[str, SequencedBook] = {}
    seen: Counter[str] = Counter()
    for line in captures.received():
        if b'"event"' in line[:12]:
            continue
        message = read_v1(line)
        if isinstance(message, V1BookSnapshot):
            books[message.product_id] = SequencedBook(grids[message.product_id])
            top = books[message.product_id].snapshot(message)
        elif isinstance(message, V1BookDelta):
            top_or_none = books[message.product_id].delta(message)
            assert top_or_none is not None, "no repeats in this session"
            top = top_or_none
        else:
            continue
        seen[message.product_id] += 1
        bid, ask = top
        assert bid is not None
        assert ask is not None
        assert bid < ask
        if seen[message.product_id] % 100 == 1:
            bids, asks = books[message.product_id].depth()
            assert (bids[0][0], asks[0][0]) == top
            assert all(size > 0 for _, size in (*bids, *asks))
            assert bids == tuple(sorted(bids, reverse=True))
            assert asks == tuple(sorted(asks))
    assert len(books) == 10
    assert sum(seen.values()) == 7_024


def test_trades_are_on_the_grid_and_snapshots_newest_first() -> None:
    grids = {symbol: ProductGrid(one) for symbol, one in captures.products().items()}
    live, past = 0, 0
    for line in captures.received():
        if b'"event"' in line[:12]:
            continue
        message = read_v1(line)
        if isinstance(message, V1TradeSnapshot):
            assert len(message.trades) == 100
            assert all(newer.seq > older.seq for newer, older in pairwise(message.trades))
            for row in message.trades:
                mapping.v1_print(row, grids[row.product_id], 1, "kraken")
                past += 1
        elif isinstance(message, V1Trade):
            instrument = grids[message.product_id].instrument
            told = mapping.v1_print(message, grids[message.product_id], 1, "kraken")
            assert (instrument.price(told.price), Decimal(told.size)) == (
                Decimal(bytes(message.price).decode()),
                Decimal(bytes(message.qty).decode()),
            )
            live += 1
    assert (live, past) == (3, 1_000)


def test_the_recorded_instruments() -> None:
    told = read_v1_instruments(captures.instruments_answer())
    plain = json.loads(captures.instruments_answer())["instruments"]
    assert [row.symbol for row in told.instruments] == [row["symbol"] for row in plain]
    assert all(row.tick_size is not None for row in told.instruments if row.tradeable)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ws_futures_book_delta", V1BookDelta),
        ("ws_futures_book_snapshot", V1BookSnapshot),
        ("ws_futures_book_snapshot_with_zero_qty", V1BookSnapshot),
        ("ws_futures_ticker", V1Ticker),
        ("ws_futures_trade", V1Trade),
        ("ws_futures_trade_snapshot", V1TradeSnapshot),
        ("ws_book_snapshot", UwsBook),
        ("ws_book_update", UwsBook),
        ("ws_ohlc_update", UwsCandles),
        ("ws_ticker_snapshot", UwsTicker),
        ("ws_trade_update", UwsTrades),
    ],
)
def test_samples_of_market_messages(name: str, kind: type) -> None:
    [(_, content)] = [(one, body) for one, body in captures.samples(name) if one == name]
    raw = json.dumps(content).encode()
    assert type(read_v1(raw) if name.startswith("ws_futures") else read_message(raw)) is kind


def test_a_level_of_nothing_in_a_snapshot_is_none() -> None:
    [(_, content)] = captures.samples("ws_futures_book_snapshot_with_zero_qty")
    message = read_v1(json.dumps(content).encode())
    assert isinstance(message, V1BookSnapshot)
    book = SequencedBook(ProductGrid(captures.products()["PI_XBTUSD"]))
    assert book.snapshot(message) == (34892 * 2 + 1, 34912 * 2)


@pytest.mark.parametrize(
    "name", ["ws_add_order_response_success", "ws_add_order_response_failure", "ws_subscribe_response"]
)
def test_samples_of_answers(name: str) -> None:
    [(_, content)] = captures.samples(name)
    reply = read_reply(json.dumps(content).encode())
    assert (reply.req_id, reply.success) == (content["req_id"], content["success"])
    assert reply.error == content.get("error")


def test_samples_of_candles_are_bars_oldest_first() -> None:
    grid = ProductGrid(captures.products()["PI_XBTUSD"])
    [(_, content)] = captures.samples("http_futures_candles_trade")
    page = read_chart(json.dumps(content).encode())
    bars = [mapping.candle(row, grid, Timeframe.H1) for row in page.candles]
    assert len(bars) == len(content["candles"])
    assert [bar.close for bar in bars] == [91045 * 2 + 1, 91415 * 2, 91490 * 2 + 1]
    assert [bar.volume for bar in bars] == [319499, 2407, 4995]
    assert all(newer.open_ts - older.open_ts == Timeframe.H1.nanos for older, newer in pairwise(bars))


def test_samples_of_products_have_their_steps() -> None:
    for _, content in captures.samples("http_futures_instrument"):
        told = read_v1_instruments(json.dumps(content).encode())
        assert {row.symbol: row.tick_size for row in told.instruments} == {
            row["symbol"]: Decimal(str(row["tickSize"])) for row in content["instruments"]
        }
