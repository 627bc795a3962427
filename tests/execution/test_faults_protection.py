"""Stops that are refused, vanish or race, and flattens that are refused, by hand
(docs/reliability.md#protection, F13 to F17, F28).
"""

from __future__ import annotations

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model.commands import Flatten
from engine.model.config import Brackets
from engine.model.market import NANOS, Side
from engine.model.notices import NoticeKind
from engine.model.orders import OrderStatus, OrderType, Slot, VenueOrder, VenueStatus
from tests.support.manual_venue import BOOK, UNKNOWN, ManualVenue, connected, entered
from tests.support.venue_orders import MNQ, PRICE


def test_f13_a_rejected_stop_flattens_at_once() -> None:
    bench, _ = entered(legs=False)
    bench.wait(2.2)
    stop = bench.of(fx.PlaceOrder)[1]
    bench.reply(stop, ev.Outcome.REFUSED)
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    assert bench.book.flattening == {"MNQ": "risk"}
    assert bench.critical()


def test_f13_a_stop_of_unknown_outcome_is_not_waited_for() -> None:
    bench, _ = entered(legs=False)
    bench.wait(2.2)
    stop = bench.of(fx.PlaceOrder)[1]
    bench.reply(stop, UNKNOWN)
    bench.invariants.protection_due = False
    bench.wait(6)
    assert bench.of(fx.ClosePosition)
    assert sum(p.type is OrderType.STOP for p in bench.of(fx.PlaceOrder)) == 1


def test_f14_a_vanished_stop_is_placed_once_more_and_then_the_position_is_closed() -> None:
    bench, ids = entered()
    bench.change(ids["SL"], status=VenueStatus.CANCELED)
    bench.tell(ids["SL"])
    bench.wait(1.5)
    [anew] = [p for p in bench.of(fx.PlaceOrder) if p.type is OrderType.STOP]
    venue_id = bench.lodge(anew)
    bench.reply(anew, ev.Outcome.ACCEPTED, venue_id)
    told = [notice.text for notice in bench.notices if notice.kind is NoticeKind.ORDER]
    assert told == ["MNQ: the venue cancelled its stop; one for 5 stands again"]
    bench.change(venue_id, status=VenueStatus.CANCELED)
    bench.tell(venue_id)
    bench.wait(1.5)
    assert sum(p.type is OrderType.STOP for p in bench.of(fx.PlaceOrder)) == 1
    assert bench.of(fx.ClosePosition)


def test_f14_a_bracket_told_late_leaves_one_stop() -> None:
    bench, ids = entered(legs=False)
    bench.wait(2.2)
    ours = [p for p in bench.of(fx.PlaceOrder) if p.reduces]
    assert [p.type for p in ours] == [OrderType.STOP, OrderType.LIMIT]
    for one in ours:
        bench.reply(one, ev.Outcome.ACCEPTED, bench.lodge(one))
    tag = bench.of(fx.PlaceOrder)[0].client_id
    for suffix, kind in (("-SL", OrderType.STOP), ("-TP", OrderType.LIMIT)):
        venue_id = bench.new_id()
        bench.orders[venue_id] = VenueOrder(
            venue_id, tag + suffix, "MNQ", Side.SELL, kind, 5, VenueStatus.WORKING, parent_id=ids["entry"]
        )
        at = {"stop": PRICE - 40} if kind is OrderType.STOP else {"limit": PRICE + 80}
        bench.change(venue_id, **at)
        bench.tell(venue_id)
    bench.wait(0.2)
    assert {c.client_id for c in bench.of(fx.CancelOrder)} == {p.client_id for p in ours}
    for cancel in bench.of(fx.CancelOrder):
        bench.change(cancel.venue_id, status=VenueStatus.CANCELED)
        bench.tell(cancel.venue_id)
    bench.wait(5)
    assert len(bench.of(fx.PlaceOrder)) == 3
    assert [o.client_id for o in bench.in_slot(Slot.STOP) if o.live] == [tag + "-SL"]


def test_f14_a_stop_that_is_gone_is_replaced_though_the_venue_answers_no_question() -> None:
    bench, ids = entered()
    bench.wait(2)
    bench.answering = False
    bench.invariants.protection_due = False
    bench.change(ids["SL"], status=VenueStatus.CANCELED)
    bench.tell(ids["SL"])
    bench.wait(3.5)
    assert bench.of(fx.PlaceOrder)[1:] == []
    bench.wait(1)
    assert [p.type for p in bench.of(fx.PlaceOrder)[1:]] == [OrderType.STOP]


def test_f14_a_rejected_target_is_not_tried_for_ever() -> None:
    bench, _ = entered(legs=False)
    bench.wait(2.2)
    for _ in range(20):
        for order in bench.of(fx.PlaceOrder)[1:]:
            if not bench.order(order.client_id).venue_id and bench.order(order.client_id).live:
                if order.type is OrderType.STOP:
                    bench.reply(order, ev.Outcome.ACCEPTED, bench.lodge(order))
                else:
                    bench.reply(order, ev.Outcome.REFUSED)
        bench.wait(1.2)
    assert sum(p.type is OrderType.LIMIT for p in bench.of(fx.PlaceOrder)) == 3
    assert bench.of(fx.ClosePosition) == []


@pytest.mark.parametrize("applied", [True, False])
def test_f16_a_change_of_unknown_outcome_is_settled_by_the_venues_word(applied: bool) -> None:
    bench, ids = entered()
    change = _break_even(bench)
    if applied:
        bench.change(ids["SL"], stop=change.stop)
    bench.reply(change, UNKNOWN)
    bench.wait(1.5)
    [stop] = bench.in_slot(Slot.STOP)
    if applied:
        assert (stop.status, stop.stop) == (OrderStatus.WORKING, change.stop)
        assert len(bench.of(fx.ModifyOrder)) == 1
    else:
        bench.wait(4)
        assert len(bench.of(fx.ModifyOrder)) == 2
        assert stop.stop == PRICE - 40


@pytest.mark.parametrize("applied", [True, False])
def test_f16_a_change_that_a_stopped_run_asked_for_is_settled_too(applied: bool) -> None:
    bench, ids = entered()
    change = _break_even(bench)
    if applied:
        bench.change(ids["SL"], stop=change.stop)
    again = bench.restart()
    again.connect()
    again.wait(5)
    [stop] = again.in_slot(Slot.STOP)
    assert len(again.of(fx.ModifyOrder)) == (0 if applied else 1)
    assert stop.status is (OrderStatus.WORKING if applied else OrderStatus.PENDING_MODIFY)


def test_f16_a_change_that_the_venue_refuses_is_tried_less_and_less() -> None:
    bench, _ = entered()
    change = _break_even(bench)
    for _ in range(120):
        if bench.in_slot(Slot.STOP)[0].status is OrderStatus.PENDING_MODIFY:
            bench.reply(change, ev.Outcome.REFUSED)
        bench.wait(1)
    assert 3 <= len(bench.of(fx.ModifyOrder)) <= 8
    assert bench.in_slot(Slot.STOP)[0].stop == PRICE - 40


def _break_even(bench: ManualVenue) -> fx.ModifyOrder:
    bench.quote(PRICE + 40)
    bench.core.books[BOOK].orders.to_break_even("MNQ", PRICE + 40, PRICE + 41)
    [change] = bench.core.turn.effects
    assert isinstance(change, fx.ModifyOrder)
    bench._take(bench.core.turn.records, bench.core.turn.effects)
    return change


def test_f17_both_exits_fill_and_the_rest_is_closed() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80))
    bench.tell_fill(bench.execute(ids["SL"], PRICE - 40))
    assert bench.book.position("MNQ").qty == -5
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    assert bench.critical()
    bench.reply(fx.ClosePosition(BOOK, "MNQ"), ev.Outcome.ACCEPTED)
    bench.close_all()
    for one in sorted(bench.orders):
        bench.tell(one)
    bench.wait(5)
    assert (bench.book.plans, bench.book.flattening) == ({}, {})
    won, lost = bench.book.trades
    assert (won.reason, won.gross_usd) == ("T1", MNQ.usd(5 * 80))
    assert (lost.qty, lost.gross_usd) == (5, MNQ.usd(-40 * 5))  # short at the stop, closed back at the price
    assert bench.core.turn.counts["double exits"] == 1


def test_f28_a_close_under_way_is_not_repeated_and_refusals_slow_it_down() -> None:
    bench, _ = entered()
    bench.say(Flatten(id="f", instrument="MNQ"))
    bench.say(Flatten(id="g", instrument="MNQ"))
    bench.wait(14)
    assert len(bench.of(fx.ClosePosition)) == 1
    answered = 0
    for _ in range(120):
        if len(bench.of(fx.ClosePosition)) > answered:
            answered += 1
            bench.reply(fx.ClosePosition(BOOK, "MNQ"), ev.Outcome.REFUSED, reason="closed")
        bench.wait(1)
    assert 5 <= len(bench.of(fx.ClosePosition)) <= 12
    assert [s.status for s in bench.in_slot(Slot.STOP)] == [OrderStatus.WORKING]
    bench.close_all()
    bench.wait(1)
    for order in bench.standing():
        bench.change(order.venue_id, status=VenueStatus.CANCELED)
        bench.tell(order.venue_id)
    bench.wait(4)
    assert (bench.book.flattening, bench.book.plans) == ({}, {})


def test_f28_a_refused_cancel_does_not_eat_the_request_budget() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    bench.say(Flatten(id="f"))
    for _ in range(100):
        if bench.order(order.client_id).status is OrderStatus.PENDING_CANCEL:
            bench.reply(bench.of(fx.CancelOrder)[-1], ev.Outcome.REFUSED)
        bench.wait(0.1)
    assert 3 <= sum(c.client_id == order.client_id for c in bench.of(fx.CancelOrder)) <= 4


@pytest.mark.parametrize("brackets", [Brackets.OWN, Brackets.NATIVE])
def test_f39_what_comes_while_the_machine_stands_still_is_heard_before_anything_is_closed(
    brackets: Brackets,
) -> None:
    """The entry has filled, the stop stands, and nothing runs for ten seconds: its word waits to be read."""
    bench, entry = connected(brackets=brackets)
    bench.invariants.protection_due = False
    venue_id = bench.accept(entry, legs=True)[0]
    bench.tell_fill(bench.execute(venue_id))
    bench.answering = False
    bench.wait(0.2)
    placed = bench.of(fx.PlaceOrder)
    bench.now += 10 * NANOS
    bench.step(ev.TimeAdvanced(ts_recv=bench.now))
    bench.wait(0.5)
    bench.accept(*placed[1:])
    for one in list(bench.orders):
        bench.tell(one)
    bench.wait(5)
    assert bench.stops() == [(5, PRICE - 40)]
    assert (bench.of(fx.ClosePosition), bench.of(fx.PlaceOrder)) == ([], placed)
    assert bench.critical() == []


def test_f39_a_machine_that_stood_still_closes_what_nothing_protects() -> None:
    bench, entry = connected(brackets=Brackets.OWN)
    bench.invariants.protection_due = False
    bench.tell_fill(bench.execute(bench.accept(entry)[0]))
    bench.now += 10 * NANOS
    bench.step(ev.TimeAdvanced(ts_recv=bench.now))
    bench.wait(2.2)
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
