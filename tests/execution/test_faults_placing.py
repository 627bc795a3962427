"""Orders whose answer, fill or process is lost, by hand (docs/reliability.md#orders, F1 to F7)."""

from __future__ import annotations

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.market import NANOS
from engine.model.orders import OrderStatus, OrderType, Slot
from engine.model.refusals import Refusal
from tests.support.manual_venue import UNKNOWN, connected, entered
from tests.support.venue_orders import PRICE


def test_f01_place_times_out_and_the_venue_has_it() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.execute(venue_id)
    bench.answering = False
    bench.reply(order, UNKNOWN)
    assert bench.order(order.client_id).status is OrderStatus.UNKNOWN
    bench.answering = True
    bench.snapshot(bench.of(fx.TakeSnapshot)[-1])
    bench.wait(3)
    assert bench.order(order.client_id).venue_id == venue_id
    assert bench.order(order.client_id).status is OrderStatus.FILLED
    assert bench.book.position("MNQ").qty == 5
    [stop] = bench.in_slot(Slot.STOP)
    assert (stop.status, stop.open_qty) == (OrderStatus.WORKING, 5)
    assert len(bench.of(fx.PlaceOrder)) == 1


def test_f02_place_times_out_and_the_venue_never_got_it() -> None:
    bench, order = connected()
    bench.reply(order, UNKNOWN)
    asked = len(bench.of(fx.TakeSnapshot))
    bench.wait(14.5)
    assert bench.order(order.client_id).status is OrderStatus.UNKNOWN
    assert bench.trade_idea() == []
    assert bench.order(order.client_id).status is OrderStatus.REJECTED
    assert len(bench.of(fx.TakeSnapshot)) - asked >= 3
    [lost] = [m for m in bench.written(r.OrderMoved) if m.event is r.OrderEvent.NOT_FOUND]
    [timed_out] = [m for m in bench.written(r.OrderMoved) if m.event is r.OrderEvent.TIMED_OUT]
    assert lost.ts - timed_out.ts >= 15 * NANOS
    assert bench.book.plans == {}


def test_f02_no_entry_while_an_order_is_unknown() -> None:
    bench, order = connected(ideas=2)
    bench.answering = False
    bench.reply(order, UNKNOWN)
    assert bench.trade_idea() == []
    assert Refusal.UNKNOWN_ORDER in bench.written(r.IdeaRefused)[-1].refusals


def test_f02_an_order_given_up_as_lost_is_called_back_when_it_shows_up() -> None:
    bench, order = connected()
    bench.reply(order, UNKNOWN)
    bench.wait(20)
    assert bench.order(order.client_id).status is OrderStatus.REJECTED
    venue_id = bench.lodge(order, legs=False)
    bench.tell(venue_id)
    assert [c.venue_id for c in bench.of(fx.CancelOrder)] == [venue_id]
    # It was faster than the cancel: a position of ours that no trade manages is closed.
    bench.tell_fill(bench.execute(venue_id))
    assert bench.of(fx.ClosePosition)
    assert any("not protected" in text for text in bench.critical())


def test_f02_a_cancel_wanted_before_the_outcome_was_known_does_not_hang_for_ever() -> None:
    bench, order = connected()
    bench.say(Flatten(id="f"))
    assert bench.order(order.client_id).status is OrderStatus.PENDING_CANCEL
    bench.reply(order, UNKNOWN)
    bench.wait(30)
    assert not bench.order(order.client_id).live
    assert bench.book.flattening == {}


def test_f04_killed_before_the_send() -> None:
    bench, order = connected()
    again = bench.restart()
    again.connect()
    assert again.order(order.client_id).status is OrderStatus.UNKNOWN
    again.wait(20)
    assert again.order(order.client_id).status is OrderStatus.REJECTED
    assert again.of(fx.PlaceOrder) == []
    assert again.book.plans == {}


def test_f04_a_stop_that_was_never_sent_is_placed_anew() -> None:
    bench, _ = entered(legs=False)
    bench.wait(2.2)
    [stop, target] = bench.of(fx.PlaceOrder)[1:]
    assert (stop.type, stop.stop, stop.qty, stop.reduces) == (OrderType.STOP, PRICE - 40, 5, True)
    assert target.limit == PRICE + 80
    again = bench.restart()
    again.invariants.protection_due = False  # the process was dead in between
    again.connect()
    again.wait(6)
    placed = [p for p in again.of(fx.PlaceOrder) if p.type is OrderType.STOP]
    assert [(p.stop, p.qty) for p in placed] == [(PRICE - 40, 5)]
    assert placed[0].client_id != stop.client_id


def test_f05_killed_before_the_answer_the_order_is_adopted_and_protected() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.execute(venue_id)
    again = bench.restart()
    again.connect()
    assert again.order(order.client_id).status is OrderStatus.FILLED
    assert [s.status for s in again.in_slot(Slot.STOP)] == [OrderStatus.WORKING]
    again.wait(5)
    assert again.of(fx.PlaceOrder) == []


def test_f05_a_snapshot_that_tells_the_target_first_places_no_second_stop() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.tell(venue_id)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    bench.tell_fill(bench.execute(venue_id))
    again = bench.restart(after_s=60)
    again.orders = dict(sorted(bench.orders.items(), key=lambda item: item[1].type is OrderType.STOP))
    again.connect()
    again.wait(5)
    assert again.of(fx.PlaceOrder) == []


def test_f06_the_fill_comes_before_the_answer() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    fill = bench.execute(venue_id)
    bench.tell_fill(fill)
    bench.tell(str(int(venue_id) + 1))
    assert bench.book.position("MNQ").qty == 0
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    assert bench.order(order.client_id).status is OrderStatus.FILLED
    assert bench.book.position("MNQ").qty == 5
    bench.tell(str(int(venue_id) + 2))
    bench.wait(5)
    assert len(bench.of(fx.PlaceOrder)) == 1


def test_f06_a_slow_answer_does_not_make_the_fill_somebody_elses() -> None:
    bench, order = connected()
    bench.answering = False
    venue_id = bench.lodge(order)
    bench.tell_fill(bench.execute(venue_id))
    bench.wait(3)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    assert bench.order(order.client_id).status is OrderStatus.FILLED
    [plan] = bench.book.plans.values()
    assert plan.open_qty == 5


def test_f06_children_are_told_before_their_entry() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    for one in (str(int(venue_id) + 1), venue_id, str(int(venue_id) + 2)):
        bench.tell(one)
    [stop] = bench.in_slot(Slot.STOP)
    assert stop.suspended
    bench.tell_fill(bench.execute(venue_id))
    for one in sorted(bench.orders, reverse=True):
        bench.tell(one)
    bench.wait(5)
    assert len(bench.of(fx.PlaceOrder)) == 1
    assert bench.in_slot(Slot.STOP)[0].stop == PRICE - 40


def test_f07_the_same_fill_twice() -> None:
    bench, _ = entered()
    for fill in bench.fills:
        bench.tell_fill(fill)
    bench.wait(70)
    assert bench.book.position("MNQ").qty == 5
    assert len(bench.written(r.FillApplied)) == 1
