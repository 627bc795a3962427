"""What the private socket tells of orders, fills and positions is understood, and nothing twice."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.kraken.venue import KrakenVenue
from engine.model.events import FillReported, LinkState, OrderReported, PositionReported
from engine.model.market import Side
from engine.model.orders import OrderType, VenueStatus
from tests.kraken.conftest import trading
from tests.kraken.gateway import STAMP, KrakenGateway
from tests.kraken.teller import Row, Teller, execution, traded
from tests.support.waits import Inbox


async def test_the_life_of_an_order_as_it_is_told(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox):
        tell = Teller(await gateway.trading())
        await tell(execution("new"))
        await tell(traded("e1", 0.005, 0.005))
        await tell(traded("e2", 0.015, 0.02), traded("e2", 0.015, 0.02))
        await tell(
            {"order_id": "order-1", "exec_type": "filled", "order_status": "filled", "timestamp": STAMP}
        )
        await inbox.until(lambda: len(inbox.of(OrderReported)) == 5)
        fills = [event.fill for event in inbox.of(FillReported)]
        assert [(fill.trade_id, fill.qty, fill.price) for fill in fills] == [
            ("e1", 50, 120_001),
            ("e2", 150, 120_001),
        ]
        assert [fill.cost_usd for fill in fills] == [Decimal("0.6")] * 2
        orders = [event.order for event in inbox.of(OrderReported)]
        assert [(order.status, order.filled_qty) for order in orders] == [
            (VenueStatus.WORKING, 0),
            (VenueStatus.WORKING, 50),
            (VenueStatus.FILLED, 200),
            (VenueStatus.FILLED, 200),
            (VenueStatus.FILLED, 200),
        ]
        assert {order.client_id for order in orders} == {"ts-abcdefgh-1-1"}


async def test_rows_are_sparse_and_what_has_ended_does_not_live_again(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox):
        tell = Teller(await gateway.trading())
        stop = {"order_type": "stop-loss", "side": "sell", "triggers": {"price": 59500, "reference": "last"}}
        await tell(execution("new", **stop))
        await tell({"order_id": "order-1", "exec_type": "amended", "triggers": {"price": 59600.5}})
        await tell({"order_id": "order-1", "exec_type": "surprise", "timestamp": STAMP})
        await tell({"order_id": "order-1", "exec_type": "canceled", "order_status": "canceled"})
        await tell({"order_id": "order-1", "exec_type": "new", "order_status": "new"})
        await inbox.until(lambda: len(inbox.of(OrderReported)) == 5)
        orders = [event.order for event in inbox.of(OrderReported)]
        assert [order.stop for order in orders] == [119_000, 119_201, 119_201, 119_201, 119_201]
        assert {(order.type, order.side, order.qty) for order in orders} == {(OrderType.STOP, Side.SELL, 200)}
        canceled = VenueStatus.CANCELED
        working = VenueStatus.WORKING
        assert [order.status for order in orders] == [working, working, working, canceled, canceled]


async def test_numbers_may_be_texts_and_have_exponents(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox):
        tell = Teller(await gateway.trading())
        await tell(traded("e1", 0.005, 0.005, last_qty="5e-3", last_price="6.00005E4", fee_usd_equiv="0.25"))
        [told] = await inbox.until(lambda: inbox.of(FillReported))
        assert (told.fill.qty, told.fill.price, told.fill.cost_usd) == (50, 120_001, Decimal("0.25"))


async def test_positions_are_told_as_they_change(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox):
        tell = Teller(await gateway.trading())
        await tell.positions({"symbol": "PF_XBTUSD", "size": 0.02, "entry_price": 60000.25})
        await tell.positions({"symbol": "PF_XBTUSD", "size": 0.03, "entry_price": 60000.25, "side": "short"})
        await tell.positions(
            {"symbol": "PF_XBTUSD", "size": 0, "entry_price": None}, {"symbol": "PF_X", "size": 1}
        )
        await inbox.until(lambda: len(inbox.of(PositionReported)) == 3)
        told = [event.position for event in inbox.of(PositionReported)]
        assert [position.qty for position in told] == [200, -300, 0]
        assert told[0].average_price == Decimal("60000.25")


async def test_a_gap_in_the_numbers_of_the_stream_makes_a_new_connection(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox):
        tell = Teller(await gateway.trading())
        tell.sequence = 5
        await tell(execution("new"))
        await inbox.live("user", 2)
        assert any("after message 1 came 6" in word for word in inbox.words("user"))


async def test_a_message_that_comes_twice_counts_once(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox):
        tell = Teller(await gateway.trading())
        await tell(traded("e1", 0.005, 0.005))
        tell.sequence -= 1
        await tell(traded("e1", 0.005, 0.005))
        await tell(traded("e2", 0.015, 0.02))
        await inbox.until(lambda: len(inbox.of(FillReported)) == 2)
        assert inbox.states("user") == [LinkState.CONNECTING, LinkState.LIVE]
        assert venue.access.anomalies.counts["repeated messages"] == 1


@pytest.mark.parametrize(
    "odd",
    [
        execution("trade"),
        execution("new", order_qty=None, order_id="other"),
        execution("new", order_qty=1e13),
        execution("new", order_qty=0.00001),
        execution("new", limit_price=60000.3),
        execution("new", timestamp="9999-12-31T23:59:59Z"),
        traded("e1", -0.005, 0.005),
    ],
)
async def test_rows_that_make_no_sense_are_counted_and_told_of_nobody(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox, odd: Row
) -> None:
    async with trading(venue, inbox):
        tell = Teller(await gateway.trading())
        await tell(odd)
        await tell(execution("new", order_id="order-2"))
        await inbox.until(lambda: inbox.of(OrderReported))
        assert venue.access.anomalies.counts["execution"] == 1
        assert inbox.of(OrderReported)[0].order.venue_id == "order-2"
        assert not inbox.of(FillReported)
