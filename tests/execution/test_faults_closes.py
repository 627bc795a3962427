"""A close is an order with a life, and what a trade leaves behind is cancelled (F60, F65)."""

from __future__ import annotations

import pytest

from engine.books.leftovers import left
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten, Shutdown
from engine.model.market import NANOS, Side
from engine.model.orders import OrderType, VenueOrder, VenueStatus
from tests.execution.test_faults_unknown import storm
from tests.support.manual_venue import BOOK, ManualVenue, connected, entered
from tests.support.venue_orders import PRICE


def slow_close(bench: ManualVenue) -> str:
    """Flatten five contracts; the venue's own close waits in the market. Its venue id."""
    bench.say(Flatten(id="f", instrument="MNQ"))
    bench.reply(bench.of(fx.ClosePosition)[0], ev.Outcome.ACCEPTED)
    venue_id = bench.new_id()
    bench.orders[venue_id] = VenueOrder(
        venue_id, None, "MNQ", Side.SELL, OrderType.MARKET, 5, VenueStatus.WORKING, ts_venue=bench.now
    )
    return venue_id


@pytest.mark.parametrize("told", [True, False], ids=["told", "only looked up"])
def test_f60_while_a_close_fills_slowly_no_other_goes_out(told: bool) -> None:
    bench, _ = entered()
    close = slow_close(bench)
    for _ in range(5):
        if told:
            bench.tell(close)
        bench.wait(4)
        assert len(bench.of(fx.ClosePosition)) == 1
        fill = bench.execute(close, qty=1)
        if told:
            bench.tell_fill(fill)
        bench.obey(0.4)
    bench.obey(6)
    assert len(bench.of(fx.ClosePosition)) == 1
    assert not any(cancel.venue_id == close for cancel in bench.of(fx.CancelOrder))
    assert (bench.positions["MNQ"], bench.standing(), bench.book.flattening) == (0, [], {})


@pytest.mark.parametrize("restarted", [False, True])
def test_f60_a_close_that_fills_no_more_is_cancelled_and_seen_gone_before_the_next(restarted: bool) -> None:
    bench, _ = entered()
    close = slow_close(bench)
    bench.tell(close)
    bench.tell_fill(bench.execute(close, qty=2))
    if restarted:
        bench = bench.restart()
        bench.connect()
    before = len(bench.of(fx.ClosePosition))
    begun = bench.now
    while not any(cancel.venue_id == close for cancel in bench.of(fx.CancelOrder)):
        bench.wait(0.5)
        assert bench.now - begun < 20 * NANOS
    bench.wait(5)
    assert len(bench.of(fx.ClosePosition)) == before, "it is not gone yet"
    bench.tell_fill(bench.execute(close, qty=1))
    bench.change(close, status=VenueStatus.CANCELED)
    bench.answering = False
    bench.tell(close)
    bench.wait(5)
    assert len(bench.of(fx.ClosePosition)) == before, "nobody has seen it gone"
    bench.answering = True
    bench.snapshot(bench.of(fx.TakeSnapshot)[-1])
    bench.wait(3)
    assert len(bench.of(fx.ClosePosition)) == before + 1
    assert [c.qty for c in bench.written(r.CloseRequested)][-1] == 2


@pytest.mark.parametrize("filled", [2, 5])
def test_f60_a_close_that_the_stop_has_overtaken_is_cancelled_before_it_opens_the_other_side(
    filled: int,
) -> None:
    bench, ids = entered()
    close = slow_close(bench)
    bench.tell(close)
    bench.tell_fill(bench.execute(ids["SL"], PRICE - 40, qty=filled))
    bench.wait(4)
    assert [c.venue_id for c in bench.of(fx.CancelOrder)].count(close)
    assert len(bench.of(fx.ClosePosition)) == 1, "the first is not gone yet"
    bench.obey(6)
    if filled < 5:
        assert [c.qty for c in bench.written(r.CloseRequested)] == [5, 3]
        bench.close_all()
        bench.obey(6)
    assert (bench.positions["MNQ"], bench.standing(), bench.book.flattening) == (0, [], {})


def test_f60_somebody_elses_market_order_that_opens_more_is_no_close() -> None:
    bench, _ = entered()
    bench.wait(2)
    by_hand = bench.new_id()
    bench.orders[by_hand] = VenueOrder(
        by_hand, None, "MNQ", Side.BUY, OrderType.MARKET, 3, VenueStatus.WORKING, ts_venue=bench.now
    )
    bench.tell(by_hand)
    bench.say(Flatten(id="f"))
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    assert [cancel.venue_id for cancel in bench.of(fx.CancelOrder)] == [by_hand]


def test_f60_stops_stay_until_a_close_works_and_no_exit_stays_beside_it() -> None:
    bench, ids = entered()
    close = slow_close(bench)
    bench.answering = False
    bench.wait(1)
    assert bench.of(fx.CancelOrder) == [], "nobody has seen the close in the market"
    bench.tell(close)
    bench.wait(0.2)
    assert {cancel.venue_id for cancel in bench.of(fx.CancelOrder)} == {ids["SL"], ids["TP"]}
    bench.end(ids["SL"])
    bench.end(ids["TP"])
    bench.tell_fill(bench.execute(close, qty=2))
    placed = len(bench.of(fx.PlaceOrder))
    bench.wait(4)
    assert len(bench.of(fx.PlaceOrder)) == placed, "what is being closed needs no other exit"
    bench.change(close, status=VenueStatus.CANCELED)
    bench.tell(close)
    bench.wait(1.2)
    [stop] = bench.of(fx.PlaceOrder)[placed:]
    assert (stop.type, stop.qty) == (OrderType.STOP, 3), "its protection is back when the close is gone"


@pytest.mark.parametrize("waited", [0, 12])
def test_f60_what_has_turned_all_the_same_is_closed_at_once(waited: int) -> None:
    """By then the venue is asked only every few seconds; a fill that turns it is a trouble of its own."""
    bench, ids = entered()
    close = slow_close(bench)
    bench.tell(close)
    bench.wait(waited)
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=2))
    bench.tell_fill(bench.execute(close))
    assert bench.positions["MNQ"] == -2
    bench.wait(0.6)
    assert [c.qty for c in bench.written(r.CloseRequested)] == [5, -2]
    bench.reply(bench.of(fx.ClosePosition)[-1], ev.Outcome.ACCEPTED)
    bench.answering = False
    bench.wait(5)
    assert len(bench.of(fx.ClosePosition)) == 2, "that too is one close at a time"


def test_f60_a_close_of_more_than_is_known_is_the_venues_own_and_works_on() -> None:
    """Somebody bought two more while the stream was gone, and no query is answered."""
    bench, _ = entered()
    bench.positions["MNQ"] = 7
    bench.answering = False
    close = slow_close(bench)
    bench.change(close, qty=7)
    bench.tell(close)
    bench.wait(5)
    assert close not in {cancel.venue_id for cancel in bench.of(fx.CancelOrder)}


def test_f41_an_order_that_never_was_takes_no_stop_away() -> None:
    """The stream alone tells of a sale of more than is held, and a flatten begins."""
    bench, ids = entered()
    bench.wait(3)
    never = bench.new_id()
    bench.orders[never] = VenueOrder(
        never, None, "MNQ", Side.SELL, OrderType.MARKET, 10**12, VenueStatus.WORKING, ts_venue=bench.now
    )
    bench.tell(never)
    del bench.orders[never]
    bench.say(Flatten(id="f"))
    bench.wait(5)
    assert ids["SL"] not in {cancel.venue_id for cancel in bench.of(fx.CancelOrder)}
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]


@pytest.mark.parametrize("stops", [0, 3, 5])
def test_f60_a_shutdown_asks_and_says_how_much_is_protected(stops: int) -> None:
    bench, ids = entered()
    storm(bench)
    asked = len(bench.of(fx.TakeSnapshot))
    bench.change(ids["SL"], qty=stops or 5, status=VenueStatus.WORKING if stops else VenueStatus.CANCELED)
    bench.tell(ids["SL"])
    answer = bench.say(Shutdown(id="s"))
    assert len(bench.of(fx.TakeSnapshot)) == asked + 1
    stand = f"stops for {stops} stand at the venue" if stops else ""
    naked = f"NO STOP for {5 - stops}" if stops < 5 else ""
    assert answer == f"stopping; MNQ long 5: {', '.join(filter(None, (stand, naked)))}"


@pytest.mark.parametrize("told", [True, False], ids=["told", "found later"])
def test_f65_bracket_legs_that_still_wait_when_the_trade_is_over_are_cancelled_and_seen_gone(
    told: bool,
) -> None:
    bench, entry = connected()
    venue_id = bench.lodge(entry)
    legs = [order.venue_id for order in bench.orders.values() if order.parent_id == venue_id]
    bench.reply(entry, ev.Outcome.ACCEPTED, venue_id)
    bench.tell_fill(bench.execute(venue_id))
    for leg in legs:
        bench.change(leg, status=VenueStatus.SUSPENDED)
        if told:
            bench.tell(leg)
    hidden = {leg: bench.orders.pop(leg) for leg in legs if not told}
    by_hand = bench.new_id()
    bench.orders[by_hand] = VenueOrder(
        by_hand, None, "MNQ", Side.SELL, OrderType.MARKET, 5, VenueStatus.PENDING, ts_venue=bench.now
    )
    bench.tell(by_hand)
    bench.tell_fill(bench.execute(by_hand))
    bench.wait(0.1 if told else 3)
    bench.orders |= hidden
    bench.look()
    bench.wait(3)
    assert {cancel.venue_id for cancel in bench.of(fx.CancelOrder)} == set(legs)
    answer = bench.say(Shutdown(id="s"))
    assert "2 orders of MNQ left" in answer
    for leg in legs:
        bench.end(leg)
    bench.wait(1)
    assert (bench.book.live_orders(), bench.book.plans) == ([], {})
    assert bench.say(Shutdown(id="s")) == "stopping; nothing is open"


def test_f65_legs_of_an_entry_that_still_rests_are_left_alone() -> None:
    bench, entry = connected()
    bench.accept(entry, legs=True)
    for one in list(bench.orders):
        bench.tell(one)
    bench.wait(5)
    assert bench.of(fx.CancelOrder) == []


def test_f60_a_shutdown_that_gets_no_answer_says_so() -> None:
    bench, _ = entered()
    bench.wait(2)
    bench.answering = False
    bench.say(Shutdown(id="s"))
    said = left(bench.core.books, ended=True)
    assert said == f"MNQ long 5: stops for 5 stand at the venue; not verified with the venue: {BOOK}"
    bench.snapshot(bench.of(fx.TakeSnapshot)[-1])
    assert left(bench.core.books, ended=True) == "MNQ long 5: stops for 5 stand at the venue"
