"""F30: alerts that are edited, deleted, posted again, read twice or late.

Written by hand at the venue: an entry fills when the test says so, so every edit finds it where it should.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.alerts import Reason, Verdict
from engine.model.events import AlertKind
from engine.model.market import NANOS
from engine.model.notices import NoticeKind
from engine.model.orders import OrderStatus, Slot
from tests.support.alert_room import (
    LONG,
    STOP,
    TIGHTEN,
    Room,
    at_work,
    brackets_of,
    cancelled,
    entries,
    in_trade,
    last,
    leave,
    message,
)
from tests.support.venue_orders import PRICE

# --- F30: read twice -----------------------------------------------------------------------------------


def test_f30_the_same_revision_by_two_paths_trades_once() -> None:
    bench, jm = at_work()
    jm.post()
    assert jm.tell(replace(message(bench.now, posted_ts=bench.now - NANOS // 5), caught_up=True)) is None
    bench.wait(1)
    assert jm.tell(message(bench.now, posted_ts=bench.now - 3 * NANOS)) is None
    assert len(entries(bench)) == 2
    assert bench.core.turn.counts["alerts read again"] == 2


def test_f30_a_relay_of_the_same_trade_is_no_second_one() -> None:
    bench, jm = at_work()
    jm.post()
    copy = jm.post("🚨 NQ long 20000: B\nStop: 19990", number="2")
    assert (copy.verdict, copy.reason) == (Verdict.REFUSED, Reason.SEEN)
    edited = jm.edit("🚨 NQ long 20001: B\nStop: 19990", number="2")
    assert (edited.verdict, edited.reason) == (Verdict.IGNORED, Reason.SEEN)
    assert len(entries(bench)) == 2


def test_f30_a_restart_knows_what_was_read() -> None:
    bench, _ = in_trade()
    for leg in (0, 1):
        leave(bench, leg, Slot.STOP, STOP)
    assert not bench.book.plans
    posted = bench.written(r.AlertTaken)[0].posted_ts
    again = bench.restart(after_s=1)
    again.connect()
    again.quote()
    room = Room(again)
    assert room.tell(message(again.now, posted_ts=posted)) is None
    edited = room.tell(
        message(again.now, LONG.replace("19990", "19991"), kind=AlertKind.EDITED, posted_ts=posted)
    )
    assert edited is not None
    assert (edited.verdict, edited.detail) == (Verdict.IGNORED, "its trade is over")
    assert entries(again) == []


def test_f30_a_restart_between_journal_and_venue_does_not_enter_again() -> None:
    """The intent is in the journal, the venue never got it: looked up, found lost, and never sent again."""
    bench, jm = at_work()
    jm.post()
    posted = bench.written(r.AlertTaken)[0].posted_ts
    again = bench.restart(after_s=1)
    again.connect()
    assert Room(again).tell(message(again.now, posted_ts=posted)) is None
    again.wait(20)
    assert entries(again) == []
    assert not again.book.plans


@pytest.mark.parametrize(("age_s", "caught_up"), [(61, False), (61, True), (5, True), (86_400, False)])
def test_f30_backlog_is_logged_and_never_traded(age_s: float, caught_up: bool) -> None:
    bench, jm = at_work()
    posted = bench.now - int(age_s * NANOS)
    taken = jm.tell(message(bench.now, posted_ts=posted, caught_up=caught_up))
    assert taken is not None
    assert (taken.verdict, taken.reason) == (Verdict.REFUSED, Reason.EXPIRED)
    assert entries(bench) == []
    assert "older than an alert may be" in last(bench, NoticeKind.REFUSAL)


def test_f30_at_the_age_limit_it_still_trades() -> None:
    bench, jm = at_work()
    jm.post(age_s=60)
    assert len(entries(bench)) == 2


# --- F30: edited before the fill -----------------------------------------------------------------------


def test_f30_an_edit_before_the_fill_takes_the_entry_back_and_enters_anew() -> None:
    bench, jm = at_work()
    jm.post()
    old = entries(bench)
    ids = bench.accept(*old)
    taken = jm.edit(LONG.replace(": A", ": C").replace("19990", "19992"))
    assert taken.verdict is Verdict.AMENDED
    assert cancelled(bench) == {order.client_id for order in old}
    assert len(entries(bench)) == 2, "not before the old entry is certainly gone"
    for venue_id in ids:
        bench.end(venue_id)
    assert brackets_of(bench)[2:] == [(1, -33, 27)]
    plan = bench.written(r.PlanOpened)[-1].plan
    assert plan.origin == "alert:jm:1"
    assert plan.legs[0].stop == PRICE - 32
    assert bench.core.state.room_trades == {"jm": 1}


def test_f30_the_new_entry_waits_for_an_unknown_outcome() -> None:
    bench, jm = at_work()
    jm.post(LONG.replace(": A", ": C"))
    (old,) = entries(bench)
    bench.reply(old, ev.Outcome.UNKNOWN)
    jm.edit(LONG.replace(": A", ": B"))
    bench.wait(14)
    assert len(entries(bench)) == 1
    bench.quote()
    bench.wait(6)
    assert bench.order(old.client_id).status is OrderStatus.REJECTED
    bench.quote()
    assert [order.qty for order in entries(bench)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nevermind", Reason.NOT_AN_ALERT),
        (LONG.replace("19990", "20010"), Reason.STOP_SIDE),
        (LONG.replace("NQ", "CL"), Reason.UNKNOWN_CONTRACT),
    ],
)
def test_f30_an_edit_that_is_no_alert_any_more_cancels(text: str, reason: Reason) -> None:
    bench, jm = at_work()
    jm.post()
    ids = bench.accept(*entries(bench))
    taken = jm.edit(text)
    assert (taken.verdict, taken.reason) == (Verdict.CANCELLED, reason)
    for venue_id in ids:
        bench.end(venue_id)
    bench.wait(2)
    assert len(entries(bench)) == 2
    assert not bench.book.plans


def test_f30_an_edit_that_changes_only_words_changes_nothing() -> None:
    bench, jm = at_work()
    jm.post()
    taken = jm.edit(LONG + "\nlooking good")
    assert taken.verdict is Verdict.IGNORED
    assert bench.of(fx.CancelOrder) == []
    assert len(entries(bench)) == 2


def test_f30_a_late_edit_before_the_fill_only_cancels() -> None:
    bench, jm = at_work()
    jm.post(age_s=59)
    bench.accept(*entries(bench))
    bench.now += 2 * NANOS
    bench.quote()
    taken = jm.edit(LONG.replace("19990", "19991"))
    assert (taken.verdict, taken.reason) == (Verdict.CANCELLED, Reason.EXPIRED)
    assert len(cancelled(bench)) == 2


def test_f30_an_amended_entry_that_gets_too_old_is_not_made() -> None:
    bench, jm = at_work()
    jm.post(age_s=55)
    ids = bench.accept(*entries(bench))
    jm.edit(LONG.replace("19990", "19991"))
    bench.now += 6 * NANOS
    for venue_id in ids:
        bench.end(venue_id)
    assert len(entries(bench)) == 2
    assert "not entered: it is older" in last(bench, NoticeKind.REFUSAL)


def test_f30_a_fill_that_beats_the_cancel_is_a_trade_of_the_old_text() -> None:
    bench, jm = at_work()
    jm.post()
    orders = entries(bench)
    ids = bench.accept(*orders)
    jm.edit(LONG.replace("19990", "19992"))
    for venue_id in ids:
        bench.tell_fill(bench.execute(venue_id, PRICE + 1))
    bench.obey(8)
    assert len(entries(bench)) == 2
    assert bench.book.position("MNQ").qty == 3
    assert bench.stops() == [(1, STOP), (2, STOP)]
    assert "filled before it could be taken back" in last(bench, NoticeKind.REFUSAL)


def test_f30_that_trade_follows_the_edit_where_the_room_allows() -> None:
    bench, jm = at_work(TIGHTEN)
    jm.post()
    ids = bench.accept(*entries(bench))
    jm.edit(LONG.replace("19990", "19992"))
    bench.trade(PRICE)
    for venue_id in ids:
        bench.tell_fill(bench.execute(venue_id, PRICE + 1))
    bench.obey(8)
    assert bench.stops() == [(1, PRICE - 32), (2, PRICE - 32)]


# --- F30: deleted and posted again ---------------------------------------------------------------------


def test_f30_deleted_before_the_fill_the_entry_is_cancelled() -> None:
    bench, jm = at_work()
    jm.post()
    ids = bench.accept(*entries(bench))
    taken = jm.delete()
    assert taken.verdict is Verdict.CANCELLED
    for venue_id in ids:
        bench.end(venue_id)
    assert not bench.book.plans
    edited = jm.edit(LONG.replace("19990", "19991"))
    assert edited.reason is Reason.SEEN
    again = jm.post(number="2")
    assert again.verdict is Verdict.TRADED, "posted again, it is another alert"
    assert len(entries(bench)) == 4


def test_f30_deleted_after_the_fill_the_trade_stays() -> None:
    bench, jm = in_trade(TIGHTEN)
    taken = jm.delete()
    assert taken.verdict is Verdict.IGNORED
    bench.obey(3)
    assert bench.stops() == [(1, STOP), (2, STOP)]
    assert "an alert was deleted: the trade is open and stays as it is" in last(bench, NoticeKind.REFUSAL)
    again = jm.post(number="2")
    assert again.reason is Reason.SEEN


def test_f30_deleted_with_one_leg_filled_only_the_other_is_cancelled() -> None:
    bench, jm = at_work()
    jm.post()
    first, second = entries(bench)
    ids = bench.accept(first, second)
    bench.tell_fill(bench.execute(ids[0], PRICE + 1))
    taken = jm.delete()
    assert taken.verdict is Verdict.CANCELLED
    assert cancelled(bench) == {second.client_id}
    bench.end(ids[1])
    bench.obey(6)
    assert bench.stops() == [(1, STOP)]


def test_f30_deleted_by_a_clock_that_is_behind_counts_all_the_same() -> None:
    bench, jm = at_work()
    jm.post()
    bench.accept(*entries(bench))
    ahead = message(
        bench.now, LONG + "!", kind=AlertKind.EDITED, posted_ts=bench.now, revised_ts=bench.now + NANOS
    )
    jm.tell(ahead)
    taken = jm.delete()
    assert taken.verdict is Verdict.CANCELLED


def test_f30_deleted_before_it_was_read_it_is_never_traded() -> None:
    bench, jm = at_work()
    jm.tell(message(bench.now, "", kind=AlertKind.DELETED))
    taken = jm.post()
    assert (taken.verdict, taken.reason) == (Verdict.IGNORED, Reason.SEEN)
    assert entries(bench) == []


def test_f30_a_typo_that_is_mended_in_time_is_traded() -> None:
    bench, jm = at_work()
    jm.post("🚨 NQ long 20000: A\nStop: 1999O")
    assert entries(bench) == []
    bench.wait(2)
    bench.quote()
    taken = jm.edit(LONG)
    assert taken.verdict is Verdict.TRADED
    assert len(entries(bench)) == 2
