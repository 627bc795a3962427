"""What exits are for is always what is open: partial fills, refused changes, contracts that change legs."""

from __future__ import annotations

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.errors import Cause
from engine.model.orders import OrderStatus, OrderType, Slot, VenueStatus
from tests.support.manual_venue import connected, entered
from tests.support.venue_orders import PRICE

ACCEPTED, REFUSED = ev.Outcome.ACCEPTED, ev.Outcome.REFUSED


def test_f12_two_of_five_and_the_rest_cancelled_with_one_target() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.reply(order, ACCEPTED, venue_id)
    bench.tell_fill(bench.execute(venue_id, qty=2))
    for one in sorted(bench.orders):
        bench.tell(one)
    bench.end(venue_id)
    bench.obey()
    assert (bench.stops(), bench.targets()) == ([(2, PRICE - 40)], [(2, PRICE + 80)])
    assert bench.book.plans["1-1"].open_qty == 2


@pytest.mark.parametrize("size", [5, 3])
def test_f12_a_leg_that_the_venue_sized_wrongly_is_corrected(size: int) -> None:
    """Whether children follow a partial fill is not known of ProjectX: what is reported is put right."""
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.reply(order, ACCEPTED, venue_id)
    bench.tell_fill(bench.execute(venue_id, qty=2))
    for leg in [o for o in bench.standing() if o.parent_id]:
        bench.change(leg.venue_id, qty=size)
        bench.tell(leg.venue_id)
    assert bench.of(fx.ModifyOrder) == []
    bench.wait(2.2)
    assert [change.qty for change in bench.of(fx.ModifyOrder)] == [2, 2]
    for change in bench.of(fx.ModifyOrder):
        bench.answer(change, ACCEPTED)
    assert (bench.stops(), bench.targets()) == ([(2, PRICE - 40)], [(2, PRICE + 80)])


@pytest.mark.parametrize(("first", "second"), [(2, 0), (0, 2), (0, 3), (2, 1), (1, 3)])
def test_f12_what_was_really_bought_is_split_over_the_targets(first: int, second: int) -> None:
    """2 for T1 and 3 for T2 were wanted; of n contracts n // 2 are for T1
    (docs/semantics.md#odd-quantities).
    """
    bench, _ = connected(targets=(80, 160))
    for order, qty in zip(bench.of(fx.PlaceOrder), (first, second), strict=True):
        venue_id = bench.lodge(order)
        bench.reply(order, ACCEPTED, venue_id)
        family = [o for o in bench.orders if o == venue_id or bench.orders[o].parent_id == venue_id]
        if qty:
            bench.tell_fill(bench.execute(venue_id, qty=qty))
        else:
            for leg in family[1:]:
                bench.change(leg, status=VenueStatus.CANCELED)
        if qty < order.qty:
            bench.change(venue_id, status=VenueStatus.CANCELED)
        for one in family:
            bench.tell(one)
    bench.obey(10)
    held = first + second
    assert sum(qty for qty, _ in bench.stops()) == held
    assert [qty for qty, _ in bench.targets()] == [held // 2, held - held // 2]
    assert [leg.open_qty for leg in bench.book.plans["1-1"].legs] == [held // 2, held - held // 2]
    again = bench.restart()
    again.connect()
    again.obey()
    assert again.of(fx.PlaceOrder) == []


def test_f12_while_contracts_change_legs_no_stop_shrinks_before_the_other_stands() -> None:
    bench, _ = connected(targets=(80, 160))
    one, two = bench.of(fx.PlaceOrder)
    bench.reply(one, REFUSED)
    ids = bench.enter(two)
    [shifted] = bench.written(r.ContractsShifted)
    assert (shifted.source, shifted.target, shifted.qty) == (1, 0, 1)
    stop = bench.of(fx.PlaceOrder)[2]
    assert (stop.type, stop.qty) == (OrderType.STOP, 1)
    assert [c for c in bench.of(fx.ModifyOrder) if c.venue_id == ids["SL"]] == []
    bench.accept(stop)
    bench.wait(0.2)
    assert [c.qty for c in bench.of(fx.ModifyOrder) if c.venue_id == ids["SL"]] == [2]


def test_f15_a_partial_target_shrinks_the_stop_by_modify() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=2))
    assert [(c.venue_id, c.qty, c.stop) for c in bench.of(fx.ModifyOrder)] == [(ids["SL"], 3, None)]


def test_f15_where_the_venue_resizes_no_stop_a_smaller_one_is_placed_first_and_then_it_goes() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=2))
    [change] = bench.of(fx.ModifyOrder)
    bench.answer(change, REFUSED)
    bench.wait(0.5)
    [smaller] = bench.of(fx.PlaceOrder)[1:]
    assert (smaller.type, smaller.qty, smaller.stop) == (OrderType.STOP, 3, PRICE - 40)
    assert bench.of(fx.CancelOrder) == []
    [venue_id] = bench.accept(smaller)
    bench.wait(0.2)
    assert [cancel.venue_id for cancel in bench.of(fx.CancelOrder)] == [ids["SL"]]
    bench.end(ids["SL"])
    bench.wait(5)
    assert bench.stops() == [(3, PRICE - 40)]
    bench.tell_fill(bench.execute(venue_id, PRICE - 40))
    assert bench.book.position("MNQ").qty == 0


def test_f15_a_successor_waits_for_proof_that_the_old_stop_has_not_just_filled() -> None:
    bench, ids = entered()
    bench.answering = False
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=2))
    bench.execute(ids["SL"], PRICE - 40, qty=3)
    bench.change(ids["SL"], qty=3)
    bench.answer(bench.of(fx.ModifyOrder)[0], REFUSED)
    bench.wait(4.5)  # longer than anything else waits for an answer
    assert len(bench.of(fx.PlaceOrder)) == 1
    bench.snapshot(bench.of(fx.TakeSnapshot)[-1])
    bench.wait(3)
    assert len(bench.of(fx.PlaceOrder)) == 1
    assert bench.book.position("MNQ").qty == 0


@pytest.mark.parametrize("cause", [Cause.CLOSED, Cause.GONE])
def test_f15_a_change_refused_for_now_is_tried_again_and_nothing_is_replaced(cause: Cause) -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=2))
    bench.answer(bench.of(fx.ModifyOrder)[0], REFUSED, cause)
    bench.wait(3)
    assert len(bench.of(fx.PlaceOrder)) == 1
    assert [c.qty for c in bench.of(fx.ModifyOrder)] == [3, 3]


def test_f15_a_target_that_is_not_resized_is_cancelled_and_placed_anew() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["SL"], PRICE - 40, qty=2))
    bench.answer(bench.of(fx.ModifyOrder)[0], REFUSED)
    bench.wait(0.2)
    assert [cancel.venue_id for cancel in bench.of(fx.CancelOrder)] == [ids["TP"]]
    bench.end(ids["TP"])
    bench.wait(2.5)
    [target] = bench.of(fx.PlaceOrder)[1:]
    assert (target.type, target.qty, target.limit) == (OrderType.LIMIT, 3, PRICE + 80)


def test_f15_then_the_price_reverses_to_the_stop_and_nothing_flips() -> None:
    bench, ids = entered(targets=(80, 160))
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=1))
    bench.obey(3)
    assert sum(qty for qty, _ in bench.stops()) == 4
    for order in [o for o in bench.standing() if o.type is OrderType.STOP]:
        bench.tell_fill(bench.execute(order.venue_id, order.stop or 0))
        bench.tell(order.venue_id)
    bench.obey(4)
    assert (bench.book.position("MNQ").qty, bench.positions["MNQ"]) == (0, 0)
    assert (bench.standing(), bench.book.plans) == ([], {})


def test_f16_a_refused_break_even_keeps_the_old_stop_and_its_size_right() -> None:
    bench, ids = entered(targets=(80, 160))
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=1))
    refused = 0
    for _ in range(40):
        for change in bench.of(fx.ModifyOrder)[refused:]:
            refused += 1
            bench.answer(change, REFUSED if change.stop is not None else ACCEPTED)
        bench.wait(0.1)
    assert bench.stops() == [(1, PRICE - 40), (3, PRICE - 40)]
    assert len([o for o in bench.in_slot(Slot.STOP) if o.live]) == 1
    assert [o.status for o in bench.in_slot(Slot.STOP, 1)] == [OrderStatus.WORKING]
