"""Bybit's account by way of its twin: the life of orders, what is lost on the way, and the whole truth."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from adapters.bybit.probe import probe
from adapters.bybit.venue import BybitVenue
from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.config import TwinConfig
from adapters.simulator.twins.twin import Twin
from adapters.simulator.wire.bybit.wire import BybitWire
from engine.model.effects import CancelOrder, ModifyOrder
from engine.model.errors import Cause, FatalError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.events import AccountReported, FillReported, LinkState, PositionReported
from engine.model.orders import AccountKind, VenueStatus
from tests.bybit.trading import (
    BUY,
    COIN,
    FEE_IN_BASE,
    LIMIT,
    SELL,
    START,
    STOP,
    SYMBOL,
    Trading,
    config_at,
    trading,
    twin,
)
from tests.support.instruments import PERPETUAL, SPOT
from tests.support.waits import Inbox, until

D = Decimal
WORKING, FILLED, CANCELED = VenueStatus.WORKING, VenueStatus.FILLED, VenueStatus.CANCELED


def cancel(t: Trading, client_id: str, venue_id: str) -> CancelOrder:
    return CancelOrder(t.broker.book, client_id, venue_id, t.instrument.symbol)


async def listed(t: Trading) -> None:
    """Until the venue's lists have what was just taken: it tells so by a snapshot."""
    async with asyncio.timeout(10):
        while True:
            try:
                await t.snapshot()
                return
            except RetryableError:
                await asyncio.sleep(0.02)


async def test_the_account_is_adopted_as_practice() -> None:
    async with trading() as t:
        account = t.adopted.account
        assert (account.kind, account.can_trade, account.currency) == (AccountKind.PRACTICE, True, "USDT")
        assert (account.balance_usd, account.name, t.adopted.venue) == (D(50_000), "UID 1", "bybit")


async def test_a_limit_order_rests_moves_and_goes() -> None:
    async with trading() as t:
        order = t.order(BUY, LIMIT, 590_000)
        venue_id = await t.broker.place(order)
        told = await t.status(order.client_id, WORKING)
        assert (told.venue_id, told.limit, told.qty, told.side) == (venue_id, 590_000, 100, BUY)
        await t.broker.modify(ModifyOrder("bybit", order.client_id, venue_id, SYMBOL, qty=80, limit=591_000))
        await t.inbox.until(lambda: any(one.limit == 591_000 for one in t.told(order.client_id)))
        assert t.told(order.client_id)[-1].qty == 80
        await t.broker.cancel(cancel(t, order.client_id, venue_id))
        await t.status(order.client_id, CANCELED)
        with pytest.raises(RefusedError) as gone:
            await t.broker.cancel(cancel(t, order.client_id, venue_id))
        assert gone.value.cause is Cause.GONE


async def test_an_entry_fills_its_stop_rests_and_closes_it() -> None:
    async with trading() as t:
        await t.broker.place(entry := t.order(BUY))
        await t.status(entry.client_id, FILLED)
        fill = (await t.fills(1))[0].fill
        assert (fill.side, fill.qty) == (BUY, 100)
        assert fill.price >= 600_001
        assert fill.cost_usd == PERPETUAL.charged(fill.price, 100)
        await t.inbox.until(lambda: [p for p in t.inbox.of(PositionReported) if p.position.qty == 100])
        await t.inbox.until(lambda: t.inbox.of(AccountReported))
        stop = t.order(SELL, STOP, 599_000, reduces=True)
        await t.broker.place(stop)
        resting = await t.status(stop.client_id, WORKING)
        assert (resting.type, resting.stop) == (STOP, 599_000)
        t.trade(598_990)
        t.quote(598_980, 598_990)
        await t.status(stop.client_id, FILLED)
        await t.inbox.until(lambda: t.inbox.of(PositionReported)[-1].position.qty == 0)
        assert t.twin.account.held(SYMBOL) == 0


async def test_a_close_is_reduce_only_and_nothing_to_close_is_success() -> None:
    async with trading() as t:
        await t.broker.close(t.closing())
        assert not t.twin.account.orders, "nothing was sent"
        await t.broker.place(t.order(SELL, qty=250))
        await t.fills(1)
        await t.broker.close(t.closing())
        await until(lambda: t.twin.account.held(SYMBOL) == 0)
        (order,) = (one for one in t.twin.account.orders.values() if one.order.side is BUY)
        assert (order.reduces, order.order.qty) == (True, 250)


async def test_a_close_goes_by_what_was_told_last_where_the_venue_answers_no_question() -> None:
    async with trading() as t:
        await t.broker.place(t.order(BUY))
        await t.inbox.until(lambda: [p for p in t.inbox.of(PositionReported) if p.position.qty == 100])
        t.twin.faults.add("error", call="positions")
        await t.broker.close(t.closing())
        await until(lambda: t.twin.account.held(SYMBOL) == 0)


async def test_what_the_venue_refuses_is_refused_with_its_cause() -> None:
    async with trading() as t:
        await t.broker.place(order := t.order(BUY, LIMIT, 590_000))
        with pytest.raises(RefusedError) as taken:
            await t.broker.place(t.order(BUY, LIMIT, 590_000, client_id=order.client_id))
        assert (taken.value.cause, taken.value.code) == (Cause.TAKEN, 110072)
        with pytest.raises(RefusedError, match="not enough money"):
            await t.broker.place(t.order(BUY, LIMIT, 590_000, qty=2_000_000))
        with pytest.raises(RefusedError, match="nothing that it would reduce"):
            await t.broker.place(t.order(SELL, STOP, 590_000, reduces=True))


async def test_an_order_that_is_worth_too_little_is_not_sent() -> None:
    async with trading() as t:
        with pytest.raises(RefusedError, match=r"0\.0001 BTC are worth less than 5 USDT"):
            await t.broker.place(t.order(BUY, LIMIT, 400_000, qty=1))
        with pytest.raises(RefusedError, match="not among the instruments"):
            await t.broker.cancel(CancelOrder("bybit", "x", "y", "ETH"))
        assert not t.twin.account.orders


@pytest.mark.parametrize("fault", ["lost-reply", "hang", "garbled-reply", "error"])
async def test_an_order_without_a_word_is_looked_up_by_its_own_id(fault: str) -> None:
    async with trading() as t:
        options = {"done": True} if fault in ("hang", "error") else {}
        t.twin.faults.add(fault, call="place", **options)
        order = t.order(BUY, LIMIT, 590_000)
        with pytest.raises(UnknownOutcomeError):
            await t.broker.place(order)
        t.twin.faults.clear()
        assert len(t.twin.account.orders) == 1, "it was sent once"
        await listed(t)
        found = (await t.snapshot()).orders
        assert [(one.client_id, one.status) for one in found] == [(order.client_id, WORKING)]


async def test_an_order_that_never_arrived_is_told_absent_once_its_absence_means_something() -> None:
    async with trading() as t:
        t.twin.faults.add("lost-request", call="place")
        order = t.order(BUY, LIMIT, 590_000)
        with pytest.raises(UnknownOutcomeError):
            await t.broker.place(order)
        t.twin.faults.clear()
        with pytest.raises(RetryableError, match="does not list ts-t-1 yet"):
            await t.snapshot()
        await listed(t)
        assert (await t.snapshot()).orders == ()


async def test_a_snapshot_has_everything_or_is_none() -> None:
    async with trading() as t:
        await t.broker.place(entry := t.order(BUY))
        await t.status(entry.client_id, FILLED)
        await t.broker.place(stop := t.order(SELL, STOP, 590_000, reduces=True))
        await listed(t)
        taken = await t.snapshot()
        assert {one.client_id: one.status for one in taken.orders} == {
            entry.client_id: FILLED, stop.client_id: WORKING,
        }  # fmt: skip
        assert [(one.instrument, one.qty) for one in taken.positions] == [(SYMBOL, 100)]
        told = [one.fill.trade_id for one in t.inbox.of(FillReported)]
        assert [one.trade_id for one in taken.fills] == told
        assert taken.account.balance_usd == t.twin.account.holdings.money
        for call in ("orders", "past-orders", "fills", "positions", "balances"):
            fault = t.twin.faults.add("garbled-reply", call=call)
            with pytest.raises(RetryableError, match="snapshot: "):
                await t.snapshot()
            fault.disarm()


async def test_a_long_list_comes_whole() -> None:
    async with trading() as t:
        for number in range(60):
            t.twin.account.place(SYMBOL, t.order(BUY, LIMIT, 500_000 + number).spec, f"x-{number}")
        newest = max(one.placed_ts for one in t.twin.account.orders.values())
        await until(lambda: t.twin.now() - newest > 350_000_000)
        taken = await t.snapshot()
        assert {one.client_id for one in taken.orders} == {f"x-{number}" for number in range(60)}


async def test_too_many_requests_are_certainly_not_done() -> None:
    async with trading() as t:
        t.twin.faults.add("rate-limit", call="place")
        with pytest.raises(RetryableError, match="Too many visits"):
            await t.broker.place(t.order(BUY, LIMIT, 590_000))
        assert not t.twin.account.orders


async def test_a_clock_that_jumps_is_measured_anew() -> None:
    async with trading() as t:
        t.twin.faults.add("clock-error", by=-30.0)
        order = t.order(BUY, LIMIT, 590_000)
        with pytest.raises(RetryableError):
            await t.broker.place(order)
        assert not t.twin.account.orders
        again = t.order(BUY, LIMIT, 590_000)
        await t.broker.place(again)
        assert len(t.twin.account.orders) == 1


async def test_a_lost_stream_is_told_and_comes_back_and_a_snapshot_has_what_it_missed() -> None:
    async with trading() as t:
        t.twin.faults.add("reset", socket="private")
        await t.inbox.live("user", 2)
        assert LinkState.DOWN in t.inbox.states("user")
        await t.broker.place(order := t.order(BUY))
        await t.status(order.client_id, FILLED)


async def test_a_fill_that_the_stream_does_not_tell_speaks_against_it() -> None:
    async with trading() as t:
        live = t.twin.now()  # fills of the first second are not held against it: clocks differ
        await until(lambda: t.twin.now() - live > 1_100_000_000)
        t.twin.faults.add("silent", stream="fills")
        await t.broker.place(t.order(BUY))
        await until(lambda: t.twin.account.fills)
        await listed(t)
        await t.inbox.live("user", 2)
        assert any("ought to have told" in word for word in t.inbox.words("user"))


async def test_a_wrong_secret_needs_a_person_and_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with twin(PERPETUAL) as found:
        venue = BybitVenue(config_at(found.url, (PERPETUAL,), secret="hush-hush-hush"), found.now)
        inbox = Inbox()
        with pytest.raises(FatalError, match="the signature is wrong"):
            await venue.brokers[0].run(inbox)
        await venue.close()
        assert inbox.states("user")[-1] is LinkState.DOWN
        assert "hush-hush" not in caplog.text + repr(list(inbox)) + repr(venue.config)


async def test_coins_are_bought_told_as_balances_and_no_more_is_sold_than_there_is() -> None:
    async with trading(FEE_IN_BASE, price=200_000, coins=D(1)) as t:
        assert t.broker.capabilities.balances
        await t.broker.place(order := t.order(BUY, qty=5_000))
        await t.status(order.client_id, FILLED)
        fill = (await t.fills(1))[0].fill
        assert (fill.qty, fill.cost_usd, fill.fee_base) == (5_000, D(0), D("0.0005"))
        await listed(t)
        taken = await t.snapshot()
        assert {one.currency: one.total for one in taken.balances}["ETH"] == D("1.4995")
        assert taken.positions == ()
        await t.broker.close(t.closing(4_995, "ts-c-1"))
        await t.status("ts-c-1", FILLED)
        await t.broker.close(t.closing(999_999, "ts-c-2"))
        told = await t.status("ts-c-2", FILLED)
        assert told.qty == 10_000, "what is there"


async def test_a_stop_of_coins_is_found_whatever_kind_the_venue_calls_it() -> None:
    async with trading(SPOT, price=200_000, coins=D(1)) as t:
        stop = t.order(SELL, STOP, 190_000, qty=1_000, reduces=True)
        venue_id = await t.broker.place(stop)
        await t.status(stop.client_id, WORKING)
        other = BybitVenue(t.venue.config, t.twin.now)  # as after a restart: it does not know the kind
        await other.brokers[0].cancel(CancelOrder("bybit", stop.client_id, venue_id, COIN))
        await other.close()
        await t.status(stop.client_id, CANCELED)


class Hedged(BybitWire):
    """An account that keeps long and short apart: of each symbol there are two positions."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        one_way, looking = self._looking.positions, self._looking

        def both(account: TwinAccount, query: Mapping[str, Any]) -> dict[str, Any]:
            page = one_way(account, query)
            return page | {"list": [row | {"positionIdx": side} for row in page["list"] for side in (1, 2)]}

        looking.positions = both  # type: ignore[method-assign]
        return super().routes()


async def test_an_account_with_long_and_short_apart_is_refused_in_one_line() -> None:
    config = TwinConfig((PERPETUAL,))
    async with Twin(Hedged, config, ScriptedMarket((PERPETUAL,), START)) as found:
        venue = BybitVenue(config_at(found.url, (PERPETUAL,)), found.now)
        with pytest.raises(FatalError, match="set the position mode to one-way at the venue"):
            await venue.brokers[0].run(inbox := Inbox())
        assert inbox.states("user")[-1] is LinkState.DOWN
        checks = await probe(venue.config, found.now)
        assert [one.name for one in checks if not one.ok] == ["position mode"]
        await venue.close()


async def test_a_second_sale_of_the_same_coins_is_refused() -> None:
    """A stop that rests has its coins: no target stands beside it."""
    async with trading(SPOT, price=200_000, coins=D("0.1")) as t:
        await t.broker.place(t.order(SELL, STOP, 190_000, qty=1_000, reduces=True))
        with pytest.raises(RefusedError, match="not enough money"):
            await t.broker.place(t.order(SELL, LIMIT, 210_000, qty=1_000, reduces=True))
