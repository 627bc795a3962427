"""The drawdown limit: below the highest that the book has been, over days and restarts; and the exposure."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model import records as r
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE
from engine.model.plans import Leg
from engine.model.restrictions import TradingState
from engine.model.view import Band, LimitView
from engine.risk import bands
from tests.support.books import BOOK
from tests.support.guarded_book import ROLL, GuardedBook, kinds, new_day, restarted

LIMITS = RiskLimits(daily_loss_usd=Decimal(0), max_trades=0, max_drawdown_percent=Decimal(10))


def _guarded(limits: RiskLimits = LIMITS, balance: str = "10000") -> GuardedBook:
    guarded = GuardedBook(limits, balance=balance)
    guarded.look()
    return guarded


def _view(guarded: GuardedBook, name: str = bands.DRAWDOWN) -> LimitView:
    guarded.opened.orders.balance_usd = guarded.balance
    (found,) = (view for view in guarded.opened.guards.measured() if view.name == name)
    return found


def _stands(guarded: GuardedBook, used: int, limit: int) -> None:
    view = _view(guarded)
    assert view.used == used
    assert view.limit == limit


def test_its_base_is_the_highest_the_book_has_been() -> None:
    guarded = _guarded()
    _stands(guarded, 0, 1000)
    guarded.lose(-2000)  # 1000 USD won
    _note(guarded, "1000")
    _stands(guarded, 0, 1100)
    guarded.lose(400, plan_id="back")
    _stands(guarded, 200, 1100)


def _note(guarded: GuardedBook, high: str) -> None:
    """What the equity's watch writes down."""
    guarded.book.write(
        r.EquityNoted(
            ts=guarded.book.now,
            book=BOOK,
            total_usd=Decimal(high),
            high_usd=Decimal(high),
            low_usd=Decimal(0),
            drawdown_usd=Decimal(0),
        )
    )


def test_what_was_only_open_counts_too() -> None:
    guarded = _guarded()
    _note(guarded, "500")  # a trade was so far in profit, and came back
    _stands(guarded, 500, 1050)


def test_the_highest_outlasts_days_and_restarts() -> None:
    guarded = _guarded()
    guarded.lose(-2000)
    _note(guarded, "1000")
    new_day(guarded, "2026-11-17", ROLL)
    guarded.look()
    _stands(guarded, 0, 1100)
    guarded.lose(600, plan_id="day two")
    assert _view(guarded).used == 300
    new_day(guarded, "2026-11-18", ROLL + 24 * 60 * MINUTE)
    guarded.look()
    _stands(guarded, 300, 1100)
    after = restarted(guarded, LIMITS)
    after.look()
    _stands(after, 300, 1100)


def test_at_its_share_it_flattens_and_locks_until_it_is_changed() -> None:
    guarded = _guarded()
    guarded.lose(1800)  # 900 of 1000
    guarded.look()
    assert guarded.state() is TradingState.REDUCING
    guarded.lose(100, plan_id="last")
    guarded.book.entered(Leg(1, -40, None), price=1000, plan_id="open")
    written = guarded.look(1000)
    assert guarded.state() is TradingState.LOCKED
    assert r.FlattenStarted in kinds(written)
    assert guarded.standing is not None
    assert guarded.standing.guard == bands.DRAWDOWN
    assert guarded.standing.reason.startswith("drawdown limit: 95")
    assert guarded.standing.until is None
    new_day(guarded, "2026-11-17", ROLL)
    guarded.look()
    assert guarded.state() is TradingState.LOCKED
    same = restarted(guarded, replace(LIMITS, warn_percent=40))
    same.look()
    assert same.state() is TradingState.LOCKED
    changed = restarted(guarded, replace(LIMITS, max_drawdown_percent=Decimal(25)))
    changed.look()
    assert changed.state() is TradingState.ACTIVE


def test_what_it_leaves_is_told_to_the_gate() -> None:
    guarded = _guarded()
    guarded.lose(800)
    guarded.opened.orders.balance_usd = guarded.balance
    guards = guarded.opened.guards
    left = bands.headroom_usd(LIMITS, guards.account(), guards.figures())
    assert left == {bands.DRAWDOWN: Decimal(550)}


@pytest.mark.parametrize("balance", ["0", "-100"])
def test_without_money_there_is_nothing_to_measure_by(balance: str) -> None:
    guarded = _guarded(balance=balance)
    assert bands.DRAWDOWN not in {view.name for view in guarded.opened.guards.measured()}


def test_the_exposure_counts_what_is_held_and_what_is_being_entered() -> None:
    limits = replace(LIMITS, max_drawdown_percent=Decimal(0), max_exposure_percent=Decimal(50))
    guarded = _guarded(limits)
    figures = guarded.opened.guards.figures
    assert bands.exposure_left_usd(limits, figures()) == 5000
    guarded.book.entered(Leg(3, -40, None), price=1000, plan_id="held")
    guarded.look(1000)
    assert figures().exposed_usd == 3 * 500  # MNQ at 250 is worth 500
    view = _view(guarded, bands.EXPOSURE)
    assert (view.unit, view.band) == ("%", Band.CLEAR)
    assert view.limit == 50
    guarded.book.plan(Leg(2, -40, None), plan_id="coming")
    assert figures().exposed_usd > 3 * 500
    unknown = replace(figures(), equity_usd=None)
    assert bands.exposure_left_usd(limits, unknown) == 0
    assert bands.exposure_left_usd(LIMITS, unknown) is None
