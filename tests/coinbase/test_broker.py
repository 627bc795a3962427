"""Coinbase's portfolio by way of its twin: the life of orders, what is lost on the way, the whole truth."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest

from adapters.coinbase.probe import probe
from adapters.coinbase.venue import CoinbaseVenue
from engine.model.effects import CancelOrder, ModifyOrder
from engine.model.errors import Cause, FatalError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.events import AccountReported, FillReported, LinkState
from engine.model.market import NANOS
from engine.model.orders import AccountKind, VenueStatus
from tests.coinbase.trading import (
    BUY,
    ETH,
    LIMIT,
    SELL,
    START,
    STOP,
    SYMBOL,
    CoinTrading,
    config_at,
    trading,
    twin,
)
from tests.support.waits import Inbox

D = Decimal
WORKING, FILLED, CANCELED = VenueStatus.WORKING, VenueStatus.FILLED, VenueStatus.CANCELED


def cancel(t: CoinTrading, client_id: str, venue_id: str) -> CancelOrder:
    return CancelOrder(t.broker.book, client_id, venue_id, SYMBOL)


async def test_the_portfolio_is_adopted() -> None:
    async with trading() as t:
        account = t.adopted.account
        assert (account.kind, account.can_trade, account.currency) == (AccountKind.PRACTICE, True, "USD")
        assert account.balance_usd == D(50_000)
        assert t.broker.capabilities.balances


async def test_an_answer_that_was_slow_one_way_refuses_no_order() -> None:
    """What is known of the venue's clock is then ahead of it."""
    async with trading() as t:
        clock = t.broker._access.rest.clock
        clock.forget()
        clock.told(clock.now() + 5 * NANOS, 0.0)
        assert await t.broker.place(t.order(BUY, LIMIT, 190_000))


async def test_a_limit_order_rests_moves_and_goes() -> None:
    async with trading() as t:
        order = t.order(BUY, LIMIT, 190_000)
        venue_id = await t.broker.place(order)
        told = await t.status(order.client_id, WORKING)
        assert (told.venue_id, told.limit, told.qty) == (venue_id, 190_000, 1_000), "as it was sent"
        await t.broker.modify(ModifyOrder("coinbase", order.client_id, venue_id, SYMBOL, limit=191_000))
        (shown,) = (await t.snapshot()).orders
        assert (shown.limit, shown.qty) == (191_000, 1_000), "its size went along"
        await t.broker.cancel(cancel(t, order.client_id, venue_id))
        await t.status(order.client_id, CANCELED)
        with pytest.raises(RefusedError) as gone:
            await t.broker.cancel(cancel(t, order.client_id, venue_id))
        assert gone.value.cause is Cause.GONE


async def test_fills_are_looked_up_where_the_stream_tells_their_sum() -> None:
    async with trading() as t:
        await t.broker.place(order := t.order(BUY))
        await t.status(order.client_id, FILLED)
        fill = (await t.fills(1))[0].fill
        assert (fill.side, fill.qty) == (BUY, 1_000)
        assert fill.cost_usd == ETH.charged(fill.price, 1_000)
        reported = await t.inbox.until(lambda: t.inbox.of(AccountReported))
        assert reported[-1].balance_usd == t.twin.account.holdings.money


async def test_several_fills_of_one_order_are_told_once_each() -> None:
    async with trading() as t:
        await t.broker.place(order := t.order(BUY, LIMIT, 199_900))
        await t.status(order.client_id, WORKING)
        t.quote(199_899, 199_900)
        for _ in range(4):
            t.trade(199_899, 300)
        await t.status(order.client_id, FILLED)
        await t.inbox.until(lambda: sum(one.fill.qty for one in t.inbox.of(FillReported)) >= 1_000)
        ids = [one.fill.trade_id for one in t.inbox.of(FillReported)]
        assert sorted(ids) == sorted(str(one.id) for one in t.twin.account.fills)


async def test_a_stop_rests_at_the_venue_and_is_not_moved() -> None:
    async with trading(coins=D(1)) as t:
        stop = t.order(SELL, STOP, 190_000, reduces=True)
        venue_id = await t.broker.place(stop)
        told = await t.status(stop.client_id, WORKING)
        assert (told.type, told.stop) == (STOP, 190_000)
        with pytest.raises(RefusedError, match="changes limit orders only"):
            await t.broker.modify(ModifyOrder("coinbase", stop.client_id, venue_id, SYMBOL, stop=191_000))
        t.trade(189_990)
        t.quote(189_980, 189_990)
        await t.status(stop.client_id, FILLED)


async def test_no_more_coins_are_sold_than_there_are() -> None:
    async with trading(coins=D("0.25")) as t:
        await t.broker.close(t.closing(9_999, "ts-c-1"))
        assert (await t.status("ts-c-1", FILLED)).qty == 2_500
        await t.broker.close(t.closing(9_999, "ts-c-2"))
        assert t.told("ts-c-2") == [], "none are left, which is success"


async def test_what_the_venue_refuses_with_http_200_is_refused() -> None:
    async with trading() as t:
        with pytest.raises(RefusedError, match="INSUFFICIENT_FUND"):
            await t.broker.place(t.order(BUY, LIMIT, 190_000, qty=9_000_000))
        with pytest.raises(RefusedError, match="worth less than 5 USD"):
            await t.broker.place(t.order(BUY, LIMIT, 100_000, qty=1))
        assert not t.twin.account.orders


@pytest.mark.parametrize("fault", ["lost-reply", "hang", "garbled-reply", "error"])
async def test_an_order_without_a_word_is_looked_for_in_the_lists(fault: str) -> None:
    async with trading() as t:
        options = {"done": True} if fault in ("hang", "error") else {}
        t.twin.faults.add(fault, call="place", **options)
        order = t.order(BUY, LIMIT, 190_000)
        with pytest.raises(UnknownOutcomeError):
            await t.broker.place(order)
        t.twin.faults.clear()
        assert len(t.twin.account.orders) == 1, "it was sent once"
        assert [one.client_id for one in (await t.snapshot()).orders] == [order.client_id]


async def test_an_order_that_never_arrived_is_told_absent_once_its_absence_means_something() -> None:
    async with trading() as t:
        t.twin.faults.add("lost-request", call="place")
        with pytest.raises(UnknownOutcomeError):
            await t.broker.place(t.order(BUY, LIMIT, 190_000))
        t.twin.faults.clear()
        with pytest.raises(RetryableError, match="does not list ts-t-1 yet"):
            await t.broker.snapshot(START)
        assert (await t.snapshot()).orders == ()


async def test_a_snapshot_has_everything_or_is_none() -> None:
    async with trading(coins=D(1)) as t:
        await t.broker.place(entry := t.order(BUY))
        await t.fills(1)
        await t.broker.place(stop := t.order(SELL, STOP, 190_000, reduces=True))
        taken = await t.snapshot()
        assert {one.client_id: one.status for one in taken.orders} == {
            entry.client_id: FILLED, stop.client_id: WORKING,
        }  # fmt: skip
        assert {one.currency: one.total for one in taken.balances}["ETH"] == D("1.1")
        told = [one.fill.trade_id for one in t.inbox.of(FillReported)]
        assert [one.trade_id for one in taken.fills] == told
        for call in ("orders", "fills", "balances"):
            fault = t.twin.faults.add("garbled-reply", call=call)
            with pytest.raises(RetryableError, match="snapshot: "):
                await t.broker.snapshot(START)
            fault.disarm()


async def test_too_many_requests_are_certainly_not_done() -> None:
    async with trading() as t:
        t.twin.faults.add("rate-limit", call="place")
        with pytest.raises(RetryableError, match="HTTP 429"):
            await t.broker.place(t.order(BUY, LIMIT, 190_000))
        assert not t.twin.account.orders


async def test_a_clock_that_jumps_is_measured_anew() -> None:
    async with trading() as t:
        t.twin.faults.add("clock-error", by=-600.0)
        with pytest.raises(RetryableError, match="compared anew"):
            await t.broker.place(t.order(BUY, LIMIT, 190_000))
        await t.broker.place(t.order(BUY, LIMIT, 190_000))
        assert len(t.twin.account.orders) == 1


async def test_a_lost_stream_comes_back_and_an_order_of_somebody_else_is_told_whole() -> None:
    async with trading() as t:
        t.twin.faults.add("reset", socket="private")
        await t.inbox.live("user", 2)
        assert LinkState.DOWN in t.inbox.states("user")
        other = t.order(BUY, LIMIT, 180_000, client_id="theirs")
        t.twin.account.place(SYMBOL, other.spec, "theirs")
        told = await t.status("theirs", WORKING)
        assert (told.limit, told.qty) == (180_000, 1_000), "asked for: the stream tells no prices"


async def test_a_wrong_key_needs_a_person_and_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with twin() as found:
        config = config_at(found.url, (ETH,), secret="another")
        venue = CoinbaseVenue(config, found.now)
        inbox = Inbox()
        with pytest.raises(FatalError, match="the key is not accepted"):
            await venue.brokers[0].run(inbox)
        await venue.close()
        key = config.private_key.reveal()
        assert key[:12] not in caplog.text + repr(list(inbox)) + repr(config)


async def test_check_names_what_is_wrong_with_a_remedy() -> None:
    async with twin() as found:
        well = await probe(config_at(found.url, (ETH,)), found.now)
        assert [one.name for one in well] == [
            "venue reachable", "clock", "login", "account", "contracts", "stops",
        ]  # fmt: skip
        assert all(one.ok for one in well)
        bad = await probe(config_at(found.url, (ETH,), secret="another"), found.now)
        assert [one.name for one in bad if not one.ok] == ["login"]
        assert bad[-1].remedy
