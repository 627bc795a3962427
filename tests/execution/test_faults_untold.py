"""What the venue tells late, in parts or never at all: counted once, at the right money, and never twice."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.errors import Cause
from engine.model.market import Side
from engine.model.orders import Fill, OrderStatus, VenueStatus
from engine.model.plans import Leg, PlanStatus
from engine.model.refusals import Refusal
from tests.support.books import Book, day_rolled
from tests.support.manual_venue import BOOK, UNKNOWN, ManualVenue, connected, entered, idea
from tests.support.venue_orders import MNQ, PRICE

REFUSED = ev.Outcome.REFUSED


def concluded() -> tuple[ManualVenue, Fill]:
    """Two contracts of five whose fill nobody tells, concluded from the venue's word; the fill itself."""
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    fill = bench.execute(venue_id, PRICE + 6, qty=2)
    bench.fills.remove(fill)
    for one in sorted(bench.orders):
        bench.tell(one)
    bench.wait(8)
    assert [a.inferred for a in bench.written(r.FillApplied)] == [True]
    return bench, fill


def test_f08_a_part_that_was_concluded_and_is_told_late_is_not_counted_twice() -> None:
    bench, fill = concluded()
    assert bench.book.position("MNQ").qty == 2
    bench.tell_fill(fill)
    bench.tell_fill(fill)
    assert bench.book.position("MNQ").qty == 2
    [settled] = bench.written(r.FillSettled)
    assert settled.trade_id == fill.trade_id
    # The rest of the entry is new, and counts.
    entry = bench.of(fx.PlaceOrder)[0].client_id
    bench.wait(1)
    bench.tell_fill(bench.execute(bench.order(entry).venue_id or "", PRICE, qty=3))
    assert bench.book.position("MNQ").qty == 5
    assert bench.order(entry).status is OrderStatus.FILLED
    assert bench.written(r.PositionAdjusted) == []


def test_f08_what_is_new_is_not_taken_for_what_was_concluded() -> None:
    """Two were concluded, and then two more are bought before those are told."""
    bench, fill = concluded()
    entry = bench.of(fx.PlaceOrder)[0].client_id
    bench.wait(1)
    bench.tell_fill(bench.execute(bench.order(entry).venue_id or "", PRICE, qty=2))
    assert bench.book.position("MNQ").qty == 4
    bench.tell_fill(fill)
    assert bench.book.position("MNQ").qty == 4


def test_f08_a_fill_that_is_told_late_brings_its_own_price_into_the_open_trade() -> None:
    bench, fill = concluded()
    before = bench.book.position("MNQ").open_sum
    bench.tell_fill(fill)
    assert bench.book.position("MNQ").open_sum == 2 * (PRICE + 6)
    assert before != 2 * (PRICE + 6)
    [found] = bench.book.plans.values()
    assert found.legs[0].entered_sum == 2 * (PRICE + 6)


@pytest.mark.parametrize(("price", "won"), [(PRICE - 47, False), (PRICE + 5, True)])
def test_f08_a_fill_that_is_told_late_corrects_the_trade_that_it_ended(price: int, won: bool) -> None:
    """A stop slips, or fills above where it stood: the day has what was earned, not what was assumed."""
    bench, ids = entered()
    fill = bench.execute(ids["SL"], price)
    bench.fills.remove(fill)
    bench.end(ids["TP"])
    bench.tell(ids["SL"])
    bench.wait(8)
    assert bench.book.trades[-1].gross_usd == MNQ.usd(-40 * 5)
    assert bench.core.books[BOOK].day_usd == MNQ.usd(-40 * 5) - 10 * MNQ.cost_usd
    cheap = Fill(
        fill.trade_id, fill.venue_order_id, "MNQ", Side.SELL, price, 5, Decimal("3.55"), fill.ts_venue
    )
    bench.tell_fill(cheap)
    [trade] = bench.book.trades
    gross = MNQ.usd((price - PRICE) * 5)
    costs = 5 * MNQ.cost_usd + Decimal("3.55")
    assert (trade.gross_usd, trade.costs_usd, trade.exit_sum) == (gross, costs, price * 5)
    day = bench.book.day
    assert bench.core.books[BOOK].day_usd == gross - costs
    assert (day.gross_usd, day.banked_usd, day.costs_usd) == (gross, gross, costs)
    assert (day.wins, day.losses_in_a_row) == ((1, 0) if won else (0, 1))
    assert day.won_usd - day.lost_usd == day.equity[-1] == gross - costs
    assert day.max_drawdown_usd == (0 if won else costs - gross)
    again = bench.restart()
    assert again.core.books[BOOK].day_usd == gross - costs


def test_f25_a_concluded_fill_that_is_told_after_the_roll_is_still_the_same_one() -> None:
    book = Book()
    found = book.entered(Leg(2, -40, 60), price=1000)
    stop, _ = book.exits(found)
    fill = Fill("inferred-1", stop.venue_id or "", "MNQ", Side.SELL, 960, 2, MNQ.cost_usd * 2, book.now)
    book.write(
        r.FillApplied(ts=book.now, book="practice", client_id=stop.client_id, fill=fill, inferred=True)
    )
    book.write(r.PlanChanged(ts=book.now, book="practice", plan_id="p", status=PlanStatus.CLOSED))
    ended = book.state.day.gross_usd - book.state.day.costs_usd
    book.wait(20 * 3600 * 10**9)
    book.write(day_rolled(book.now, "2026-11-17"))
    assert book.state.days[-1].net_usd == ended
    told = Fill("T9", stop.venue_id or "", "MNQ", Side.SELL, 950, 2, MNQ.cost_usd * 2, fill.ts_venue)
    book.write(
        r.FillSettled(ts=book.now, book="practice", trade_id="T9", client_id=stop.client_id, fill=told)
    )
    assert book.state.days[-1].net_usd == ended - MNQ.usd(20)
    assert book.state.day.gross_usd == book.state.day.costs_usd == 0
    assert book.state.position("MNQ").qty == 0


def test_f25_an_order_that_ended_just_before_the_roll_is_still_ours_after_it() -> None:
    """Cancelled at 16:59 and filled all the same: told after 17:00, it is nobody else's, and is closed."""
    bench, order = connected()
    venue_id = bench.lodge(order, legs=False)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    bench.end(venue_id)
    bench.wait(0.2)
    assert bench.book.plans == {}
    bench.core.turn.begin(bench.now)
    bench.core.turn.commit(day_rolled(bench.now, "2025-08-07"))
    bench._take(bench.core.turn.records, [])
    bench.tell_fill(bench.execute(venue_id))
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    assert bench.core.state.restrictions == {}


def test_f28_orders_that_are_called_filled_and_told_no_fill_of_do_not_hold_a_flatten_up() -> None:
    """Entry and stop filled while nobody listened, no trade is ever told, and positions agree: both flat."""
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    bench.execute(venue_id)
    bench.execute(str(int(venue_id) + 1), PRICE - 40)
    bench.change(str(int(venue_id) + 2), status=VenueStatus.CANCELED)
    bench.fills.clear()
    bench.say(Flatten(id="f"))
    bench.wait(14)
    assert bench.order(order.client_id).live  # a fill may yet be told
    bench.wait(20)
    assert not bench.order(order.client_id).live
    assert (bench.book.flattening, bench.book.plans, bench.book.position("MNQ").qty) == ({}, {}, 0)


def test_f08_entry_and_exit_that_nobody_told_of_are_a_trade_all_the_same() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    for one in sorted(bench.orders):
        bench.tell(one)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    stop = str(int(venue_id) + 1)
    bench.execute(venue_id)
    bench.tell(stop)
    bench.execute(stop, PRICE - 40)
    bench.change(str(int(venue_id) + 2), status=VenueStatus.CANCELED)
    bench.fills.clear()
    bench.wait(30)
    [trade] = bench.book.trades
    assert trade.gross_usd == MNQ.usd(-40 * 5)
    assert (bench.book.plans, bench.book.position("MNQ").qty) == ({}, 0)
    assert bench.core.turn.counts["inferred fills"] == 2


def test_f02_a_lost_order_of_which_only_the_fill_is_told_is_known_for_ours() -> None:
    """The stream tells no order: the venue is asked before anybody else is held for it, and it is closed."""
    bench, order = connected()
    bench.reply(order, UNKNOWN)
    bench.wait(20)
    assert bench.order(order.client_id).status is OrderStatus.REJECTED
    bench.tell_fill(bench.execute(bench.lodge(order, legs=False)))
    bench.wait(2)
    assert bench.order(order.client_id).filled_qty == 5
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    assert bench.core.state.restrictions == {}
    assert not any("somebody else" in text for text in bench.critical())


@pytest.mark.parametrize("stop", [False, True])
def test_f03_a_client_id_that_is_taken_is_looked_up_and_never_booked_as_rejected(stop: bool) -> None:
    """The request was repeated on the way: the venue refuses the copy of an order that it has."""
    if stop:
        bench, _ = entered(legs=False)
        bench.wait(2.2)
    else:
        bench, _ = connected()
    order = bench.of(fx.PlaceOrder)[-2 if stop else 0]
    venue_id = bench.lodge(order)
    asked = len(bench.of(fx.TakeSnapshot))
    bench.reply(order, REFUSED, cause=Cause.TAKEN)
    assert bench.order(order.client_id).status is OrderStatus.UNKNOWN
    assert bench.of(fx.ClosePosition) == []
    bench.wait(1.5)
    assert len(bench.of(fx.TakeSnapshot)) > asked
    assert bench.order(order.client_id).venue_id == venue_id
    assert bench.order(order.client_id).status is OrderStatus.WORKING
    placed = [p for p in bench.of(fx.PlaceOrder) if (p.type, p.reduces) == (order.type, order.reduces)]
    assert placed == [order]


@pytest.mark.parametrize("filled", [True, False])
def test_f03_an_entry_that_the_stream_has_told_of_is_not_sent_again_bare(filled: bool) -> None:
    """Whatever the answer says of its bracket: it did arrive."""
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.tell(venue_id)
    if filled:
        bench.tell_fill(bench.execute(venue_id))
    bench.reply(order, REFUSED, cause=Cause.NO_BRACKETS)
    bench.wait(1)
    assert [p for p in bench.of(fx.PlaceOrder) if not p.reduces] == [order]
    assert bench.order(order.client_id).filled_qty == (5 if filled else 0)
    assert bench.order(order.client_id).status is not OrderStatus.REJECTED


def test_f11_a_question_that_is_lost_with_its_answer_is_asked_again() -> None:
    """Also the first one, before which nothing is done at all."""
    bench = ManualVenue(idea())
    bench.answering = False
    bench.connect()
    assert len(bench.of(fx.TakeSnapshot)) == 1
    bench.wait(60)
    assert 3 <= len(bench.of(fx.TakeSnapshot)) <= 5
    bench.answering = True
    bench.wait(16)
    assert bench.core.books[BOOK].orders.reconciled
    asked = len(bench.of(fx.TakeSnapshot))
    bench.wait(50)
    assert len(bench.of(fx.TakeSnapshot)) == asked  # those that were lost are forgotten


def test_f11_looks_that_go_on_failing_make_what_is_known_stale() -> None:
    bench, _ = entered()
    bench.wait(2)
    bench.answering = False
    orders = bench.core.books[BOOK].orders
    bench.look()
    for _ in range(2):
        assert orders.reconciled
        asked = len(bench.of(fx.TakeSnapshot))
        while len(bench.of(fx.TakeSnapshot)) == asked:
            bench.wait(0.1)
        bench.step(ev.SnapshotFailed(ts_recv=bench.now, book=BOOK, reason="503"))
    assert not orders.reconciled
    assert bench.book.position("MNQ").qty == 5
    assert bench.stops() == [(5, PRICE - 40)]
    bench.answering = True
    bench.wait(3)
    assert orders.reconciled


def test_f08_while_the_stream_is_gone_the_venue_is_asked_often_and_nothing_is_entered() -> None:
    bench = ManualVenue(idea())
    bench.connect()
    bench.link(ev.LinkState.CONNECTING)
    asked = len(bench.of(fx.TakeSnapshot))
    bench.wait(60)
    assert 10 <= len(bench.of(fx.TakeSnapshot)) - asked <= 15
    assert bench.trade_idea() == []
    bench.link(ev.LinkState.LIVE)
    asked = len(bench.of(fx.TakeSnapshot))
    bench.wait(55)
    assert len(bench.of(fx.TakeSnapshot)) - asked == 1


def test_f08_an_account_whose_stream_was_never_up_enters_nothing() -> None:
    bench = ManualVenue(idea(), idea())
    bench.link(ev.LinkState.CONNECTING)
    bench.step(ev.ContractResolved(ts_recv=bench.now, instrument=MNQ, contract_id="x", name="MNQX"))
    bench.step(ev.AccountAdopted(ts_recv=bench.now, book=BOOK, account=bench.account()))
    bench.link(ev.LinkState.LIVE, "market")
    bench.wait(3)
    assert bench.core.books[BOOK].orders.reconciled
    assert bench.trade_idea() == []
    assert Refusal.VENUE_DOWN in bench.written(r.IdeaRefused)[-1].refusals


def test_f08_after_a_reconnect_a_question_from_before_it_is_not_waited_for() -> None:
    """Its answer may hang with the line that broke; meanwhile an exit of ours may have filled."""
    bench, _ = entered()
    bench.wait(2)
    bench.answering = False
    bench.look()
    bench.wait(1.2)
    asked = len(bench.of(fx.TakeSnapshot))
    bench.link(ev.LinkState.DOWN)
    bench.link(ev.LinkState.LIVE)
    bench.wait(2.2)
    assert len(bench.of(fx.TakeSnapshot)) == asked + 1
    bench.wait(10)
    assert len(bench.of(fx.TakeSnapshot)) == asked + 1


def test_f10_a_position_that_is_gone_without_a_word_costs_what_the_market_says() -> None:
    """The venue has no average of what is flat; the day's loss is not zero because nobody told of it."""
    bench, ids = entered()
    bench.wait(2)
    bench.quote(PRICE - 30)
    bench.positions["MNQ"] = 0
    for leg in (ids["SL"], ids["TP"]):
        bench.end(leg)
    bench.wait(6)
    [adjusted] = bench.written(r.PositionAdjusted)
    assert (adjusted.delta, adjusted.price) == (-5, PRICE - 30)
    assert bench.core.books[BOOK].day_usd == MNQ.usd(-30 * 5) - 5 * MNQ.cost_usd


def test_f10_a_difference_that_settled_itself_is_forgotten() -> None:
    bench, ids = entered()
    bench.wait(2)
    bench.answering = False
    bench.execute(ids["TP"], PRICE + 80)
    bench.look()
    bench.wait(1.2)
    late = bench.fills.pop()
    bench.snapshot(bench.of(fx.TakeSnapshot)[-1])
    assert bench.core.books[BOOK].orders.reconciler.mismatches
    bench.answering = True
    bench.fills.append(late)
    bench.tell_fill(late)
    bench.end(ids["SL"])
    bench.wait(4)
    assert bench.core.books[BOOK].orders.reconciler.mismatches == {}
