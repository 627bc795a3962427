"""Coins at a venue where the stop has what it sells: no target rests beside it, the market is watched for it
(docs/semantics.md#spot).
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model import records as r
from engine.model.limits import RiskLimits, SingleContract
from engine.model.market import Side
from engine.model.orders import OrderType, Slot, VenueOrder
from engine.model.view import HealthView
from engine.runtime.view_builder import picture
from engine.venue.paper import CAPABILITIES
from tests.support.coins_set_aside import CoinsSetAside
from tests.support.kinds import COIN, LIMITS, Kinds, idea

PRICE, SYMBOL = 300_000, COIN.symbol
ONE_EXIT = replace(CAPABILITIES, balances=True, native_brackets=False, paired_exits=False)


class OneExit(CoinsSetAside, Kinds):
    def __init__(self, *targets: int, limits: RiskLimits = LIMITS) -> None:
        bought = (60, idea(SYMBOL, -2_000, *targets))
        super().__init__(bought, instruments=[COIN], limits=limits, brackets=False, capabilities=ONE_EXIT)

    def resting(self) -> list[VenueOrder]:
        """What would sell."""
        return [one for one in self.venue.orders if one.status.live and one.side is Side.SELL]

    def at(self, price: int, seconds: float = 5) -> None:
        self.tick(SYMBOL, price)
        self.wait(seconds)

    def bought(self) -> int:
        """Lots that are held once the idea was had."""
        self.minute((SYMBOL, PRICE))
        self.at(PRICE)
        return self.held(SYMBOL)


def stops(made: OneExit) -> list[tuple[int, int | None]]:
    return [(one.qty - one.filled_qty, one.stop) for one in made.resting() if one.type is OrderType.STOP]


@pytest.mark.parametrize("targets", [(4_000,), (4_000, 8_000)])
def test_the_stop_rests_alone_and_the_target_is_sold_when_it_is_reached(targets: tuple[int, ...]) -> None:
    made = OneExit(*targets)
    lots = made.bought()
    assert lots > 1
    assert [qty for qty, _ in stops(made)] == [lots]
    assert len(made.resting()) == 1
    entry = made.written(r.FillApplied)[0].fill.price
    made.at(entry + 3_999)
    assert made.held(SYMBOL) == lots
    made.at(entry + 4_000)
    assert (made.held(SYMBOL), made.resting(), made.refused) == (0, [], 0)
    [trade] = made.book.trades
    assert trade.reason == "target"
    assert trade.net_usd > 0
    assert not [one for one in made.book.orders.values() if one.slot is Slot.TARGET]
    assert (
        made.written(r.PlanChanged)[0].reason == f"target: its target {COIN.text(entry + 4_000)} is reached"
    )


def test_the_stop_ends_it_as_anywhere() -> None:
    made = OneExit(4_000)
    lots = made.bought()
    [(_, stop)] = stops(made)
    assert stop is not None
    made.at(stop - 1)
    made.at(stop - 2)
    assert (made.held(SYMBOL), made.resting()) == (0, [])
    sold = [one.fill for one in made.written(r.FillApplied) if one.fill.side is Side.SELL]
    assert sum(fill.qty for fill in sold) == lots
    assert made.book.trades[0].reason == "stop"


@pytest.mark.parametrize("falls_to", [3_000, -2_500])
def test_a_price_that_falls_back_at_once_leaves_nothing_open_and_sells_nothing_twice(falls_to: int) -> None:
    """What is begun is ended: the stop is gone, so it is sold, wherever the price is by then."""
    made = OneExit(4_000)
    lots = made.bought()
    entry = made.written(r.FillApplied)[0].fill.price
    made.at(entry + 4_000, seconds=0.01)
    made.at(entry + falls_to, seconds=0.2)
    made.at(entry + falls_to)
    assert (made.held(SYMBOL), made.resting()) == (0, [])
    sold = [one.fill for one in made.written(r.FillApplied) if one.fill.side is Side.SELL]
    assert sum(fill.qty for fill in sold) == lots


def test_a_stop_that_fills_while_it_is_called_back_is_the_only_sale() -> None:
    """The price is at the target and through the stop before the venue has heard of the cancel."""
    made = OneExit(4_000)
    lots = made.bought()
    [(_, stop)] = stops(made)
    assert stop is not None
    made.tick(SYMBOL, stop + 6_500)
    made.tick(SYMBOL, stop - 1)
    made.wait(5)
    made.at(stop - 2)
    assert (made.held(SYMBOL), made.resting()) == (0, [])
    sold = [one.fill for one in made.written(r.FillApplied) if one.fill.side is Side.SELL]
    assert sum(fill.qty for fill in sold) == lots
    assert made.wallet.balances()[0].total == 0


def test_a_restart_watches_on() -> None:
    made = OneExit(4_000)
    made.bought()
    entry = made.written(r.FillApplied)[0].fill.price
    made.restart()
    assert len(made.resting()) == 1
    made.at(entry + 4_001)
    assert (made.held(SYMBOL), made.resting()) == (0, [])
    assert made.book.trades[0].reason == "target"


def test_people_see_the_target_that_is_watched() -> None:
    made = OneExit(4_000)
    made.bought()
    entry = made.written(r.FillApplied)[0].fill.price
    [shown] = picture(made.core, 1, HealthView(ok=True)).positions
    assert shown.targets == (COIN.price(entry + 4_000),)
    assert shown.stop == COIN.price(entry - 2_000)


def test_held_for_the_second_target_it_is_left_there() -> None:
    made = OneExit(4_000, 8_000, limits=replace(LIMITS, single_contract=SingleContract.HOLD))
    lots = made.bought()
    entry = made.written(r.FillApplied)[0].fill.price
    made.at(entry + 4_010, seconds=10)
    assert made.held(SYMBOL) == lots
    [(_, stop)] = stops(made)
    assert stop is not None
    assert stop > entry
    made.at(entry + 8_010, seconds=10)
    assert made.held(SYMBOL) == 0
    assert sum((one.net_usd for one in made.book.trades), Decimal(0)) > 0
