"""A book that trades another account than the journal knows: nothing of the one is taken for the other's."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model import effects as fx
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.limits import RiskLimits
from engine.model.market import NANOS
from engine.model.orders import OrderType
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from tests.support.manual_venue import BOOK, ManualVenue, entered, idea
from tests.support.venue_orders import PRICE


def switched(bench: ManualVenue, *, risk: RiskLimits | None = None) -> ManualVenue:
    """The next start on the same journal trades account 2, in which nothing is open."""
    at = bench.now + 5 * NANOS
    again = ManualVenue(
        idea(), journal=bench.journal, boot=bench.core.state.boot + 1, at=at, risk=risk or bench.risk
    )
    again.account_id = "2"
    return again


def test_no_stop_is_placed_in_another_account_for_a_position_that_is_not_there() -> None:
    bench, _ = entered(legs=False)
    again = switched(bench)
    again.connect()
    again.wait(10)
    assert (again.of(fx.PlaceOrder), again.of(fx.ClosePosition), again.of(fx.CancelOrder)) == ([], [], [])
    assert (again.book.positions, again.book.plans, again.book.live_orders()) == ({}, {}, [])
    assert again.written(r.PositionAdjusted) == []
    assert any("+5 MNQ" in text and "not managed any more" in text for text in again.critical())
    assert [entry.type for entry in again.trade_idea()] == [OrderType.MARKET] * 2


def test_money_and_counts_of_one_account_are_not_shown_for_the_other() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["SL"], PRICE - 60))
    bench.end(ids["TP"])
    bench.wait(6)
    again = switched(bench)
    again.connect()
    assert again.core.books[BOOK].day_usd == 0
    assert (again.book.day.entries, again.book.day.losses_in_a_row, again.book.trades) == (0, 0, [])


def test_a_lock_of_the_day_stays_whatever_account_is_traded() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["SL"], PRICE - 400))
    bench.end(ids["TP"])
    bench.wait(3)
    again = switched(bench)
    again.connect()
    assert again.trade_idea() == []
    assert Refusal.LOCKED in again.written(r.IdeaRefused)[-1].refusals


def test_a_lock_by_the_maximum_loss_of_an_account_ends_with_the_account() -> None:
    limits = RiskLimits(daily_loss_usd=Decimal(0), max_loss_usd=Decimal(1000))
    bench = ManualVenue(idea(), risk=limits)
    bench.connect()
    bench.wait(6)
    for order in bench.trade_idea():
        ids = bench.enter(order)
        bench.tell_fill(bench.execute(ids["SL"], PRICE - 390))
        bench.end(ids["TP"])
    bench.wait(3)
    standing = bench.core.state.restrictions[f"{BOOK}/"]
    assert (standing.state, standing.guard) == (TradingState.LOCKED, "max loss")
    same = bench.restart(idea())
    same.connect()
    assert f"{BOOK}/" in same.core.state.restrictions
    again = switched(bench)
    again.connect()
    assert again.core.state.restrictions == {}


@pytest.mark.parametrize("asked_now", [True, False])
def test_a_flatten_is_carried_out_in_the_account_of_the_run_that_asked_for_it(asked_now: bool) -> None:
    bench, _ = entered()
    if not asked_now:
        bench.say(Flatten(id="f", instrument="MNQ"))
    again = switched(bench)
    again.wait(1)
    if asked_now:
        again.say(Flatten(id="f", instrument="MNQ"))
    again.positions["MNQ"] = 2
    again.invariants.protection_due = False
    again.connect()
    again.wait(4)
    assert again.book.flattening == ({"MNQ": "manual"} if asked_now else {})
    assert bool(again.of(fx.ClosePosition)) is asked_now
