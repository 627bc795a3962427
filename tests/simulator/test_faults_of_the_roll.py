"""F29 at the venue: the active contract changes while a position stands in the month before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.faults.catalogue import fault
from adapters.simulator.market.contracts import listing
from adapters.simulator.market.scripted import ManualClock
from adapters.simulator.opening import open_market
from engine.model.errors import RefusedError
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Side
from tests.simulator.practice_venue import ACCOUNT, MNQ, PracticeDesk, enter, stop_loss
from tests.simulator.test_restart import NOON, Run

NEXT = "CON.F.US.MNQ.H27"


async def active(desk: PracticeDesk) -> set[str]:
    return {row["id"] for row in (await desk.ask("Contract/available", live=False))["contracts"]}


async def held(desk: PracticeDesk) -> dict[str, int]:
    """Signed contracts by contract id."""
    return {row["contractId"]: row["size"] * (3 - 2 * row["type"]) for row in await desk.positions()}


async def test_f29_the_next_month_becomes_the_active_one(desk: PracticeDesk) -> None:
    desk.trade(118_000)
    desk.quote(118_000, 118_001)
    assert MNQ in await active(desk)
    assert (await desk.ask("Contract/searchById", contractId=NEXT))["errorCode"] == 1
    desk.venue.faults.add("rolled-contract", symbol="MNQ", basis=400)
    assert {NEXT, MNQ} & await active(desk) == {NEXT}
    old, new = [
        (await desk.ask("Contract/searchById", contractId=contract))["contract"] for contract in (MNQ, NEXT)
    ]
    assert (old["activeContract"], new["activeContract"], new["name"]) == (False, True, "MNQH7")
    wire = await desk.market_hub("SubscribeContractQuotes", "SubscribeContractTrades", contract=NEXT)
    assert (await wire.event("GatewayQuote"))[1]["bestBid"] == 29_600
    desk.trade(118_004)
    assert (await wire.event("GatewayTrade"))[1][0]["price"] == 29_601
    both = await desk.market_hub("SubscribeContractTrades")
    desk.trade(118_008)
    assert (await both.event("GatewayTrade"))[1][0]["price"] == 29_502


async def test_f29_the_old_month_takes_only_what_reduces_its_position(desk: PracticeDesk) -> None:
    entry = await enter(desk, size=2)
    desk.trade(118_001)
    desk.venue.controls.roll("MNQ")
    for fields in ({}, {"side": 1, "size": 3}, {"side": 1, "contractId": "CON.F.US.MNQ.U26"}):
        assert (await desk.place(**fields))["errorCode"] == 9
    assert (await desk.place(side=1, type=4, stopPrice=29_400))["success"]
    assert (await desk.place(contractId=NEXT, side=1, **stop_loss(40)))["success"]
    desk.wait(8)
    assert await held(desk) == {MNQ: 2, NEXT: -1}
    change = {"accountId": ACCOUNT, "orderId": entry + 1, "stopPrice": 29_495}
    assert (await desk.ask("Order/modify", **change))["success"]
    desk.wait(8)
    desk.trade(117_980)
    desk.wait(8)
    assert await held(desk) == {NEXT: -1}
    assert (await desk.ask("Position/closeContract", accountId=ACCOUNT, contractId=MNQ))["errorCode"] == 4
    assert (await desk.ask("Position/closeContract", accountId=ACCOUNT, contractId=NEXT))["success"]
    desk.wait(8)
    assert not await held(desk)


async def test_f29_the_old_position_can_be_closed(desk: PracticeDesk) -> None:
    await enter(desk)
    desk.venue.controls.roll("MNQ")
    assert (await desk.ask("Position/closeContract", accountId=ACCOUNT, contractId=MNQ))["success"]
    desk.wait(8)
    assert not await held(desk)


async def test_the_platform_trades_the_active_month(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    desk.venue.controls.roll("MNQ")
    desk.venue.platform.trade("MNQ", Side.BUY, 1)
    desk.wait(8)
    assert await held(desk) == {NEXT: 1}


async def test_both_months_count_for_what_may_be_held(desk: PracticeDesk) -> None:
    await enter(desk, size=30)
    desk.venue.controls.roll("MNQ")
    assert "Maximum" in (await desk.place(contractId=NEXT, size=21))["errorMessage"]
    assert (await desk.place(contractId=NEXT, size=20))["success"]


async def test_a_product_rolls_once(desk: PracticeDesk) -> None:
    desk.venue.controls.roll("MNQ")
    with pytest.raises(RefusedError, match="no next month of MNQ"):
        desk.venue.controls.roll("MNQ")
    desk.venue.faults.add(fault("rolled-contract"))
    assert (await desk.place(contractId=NEXT))["success"]


class Rolled:
    """A life that held two MES in the next month when it was killed, and those that come after it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.last = Run(state)
        self.last.exchange.roll("MES", 40)
        self.contract = self.last.opening.listing.front["MES"]
        self.last.enter()
        self.last.wait(61)

    def again(self, later_ns: int = 0) -> Run:
        """Kill the last life, so many nanoseconds later, and begin another."""
        self.last.clock.advance(later_ns)
        self.last.keep()
        self.last.kill()
        self.last = Run(self.state)
        return self.last


@pytest.fixture
def rolled(tmp_path: Path) -> Iterator[Rolled]:
    lives = Rolled(tmp_path / "state")
    yield lives
    lives.last.kill()


def test_a_roll_outlives_a_restart(rolled: Rolled) -> None:
    contract = rolled.contract
    assert contract.venue_symbol == contract.display_name
    bar = rolled.last.exchange.tickers[contract.venue_symbol].candles.closed[-1]
    again = rolled.again()
    assert again.opening.listing.front["MES"] == contract
    assert bar in again.exchange.tickers[contract.venue_symbol].candles.closed
    [held] = again.account.holdings.positions.values()
    assert (held.contract_id, held.qty) == (contract.id, 2)
    assert len([order for order in again.account.venue.orders if order.status.live]) == 2
    again.wait(1)
    assert again.account.close(contract.id, again.clock()).code == 0
    again.wait(1)
    assert not again.account.holdings.positions


def test_a_new_day_settles_what_stood_in_the_new_month(rolled: Rolled) -> None:
    again = rolled.again(20 * 60 * MINUTE)
    assert again.opening.listing.front["MES"] == rolled.contract
    assert not again.account.holdings.positions
    assert not [order for order in again.account.venue.orders if order.status.live]


def test_the_calendar_catches_up_with_a_roll(rolled: Rolled) -> None:
    rolled.last.clock.advance(20 * 60 * MINUTE)
    rolled.last.keep()
    rolled.last.kill()
    opening = open_market(SimulatorConfig(state=rolled.state), NOON)
    assert opening.storage is not None
    december = listing(tuple(CME_FUTURES.values()), date(2026, 12, 15))
    assert december.front["MES"].id == rolled.contract.id
    clock = ManualClock(opening.source.start_ts)
    exchange = Exchange(SimulatorConfig().exchange(), opening.source, clock, december, opening.storage)
    opening.storage.store.close()
    account = exchange.accounts[ACCOUNT]
    assert not account.holdings.positions
    assert len(account.rows.trades) == 2
