"""What nobody answers: requests that hang, looks that are spaced, closes that have a life (F38 to F65)."""

from __future__ import annotations

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import CancelEntries, Flatten
from engine.model.config import Brackets
from engine.model.limits import RiskLimits
from engine.model.market import NANOS
from engine.model.orders import OrderStatus, OrderType, Slot
from tests.support.manual_venue import BOOK, ManualVenue, connected, entered, idea
from tests.support.venue_orders import PRICE


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


@pytest.mark.parametrize(
    ("answer", "arrives"),
    [
        *((answer, True) for answer in (None, ev.Outcome.UNKNOWN)),
        *((answer, False) for answer in (None, ev.Outcome.UNKNOWN, ev.Outcome.REFUSED, ev.Outcome.UNSENT)),
    ],
)
def test_f39_a_stop_that_hangs_is_proven_at_the_venue_or_the_position_is_closed(
    answer: ev.Outcome | None, arrives: bool
) -> None:
    """An answer that comes, comes after a second and a half."""
    bench, entry = connected(brackets=Brackets.OWN)
    bench.tell_fill(bench.execute(bench.accept(entry)[0]))
    stop, target = bench.of(fx.PlaceOrder)[1:]
    assert stop.type is OrderType.STOP
    bench.accept(target)
    if arrives:
        bench.lodge(stop)
    begun = bench.now
    while bench.now < begun + 5 * NANOS and not bench.of(fx.ClosePosition):
        bench.wait(0.1)
        if bench.now - begun == 15 * NANOS // 10 and answer is not None:
            bench.reply(stop, answer)
    if arrives:
        assert bench.of(fx.ClosePosition) == []
        assert bench.stops() == [(5, PRICE - 40)]
    else:
        assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
        assert bench.now - begun <= 2.2 * NANOS
        assert bench.critical()
        # It comes to the venue after all, when nothing is left that it could close.
        bench.reply(bench.of(fx.ClosePosition)[0], ev.Outcome.ACCEPTED)
        bench.close_all()
        bench.wait(3)
        if bench.order(stop.client_id).live:
            bench.tell(bench.lodge(stop))
        bench.obey(20)
        assert (bench.standing(), bench.book.flattening, bench.book.plans) == ([], {}, {})


def test_f39_a_stop_without_an_answer_is_looked_up_long_before_it_is_given_up() -> None:
    bench, entry = connected(brackets=Brackets.OWN)
    bench.wait(0.2)
    bench.tell_fill(bench.execute(bench.accept(entry)[0]))
    bench.accept(bench.of(fx.PlaceOrder)[2])
    bench.lodge(bench.of(fx.PlaceOrder)[1])
    [asked, *_] = looks_during(bench, 1)
    assert 0.5 <= asked <= 0.7
    assert bench.stops() == [(5, PRICE - 40)]


@pytest.mark.parametrize("seconds", [1, 5])
def test_f39_how_long_is_a_setting(seconds: int) -> None:
    limits = RiskLimits(unprotected_ns=seconds * NANOS)
    bench, entry = connected(brackets=Brackets.OWN, risk=limits)
    bench.invariants.protection_due = False
    bench.tell_fill(bench.execute(bench.accept(entry)[0]))
    bench.wait(seconds - 0.1)
    assert bench.of(fx.ClosePosition) == []
    bench.wait(0.3)
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]


def test_f39_a_part_of_the_position_that_no_stop_covers_is_unprotected_too() -> None:
    """The stop is to grow with the entry, and its change hangs."""
    bench, entry = connected(brackets=Brackets.OWN)
    [entered] = bench.accept(entry)
    bench.tell_fill(bench.execute(entered, qty=2))
    bench.accept(*bench.of(fx.PlaceOrder)[1:])
    bench.wait(5)
    assert bench.of(fx.ClosePosition) == []
    bench.tell_fill(bench.execute(entered))
    bench.wait(2.2)
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]


def test_f39_where_the_venue_was_to_keep_the_stop_ours_comes_first_and_then_the_close() -> None:
    bench, _ = entered(legs=False)
    bench.wait(2.2)
    assert bench.of(fx.PlaceOrder)[1].type is OrderType.STOP
    assert bench.of(fx.ClosePosition) == []
    bench.wait(0.9)
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]


@pytest.mark.parametrize("answered", [True, False], ids=["accepted", "hangs"])
@pytest.mark.parametrize("brackets", [Brackets.OWN, Brackets.NATIVE])
def test_f42_a_market_entry_that_fills_without_a_word_has_its_stop_within_three_seconds(
    brackets: Brackets, answered: bool
) -> None:
    bench, entry = connected(brackets=brackets)
    bench.wait(0.2)
    venue_id = bench.lodge(entry)
    if answered:
        bench.reply(entry, ev.Outcome.ACCEPTED, venue_id)
    bench.execute(venue_id)
    bench._obeyed = len(bench.effects)
    begun = bench.now
    while not bench.stops() and bench.now - begun < 5 * NANOS:
        bench.obey(0.2)
    assert bench.now - begun <= 3 * NANOS
    assert bench.stops() == [(5, PRICE - 40)]
    assert bench.of(fx.ClosePosition) == []


def storm(bench: ManualVenue) -> None:
    """So many looks just before a minute ends that no more are left for a while."""
    bench.wait(44.5 - bench.now / NANOS % 60)
    for _ in range(13):
        bench.look()
        bench.wait(1.1)


def test_f42_a_market_entry_is_looked_up_though_the_minutes_looks_are_used_up() -> None:
    bench = ManualVenue(idea(targets=(80,)), brackets=Brackets.OWN)
    bench.connect()
    bench.trade(PRICE)
    storm(bench)
    [entry] = bench.trade_idea()
    venue_id = bench.accept(entry)[0]
    bench.wait(0.3)
    bench.execute(venue_id)
    bench._obeyed = len(bench.effects)
    bench.obey(3)
    assert bench.stops() == [(5, PRICE - 40)]


def test_f42_a_market_entry_that_waits_in_the_market_is_looked_at_ever_later() -> None:
    bench, entry = connected()
    bench.wait(0.2)
    bench.tell(bench.accept(entry)[0])
    assert [round(one) for one in looks_during(bench, 40)] == [2, 4, 7, 17, 27, 37]
