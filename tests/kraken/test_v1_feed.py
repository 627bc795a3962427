"""The stop-gap: the same market by the old public feed, behind the same port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.kraken.venue import KrakenVenue
from engine.model.errors import FatalError
from engine.model.events import ContractResolved, LinkState, Print, Quote
from engine.model.market import Side
from tests.kraken.conftest import running, venue_for
from tests.kraken.gateway import KrakenGateway, v1_book
from tests.kraken.samples import BTC, V1_INSTRUMENT, product
from tests.support.waits import Inbox


@pytest.fixture
async def venue(gateway: KrakenGateway) -> AsyncIterator[KrakenVenue]:
    venue = venue_for(gateway, protocol="v1", read_s=0.5)
    yield venue
    await venue.close()


def change(seq: int, price: float = 60000.0, qty: float = 1.0, side: str = "buy") -> dict[str, Any]:
    row = {"feed": "book", "product_id": "PF_XBTUSD", "side": side, "seq": seq, "price": price, "qty": qty}
    return row | {"timestamp": 1949149800456}


def trade(seq: int, **changes: Any) -> dict[str, Any]:
    row = {"feed": "trade", "product_id": "PF_XBTUSD", "uid": f"u{seq}", "side": "buy", "type": "fill"}
    return row | {"seq": seq, "time": 1949149800789, "qty": 0.5, "price": 60000.5} | changes


async def test_quotes_and_prints(gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        assert inbox.of(ContractResolved)[0].contract_id == "PF_XBTUSD"
        [side] = gateway.of("v1")
        assert [one["feed"] for one in side.asked] == ["heartbeat", "book", "trade"]
        await side.send(change(11))
        await side.send(change(12, 60000.0, 0))
        await side.send({"feed": "trade_snapshot", "product_id": "PF_XBTUSD", "trades": [trade(3), trade(2)]})
        await side.send(trade(4))
        await side.send(trade(4))
        await side.send(trade(7, side="sell"))
        await inbox.until(lambda: len(inbox.of(Print)) == 2)
        assert [(quote.bid, quote.ask) for quote in inbox.of(Quote)] == [(120_000, 120_001), (None, 120_001)]
        assert inbox.of(Quote)[-1].ts_venue == 1949149800456_000_000
        assert [(one.seq, one.size, one.aggressor) for one in inbox.of(Print)] == [
            (4, 5_000, Side.BUY),
            (7, 5_000, Side.SELL),
        ]
        assert venue.access.anomalies.counts["missed trades"] == 2


async def test_a_gap_in_a_book_is_healed_by_a_new_snapshot(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        [side] = gateway.of("v1")
        gateway.v1_silent.add("book")
        await side.send(change(13, 60001.0))
        await gateway.until(lambda: [a["event"] for a in side.asked[-2:]] == ["unsubscribe", "subscribe"])
        await side.send(change(14, 60002.0))
        await side.send(v1_book("PF_XBTUSD", 20, bid=60003.0))
        await inbox.until(lambda: len(inbox.of(Quote)) == 2)
        assert inbox.of(Quote)[-1].bid == 120_006
        assert venue.access.anomalies.counts["book"] == 1


@pytest.mark.parametrize("alert", ["Bad request", "Trading engine unavailable", "[red]odd[/]\x1b[2J"])
async def test_alerts_are_counted_and_end_nothing(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox, alert: str
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        [side] = gateway.of("v1")
        await side.send({"event": "alert", "message": alert})
        await side.raw('{"feed":"trade","product_id":"PF_XBTUSD"}')
        await side.raw("nonsense")
        await side.send(trade(1))
        await inbox.until(lambda: inbox.of(Print))
        assert venue.access.anomalies.total == 3


async def test_a_product_that_is_not_listed_stops_the_venue(gateway: KrakenGateway, inbox: Inbox) -> None:
    gateway.v1_instruments = [V1_INSTRUMENT | {"symbol": "PF_ETHUSD"}]
    venue = venue_for(gateway, protocol="v1")
    with pytest.raises(FatalError, match="PF_XBTUSD is not listed"):
        await venue.feed.run(inbox)
    await venue.close()


async def test_steps_are_compared_as_in_v2(gateway: KrakenGateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, protocol="v1", instruments={BTC.symbol: product(lot_size=BTC.lot_size * 10)})
    with pytest.raises(FatalError, match=r"lot size is 0\.0001 at the venue"):
        await venue.feed.run(inbox)
    await venue.close()


async def test_without_a_book_it_is_not_live(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    gateway.v1_silent.add("book")
    async with running(venue.feed, inbox):
        await inbox.until(lambda: any("no book came of PF_XBTUSD" in word for word in inbox.words("market")))
        assert LinkState.LIVE not in inbox.states("market")
