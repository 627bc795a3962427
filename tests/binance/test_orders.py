"""Orders on the twin, over real sockets: lives, pairs, changes, closes."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from msgspec import structs

from adapters.simulator.wire.binance import rows
from engine.model.errors import Cause, RefusedError
from engine.model.events import AccountAdopted, FillReported, OrderReported
from engine.model.market import Side
from engine.model.orders import AccountKind, OrderSpec, OrderType, VenueStatus
from tests.binance.practice import LOGIN as _LOGIN
from tests.binance.practice import PRICE, bench

BUY, SELL = Side.BUY, Side.SELL
STOP = OrderSpec(SELL, OrderType.STOP, 1_000, stop=PRICE - 50_000, reduces=True)
TARGET = OrderSpec(SELL, OrderType.LIMIT, 1_000, limit=PRICE + 50_000, reduces=True)
FILLED, WORKING, CANCELED = VenueStatus.FILLED, VenueStatus.WORKING, VenueStatus.CANCELED


async def test_the_account_is_play_money_where_it_is_known_to_be() -> None:
    async with bench() as made:
        [adopted] = made.inbox.of(AccountAdopted)
        account = adopted.account
        assert (account.kind, account.balance_usd, account.currency) == (
            AccountKind.PRACTICE,
            Decimal(50_000),
            "USDT",
        )


async def test_a_purchase_at_market_is_told_with_its_fee_in_coins() -> None:
    async with bench() as made:
        name = await made.bought()
        [fill] = [e.fill for e in made.inbox.of(FillReported)]
        assert (fill.venue_order_id, fill.qty, fill.price) == (name, 1_000, PRICE + 2)
        assert (fill.fee_base, fill.cost_usd) == (Decimal("0.00001"), Decimal(0))
        assert made.told()[name].filled_qty == 1_000


async def test_a_limit_rests_moves_and_fills_as_one_order() -> None:
    async with bench() as made:
        name = await made.place(OrderSpec(BUY, OrderType.LIMIT, 1_000, limit=PRICE - 100))
        await made.status(name, WORKING)
        await made.modify(name, limit=PRICE - 50, qty=2_000)
        assert made.there() == [(f"{name}_1", "LIMIT", "2000", str(PRICE - 50))]
        told = await made.status(name, WORKING)
        assert (told.qty, told.limit, told.venue_id) == (2_000, PRICE - 50, name)
        made.market(PRICE - 60, PRICE - 60)
        told = await made.status(name, FILLED)
        assert (told.qty, told.filled_qty, made.fills(name)) == (2_000, 2_000, 2_000)
        # Nothing but its life was told: no end of the first version.
        ends = [e.order.status for e in made.inbox.of(OrderReported) if e.order.client_id == name]
        assert CANCELED not in ends


async def test_stop_and_target_stand_as_one_pair_and_one_ends_the_other() -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        target = await made.place(TARGET, beside=stop)
        assert made.there() == [
            (f"{stop}_1", "STOP_LOSS", "1000", str(STOP.stop)),
            (target, "LIMIT_MAKER", "1000", str(TARGET.limit)),
        ]
        assert (await made.status(stop, WORKING)).stop == STOP.stop
        made.market(PRICE + 50_010, PRICE + 50_010)
        await made.status(target, FILLED)
        assert (await made.status(stop, VenueStatus.EXPIRED)).filled_qty == 0
        assert made.there() == []
        assert made.fills(target) == 1_000


async def test_without_a_pair_the_same_coins_can_not_be_sold_twice() -> None:
    async with bench(twin={"logins": (structs.replace(_LOGIN, coins={}),)}) as made:
        await made.bought(1_002)
        await made.place(STOP)
        with pytest.raises(RefusedError, match="insufficient balance"):
            await made.place(TARGET)


async def test_a_stop_of_a_pair_moves_and_takes_its_target_along() -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        target = await made.place(TARGET, beside=stop)
        await made.modify(stop, stop=PRICE - 20_000)
        assert made.there() == [
            (f"{stop}_2", "STOP_LOSS", "1000", str(PRICE - 20_000)),
            (f"{target}_1", "LIMIT_MAKER", "1000", str(TARGET.limit)),
        ]
        assert (made.told()[stop].stop, made.told()[target].status) == (PRICE - 20_000, WORKING)
        await made.modify(stop, qty=600)
        assert [(kind, qty) for _, kind, qty, _ in made.there()] == [
            ("STOP_LOSS", "600"),
            ("LIMIT_MAKER", "600"),
        ]
        await made.modify(target, qty=600)  # the engine asks for both
        assert {name for name, *_ in made.there()} == {f"{stop}_3", f"{target}_2"}


async def test_a_stop_joins_a_target_that_stands_alone() -> None:
    async with bench() as made:
        await made.bought()
        target = await made.place(TARGET)
        stop = await made.place(STOP, beside=target)
        assert made.there() == [
            (f"{target}_1", "LIMIT_MAKER", "1000", str(TARGET.limit)),
            (stop, "STOP_LOSS", "1000", str(STOP.stop)),
        ]
        assert CANCELED not in [e.order.status for e in made.inbox.of(OrderReported)]


async def test_after_a_part_of_the_target_the_rest_gets_a_pair_of_its_own() -> None:
    """The first execution of either ends the other: what is left stands bare until the engine says so."""
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        target = await made.place(TARGET, beside=stop)
        made.market(PRICE + 50_000, PRICE + 50_001, size=400)
        await made.status(stop, VenueStatus.EXPIRED)
        await made.inbox.until(lambda: made.told()[target].filled_qty == 400)
        made.market(PRICE, PRICE)
        again = await made.place(structs.replace(STOP, qty=600), beside=target)
        assert [(kind, qty) for _, kind, qty, _ in made.there()] == [
            ("LIMIT_MAKER", "600"),
            ("STOP_LOSS", "600"),
        ]
        told = made.told()[target]
        assert (told.qty, told.filled_qty, told.status) == (1_000, 400, WORKING)
        made.market(PRICE - 50_001, PRICE - 50_001)
        await made.status(again, FILLED)
        assert made.fills(target) + made.fills(again) == 1_000
        assert made.there() == []


async def test_while_the_market_stands_at_the_target_the_stop_goes_first() -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        target = await made.place(TARGET, beside=stop)
        made.market(PRICE + 50_000, PRICE + 50_001, size=400)
        await made.status(stop, VenueStatus.EXPIRED)
        again = await made.place(structs.replace(STOP, qty=600), beside=target)
        assert [(kind, qty) for _, kind, qty, _ in made.there()] == [("STOP_LOSS", "600")]
        assert made.told()[again].status is WORKING
        assert (await made.status(target, CANCELED)).filled_qty == 400


async def test_a_cancelled_target_leaves_its_stop_standing() -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        target = await made.place(TARGET, beside=stop)
        await made.cancel(target)
        assert made.there() == [(f"{stop}_2", "STOP_LOSS", "1000", str(STOP.stop))]
        await made.status(target, CANCELED)
        assert (await made.status(stop, WORKING)).status is WORKING
        await made.cancel(stop)
        await made.status(stop, CANCELED)
        assert made.there() == []
        with pytest.raises(RefusedError) as raised:
            await made.cancel(stop)
        assert raised.value.cause is Cause.GONE


async def test_both_exits_cancelled_at_once_leave_nothing() -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        target = await made.place(TARGET, beside=stop)
        await asyncio.gather(made.cancel(target), made.cancel(stop), return_exceptions=True)
        await made.status(stop, CANCELED)
        await made.status(target, CANCELED)
        assert made.there() == []


async def test_a_target_that_the_market_has_reached_trades_at_once() -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        made.market(PRICE + 60_000, PRICE + 60_000)
        target = await made.place(TARGET, beside=stop)
        made.market(PRICE + 60_000, PRICE + 60_000)
        await made.status(target, FILLED)
        await made.status(stop, CANCELED)
        assert made.there() == []


async def test_a_pair_that_is_refused_leaves_the_stop_as_it_was() -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        made.twin.faults.add("refuse", call="oco")
        with pytest.raises(RefusedError, match="refused by the venue"):
            await made.place(TARGET, beside=stop)
        assert made.there() == [(f"{stop}_2", "STOP_LOSS", "1000", str(STOP.stop))]
        assert made.told()[stop].status is WORKING
        assert CANCELED not in [e.order.status for e in made.inbox.of(OrderReported)]


async def test_a_change_that_is_refused_halfway_brings_the_order_back() -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        with pytest.raises(RefusedError, match="partially failed"):
            await made.modify(stop, stop=PRICE + 90_000)  # on the wrong side of the market
        [(name, kind, qty, price)] = made.there()
        assert (name.partition("_")[0], kind, qty, price) == (stop, "STOP_LOSS", "1000", str(STOP.stop))
        assert (await made.status(stop, WORKING)).stop == STOP.stop


async def test_where_no_stop_is_taken_at_market_it_is_a_stop_limit() -> None:
    async with bench(broker=False) as made:
        made.wire.orders.types = [one for one in rows.ORDER_TYPES if one != "STOP_LOSS"]
        await made.venue.symbols.resolve()
        stop = await made.place(structs.replace(STOP, qty=900))
        target = await made.place(structs.replace(TARGET, qty=900), beside=stop)
        assert made.there() == [
            (f"{stop}_1", "STOP_LOSS_LIMIT", "900", str(STOP.stop)),
            (target, "LIMIT_MAKER", "900", str(TARGET.limit)),
        ]
        [resting] = [one for one in made.twin.account.live() if one.note["type"] == "STOP_LOSS_LIMIT"]
        assert Decimal(resting.note["price"]) == Decimal("58905")


async def test_a_close_sells_what_the_book_holds_and_no_coin_of_others() -> None:
    async with bench() as made:
        await made.bought()
        name = await made.close(998)
        await made.status(name, FILLED)
        coins = {one.currency: one.total for one in made.twin.account.holdings.balances}
        # 0.5 were there, 0.01 bought less its fee, 0.00998 sold.
        assert coins["BTC"] == Decimal("0.50001")


async def test_entries_with_brackets_are_refused_for_having_them() -> None:
    async with bench() as made:
        with pytest.raises(RefusedError) as raised:
            await made.place(OrderSpec(BUY, OrderType.MARKET, 1_000, stop_offset=-100, target_offset=100))
        assert raised.value.cause is Cause.NO_BRACKETS
        assert made.twin.account.orders == {}


@pytest.mark.parametrize("status", ["BREAK", "HALT", "CANCEL_ONLY"])
async def test_a_paused_symbol_takes_no_order_and_a_person_is_told_why(status: str) -> None:
    async with bench() as made:
        made.wire.orders.status["BTCUSDT"] = status
        with pytest.raises(RefusedError, match="Market is closed") as raised:
            await made.place(OrderSpec(BUY, OrderType.MARKET, 1_000))
        assert raised.value.cause is Cause.CLOSED
        await made.venue.symbols.resolve()
        with pytest.raises(RefusedError, match=r"at Binance.*nothing was sent"):
            await made.place(OrderSpec(BUY, OrderType.MARKET, 1_000))
