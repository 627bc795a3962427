"""The loss limits that the venue enforces: where they lie, what a breach does, and when it ends."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import AccountSpec
from adapters.simulator.exchange.loss_limits import LossLimits, LossLock, LossState
from adapters.simulator.exchange.store import SavedAccount
from adapters.simulator.market.hours import NANOS, session
from tests.simulator.practice_venue import DAY, START, PracticeDesk, bench, enter

HOUR = 3600 * NANOS
USD = st.integers(-10_000, 10_000).map(Decimal)


def limited(daily: int | None, most: int | None) -> SimulatorConfig:
    spec = AccountSpec(
        daily_loss_usd=None if daily is None else Decimal(daily),
        max_loss_usd=None if most is None else Decimal(most),
    )
    return SimulatorConfig(accounts=(spec,), desk_flattens=False)


async def trading(desk: PracticeDesk) -> bool:
    found = await desk.ask("Account/search", onlyActiveAccounts=False)
    return bool(found["accounts"][0]["canTrade"])


def test_a_practice_account_has_no_limits() -> None:
    (opened,) = SimulatorConfig().accounts
    assert (opened.daily_loss_usd, opened.max_loss_usd) == (None, None)


@given(st.lists(USD, max_size=8))
def test_the_floor_trails_the_best_end_of_day_and_stops_at_the_start(changes: list[Decimal]) -> None:
    start, distance = Decimal(50_000), Decimal(2_000)
    losses = LossLimits(None, distance, LossState(start, start, start))
    balance, best, day = start, start, START
    floors = []
    for change in changes:
        losses.new_day(day, balance)
        best = max(best, balance)
        assert losses.floor_usd == min(start, start - distance + max(Decimal(0), best - start))
        floors.append(losses.floor_usd)
        balance, day = balance + change, day + 24 * HOUR
    assert floors == sorted(floors)


async def test_open_losses_close_the_account_out_for_the_day() -> None:
    async with bench(limited(1_000, None)) as desk:
        hub = await desk.user_hub()
        entry = await enter(desk, size=10, stopLossBracket={"ticks": -900, "type": 4})
        balance = await desk.balance()
        spent = Decimal(50_000) - Decimal(str(balance))
        ticks = int((1_000 - spent) / 5)
        desk.quote(118_002 - ticks, 118_003 - ticks)
        assert await trading(desk)
        desk.quote(118_001 - ticks, 118_002 - ticks)
        assert not await trading(desk)
        desk.wait(8)
        rows = await desk.orders()
        assert not await desk.positions()
        assert [rows[entry + i]["status"] for i in (1, 2, 3)] == [3, 3, 2]
        assert (await desk.place())["errorCode"] == 4
        while (await hub.event("GatewayUserAccount"))[0]["data"]["canTrade"]:
            continue
        desk.clock.advance(session(DAY).close + HOUR - desk.clock() - NANOS)
        await desk.login()
        assert not await trading(desk)
        desk.wait(1000)
        assert await trading(desk)
        while not (await hub.event("GatewayUserAccount"))[0]["data"]["canTrade"]:
            continue


async def test_the_max_loss_ends_the_account_for_good() -> None:
    async with bench(limited(None, 2_000)) as desk:
        await enter(desk, size=10, stopLossBracket={"ticks": -900, "type": 4})
        assert await trading(desk)
        desk.quote(117_500, 117_501)
        desk.wait(8)
        assert not await desk.positions()
        assert not await trading(desk)
        desk.clock.advance(48 * HOUR)
        await desk.login()
        assert not await trading(desk)


async def test_shorts_count_at_the_ask_and_realized_losses_count() -> None:
    async with bench(limited(None, 100)) as desk:
        await enter(desk, side=1, stopLossBracket=None, takeProfitBracket=None)
        desk.quote(118_100, 118_197)
        assert await trading(desk)
        desk.quote(118_100, 118_198)
        assert not await trading(desk)
    async with bench(limited(100, None)) as desk:
        await enter(desk, stopLossBracket={"ticks": -195, "type": 4})
        desk.quote(117_805, 117_806)
        assert await trading(desk)
        desk.trade(117_805)
        desk.wait(8)
        assert not await desk.positions()
        assert not await trading(desk)


async def test_without_limits_nothing_is_closed_out() -> None:
    async with bench() as desk:
        await enter(desk, size=10, stopLossBracket={"ticks": -900, "type": 4})
        desk.quote(117_200, 117_201)
        assert len(await desk.positions()) == 1


def test_a_lock_for_the_day_does_not_end_one_for_good() -> None:
    start = Decimal(50_000)
    losses = LossLimits(Decimal(1_000), Decimal(2_000), LossState(start, start, start))
    losses.new_day(START, start)
    assert losses.breached(start - 1_000)
    assert (losses.state.lock, losses.breached(start - 1_500)) == (LossLock.DAY, False)
    assert losses.breached(start - 2_000)
    assert not losses.breached(start - 3_000)
    assert not losses.new_day(START + 24 * HOUR, start - 2_000)
    assert losses.state.lock is LossLock.EVER


async def _kept(config: SimulatorConfig, price: int) -> bytes:
    """What is kept of an account that holds ten contracts when the bid falls to a price."""
    async with bench(config) as desk:
        await enter(desk, size=10, stopLossBracket={"ticks": -900, "type": 4})
        desk.quote(price, price + 1)
        desk.wait(8)
        return msgspec.json.encode(desk.venue.account.saved())


@pytest.mark.parametrize(("price", "lock"), [(117_950, LossLock.NONE), (117_500, LossLock.DAY)])
async def test_a_restart_forgets_neither_lock_nor_floor(price: int, lock: LossLock) -> None:
    config = limited(1_000, 9_000)
    saved = msgspec.json.decode(await _kept(config, price), type=SavedAccount)
    async with bench(config) as desk:
        desk.venue.account.restore(saved, [], [])
        losses = desk.venue.account.losses
        assert losses is not None
        assert losses.state.lock is lock
        assert losses.state.opened_usd == 50_000
        assert await trading(desk) == (lock is LossLock.NONE)


async def test_books_of_before_there_were_limits_still_load() -> None:
    raw = msgspec.json.decode(await _kept(SimulatorConfig(), 117_950))
    del raw["losses"]
    saved = msgspec.convert(raw, SavedAccount, strict=False)
    async with bench(limited(1_000, 2_000)) as desk:
        desk.venue.account.restore(saved, [], [])
        losses = desk.venue.account.losses
        assert losses is not None
        assert losses.floor_usd == desk.venue.account.holdings.balance_usd - 2_000
