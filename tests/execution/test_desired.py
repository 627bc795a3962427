"""What should stand at the venue for a plan, state by state, and what is done about the difference."""

from __future__ import annotations

import pytest

from engine.execution.break_even import break_even, cost_ticks
from engine.execution.desired import (
    OCO_GRACE_NS,
    RETRY_NS,
    Action,
    Cancel,
    Modify,
    Place,
    difference,
    finished,
    wanted,
)
from engine.model import records as r
from engine.model.instrument import CME_FUTURES
from engine.model.market import NANOS, Side
from engine.model.orders import OrderSpec, OrderType, Slot
from engine.model.plans import Leg, PlanStatus
from engine.model.records import OrderEvent as E
from tests.support.books import BOOK, GRACE, Book

ONE = Leg(2, -40, 60)
T1, T2 = Leg(1, -40, 60), Leg(2, -40, 120)


def _actions(book: Book, plan_id: str = "p") -> list[Action]:
    return list(difference(book.state.plans[plan_id], book.state.orders, book.now, GRACE))


def _say(action: Action) -> tuple[object, ...]:
    """An action in short: what, which leg or order, how much, where."""
    match action:
        case Place(leg, slot, spec):
            return "place", leg, slot, spec.qty, spec.price
        case Modify(order, qty, limit, stop):
            return "modify", order.slot, qty, stop if stop is not None else limit
        case Cancel(order):
            return "cancel", order.slot


def _told(book: Book) -> list[tuple[object, ...]]:
    return [_say(action) for action in _actions(book)]


def _legs(book: Book, *legs: Leg) -> None:
    book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="p", legs=legs))


def test_a_new_plan_wants_its_entries_with_their_brackets() -> None:
    book = Book()
    found = book.plan(T1, T2)
    assert wanted(found, 1, {}) == {
        Slot.ENTRY: OrderSpec(Side.BUY, OrderType.MARKET, 2, stop_offset=-40, target_offset=120)
    }
    assert _told(book) == [("place", 0, Slot.ENTRY, 1, None), ("place", 1, Slot.ENTRY, 2, None)]


def test_a_limit_entry_rests_at_its_price() -> None:
    book = Book()
    found = book.plan(Leg(1, 40, -60), side=Side.SELL, entry_limit=1010)
    (want,) = wanted(found, 0, {}).values()
    assert (want.type, want.side, want.limit) == (OrderType.LIMIT, Side.SELL, 1010)


@pytest.mark.parametrize("end", [E.CANCELED, E.REJECTED, E.EXPIRED, E.TIMED_OUT, E.DENIED])
def test_an_entry_is_never_sent_twice(end: E) -> None:
    book = Book()
    book.plan(ONE)
    entry = book.order(Slot.ENTRY, 2)
    book.moved(entry.client_id, end)
    book.wait(60 * NANOS)
    assert _actions(book) == []


@pytest.mark.parametrize("status", [PlanStatus.CLOSING, PlanStatus.OPEN])
def test_a_closing_plan_takes_its_entry_back(status: PlanStatus) -> None:
    book = Book()
    found = book.plan(ONE, entry_limit=990)
    entry = book.accepted(book.order(Slot.ENTRY, 2, limit=990))
    book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="p", status=status))
    assert _told(book) == ([("cancel", Slot.ENTRY)] if status is PlanStatus.CLOSING else [])
    book.moved(entry.client_id, E.CANCEL_REQUESTED)
    assert _actions(book) == []
    book.moved(entry.client_id, E.CANCELED)
    assert _actions(book) == []
    assert finished(found, book.state.orders)


def test_a_closing_plan_enters_no_more() -> None:
    book = Book()
    found = book.plan(ONE)
    book.write(r.FlattenStarted(ts=book.now, book=BOOK, instruments=("MNQ",), reason="manual"))
    assert found.plan.status is PlanStatus.CLOSING
    assert _actions(book) == []


def test_a_closing_plan_keeps_the_stop_of_what_is_still_held() -> None:
    book = Book()
    book.entered(ONE, price=1000)
    book.write(r.FlattenStarted(ts=book.now, book=BOOK, instruments=("MNQ",), reason="manual"))
    book.wait(GRACE)
    assert _told(book) == [("place", 0, Slot.STOP, 2, 960), ("place", 0, Slot.TARGET, 2, 1060)]


@pytest.mark.parametrize(("side", "stop", "target"), [(Side.BUY, 960, 1060), (Side.SELL, 1040, 940)])
def test_missing_protection_is_placed_after_the_grace_and_the_stop_first(
    side: Side, stop: int, target: int
) -> None:
    book = Book()
    book.entered(Leg(2, -40 * side.sign, 60 * side.sign), side=side, price=1000)
    book.wait(GRACE - 1)
    assert _actions(book) == []
    book.wait(1)
    assert _told(book) == [("place", 0, Slot.STOP, 2, stop), ("place", 0, Slot.TARGET, 2, target)]
    wants = [action.spec for action in _actions(book) if isinstance(action, Place)]
    assert {want.side for want in wants} == {side.opposite}
    assert [want.type for want in wants] == [OrderType.STOP, OrderType.LIMIT]


def test_working_brackets_are_left_alone() -> None:
    book = Book()
    found = book.entered(T1, T2, price=1000)
    book.exits(found, 0)
    book.exits(found, 1)
    book.wait(60 * NANOS)
    assert _actions(book) == []


def test_a_bracket_that_begins_to_work_in_time_is_left_alone() -> None:
    book = Book()
    found = book.plan(ONE)
    entry = book.accepted(book.order(Slot.ENTRY, 2))
    stop = book.adopted(
        2, Side.SELL, client_id=f"{entry.client_id}-SL", plan_id="p", slot=Slot.STOP, stop=960, suspended=True
    )
    book.wait(60 * NANOS)
    assert _actions(book) == []
    book.fill(entry, 1000)
    book.wait(GRACE // 2)
    assert _actions(book) == []
    book.moved(stop.client_id, E.ACCEPTED, suspended=False)
    book.wait(GRACE)
    assert not any(isinstance(a, Place) and a.slot is Slot.STOP for a in _actions(book))
    assert found.open_qty == 2


def test_a_bracket_stop_that_stays_suspended_protects_nothing() -> None:
    book = Book()
    book.plan(ONE)
    entry = book.accepted(book.order(Slot.ENTRY, 2))
    for slot, stop, limit in ((Slot.STOP, 960, None), (Slot.TARGET, None, 1060)):
        tag = f"{entry.client_id}-{'SL' if slot is Slot.STOP else 'TP'}"
        book.adopted(
            2, Side.SELL, client_id=tag, plan_id="p", slot=slot, stop=stop, limit=limit, suspended=True
        )
    book.fill(entry, 1000)
    book.wait(GRACE)
    assert _told(book) == [("place", 0, Slot.STOP, 2, 960)]
    book.accepted(book.order(Slot.STOP, 2, stop=960))
    assert _actions(book) == []


def test_a_partly_filled_entry_whose_bracket_waits_gets_a_stop_for_what_is_open_and_it_grows() -> None:
    book = Book()
    book.plan(Leg(3, -40, None), entry_limit=1000)
    entry = book.accepted(book.order(Slot.ENTRY, 3, limit=1000))
    book.fill(entry, 1000, 1)
    book.wait(GRACE)
    assert _told(book) == [("place", 0, Slot.STOP, 1, 960)]
    book.accepted(book.order(Slot.STOP, 1, stop=960))
    assert _actions(book) == []
    book.fill(entry, 1000, 1)
    assert _told(book) == [("modify", Slot.STOP, 2, None)]


def test_f12_a_venues_own_bracket_grows_with_its_entry_and_is_corrected_where_it_does_not() -> None:
    book = Book()
    found = book.plan(Leg(3, -40, None), entry_limit=1000)
    entry = book.accepted(book.order(Slot.ENTRY, 3, limit=1000))
    book.fill(entry, 1000, 1)
    book.exits(found)
    book.fill(entry, 1000, 1)
    assert _actions(book) == []
    book.wait(GRACE - 1)
    assert _actions(book) == []
    book.wait(1)
    assert _told(book) == [("modify", Slot.STOP, 2, None)]
    book.fill(entry, 1000, 1)
    assert _told(book) == [("modify", Slot.STOP, 3, None)]


def test_an_entry_cut_short_sizes_its_exits_to_what_was_filled() -> None:
    book = Book()
    found = book.plan(Leg(3, -40, 60), entry_limit=1000)
    entry = book.accepted(book.order(Slot.ENTRY, 3, limit=1000))
    book.fill(entry, 1000, 2)
    book.exits(found, qty=3)
    book.moved(entry.client_id, E.CANCELED)
    assert _told(book) == [("modify", Slot.STOP, 2, None), ("modify", Slot.TARGET, 2, None)]


def test_a_stop_that_vanished_is_placed_anew_after_a_breath() -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    stop, _ = book.exits(found)
    book.wait(60 * NANOS)
    book.moved(stop.client_id, E.CANCELED)
    book.wait(RETRY_NS - 1)
    assert _actions(book) == []
    book.wait(1)
    assert _told(book) == [("place", 0, Slot.STOP, 2, 960)]


@pytest.mark.parametrize("event", [E.SENT, E.TIMED_OUT])
def test_a_stop_of_unknown_outcome_is_not_sent_again(event: E) -> None:
    book = Book()
    book.entered(Leg(2, -40, None), price=1000)
    book.wait(GRACE)
    stop = book.order(Slot.STOP, 2, stop=960)
    book.moved(stop.client_id, event)
    book.wait(60 * NANOS)
    assert _actions(book) == []
    book.moved(stop.client_id, E.NOT_FOUND)
    book.wait(RETRY_NS)
    assert _told(book) == ([("place", 0, Slot.STOP, 2, 960)] if event is E.TIMED_OUT else [])


def test_no_target_is_placed_while_its_stop_is_gone() -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    stop, target = book.exits(found)
    assert target is not None
    book.moved(target.client_id, E.CANCELED)
    book.wait(RETRY_NS // 2)
    book.moved(stop.client_id, E.CANCELED)
    book.wait(RETRY_NS // 2)
    assert _actions(book) == []
    book.wait(RETRY_NS // 2)
    assert [told[2] for told in _told(book)] == [Slot.STOP, Slot.TARGET]


@pytest.mark.parametrize("filled", [Slot.STOP, Slot.TARGET])
def test_when_one_exit_filled_its_sibling_is_cancelled_if_the_venue_does_not(filled: Slot) -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    stop, target = book.exits(found)
    assert target is not None
    done, sibling = (stop, target) if filled is Slot.STOP else (target, stop)
    book.wait(60 * NANOS)
    book.moved(sibling.client_id, E.ACCEPTED, qty=2)
    book.fill(done, 960)
    book.wait(OCO_GRACE_NS - 1)
    assert wanted(found, 0, {}) == {}
    assert _actions(book) == []
    book.wait(1)
    assert _told(book) == [("cancel", sibling.slot)]
    assert not finished(found, book.state.orders)
    book.moved(sibling.client_id, E.CANCELED)
    assert _actions(book) == []
    assert finished(found, book.state.orders)


def test_a_part_of_the_target_shrinks_the_stop() -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    _, target = book.exits(found)
    assert target is not None
    book.fill(target, 1060, 1)
    assert _told(book) == [("modify", Slot.STOP, 1, None)]


def test_a_part_of_the_stop_shrinks_the_target_and_counts_what_is_filled() -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    stop, _ = book.exits(found)
    book.fill(stop, 960, 1)
    assert _told(book) == [("modify", Slot.TARGET, 1, None)]
    book.moved(stop.client_id, E.ACCEPTED, qty=3)
    assert ("modify", Slot.STOP, 2, None) in _told(book)


def test_break_even_moves_the_stop_and_nothing_else() -> None:
    book = Book()
    found = book.entered(T1, T2, price=1000)
    for k in (0, 1):
        book.exits(found, k)
    _legs(book, T1, Leg(2, -40, 120, stop=1003))
    (action,) = _actions(book)
    assert isinstance(action, Modify)
    assert (action.order.leg, action.qty, action.limit, action.stop) == (1, None, None, 1003)
    book.moved(action.order.client_id, E.MODIFY_REQUESTED, stop=1003)
    assert _actions(book) == []
    assert action.order.stop == 960
    book.moved(action.order.client_id, E.MODIFIED, stop=1003)
    assert action.order.stop == 1003
    assert _actions(book) == []


def test_a_refused_break_even_leaves_the_stop_and_is_tried_again_later() -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    stop, _ = book.exits(found)
    _legs(book, Leg(2, -40, 60, stop=1003))
    book.moved(stop.client_id, E.MODIFY_REQUESTED, stop=1003)
    book.moved(stop.client_id, E.REQUEST_REFUSED, reason="through the market")
    assert stop.stop == 960
    assert _actions(book) == []
    book.wait(RETRY_NS)
    assert _told(book) == [("modify", Slot.STOP, None, 1003)]


def test_a_moved_stop_that_is_placed_anew_stands_where_it_was_moved_to() -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    stop, _ = book.exits(found)
    _legs(book, Leg(2, -40, 60, stop=1003))
    book.moved(stop.client_id, E.CANCELED)
    book.wait(RETRY_NS)
    assert _told(book) == [("place", 0, Slot.STOP, 2, 1003)]


def test_both_exits_in_a_race_leave_no_exit_of_the_other_leg_too_many() -> None:
    """The second fill closed what the runner held: its stop would open a short."""
    book = Book()
    found = book.entered(T1, Leg(1, -40, 120), price=1000)
    stop, target = book.exits(found, 0)
    assert target is not None
    book.exits(found, 1)
    book.fill(target, 1060)
    book.fill(stop, 960)
    assert book.state.position("MNQ").qty == 0
    assert [leg.open_qty for leg in found.legs] == [0, 0]
    book.wait(OCO_GRACE_NS)
    told = [one[:2] for one in _told(book)]
    assert len(told) == 2
    assert set(told) == {("cancel", Slot.STOP), ("cancel", Slot.TARGET)}


def test_a_leg_that_closed_too_much_ends_its_plan() -> None:
    book = Book()
    found = book.entered(T1, price=1000)
    stop, target = book.exits(found)
    assert target is not None
    book.fill(target, 1060)
    book.fill(stop, 960)
    assert (book.state.position("MNQ").qty, found.legs[0].open_qty) == (-1, -1)
    assert wanted(found, 0, {}) == {}
    assert finished(found, book.state.orders)


def test_exits_follow_the_average_of_the_entry_to_the_nearest_tick() -> None:
    book = Book()
    found = book.plan(Leg(4, -40, 60))
    entry = book.accepted(book.order(Slot.ENTRY, 4))
    book.fill(entry, 1000, 2)
    book.fill(entry, 1001, 2)
    wants = wanted(found, 0, {})
    assert (wants[Slot.STOP].stop, wants[Slot.TARGET].limit) == (961, 1061)


@pytest.mark.parametrize(
    ("side", "entered_sum", "entered", "costs", "stop"),
    [
        (Side.BUY, 3000, 3, 0, 1000),
        (Side.BUY, 3001, 3, 0, 1001),
        (Side.BUY, 3001, 3, 3, 1004),
        (Side.SELL, 3000, 3, 0, 1000),
        (Side.SELL, 3002, 3, 0, 1000),
        (Side.SELL, 3002, 3, 3, 997),
        (Side.BUY, -3001, 3, 0, -1000),
        (Side.SELL, -3001, 3, 0, -1001),
    ],
)
def test_break_even_rounds_to_the_tick_that_does_not_lose(
    side: Side, entered_sum: int, entered: int, costs: int, stop: int
) -> None:
    assert break_even(entered_sum, entered, side, costs) == stop


@pytest.mark.parametrize(
    ("symbol", "ticks"), [("MNQ", 3), ("MES", 1), ("ES", 1), ("NQ", 1), ("MGC", 2), ("GC", 1)]
)
def test_break_even_pays_for_both_sides(symbol: str, ticks: int) -> None:
    known = CME_FUTURES[symbol]
    assert cost_ticks(known, 1000, Side.BUY) == ticks
    assert known.usd(ticks) >= 2 * known.cost_usd > known.usd(ticks - 1)
