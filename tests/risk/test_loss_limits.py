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
from engine.model.view import Band, TradingState
from tests.support.books import MES, day_rolled
from tests.support.watch import DAILY, ROLL, TEN, Watch, kinds, new_day, restarted, said

# --- bands -------------------------------------------------------------------------------------------------


def test_a_warning_comes_once_for_each_band_and_day() -> None:
    watch = Watch(DAILY)
    watch.lose(1000)
    for _ in range(3):
        assert kinds(watch.look()) == []
    assert watch.warnings() == ["daily loss: 500.00 of 1000 USD used up, 50 %"]
    new_day(watch, "2026-11-17", ROLL)
    watch.look()
    watch.lose(1000, plan_id="next")
    watch.look()
    assert len(watch.warnings()) == 2


def test_a_reduce_band_refuses_entries_and_ends_ten_points_lower() -> None:
    watch = Watch(DAILY)
    watch.book.entered(TEN, price=1000)
    watch.look(842)
    assert watch.state() is TradingState.ACTIVE
    assert kinds(watch.look(840)) == [r.StateChanged]
    assert watch.state() is TradingState.REDUCING
    assert watch.standing is not None
    assert "daily loss" in watch.standing.reason
    for price in (841, 855, 861):
        assert watch.look(price) == []
    assert watch.look(862) != []
    assert watch.state() is TradingState.ACTIVE


def test_a_reduce_band_cancels_what_rests() -> None:
    watch = Watch(DAILY)
    resting = watch.book.plan(Leg(1, -40, None), plan_id="rests", entry_limit=900, instrument=MES)
    entry = watch.book.accepted(watch.book.order(Slot.ENTRY, 1, plan_id="rests", limit=900))
    watch.lose(1700)
    assert [type(x) for x in watch.look() if not isinstance(x, r.BalanceMarked)] == [
        r.StateChanged,
        r.OrderMoved,
    ]
    assert entry.cancel_wanted
    assert resting.plan.status is PlanStatus.OPEN


def test_no_resume_lifts_what_a_guard_has_set() -> None:
    watch = Watch(DAILY)
    watch.lose(1700)
    watch.look()
    answer = said(watch, Resume(id="1"))
    assert "still reducing: 80 % or more of the daily loss limit is used up" in answer
    assert watch.state() is TradingState.REDUCING


# --- F27: the order of actions -----------------------------------------------------------------------------


def test_f27_an_open_loss_blocks_first_then_cancels_then_closes() -> None:
    """940 USD unrealized and 12.20 USD for the costs of both sides: 95 % of 1000 USD."""
    watch = Watch(DAILY)
    book = watch.book
    found = book.plan(TEN)
    book.fill(book.accepted(book.order(Slot.ENTRY, 10)), 1000, cost="6.10")
    stop, target = book.exits(found)
    book.plan(Leg(1, -40, None), plan_id="rests", entry_limit=700, instrument=MES)
    resting = book.accepted(book.order(Slot.ENTRY, 1, plan_id="rests", limit=700))
    watch.desk.inquiry.answered_ts = book.now
    book.turn.effects = []
    watch.look(813)
    assert watch.state() is TradingState.REDUCING
    told = watch.look(812)
    assert kinds(told)[:2] == [r.StateChanged, r.FlattenStarted]
    assert watch.state() is TradingState.LOCKED
    cancel, close = book.turn.effects
    assert isinstance(cancel, CancelOrder)
    assert isinstance(close, ClosePosition)
    assert (cancel.instrument, close.instrument) == ("MES", "MNQ")
    assert target is not None
    assert not stop.cancel_wanted
    assert not target.cancel_wanted
    assert resting.cancel_wanted


def test_f27_stops_go_only_when_the_position_is_gone_and_it_is_retried_until_then() -> None:
    watch = Watch(DAILY)
    book = watch.book
    found = book.entered(TEN, price=1000)
    stop, _ = book.exits(found)
    watch.desk.inquiry.answered_ts = book.now
    watch.look(800)
    book.wait(20 * NANOS)
    watch.desk.inquiry.answered_ts = book.now
    watch.desk.closing["MNQ"].answered = book.now - 10 * NANOS
    watch.desk.inquiry.proven_ts = book.now
    watch.desk.pulse()
    closes = [rec for rec in book.journal if isinstance(rec, r.CloseRequested)]
    assert len(closes) == 2
    assert not stop.cancel_wanted
    book.fill(book.adopted(10, Side.SELL, client_id="closing"), 800)
    watch.desk.pulse()
    assert stop.cancel_wanted
    assert "MNQ" in book.state.flattening  # until the venue shows neither position nor order


# --- F26: what a restart finds -----------------------------------------------------------------------------


def test_f26_a_restart_after_the_daily_loss_is_still_locked_with_reason_and_end() -> None:
    watch = Watch(DAILY)
    watch.lose(1950)
    watch.look()
    after = restarted(watch, DAILY)
    assert after.state() is TradingState.LOCKED
    assert after.standing is not None
    assert after.standing.reason == "daily loss limit: 975.00 of 1000 USD used up (acts at 95 %)"
    assert after.standing.until == ROLL
    assert kinds(after.look()) == []
    answer = said(after, Resume(id="1"))
    assert "still locked: daily loss limit" in answer
    assert after.state() is TradingState.LOCKED


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_f26_losses_in_a_row_are_counted_over_restarts(lost: int) -> None:
    limits = replace(DAILY, max_losses_in_a_row=2)
    watch = Watch(limits)
    for n in range(lost):
        watch.lose(10, plan_id=f"p{n}")
        watch.look()
    after = restarted(watch, limits)
    for n in range(lost, 2):
        assert after.state() is TradingState.ACTIVE
        after.lose(10, plan_id=f"p{n}")
        after.look()
    assert after.state() is TradingState.LOCKED
    assert after.standing is not None
    assert (after.standing.reason, after.standing.until) == ("2 losses in a row", ROLL)


def test_f26_the_trades_of_the_day_are_counted_over_restarts() -> None:
    limits = replace(DAILY, max_trades=2)
    watch = Watch(limits)
    watch.lose(10)
    watch.look()
    after = restarted(watch, limits)
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
    watch = Watch(DAILY)
    watch.lose(1950)
    watch.look()
    after = restarted(watch, DAILY, later=24 * 60 * MINUTE)
    after.book.write(day_rolled(after.book.now, "2026-11-17"))
    assert after.state() is TradingState.ACTIVE
    assert kinds(after.look()) == []


def test_a_count_that_locks_gives_way_to_a_loss_that_does() -> None:
    limits = replace(DAILY, max_trades=1)
    watch = Watch(limits)
    found = watch.book.entered(TEN, price=1000)
    watch.book.exits(found)
    watch.look(1000)
    assert watch.standing is not None
    assert watch.standing.trades_stay
    assert watch.book.state.flattening == {}
    watch.look(800)
    assert watch.standing is not None
    assert not watch.standing.trades_stay
    assert watch.book.state.flattening == {"MNQ": "risk"}


def test_the_view_shows_limits_the_nearest_first() -> None:
    watch = Watch(replace(DAILY, max_loss_usd=Decimal(2000), max_minis=5))
    watch.look()
    watch.book.entered(TEN, price=1000)
    watch.look(900)
    found = watch.guards.measured(watch.desk, watch.marks)
    assert [(v.name, v.used, v.band) for v in found] == [
        ("daily loss", Decimal("506.10"), Band.WARN),
        ("max loss", Decimal("506.10"), Band.CLEAR),
        ("size", Decimal(1), Band.CLEAR),
    ]
