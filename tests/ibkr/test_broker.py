"""Orders over the gateway's twin: life, refusals, lost answers, reconnects, and what a snapshot says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

pytest.importorskip("ib_async")

from engine.model.effects import ClosePosition
from engine.model.errors import Cause, FatalError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.events import (
    AccountAdopted,
    AccountReported,
    FillReported,
    LinkState,
    OrderReported,
    PositionReported,
)
from engine.model.market import NANOS, Side
from engine.model.orders import AccountKind, OrderType, VenueStatus
from tests.ibkr.stands import MES, NEAR, PRICE, QUICK, START, cancel, change, ib_stand, order
from tests.support.waits import turns, until


async def test_an_order_lives_from_placing_to_its_fill_with_its_commission() -> None:
    async with ib_stand() as one:
        venue_id = await one.broker.place(order())
        await until(lambda: one.of(FillReported))
        (fill,) = [event.fill for event in one.of(FillReported)]
        assert (fill.venue_order_id, fill.side, fill.qty) == (venue_id, Side.BUY, 1)
        assert fill.price == PRICE + 2  # the ask, and a tick of slippage
        assert fill.cost_usd == MES.cost(PRICE)
        assert fill.ts_venue == START
        reported = [event.order for event in one.of(OrderReported)]
        assert {found.venue_id for found in reported} == {venue_id}
        assert reported[-1].status is VenueStatus.FILLED
        assert reported[-1].client_id == "t-1"
        await until(lambda: one.of(PositionReported))
        position = one.of(PositionReported)[-1].position
        assert (position.qty, position.average_price) == (1, MES.price(PRICE + 2))
        taken = await one.broker.snapshot(0)
        assert [found.trade_id for found in taken.fills] == [fill.trade_id]
        assert [(row.qty, row.average_price) for row in taken.positions] == [(1, MES.price(PRICE + 2))]
        assert [row.status for row in taken.orders] == [VenueStatus.FILLED]
        assert taken.account.kind is AccountKind.PRACTICE


async def test_a_fill_does_not_wait_for_a_commission_that_does_not_come() -> None:
    async with ib_stand() as one:
        one.twin.account.commission_late = True
        await one.broker.place(order())
        await until(lambda: one.of(FillReported))
        one.twin.account.send_commissions()
        await turns()
        assert len(one.of(FillReported)) == 1
        assert one.of(FillReported)[0].fill.cost_usd == MES.charged(PRICE + 2, 1)


async def test_a_stop_rests_is_moved_and_cancelled() -> None:
    async with ib_stand() as one:
        stop = order("t-1-SL", Side.SELL, OrderType.STOP, reduces=True, stop=PRICE - 40)
        venue_id = await one.broker.place(stop)
        fields = one.twin.orders[-1]
        assert "GTC" in fields
        assert str(float(MES.price(PRICE - 40))) in fields
        await one.broker.modify(change(venue_id, stop=PRICE - 20))
        taken = await one.broker.snapshot(0)
        assert [(row.stop, row.status) for row in taken.orders] == [(PRICE - 20, VenueStatus.WORKING)]
        await one.broker.cancel(cancel(venue_id))
        await until(lambda: one.of(OrderReported)[-1].order.status is VenueStatus.CANCELED)
        with pytest.raises(RefusedError) as refused:
            await one.broker.cancel(cancel(venue_id))
        assert refused.value.cause is Cause.GONE


async def test_brackets_are_left_to_the_engine_and_nothing_is_sent() -> None:
    async with ib_stand() as one:
        with pytest.raises(RefusedError) as refused:
            await one.broker.place(order(stop_offset=-40, target_offset=80))
        assert refused.value.cause is Cause.NO_BRACKETS
        assert one.twin.orders == []


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        (201, "Order rejected - reason: margin", Cause.OTHER),
        (103, "Duplicate order id", Cause.TAKEN),
        (110, "The price does not conform to the minimum price variation", Cause.OTHER),
        (201, "Order rejected - the exchange is closed", Cause.CLOSED),
    ],
)
async def test_a_refusal_is_a_refusal_with_its_words(code: int, text: str, cause: Cause) -> None:
    async with ib_stand() as one:
        one.twin.wrong.refuses[3] = (code, text)
        with pytest.raises(RefusedError, match=text) as refused:
            await one.broker.place(order())
        assert (refused.value.code, refused.value.cause) == (code, cause)


async def test_an_answer_that_does_not_come_is_unknown_and_the_order_is_found() -> None:
    async with ib_stand() as one:
        one.twin.wrong.silent.add(3)
        with pytest.raises(UnknownOutcomeError):
            await one.broker.place(order(kind=OrderType.LIMIT, limit=PRICE - 100))
        assert len(one.twin.orders) == 1  # never sent again
        one.twin.wrong.silent.clear()
        taken = await one.broker.snapshot(0)
        (found,) = taken.orders
        assert (found.client_id, found.status, found.limit) == ("t-1", VenueStatus.WORKING, PRICE - 100)


async def test_a_connection_that_ends_under_an_order_leaves_it_unknown() -> None:
    async with ib_stand() as one:
        one.twin.wrong.unheard.add(3)
        placing = one.broker.place(order())
        task = asyncio.create_task(placing)
        await until(lambda: one.twin.asked[3] == 1)
        one.twin.drop()
        with pytest.raises(UnknownOutcomeError):
            await task
        await one.live()
        one.twin.wrong.unheard.clear()
        assert (await one.broker.snapshot(0)).orders == ()


async def test_without_a_connection_nothing_is_sent() -> None:
    async with ib_stand(started=False) as one:
        with pytest.raises(RetryableError):
            await one.broker.place(order())
        with pytest.raises(RetryableError):
            await one.broker.snapshot(0)


async def test_a_reconnect_ends_live_and_knows_orders_of_before() -> None:
    async with ib_stand() as one:
        venue_id = await one.broker.place(order(kind=OrderType.LIMIT, limit=PRICE - 100))
        one.twin.drop()
        await until(lambda: one.link("user") is LinkState.DOWN)
        await one.live()
        await one.broker.cancel(cancel(venue_id))
        taken = await one.broker.snapshot(0)
        assert [(row.venue_id, row.status) for row in taken.orders] == [(venue_id, VenueStatus.CANCELED)]
        assert len(one.of(AccountAdopted)) == 2


async def test_every_record_twice_changes_nothing() -> None:
    async with ib_stand() as one:
        one.twin.account.twice = True
        await one.broker.place(order())
        await until(lambda: one.of(FillReported))
        taken = await one.broker.snapshot(0)
        assert len(one.of(FillReported)) == 1
        assert len(taken.orders) == len(taken.fills) == 1


async def test_close_closes_what_is_open_and_nothing_there_is_success() -> None:
    async with ib_stand() as one:
        await one.broker.close(ClosePosition("ibkr", "MES"))
        assert one.twin.orders == []
        await one.broker.place(order(qty=2))
        await one.broker.close(ClosePosition("ibkr", "MES"))
        taken = await one.broker.snapshot(0)
        assert taken.positions == ()
        assert len(taken.fills) == 2


async def test_what_a_person_trades_in_tws_is_told_as_a_position() -> None:
    async with ib_stand() as one:
        one.twin.account.by_hand(NEAR.con_id, Side.SELL, 3)
        await until(lambda: one.of(PositionReported))
        assert one.of(PositionReported)[-1].position.qty == -3
        taken = await one.broker.snapshot(0)
        assert [row.client_id for row in taken.orders] == [None]
        with pytest.raises(RefusedError):
            await one.broker.cancel(cancel("999"))


async def test_half_a_snapshot_is_none() -> None:
    for number in (16, 99, 7, 61):
        async with ib_stand(waits=replace(QUICK, read_s=0.2)) as one:
            one.twin.wrong.unheard.add(number)
            with pytest.raises(RetryableError, match="snapshot"):
                await one.broker.snapshot(0)


@pytest.mark.parametrize(
    ("accounts", "wanted", "words"),
    [
        (("U7654321",), "", "only the login's one account of paper"),
        (("DU1", "DU2"), "", "name the account"),
        (("DU1", "DU2"), "DU3", "has no account DU3"),
    ],
)
async def test_an_account_that_is_not_clear_needs_a_person_and_the_prices_go_on(
    accounts: tuple[str, ...], wanted: str, words: str
) -> None:
    async with ib_stand(accounts=accounts, account=wanted, started=False) as one:
        feed = asyncio.create_task(one.venue.feed.run(one.heard.append))
        with pytest.raises(FatalError, match=words):
            await one.broker.run(one.heard.append)
        await until(lambda: one.link("market") is LinkState.LIVE)
        feed.cancel()
        await asyncio.gather(feed, return_exceptions=True)


async def test_a_live_account_is_taken_by_name_and_is_called_live() -> None:
    async with ib_stand(accounts=("U7654321",), account="U7654321") as one:
        assert one.of(AccountAdopted)[0].account.kind is AccountKind.LIVE


async def test_money_is_told_when_it_changes() -> None:
    async with ib_stand() as one:
        account = one.of(AccountAdopted)[0].account
        assert (account.balance_usd, account.currency) == (Decimal(100_000), "USD")
        one.broker._reports._tell_money()
        assert one.of(AccountReported)[-1].balance_usd == Decimal(100_000)
        assert one.of(AccountReported)[-1].ts_recv >= START > NANOS
