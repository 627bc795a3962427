"""What nobody answers: requests that hang, looks that are spaced, closes that have a life (F38 to F65)."""

from __future__ import annotations

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import CancelEntries, Flatten
from engine.model.config import Brackets
from engine.model.market import NANOS
from engine.model.orders import OrderStatus, Slot
from tests.support.manual_venue import ManualVenue, connected, entered


def looks_during(bench: ManualVenue, seconds: float) -> list[float]:
    """When within the next seconds the venue is asked, seconds from now."""
    begun, asked = bench.now, []
    for _ in range(int(seconds * 10)):
        before = len(bench.of(fx.TakeSnapshot))
        bench.wait(0.1)
        asked += [round((bench.now - begun) / NANOS, 1)] * (len(bench.of(fx.TakeSnapshot)) - before)
    return asked


@pytest.mark.parametrize("command", [Flatten(id="f"), CancelEntries(id="c")])
@pytest.mark.parametrize("slot", [Slot.ENTRY, Slot.STOP])
@pytest.mark.parametrize("answered", [True, False])
def test_f38_an_order_that_the_venue_never_got_ends_over_a_restart_whatever_was_wanted_of_it(
    slot: Slot, command: Flatten | CancelEntries, answered: bool
) -> None:
    bench, order = connected(brackets=Brackets.OWN)
    bench.invariants.protection_due = False
    if slot is Slot.STOP:
        [entry] = bench.accept(order)
        bench.tell_fill(bench.execute(entry))
    [lost] = bench.in_slot(slot)
    assert lost.status is OrderStatus.SENT
    bench.say(command)
    if answered:
        bench.reply(bench.of(fx.PlaceOrder)[-1], ev.Outcome.UNKNOWN)
    if slot is Slot.STOP:
        bench.reply(fx.ClosePosition("hand", "MNQ"), ev.Outcome.ACCEPTED)
        bench.wait(0.2)
        if bench.positions.get("MNQ"):
            bench.close_all()
    bench.wait(3)
    again = bench.restart(brackets=Brackets.OWN)
    again.connect()
    again.wait(17)
    order_ = again.order(lost.client_id)
    assert order_.status.terminal
    assert (again.book.flattening, again.book.live_orders()) == ({}, [])
    moves = [m for m in again.written(r.OrderMoved) if m.client_id == lost.client_id]
    assert len(moves) <= 5, "its evidence is written down once"
    again.wait(30)
    assert [m for m in again.written(r.OrderMoved) if m.client_id == lost.client_id] == moves
    assert again.say(Flatten(id="g")).startswith("flatten everything: nothing open here")
    again.wait(3)
    assert again.book.flattening == {}


def test_f63_one_lost_request_is_looked_up_ever_later() -> None:
    bench, order = connected()
    bench.wait(3)
    bench.reply(order, ev.Outcome.UNKNOWN)
    asked = looks_during(bench, 50)
    assert [round(one - asked[0]) for one in asked] == [0, 2, 5, 15]
    assert bench.order(order.client_id).status is OrderStatus.REJECTED


def test_f63_no_trouble_takes_more_than_a_third_of_the_requests() -> None:
    """Whatever happens, and however often: ten looks of five requests, of the 160 that may be made."""
    bench, order = connected()
    venue_id = bench.accept(order)[0]
    for second in range(180):
        bench.positions["MNQ"] = second % 7
        if second % 3 == 0:
            bench.look()
        bench.wait(1)
    times = [query for query in bench.of(fx.TakeSnapshot) if not query.urgent]
    assert bench.orders[venue_id].status.live
    assert len(times) <= 34


def test_f63_a_flattens_questions_go_first() -> None:
    bench, _ = entered()
    for _ in range(70):
        bench.look()
        bench.wait(1)
    bench.say(Flatten(id="f"))
    bench.reply(fx.ClosePosition("hand", "MNQ"), ev.Outcome.ACCEPTED)
    bench.close_all()
    bench.obey(4)
    assert bench.book.flattening == {}
    assert bench.of(fx.TakeSnapshot)[-1].urgent
