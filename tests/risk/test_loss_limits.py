"""Guards in bands: who is warned, when entries end, what locks until when, and what a restart finds."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model import records as r
from engine.model.commands import Resume
from engine.model.effects import CancelOrder, ClosePosition
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import Slot
from engine.model.plans import Leg, PlanStatus
from engine.model.restrictions import TradingState
from engine.model.view import Band
from tests.support.books import MES, day_rolled
from tests.support.guarded_book import DAILY, ROLL, TEN, GuardedBook, kinds, new_day, restarted, said

# --- bands -------------------------------------------------------------------------------------------------


def test_a_warning_comes_once_for_each_band_and_day() -> None:
    guarded = GuardedBook(DAILY)
    guarded.lose(1000)
    for _ in range(3):
        assert kinds(guarded.look()) == []
    assert guarded.warnings() == ["daily loss: 500.00 of 1000 USD used up, 50 %"]
    new_day(guarded, "2026-11-17", ROLL)
    guarded.look()
    guarded.lose(1000, plan_id="next")
    guarded.look()
    assert len(guarded.warnings()) == 2


def test_a_reduce_band_refuses_entries_and_ends_ten_points_lower() -> None:
    guarded = GuardedBook(DAILY)
    guarded.book.entered(TEN, price=1000)
    guarded.look(842)
    assert guarded.state() is TradingState.ACTIVE
    assert kinds(guarded.look(840)) == [r.StateChanged]
    assert guarded.state() is TradingState.REDUCING
    assert guarded.standing is not None
    assert "daily loss" in guarded.standing.reason
    for price in (841, 855, 861):
        assert guarded.look(price) == []
    assert guarded.look(862) != []
    assert guarded.state() is TradingState.ACTIVE


def test_a_reduce_band_cancels_what_rests() -> None:
    guarded = GuardedBook(DAILY)
    resting = guarded.book.plan(Leg(1, -40, None), plan_id="rests", entry_limit=900, instrument=MES)
    entry = guarded.book.accepted(guarded.book.order(Slot.ENTRY, 1, plan_id="rests", limit=900))
    guarded.lose(1700)
    assert [type(x) for x in guarded.look() if not isinstance(x, r.BalanceMarked)] == [
        r.StateChanged,
        r.OrderMoved,
    ]
    assert entry.cancel_wanted
    assert resting.plan.status is PlanStatus.OPEN


def test_no_resume_lifts_what_a_guard_has_set() -> None:
    guarded = GuardedBook(DAILY)
    guarded.lose(1700)
    guarded.look()
    answer = said(guarded, Resume(id="1"))
    assert "still no entries, 80 % or more of the daily loss limit is used up" in answer
    assert guarded.state() is TradingState.REDUCING


# --- F27: the order of actions -----------------------------------------------------------------------------


def test_f27_an_open_loss_blocks_first_then_cancels_then_closes() -> None:
    """940 USD unrealized and 12.20 USD for the costs of both sides: 95 % of 1000 USD."""
    guarded = GuardedBook(DAILY)
    book = guarded.book
    found = book.plan(TEN)
    book.fill(book.accepted(book.order(Slot.ENTRY, 10)), 1000, cost="6.10")
    stop, target = book.exits(found)
    book.plan(Leg(1, -40, None), plan_id="rests", entry_limit=700, instrument=MES)
    resting = book.accepted(book.order(Slot.ENTRY, 1, plan_id="rests", limit=700))
    guarded.opened.orders.inquiry.answered_ts = book.now
    book.turn.effects = []
    guarded.look(813)
    assert guarded.state() is TradingState.REDUCING
    told = guarded.look(812)
    assert kinds(told)[:2] == [r.StateChanged, r.FlattenStarted]
    assert guarded.state() is TradingState.LOCKED
    cancel, close = book.turn.effects
    assert isinstance(cancel, CancelOrder)
    assert isinstance(close, ClosePosition)
    assert (cancel.instrument, close.instrument) == ("MES", "MNQ")
    assert target is not None
    assert not stop.cancel_wanted
    assert not target.cancel_wanted
    assert resting.cancel_wanted


def test_f27_stops_go_only_when_the_position_is_gone_and_it_is_retried_until_then() -> None:
    guarded = GuardedBook(DAILY)
    book = guarded.book
    found = book.entered(TEN, price=1000)
    stop, _ = book.exits(found)
    guarded.opened.orders.inquiry.answered_ts = book.now
    guarded.look(800)
    book.wait(20 * NANOS)
    guarded.opened.orders.inquiry.answered_ts = book.now
    guarded.opened.orders.flattener._closing["MNQ"].answered = book.now - 10 * NANOS
    guarded.opened.orders.inquiry.proven_ts = book.now
    guarded.opened.orders.pulse()
    closes = [rec for rec in book.journal if isinstance(rec, r.CloseRequested)]
    assert len(closes) == 2
    assert not stop.cancel_wanted
    book.fill(book.adopted(10, Side.SELL, client_id="closing"), 800)
    guarded.opened.orders.pulse()
    assert stop.cancel_wanted
    assert "MNQ" in book.state.flattening  # until the venue shows neither position nor order


# --- F26: what a restart finds -----------------------------------------------------------------------------


def test_f26_a_restart_after_the_daily_loss_is_still_locked_with_reason_and_end() -> None:
    guarded = GuardedBook(DAILY)
    guarded.lose(1950)
    guarded.look()
    after = restarted(guarded, DAILY)
    assert after.state() is TradingState.LOCKED
    assert after.standing is not None
    assert after.standing.reason == "daily loss limit: 975.00 of 1000 USD used up (acts at 95 %)"
    assert after.standing.until == ROLL
    assert kinds(after.look()) == []
    answer = said(after, Resume(id="1"))
    assert "still locked, daily loss limit" in answer
    assert after.state() is TradingState.LOCKED


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_f26_losses_in_a_row_are_counted_over_restarts(lost: int) -> None:
    limits = replace(DAILY, max_losses_in_a_row=2)
    guarded = GuardedBook(limits)
    for n in range(lost):
        guarded.lose(10, plan_id=f"p{n}")
        guarded.look()
    after = restarted(guarded, limits)
    for n in range(lost, 2):
        assert after.state() is TradingState.ACTIVE
        after.lose(10, plan_id=f"p{n}")
        after.look()
    assert after.state() is TradingState.LOCKED
    assert after.standing is not None
    assert (after.standing.reason, after.standing.until) == ("2 losses in a row", ROLL)


def test_f26_the_trades_of_the_day_are_counted_over_restarts() -> None:
    limits = replace(DAILY, max_trades=2)
    guarded = GuardedBook(limits)
    guarded.lose(10)
    guarded.look()
    after = restarted(guarded, limits)
    assert after.state() is TradingState.ACTIVE
    found = after.book.entered(Leg(1, -40, None), price=1000, plan_id="second")
    after.book.exits(found)
    after.look(1000)
    assert after.state() is TradingState.LOCKED
    again = restarted(after, limits)
    assert again.standing is not None
    assert (again.state(), again.standing.reason) == (TradingState.LOCKED, "2 trades of this day")
    assert kinds(again.look(1000)) == []  # the trade that is open runs on
    assert again.book.state.flattening == {}


def test_f26_a_lock_ends_with_its_trade_date_even_if_nobody_was_there() -> None:
    guarded = GuardedBook(DAILY)
    guarded.lose(1950)
    guarded.look()
    after = restarted(guarded, DAILY, later=24 * 60 * MINUTE)
    after.book.write(day_rolled(after.book.now, "2026-11-17"))
    assert after.state() is TradingState.ACTIVE
    assert kinds(after.look()) == []


def test_a_count_that_locks_gives_way_to_a_loss_that_does() -> None:
    limits = replace(DAILY, max_trades=1)
    guarded = GuardedBook(limits)
    found = guarded.book.entered(TEN, price=10_000)
    guarded.book.exits(found)
    guarded.look(10_000)
    assert guarded.standing is not None
    assert guarded.standing.trades_stay
    assert guarded.book.state.flattening == {}
    guarded.look(9_800)
    assert guarded.standing is not None
    assert not guarded.standing.trades_stay
    assert guarded.book.state.flattening == {"MNQ": "risk"}


def test_the_view_shows_limits_the_nearest_first() -> None:
    guarded = GuardedBook(replace(DAILY, max_loss_usd=Decimal(2000), max_minis=5))
    guarded.look()
    guarded.book.entered(TEN, price=1000)
    guarded.look(900)
    found = guarded.opened.guards.measured()
    assert [(v.name, v.used, v.band) for v in found] == [
        ("daily loss", Decimal("506.10"), Band.WARN),
        ("max loss", Decimal("506.10"), Band.CLEAR),
        ("size", Decimal(1), Band.CLEAR),
    ]
