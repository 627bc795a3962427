"""An account is looked up whole or not at all; a position is closed by what can only reduce it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapters.kraken.venue import KrakenVenue
from engine.model.effects import CancelOrder, ClosePosition
from engine.model.errors import RefusedError, RetryableError, UnknownOutcomeError
from engine.model.events import FillReported, LinkState, OrderReported
from engine.model.orders import VenueStatus
from tests.kraken.conftest import KEY, entry, trading, venue_for
from tests.kraken.gateway import HANG, TOKEN, KrakenGateway
from tests.kraken.gateway import Side as ServerSide
from tests.kraken.samples import BTC
from tests.kraken.teller import Teller, execution, traded
from tests.support.waits import Inbox


@pytest.mark.parametrize(("size", "side"), [(0.02, "sell"), (-0.0305, "buy")])
async def test_a_close_can_only_reduce(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox, size: float, side: str
) -> None:
    gateway.positions = [{"symbol": "PF_XBTUSD", "size": size, "entry_price": 60000}]
    async with trading(venue, inbox) as broker:
        await broker.close(ClosePosition("test", BTC.symbol))
        [params] = gateway.placed
        assert (params["side"], params["order_qty"], params["reduce_only"]) == (side, abs(size), True)
        assert params["order_type"] == "market"


async def test_a_flat_position_is_believed_by_a_look_alone(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox) as broker:
        await broker.close(ClosePosition("test", BTC.symbol))
        assert gateway.placed == []
        gateway.positions = [{"symbol": "PF_XBTUSD", "size": 0.01, "entry_price": 60000}]
        await broker.close(ClosePosition("test", BTC.symbol))
        assert [params["order_qty"] for params in gateway.placed] == [0.01]


async def test_what_closes_takes_the_connection_that_is_left(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    gateway.positions = [{"symbol": "PF_XBTUSD", "size": 0.02, "entry_price": 60000}]
    async with trading(venue, inbox) as broker:
        await broker.snapshot(0)
        gateway.full = True
        (await gateway.trading()).drop()
        await inbox.until(lambda: inbox.states("user")[-1] is LinkState.DOWN)
        with pytest.raises(RetryableError, match="nothing was sent"):
            await broker.place(entry())
        await broker.cancel(CancelOrder("test", "c", "order-1", BTC.symbol))
        await broker.close(ClosePosition("test", BTC.symbol))
        assert [params["side"] for params in gateway.placed] == ["sell"]
        assert [one.qty for one in (await broker.snapshot(0)).positions] == [200]
        gateway.full = False
        await inbox.live("user", 2)


async def test_a_snapshot_is_the_whole_account(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    long_id = "a0b1c2d3-0000-4000-8000-000000000001"
    gateway.executions = [
        execution("new", order_id="open-1", order_type="limit", limit_price=59000),
        execution("new", order_id="open-2", cl_ord_id=long_id, symbol="PF_ETHUSD"),
        traded("e1", 0.02, 0.02, order_id="gone-1", order_status="filled"),
        traded("e0", 0.001, 0.001, order_id="part-1", timestamp="2031-10-07T14:00:00Z"),
    ]
    gateway.positions = [{"symbol": "PF_XBTUSD", "size": 0.02, "entry_price": 60000.5}]
    async with trading(venue, inbox) as broker:
        taken = await broker.snapshot(1949149800_000_000_000 - 60_000_000_000)
        assert {order.venue_id: order.status for order in taken.orders} == {
            "open-1": VenueStatus.WORKING,
            "gone-1": VenueStatus.FILLED,
        }
        assert [fill.trade_id for fill in taken.fills] == ["e1"]
        assert [(one.instrument, one.qty) for one in taken.positions] == [(BTC.symbol, 200)]
        assert taken.account.balance_usd == Decimal("10000.5")
        gateway.positions, gateway.executions = [], []
        again = await broker.snapshot(0)
        assert (again.orders, again.fills, again.positions) == ((), (), ())


async def test_what_the_stream_told_to_have_ended_is_in_the_snapshot(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox) as broker:
        tell = Teller(await gateway.trading())
        await tell(execution("canceled", order_status="canceled"))
        await inbox.until(lambda: inbox.of(OrderReported))
        taken = await broker.snapshot(0)
        assert [(order.venue_id, order.status) for order in taken.orders] == [
            ("order-1", VenueStatus.CANCELED)
        ]


@pytest.mark.parametrize("channel", ["executions", "positions", "balances"])
@pytest.mark.parametrize("how", ["refused", "silent", "odd"])
async def test_one_question_without_an_answer_fails_the_whole_snapshot(
    gateway: KrakenGateway, inbox: Inbox, channel: str, how: str
) -> None:
    async def answer(side: ServerSide, asked: dict[str, Any]) -> None:
        refused = {"success": False, "error": "EGeneral:Permission denied"}
        ok = {"success": True, "result": {}}
        head = {"method": "subscribe", "req_id": asked["req_id"]}
        await side.send(head | (refused if how == "refused" else ok))
        if how == "odd":
            await side.send({"channel": channel, "type": "snapshot", "data": [{"size": "…"}]})

    venue = venue_for(gateway, read_s=0.15)
    async with trading(venue, inbox) as broker:
        await broker.snapshot(0)
        gateway.hooks[channel] = answer
        with pytest.raises((RetryableError, RefusedError)):
            await broker.snapshot(0)
        del gateway.hooks[channel]
        await inbox.until(lambda: True)
    await venue.close()


async def test_a_fill_during_a_look_makes_it_look_again(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox) as broker:
        tell = Teller(await gateway.trading())
        told = False

        async def filled_meanwhile(side: ServerSide, asked: dict[str, Any]) -> None:
            nonlocal told
            if not told:
                told = True
                await tell(traded("e1", 0.02, 0.02))
                await inbox.until(lambda: inbox.of(FillReported))
                gateway.positions = [{"symbol": "PF_XBTUSD", "size": 0.02, "entry_price": 60000.5}]
            await side.send({"method": "subscribe", "req_id": asked["req_id"], "success": True, "result": {}})
            await gateway.show(side, asked["params"])

        gateway.hooks["balances"] = filled_meanwhile
        taken = await broker.snapshot(0)
        assert [one.qty for one in taken.positions] == [200]


async def test_a_reconnect_ends_in_live_and_a_snapshot(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox) as broker:
        for side in gateway.of("private"):
            side.drop()
        await inbox.live("user", 2)
        assert inbox.states("user")[:3] == [LinkState.CONNECTING, LinkState.LIVE, LinkState.DOWN]
        assert (await broker.snapshot(0)).positions == ()
        assert await broker.place(entry()) == "order-1"


async def test_no_secret_is_shown(
    gateway: KrakenGateway, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    from tests.kraken.conftest import SECRET

    venue = venue_for(gateway)
    gateway.answers["add_order"] = [HANG]
    caplog.set_level("DEBUG")
    async with trading(venue, inbox) as broker:
        with pytest.raises(UnknownOutcomeError) as caught:
            await broker.place(entry())
    shown = caplog.text + str(caught.value) + repr(venue.access.config) + "".join(inbox.words())
    for secret in (SECRET, KEY, TOKEN):
        assert secret not in shown
    await venue.close()
