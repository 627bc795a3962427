"""Every record captured from Binance is read, and no fewer than the capture has."""

from __future__ import annotations

import gzip
import tarfile
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from adapters.binance.depth import SpotDepth
from adapters.binance.mapping import LotGrid
from adapters.binance.records import (
    AggTradeRow,
    BookTickerRow,
    DepthRow,
    KlineStreamRow,
    account_event,
    market_row,
)
from adapters.binance.symbols import rules_of
from adapters.binance.wire import (
    BookTickerAnswer,
    DepthAnswer,
    ExchangeRow,
    KlineRow,
    MyTradeRow,
    SocketFrame,
    SpotAccountRow,
    SpotOrderRow,
    TimeRow,
    read,
)
from adapters.common.grid_texts import number
from tests.binance.samples import BTC
from tests.support.recordings import DATA, needs_recordings

pytestmark = [pytest.mark.recordings, needs_recordings]

FOLDER = DATA / "binance"
COUNTS = {"BINANCE.ws.1.0.gz": 265, "BINANCE_FUTURES.ws.1.0.gz": 1_535}
"""Frames of a capture: its lines but the first and empty ones."""
KINDS = {
    "depthUpdate": DepthRow,
    "kline": KlineStreamRow,
    "aggTrade": AggTradeRow,
    "bookTicker": BookTickerRow,
}


def lines(name: str) -> list[bytes]:
    return [line for line in gzip.decompress((FOLDER / name).read_bytes()).splitlines() if line]


def bodies(name: str) -> dict[str, bytes]:
    """Answers by what was asked for."""
    told = [line.partition(b" -> ") for line in lines(name) if line.startswith(b"https://")]
    return {asked.decode(): came.partition(b": ")[2] for asked, _, came in told}


def frames(name: str) -> list[bytes]:
    """What came, line by line, without the times at which it did; the first line says what was asked for."""
    return [line.partition(b": ")[2] for line in lines(name)[1:]]


def kind_of(frame: bytes) -> str:
    """By the stdlib-like reading of the whole: another path than the one that is tried."""
    told: Any = msgspec.json.decode(frame)
    return str(told["data"].get("e", "bookTicker"))


@pytest.mark.parametrize("name", ["BINANCE.ws.1.0.gz", "BINANCE_FUTURES.ws.1.0.gz"])
def test_every_frame_is_read_as_what_it_is(name: str) -> None:
    recorded = frames(name)
    assert len(recorded) == COUNTS[name]
    expected = Counter(kind_of(frame) for frame in recorded)
    found = Counter(type(market_row(frame)) for frame in recorded)
    assert found == Counter({KINDS[kind]: count for kind, count in expected.items()})
    assert set(expected) == {"depthUpdate", "kline", "aggTrade", "bookTicker"}


def test_spot_books_have_no_gap_and_never_cross() -> None:
    """Rebuilt from a snapshot and what followed it, of which nothing may be missing."""
    books: dict[str, tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]] = {}
    last: dict[str, int] = {}
    for asked, body in bodies("BINANCE.http.0.0.gz").items():
        told: Any = msgspec.json.decode(body)
        symbol = asked.partition("symbol=")[2].partition("&")[0]
        bids, asks = ({number(p): number(q) for p, q in told[side]} for side in ("bids", "asks"))
        books[symbol], last[symbol] = (bids, asks), told["lastUpdateId"]
    applied: Counter[str] = Counter()
    for frame in frames("BINANCE.ws.1.0.gz"):
        row = market_row(frame)
        if not isinstance(row, DepthRow) or row.u <= last[row.s]:
            continue
        assert last[row.s] + 1 >= row.U if not applied[row.s] else last[row.s] + 1 == row.U
        last[row.s] = row.u
        applied[row.s] += 1
        for book, levels in zip(books[row.s], (row.b, row.a), strict=True):
            for price, qty in levels:
                book[number(price)] = number(qty)
                if not number(qty):
                    del book[number(price)]
        bids, asks = books[row.s]
        assert max(bids) < min(asks)
    assert len(applied) == 4


def test_the_feed_s_own_book_takes_all_of_a_recorded_symbol() -> None:
    snapshot = next(iter(bodies("BINANCE.http.0.0.gz").items()))
    symbol = snapshot[0].partition("symbol=")[2].partition("&")[0]
    answer = read(snapshot[1], DepthAnswer)
    grid = LotGrid(replace(BTC, tick_size=Decimal(1).scaleb(-8), lot_size=Decimal(1).scaleb(-8)))
    depth = SpotDepth(grid, "binance")
    taken = 0
    for frame in frames("BINANCE.ws.1.0.gz"):
        row = market_row(frame)
        if isinstance(row, DepthRow) and row.s == symbol:
            if not taken and depth.last < 0:
                depth.take(row)
                assert depth.snapshot(answer)
                continue
            taken += depth.take(row)
    told = depth.told(1)
    assert taken > 10
    assert told is not None
    assert told.bids[0][0] < told.asks[0][0]


def test_futures_books_follow_each_other() -> None:
    last: dict[str, int] = {}
    for frame in frames("BINANCE_FUTURES.ws.1.0.gz"):
        row = market_row(frame)
        if isinstance(row, DepthRow):
            assert row.s not in last or row.pu == last[row.s]
            last[row.s] = row.u
    assert len(last) == 4


def test_trades_of_one_symbol_are_numbered_without_a_gap() -> None:
    last: dict[tuple[str, str], int] = {}
    for name in ("BINANCE.ws.1.0.gz", "BINANCE_FUTURES.ws.1.0.gz"):
        for frame in frames(name):
            row = market_row(frame)
            if isinstance(row, AggTradeRow):
                key = name, row.s
                assert key not in last or row.a == last[key] + 1
                last[key] = row.a
    assert last


@pytest.mark.parametrize("name", ["BINANCE.0.gz", "BINANCE_FUTURES.0.gz"])
def test_every_symbol_of_the_exchange_is_read(name: str) -> None:
    [body] = bodies(name).values()
    told: Any = msgspec.json.decode(body)
    if "FUTURES" in name:  # they name no base filter of spot trading, and their steps are read all the same
        for row in told["symbols"]:
            row.setdefault("isSpotTradingAllowed", False)
    found = read(msgspec.json.encode(told), ExchangeRow)
    assert len(found.symbols) == len(told["symbols"]) > 100
    rules = [rules_of(row) for row in found.symbols]
    assert all(one.price.step > 0 and one.qty.step > 0 for one in rules)
    if "FUTURES" not in name:
        bitcoin = next(one for one in rules if one.symbol == "BTCUSDT")
        assert (bitcoin.price.step, bitcoin.qty.step, bitcoin.least_notional) == (
            Decimal("0.01"),
            Decimal("0.00001"),
            Decimal(10),
        )
        assert any(one.paused for one in rules)


def fixtures() -> dict[str, bytes]:
    with tarfile.open(DATA / "adapter_fixtures" / "adapter_binance_test_data.tar.gz") as found:
        return {
            member.name.partition("test_data/")[2]: file.read()
            for member in found.getmembers()
            if member.name.endswith(".json") and (file := found.extractfile(member)) is not None
        }


def test_every_event_of_an_account_is_read() -> None:
    events = {name: body for name, body in fixtures().items() if name.startswith("spot/user_data_json/")}
    assert len(events) == 11
    for body in events.values():
        told = read(body, SocketFrame)
        raw = bytes(told.event)
        account_event(body if raw == b"null" else raw)


SHAPES: dict[str, Any] = {
    "account_response": SpotAccountRow,
    "account_trades_response": list[MyTradeRow],
    "all_orders_response": list[SpotOrderRow],
    "book_ticker_response": BookTickerAnswer,
    "cancel_order_response": SpotOrderRow,
    "exchange_info_response": ExchangeRow,
    "klines_response": list[KlineRow],
    "new_order_full_response": SpotOrderRow,
    "open_orders_response": list[SpotOrderRow],
    "order_response": SpotOrderRow,
    "server_time_response": TimeRow,
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_answer_that_is_asked_for_is_read(name: str) -> None:
    body = fixtures()[f"spot/http_json/{name}.json"]
    read(body, SHAPES[name])
