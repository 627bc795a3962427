"""F30: alerts that are edited while their trade is open."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model import records as r
from engine.model.alerts import Reason, Verdict
from engine.model.events import AlertKind
from engine.model.market import NANOS
from engine.model.notices import NoticeKind
from engine.model.orders import OrderStatus, Slot
from tests.support.alert_room import (
    LONG,
    STOP,
    T1,
    T2,
    TIGHTEN,
    entries,
    in_trade,
    last,
    leave,
    message,
)
from tests.support.venue_orders import PRICE


def test_f30_an_edit_after_the_fill_changes_nothing_by_default() -> None:
    bench, jm = in_trade()
    taken = jm.edit(LONG.replace("19990", "19995"))
    assert (taken.verdict, taken.detail) == (Verdict.IGNORED, "the trade is open and stays as it is")
    bench.obey(3)
    assert bench.stops() == [(1, STOP), (2, STOP)]
    assert "not followed" in last(bench, NoticeKind.REFUSAL)


def test_f30_a_tighter_stop_is_followed_where_the_room_allows() -> None:
    bench, jm = in_trade(TIGHTEN)
    bench.trade(PRICE + 10)
    taken = jm.edit(LONG.replace("19990", "19995"))
    assert taken.verdict is Verdict.FOLLOWED
    bench.obey(5)
    assert bench.stops() == [(1, PRICE - 20), (2, PRICE - 20)]
    assert bench.targets() == [(1, T1), (2, T2)]


def test_f30_a_stop_may_follow_beyond_the_entry() -> None:
    bench, jm = in_trade(TIGHTEN)
    bench.trade(PRICE + 20)
    jm.edit(LONG.replace("19990", "20002"))
    bench.obey(5)
    assert bench.stops() == [(1, PRICE + 8), (2, PRICE + 8)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("19990", "19985"), "a looser stop is not followed"),
        (("19990", "20010"), "the market has reached the new stop"),
        ((": A", ": C"), "its size stays"),
        (("long", "short"), "another contract or side"),
    ],
)
def test_f30_what_an_edit_may_not_do_to_an_open_trade(change: tuple[str, str], said: str) -> None:
    bench, jm = in_trade(TIGHTEN)
    bench.trade(PRICE)
    text = LONG.replace(*change)
    taken = jm.edit(text.replace("19990", "20010") if "short" in text else text)
    assert taken.verdict is Verdict.IGNORED
    assert said in taken.detail
    bench.obey(3)
    assert bench.stops() == [(1, STOP), (2, STOP)]
    assert bench.targets() == [(1, T1), (2, T2)]
    assert bench.book.position("MNQ").qty == 3


VARIANTS = replace(TIGHTEN, variants=True)
TARGETS = LONG.removesuffix("\n@everyone") + "\nTarget 1: {}\nTarget 2: {}"


def test_f30_targets_may_move_but_not_to_where_the_market_is() -> None:
    bench, jm = in_trade(VARIANTS)
    bench.trade(PRICE + 8)
    jm.edit(TARGETS.format(20001, 20020))
    bench.obey(5)
    assert bench.targets() == [(1, T1), (2, PRICE + 80)]
    assert "the market has reached the new target" in last(bench, NoticeKind.ORDER)
    jm.edit(TARGETS.format(20005, 20010))
    bench.obey(5)
    assert bench.targets() == [(1, PRICE + 20), (2, PRICE + 40)]


def test_f30_an_edit_after_the_first_target_concerns_the_runner_only() -> None:
    bench, jm = in_trade(VARIANTS)
    bench.trade(T1 + 1)
    leave(bench, 0, Slot.TARGET, T1)
    ((_, even),) = bench.stops()
    assert even is not None
    jm.edit(TARGETS.format(20005, 20015))
    bench.obey(5)
    assert bench.stops() == [(2, even)], "not back to the alert's stop"
    (plan,) = bench.book.plans.values()
    assert (plan.plan.legs[0].stop, plan.plan.legs[0].target) == (STOP, T1), "what is closed is closed"
    assert bench.targets() == [(2, PRICE + 60)]
    jm.edit(TARGETS.format(20005, 20015).replace("19990", "20004"))
    bench.obey(5)
    assert bench.stops() == [(2, PRICE + 16)]
    assert bench.in_slot(Slot.STOP, 0)[-1].status is not OrderStatus.WORKING


def test_f30_an_edit_of_a_trade_that_is_over_begins_no_new_one() -> None:
    bench, jm = in_trade(TIGHTEN)
    for leg in (0, 1):
        leave(bench, leg, Slot.STOP, STOP)
    bench.quote()
    taken = jm.edit(LONG.replace("19990", "19991"))
    assert (taken.verdict, taken.detail) == (Verdict.IGNORED, "its trade is over")
    assert len(entries(bench)) == 2


def test_f30_an_older_revision_that_comes_late_changes_nothing() -> None:
    bench, jm = in_trade(TIGHTEN)
    bench.trade(PRICE + 10)
    jm.edit(LONG.replace("19990", "19995"))
    posted = bench.written(r.AlertTaken)[0].posted_ts
    late = message(
        bench.now,
        LONG.replace("19990", "19998"),
        kind=AlertKind.EDITED,
        posted_ts=posted,
        revised_ts=posted + NANOS,
    )
    taken = jm.tell(late)
    assert taken is not None
    assert (taken.verdict, taken.reason) == (Verdict.IGNORED, Reason.SEEN)
    bench.obey(4)
    assert bench.stops() == [(1, PRICE - 20), (2, PRICE - 20)]
