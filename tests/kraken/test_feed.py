"""The market by the public socket: what is listed, quotes from the books, prints, history."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.kraken.feed import KrakenFeed
from adapters.kraken.venue import KrakenVenue
from engine.model.errors import FatalError, RetryableError
from engine.model.events import ContractResolved, LinkState, Print, Quote
from engine.model.market import MINUTE, Side, Timeframe
from tests.kraken.conftest import NOW, running, venue_for
from tests.kraken.gateway import STAMP, KrakenGateway, book
from tests.kraken.gateway import Side as ServerSide
from tests.kraken.samples import BTC, product
from tests.support.waits import Inbox


def trade(trade_id: int, price: float = 60000.5, qty: float = 0.0012, **changes: Any) -> dict[str, Any]:
    row = {"symbol": "PF_XBTUSD", "side": "sell", "price": price, "qty": qty, "ord_type": "market"}
    return row | {"trade_id": trade_id, "timestamp": STAMP} | changes


async def tell_trades(side: ServerSide, *rows: dict[str, Any], kind: str = "update") -> None:
    await side.send({"channel": "trade", "type": kind, "data": list(rows)})


async def test_products_come_before_quotes_and_live_after_the_first_book(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        [resolved] = inbox.of(ContractResolved)
        assert (resolved.instrument, resolved.contract_id, resolved.name) == (BTC, "PF_XBTUSD", "BTCUSDT.P")
        [quote] = inbox.of(Quote)
        assert (quote.bid, quote.ask, quote.venue) == (120_000, 120_001, "test")
        assert quote.ts_venue == 1949149800_123_456_000
        assert [type(event).__name__ for event in inbox].index("ContractResolved") < inbox.index(quote)
        [side] = gateway.of("public")
        subscribed = {(a["params"]["channel"], *a["params"].get("symbol", [])) for a in side.asked}
        assert subscribed == {
            ("instrument",), ("book", "PF_XBTUSD"), ("trade", "PF_XBTUSD"), ("ticker", "PF_XBTUSD")
        }  # fmt: skip


async def test_prints_come_once_each_in_ticks_and_lots(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        [side] = gateway.of("public")
        await tell_trades(side, trade(5), kind="snapshot")
        await tell_trades(side, trade(7), trade(8, price=60001.0, side="buy"))
        await tell_trades(side, trade(8), trade(11), trade(12, price=60000.3), trade(13, qty=0))
        await inbox.until(lambda: len(inbox.of(Print)) >= 3)
        first, second, third = inbox.of(Print)
        assert (first.price, first.size, first.aggressor, first.seq) == (120_001, 12, Side.SELL, 7)
        assert (second.price, second.aggressor) == (120_002, Side.BUY)
        assert third.seq == 11
        counts = venue.access.anomalies.counts
        assert counts["missed trades"] == 2
        await inbox.until(lambda: counts["trade"] == 2)


async def test_a_quote_comes_with_each_move_of_the_top_alone(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        [side] = gateway.of("public")
        deeper = book("PF_XBTUSD", bids=[{"price": 59999.5, "qty": 3}, {"price": 60000.0, "qty": 1.5}])
        await side.send({"channel": "book", "type": "update", "data": [deeper]})
        gone = book("PF_XBTUSD", bids=[{"price": 59999.5, "qty": 3}])
        gone["bids"] = [{"price": 60000.0, "qty": 0}]
        await side.send({"channel": "book", "type": "update", "data": [gone]})
        await inbox.until(lambda: len(inbox.of(Quote)) == 2)
        assert [quote.bid for quote in inbox.of(Quote)] == [120_000, 119_999]


async def test_a_book_whose_checksum_differs_is_subscribed_anew(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        [side] = gateway.of("public")
        gateway.hooks["book"] = lambda side, asked: renewed(gateway, side, asked)
        wrong = book("PF_XBTUSD", bid=60003.0, checksum=1)
        await side.send({"channel": "book", "type": "update", "data": [wrong]})
        await inbox.until(lambda: len(inbox.of(Quote)) == 2)
        assert inbox.of(Quote)[-1].bid == 120_004
        assert side.methods().count("unsubscribe") == 1
        assert inbox.states("market") == [LinkState.CONNECTING, LinkState.LIVE]


async def renewed(gateway: KrakenGateway, side: ServerSide, asked: dict[str, Any]) -> None:
    await side.send({"method": "subscribe", "req_id": asked["req_id"], "success": True, "result": {}})
    row = book("PF_XBTUSD", bid=60002.0, ask=60004.0)
    await side.send({"channel": "book", "type": "snapshot", "data": [row]})


async def test_a_book_that_stays_broken_ends_the_connection_and_the_next_one_is_tried(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async def broken(side: ServerSide, asked: dict[str, Any]) -> None:
        await side.send({"method": "subscribe", "req_id": asked["req_id"], "success": True, "result": {}})
        row = book("PF_XBTUSD", checksum=1)
        await side.send({"channel": "book", "type": "snapshot", "data": [row]})

    async with running(venue.feed, inbox):
        await inbox.live("market")
        [side] = gateway.of("public")
        gateway.hooks["book"] = broken
        await side.send({"channel": "book", "type": "update", "data": [book("PF_XBTUSD", checksum=1)]})
        await inbox.until(lambda: any("5 times" in word for word in inbox.words("market")))
        del gateway.hooks["book"]
        await inbox.live("market", 2)


async def test_a_dropped_connection_is_made_again_and_trades_are_not_told_twice(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        await tell_trades(gateway.of("public")[0], trade(1), trade(2))
        await inbox.until(lambda: len(inbox.of(Print)) == 2)
        gateway.of("public")[0].drop()
        await inbox.live("market", 2)
        await tell_trades(gateway.of("public")[1], trade(2), trade(3))
        await inbox.until(lambda: len(inbox.of(Print)) == 3)
        assert [one.seq for one in inbox.of(Print)] == [1, 2, 3]
        assert len(inbox.of(ContractResolved)) == 1


async def test_silence_of_the_socket_is_a_fault(gateway: KrakenGateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, dead_s=0.2)
    async with running(venue.feed, inbox):
        await inbox.live("market", 2)
        assert LinkState.STALE in inbox.states("market")
    await venue.close()


async def test_heartbeats_without_a_market_are_a_fault_too(gateway: KrakenGateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, quote_silence_s=0.1)
    async with running(venue.feed, inbox):
        await inbox.until(lambda: any("heartbeats" in word for word in inbox.words("market")))
    await venue.close()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"root": "PF_XBTUSDT"}, r"PF_XBTUSDT is not listed; there are PF_XBTUSD \(BTCUSDT.P\)"),
        ({"root": "PI_XBTUSD"}, "inverse contract.*PF_XBTUSD"),
        ({"root": "BTC/USD"}, "no future of Kraken's"),
        ({"tick_size": product().tick_size * 2}, "tick size is 0.5 at the venue, 1 in the settings"),
        ({"lot_size": product().lot_size * 10}, "lot size is 0.0001 at the venue, 0.001 in the settings"),
        ({"currency": "EUR"}, "settled in USD"),
    ],
)
async def test_instruments_that_are_not_as_listed_stop_the_venue(
    gateway: KrakenGateway, inbox: Inbox, changes: dict[str, Any], says: str
) -> None:
    venue = venue_for(gateway, instruments={BTC.symbol: product(**changes)})
    with pytest.raises(FatalError, match=says):
        await venue.feed.run(inbox)
    await venue.close()


@pytest.mark.parametrize("root", ["BTCUSDT.P", "btcusd.p", "BTCUSDC.P", "pf_xbtusd"])
async def test_charts_names_are_understood(gateway: KrakenGateway, inbox: Inbox, root: str) -> None:
    venue = venue_for(gateway, instruments={BTC.symbol: product(root=root)})
    async with running(venue.feed, inbox):
        await inbox.live("market")
        assert inbox.of(ContractResolved)[0].contract_id == "PF_XBTUSD"
    await venue.close()


@pytest.mark.parametrize(
    "odd",
    ["[]", "{", '{"channel":"book"}', '{"channel":"trade","data":[{}]}', '{"x":' * 5_000, "null", '"…"'],
)
async def test_nonsense_is_counted_and_ends_nothing(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox, odd: str
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        [side] = gateway.of("public")
        await side.raw(odd)
        await tell_trades(side, trade(1))
        await inbox.until(lambda: inbox.of(Print))
        assert venue.access.anomalies.total == 1


async def test_a_venue_that_does_not_speak_is_not_live(gateway: KrakenGateway, inbox: Inbox) -> None:
    gateway.hooks["book"] = lambda side, asked: side.send(
        {"method": "subscribe", "req_id": asked["req_id"], "success": True, "result": {}}
    )
    venue = venue_for(gateway, read_s=0.1)
    async with running(venue.feed, inbox):
        await inbox.until(lambda: any("nothing came of PF_XBTUSD" in word for word in inbox.words("market")))
        assert LinkState.LIVE not in inbox.states("market")
    await venue.close()


# -- history -------------------------------------------------------------------------------------------


def candle(minute: int, close: str = "60001", **changes: Any) -> dict[str, Any]:
    at = (NOW - NOW % MINUTE) // 1_000_000 + minute * 60_000
    return {
        "time": at,
        "open": "60000",
        "high": "60002.5",
        "low": "59999",
        "close": close,
        "volume": "1.5",
    } | changes


async def test_history_is_closed_bars_oldest_first_page_by_page(
    gateway: KrakenGateway, venue: KrakenVenue
) -> None:
    gateway.candles = [
        {"candles": [candle(-4), candle(-3)], "more_candles": True},
        {"candles": [candle(-3), candle(-2, volume=0.00025), candle(-1), candle(0)], "more_candles": False},
    ]
    bars = await venue.feed.history(BTC.symbol, NOW - 10 * MINUTE, NOW + MINUTE)
    assert [bar.open_ts for bar in bars] == [NOW + n * MINUTE for n in (-4, -3, -2, -1)]
    assert {(bar.open, bar.high, bar.low, bar.close) for bar in bars} == {
        (120_000, 120_005, 119_998, 120_002)
    }
    assert [bar.volume for bar in bars] == [15_000, 15_000, 2, 15_000]
    assert all(bar.backfilled and bar.timeframe is Timeframe.M1 for bar in bars)
    assert [path for path, _ in gateway.calls] == ["/api/charts/v1/trade/PF_XBTUSD/1m"] * 2


async def test_half_hours_are_asked_as_such(gateway: KrakenGateway, venue: KrakenVenue) -> None:
    await venue.feed.history(BTC.symbol, NOW - 100 * MINUTE, NOW, Timeframe.M30)
    assert gateway.calls[0][0].endswith("/30m")


@pytest.mark.parametrize(
    "odd", [{"high": "1"}, {"open": "x"}, {"low": "-5"}, {"close": "60000.3"}, {"time": -1}]
)
async def test_candles_that_make_no_sense_are_left_out(
    gateway: KrakenGateway, venue: KrakenVenue, odd: dict[str, Any]
) -> None:
    gateway.candles = [{"candles": [candle(-3), candle(-2, **odd)], "more_candles": False}]
    assert len(await venue.feed.history(BTC.symbol, NOW - 10 * MINUTE, NOW)) == 1
    assert venue.access.anomalies.counts["candle"] == 1


async def test_a_venue_that_is_down_is_asked_again_by_who_wants_to_know(
    gateway: KrakenGateway, venue: KrakenVenue
) -> None:
    gateway.charts_status = 503
    with pytest.raises(RetryableError, match="503"):
        await venue.feed.history(BTC.symbol, NOW - 10 * MINUTE, NOW)


async def test_where_the_charts_are_gone_the_socket_shows_the_past(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async def shown(side: ServerSide, asked: dict[str, Any]) -> None:
        await side.send({"method": "subscribe", "req_id": asked["req_id"], "success": True, "result": {}})
        row = {
            "symbol": "PF_XBTUSD",
            "interval": 1,
            "open": 60000,
            "high": 60001,
            "low": 60000,
            "close": 60001,
        }
        rows = [
            row | {"interval_begin": f"2031-10-07T14:{m}:00.000000000Z", "volume": 2} for m in (28, 29, 30)
        ]
        await side.send({"channel": "ohlc", "type": "snapshot", "data": rows})

    gateway.charts_status = 410
    gateway.hooks["ohlc"] = shown
    async with running(venue.feed, inbox):
        await inbox.live("market")
        assert isinstance(venue.feed, KrakenFeed)
        bars = await venue.feed.history(BTC.symbol, NOW - 10 * MINUTE, NOW)
        assert [bar.open_ts for bar in bars] == [NOW - 2 * MINUTE, NOW - MINUTE]
        assert json.loads(json.dumps(gateway.of("public")[0].asked))[-1]["method"] == "unsubscribe"
