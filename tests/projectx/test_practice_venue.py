"""The adapter against the practice venue: the whole order path over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from adapters.projectx.probe import probe
from adapters.simulator.wire.projectx.signalr import HubTiming
from engine.market.candles import resample
from engine.model.effects import CancelOrder, ClosePosition, ModifyOrder
from engine.model.errors import Cause, RefusedError
from engine.model.events import (
    AccountAdopted,
    AccountReported,
    ContractResolved,
    FillReported,
    LinkState,
    PositionReported,
    Print,
    Quote,
)
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Side, Timeframe
from engine.model.orders import AccountKind, OrderType, VenueStatus
from tests.projectx.conftest import entry
from tests.projectx.practice import ONE_BOOK, PRICE, START, bars, bench, config_of


async def test_from_login_to_a_moving_market() -> None:
    async with bench() as b:
        b.market(PRICE + 3, PRICE + 4, PRICE + 3)
        await b.inbox.until(lambda: len(b.inbox.of(Print)) == 2)
        quote = await b.inbox.until(
            lambda: next((q for q in b.inbox.of(Quote) if q.instrument == "MNQ" and q.bid == PRICE + 3), None)
        )
        [adopted] = b.inbox.of(AccountAdopted)
    assert (quote.ask, quote.ts_recv >= START) == (PRICE + 4, True)
    assert [p.price for p in b.inbox.of(Print)] == [PRICE + 4, PRICE + 3]
    assert {e.instrument.symbol: e.name[:-2] for e in b.inbox.of(ContractResolved)} == {
        "MNQ": "MNQ",
        "GC": "GC",
    }
    assert adopted.account.kind is AccountKind.PRACTICE


async def test_bracket_from_entry_to_target() -> None:
    async with bench(feed=False) as b:
        order_id = await b.broker.place(entry(stop_offset=-40, target_offset=80))
        filled = await b.status("ts-a-1-1", VenueStatus.FILLED)
        assert (filled.venue_id, filled.filled_qty) == (order_id, 2)
        stop = await b.status("ts-a-1-1-SL", VenueStatus.WORKING)
        target = await b.status("ts-a-1-1-TP", VenueStatus.WORKING)
        [fill] = [e.fill for e in b.inbox.of(FillReported)]
        assert stop.parent_id == target.parent_id == fill.venue_order_id == order_id
        assert (stop.stop, target.limit) == (fill.price - 40, fill.price + 80)
        assert fill.cost_usd == 2 * CME_FUTURES["MNQ"].cost_usd
        assert b.inbox.of(PositionReported)[-1].position.qty == 2
        b.market(fill.price + 90, fill.price + 85)
        await b.status("ts-a-1-1-TP", VenueStatus.FILLED)
        await b.status("ts-a-1-1-SL", VenueStatus.CANCELED)
        await b.inbox.until(lambda: b.inbox.of(PositionReported)[-1].position.qty == 0)
        await b.inbox.until(lambda: b.inbox.of(AccountReported))
        exit_fills = [e.fill for e in b.inbox.of(FillReported)][1:]
    assert sum(f.qty for f in exit_fills) == 2
    assert {(f.side, f.price) for f in exit_fills} == {(Side.SELL, fill.price + 80)}


async def test_a_suspended_leg_is_in_the_snapshot() -> None:
    async with bench(feed=False) as b:
        resting = entry(type=OrderType.LIMIT, limit=PRICE - 100, stop_offset=-40, target_offset=80)
        await b.broker.place(resting)
        taken = await b.broker.snapshot(START)
        found = {order.client_id: order for order in taken.orders}
        assert {tag: order.status for tag, order in found.items()} == {
            "ts-a-1-1": VenueStatus.WORKING,
            "ts-a-1-1-SL": VenueStatus.SUSPENDED,
            "ts-a-1-1-TP": VenueStatus.SUSPENDED,
        }
        assert found["ts-a-1-1-SL"].parent_id == found["ts-a-1-1"].venue_id
        assert (taken.positions, taken.fills) == ((), ())
        await b.broker.cancel(CancelOrder("practice", "ts-a-1-1", found["ts-a-1-1"].venue_id, "MNQ"))
        await b.status("ts-a-1-1", VenueStatus.CANCELED)
        assert not any(order.status.live for order in (await b.broker.snapshot(START)).orders)


async def test_the_stop_moves_and_the_position_is_closed() -> None:
    async with bench(feed=False) as b:
        await b.broker.place(entry(side=Side.SELL, qty=1, stop_offset=40, target_offset=-80))
        stop = await b.status("ts-a-1-1-SL", VenueStatus.WORKING)
        assert stop.stop is not None
        lower = stop.stop - 20
        await b.broker.modify(ModifyOrder("practice", "ts-a-1-1-SL", stop.venue_id, "MNQ", stop=lower))
        await b.inbox.until(lambda: b.orders()["ts-a-1-1-SL"].stop == lower)
        await b.broker.close(ClosePosition("practice", "MNQ"))
        await b.inbox.until(lambda: b.inbox.of(PositionReported)[-1].position.qty == 0)
        for tag in ("ts-a-1-1-SL", "ts-a-1-1-TP"):
            leg = await b.status(tag, VenueStatus.WORKING)
            await b.broker.cancel(CancelOrder("practice", tag, leg.venue_id, "MNQ"))
            await b.inbox.until(lambda: not b.orders()[tag].status.live)  # noqa: B023
            if not b.orders()["ts-a-1-1-TP"].status.live:
                break
        await b.broker.close(ClosePosition("practice", "MNQ"))
        taken = await b.broker.snapshot(START)
    assert taken.positions == ()
    assert not any(order.status.live for order in taken.orders)
    assert sum(f.qty * f.side.sign for f in taken.fills) == 0
    assert {f.trade_id for f in taken.fills} == {e.fill.trade_id for e in b.inbox.of(FillReported)}


async def test_what_the_venue_refuses_comes_with_its_words() -> None:
    async with bench(feed=False) as b:
        with pytest.raises(RefusedError, match="Maximum position") as refused:
            await b.broker.place(entry(qty=5000))
        assert refused.value.code == 2
        await b.status("ts-a-1-1", VenueStatus.REJECTED)
        with pytest.raises(RefusedError, match="tag") as taken:
            await b.broker.place(entry())
        assert taken.value.cause is Cause.TAKEN
        with pytest.raises(RefusedError) as absent:
            await b.broker.cancel(CancelOrder("practice", "x", "12345", "MNQ"))
        assert (absent.value.code, absent.value.cause) == (2, Cause.GONE)


async def test_a_fill_missed_while_the_hub_was_gone_is_in_the_snapshot() -> None:
    async with bench() as b:
        for hub in (b.practice.hubs.user, b.practice.hubs.market):
            for connection in tuple(hub.connections):
                connection.abort()
        await b.broker.place(entry(qty=1))
        await b.inbox.live("user", times=2)
        await b.inbox.live("market", times=2)
        async with asyncio.timeout(5):
            while not (taken := await b.broker.snapshot(START)).fills:
                b.practice.pump()
        b.market(PRICE + 7, PRICE + 7)
        await b.inbox.until(lambda: any(p.price == PRICE + 7 for p in b.inbox.of(Print)))
    assert [f.qty for f in taken.fills] == [1]
    assert [(p.instrument, p.qty) for p in taken.positions] == [("MNQ", 1)]
    assert LinkState.DOWN in b.inbox.states("user")[:-1]


async def test_records_cut_between_messages_are_all_read() -> None:
    async with bench(hubs=HubTiming(split_every=2)) as b:
        for i in range(50):
            b.market(PRICE + i, PRICE + i)
            await b.inbox.until(lambda: len(b.inbox.of(Print)) == i + 1)  # noqa: B023
    assert [p.price for p in b.inbox.of(Print)] == [PRICE + i for i in range(50)]
    assert b.venue.anomalies.total == 0


async def test_history() -> None:
    async with bench(feed=False) as b:
        found = await b.venue.feed.history("MNQ", START - 20 * MINUTE, START)
    expected = [bar for bar in bars() if bar.open_ts >= START - 20 * MINUTE]
    assert [(x.open_ts, x.open, x.high, x.low, x.close, x.volume) for x in found] == [
        (x.open_ts, x.open, x.high, x.low, x.close, x.volume) for x in expected
    ]
    assert all(bar.backfilled for bar in found)


async def test_half_hours_are_those_of_the_minutes() -> None:
    async with bench(feed=False) as b:
        minutes = await b.venue.feed.history("MNQ", 0, START)
        found = await b.venue.feed.history("MNQ", 0, START, Timeframe.M30)
    whole = [bar for bar in resample(minutes, Timeframe.M30) if bar.close_ts <= START]
    assert [(x.open_ts, x.open, x.high, x.low, x.close, x.volume) for x in found] == [
        (x.open_ts, x.open, x.high, x.low, x.close, x.volume) for x in whole
    ]
    assert found


async def test_probe() -> None:
    async with bench(feed=False) as b:
        found = {check.name: check for check in await probe(config_of(b.practice, ONE_BOOK), b.practice.now)}
    assert all(found[name].ok for name in ("venue reachable", "login", "account", "contracts"))
    assert "PRACTICE" in found["account"].detail
