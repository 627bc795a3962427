"""Fills, cancels and positions that the venue knows better, by hand (docs/reliability.md#orders, F8 to
F12, F26).
"""

from __future__ import annotations

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import CancelEntries, Flatten
from engine.model.market import Side
from engine.model.orders import Fill, OrderStatus, OrderType, Slot, VenueOrder, VenuePosition, VenueStatus
from engine.model.plans import PlanStatus
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from tests.support.books import day_rolled
from tests.support.manual_venue import BOOK, UNKNOWN, ManualVenue, connected, entered, idea
from tests.support.venue_orders import MNQ, PRICE


def test_f08_a_fill_missed_while_disconnected() -> None:
    bench, ids = entered()
    bench.link(ev.LinkState.DOWN)
    bench.answering = False
    when = bench.now
    bench.execute(ids["SL"], PRICE - 41)
    bench.change(ids["TP"], status=VenueStatus.CANCELED)
    bench.wait(6)
    bench.answering = True
    bench.link(ev.LinkState.LIVE)
    bench.wait(20)
    [trade] = bench.book.trades
    assert (trade.closed_ts, trade.reason, bench.book.position("MNQ").qty) == (when, "stop", 0)
    assert trade.gross_usd == MNQ.usd(-41 * 5)
    assert bench.book.plans == {}
    assert bench.core.state.restrictions == {}


def test_f08_a_part_of_the_exit_missed_while_disconnected_leaves_stop_and_excursions_right() -> None:
    bench, ids = entered()
    bench.quote(PRICE - 12)
    bench.link(ev.LinkState.DOWN)
    bench.answering = False
    bench.execute(ids["TP"], PRICE + 80, qty=2)
    bench.wait(4)
    bench.answering = True
    bench.link(ev.LinkState.LIVE)
    bench.obey(16)
    assert bench.stops() == [(3, PRICE - 40)]
    assert bench.core.books[BOOK].day_usd == MNQ.usd(2 * 80 - 3 * 12) - 7 * MNQ.cost_usd
    bench.tell_fill(bench.execute(ids["SL"], PRICE - 40))
    [trade] = bench.book.trades
    assert trade.gross_usd == MNQ.usd(2 * 80 - 3 * 40)
    # five at 12 down, five at the price of the target, three at the stop
    assert (trade.mae_usd, trade.mfe_usd) == (min(MNQ.usd(-12 * 5), MNQ.usd(-40 * 3)), MNQ.usd(80 * 5))


def test_f08_a_partial_fill_missed_on_a_live_stream() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.execute(venue_id, qty=2)
    bench.tell(venue_id)
    bench.wait(4)
    assert bench.book.position("MNQ").qty == 2


def test_f09_a_fill_after_the_cancel_is_ours_and_is_closed() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order, legs=False)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    bench.change(venue_id, status=VenueStatus.CANCELED)
    bench.tell(venue_id)
    bench.wait(0.2)
    assert bench.book.plans == {}
    bench.tell_fill(bench.execute(venue_id))
    assert bench.order(order.client_id).status is OrderStatus.FILLED
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]


def test_f09_a_cancel_refused_because_the_order_filled() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    bench.say(CancelEntries(id="c"))
    fill = bench.execute(venue_id)
    bench.reply(bench.of(fx.CancelOrder)[-1], ev.Outcome.REFUSED, reason="5")
    bench.tell_fill(fill)
    bench.wait(3)
    assert bench.order(order.client_id).status is OrderStatus.FILLED
    assert bench.in_slot(Slot.STOP)[0].status is OrderStatus.WORKING


def test_f10_a_position_changed_from_outside() -> None:
    bench, _ = entered()
    bench.positions["MNQ"] = 3
    bench.step(
        ev.PositionReported(ts_recv=bench.now, book=BOOK, position=VenuePosition("MNQ", 3, MNQ.price(PRICE)))
    )
    bench.wait(5)
    [adjusted] = bench.written(r.PositionAdjusted)
    assert (adjusted.delta, adjusted.price, bench.book.position("MNQ").qty) == (-2, PRICE, 3)
    restriction = bench.core.state.restriction(BOOK, "MNQ")
    assert restriction is not None
    assert restriction.state is TradingState.REDUCING
    assert len(bench.critical()) == 1
    assert {m.qty for m in bench.of(fx.ModifyOrder)} == {3}


def test_f10_a_fill_on_its_way_is_no_change_from_outside() -> None:
    bench, ids = entered()
    bench.answering = False
    bench.execute(ids["TP"], PRICE + 80)
    late = bench.fills.pop()
    bench.answering = True
    bench.look()
    bench.wait(0.3)
    bench.fills.append(late)
    bench.tell_fill(late)
    bench.wait(5)
    assert bench.written(r.PositionAdjusted) == []
    assert bench.book.position("MNQ").qty == 0


def test_f11_a_failed_snapshot_changes_nothing() -> None:
    bench, _ = entered()
    bench.answering = False
    before = len(bench.journal)
    bench.look()
    for _ in range(20):
        asked = len(bench.of(fx.TakeSnapshot))
        bench.wait(1)
        if len(bench.of(fx.TakeSnapshot)) > asked:
            bench.step(ev.SnapshotFailed(ts_recv=bench.now, book=BOOK, reason="503"))
    assert {type(record) for record in bench.journal[before:]} <= {r.EquityNoted}
    assert sum("could not be looked up" in n.text for n in bench.notices) == 1
    assert 5 <= len(bench.of(fx.TakeSnapshot)) <= 20


def test_f11_an_old_answer_that_comes_late_is_not_taken_for_the_newest() -> None:
    bench, _ = entered()
    bench.answering = False
    bench.look()
    bench.wait(1.2)
    old = bench.of(fx.TakeSnapshot)[-1]
    bench.wait(16)
    bench.look()
    bench.wait(1)
    new = bench.of(fx.TakeSnapshot)[-1]
    assert new != old
    bench.snapshot(new)
    bench.orders.clear()
    bench.positions.clear()
    bench.snapshot(old)
    reconciler = bench.core.books[BOOK].orders.reconciler
    assert (reconciler.mismatches, reconciler._absent) == ({}, {})


def test_f12_partial_entry_the_rest_cancelled() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    bench.tell_fill(bench.execute(venue_id, qty=2))
    bench.change(venue_id, status=VenueStatus.CANCELED)
    for one in sorted(bench.orders):
        bench.tell(one)
    bench.wait(3)
    assert [(o.status, o.open_qty) for o in bench.in_slot(Slot.STOP)] == [(OrderStatus.WORKING, 2)]


def test_f08_after_a_reconnect_no_exit_is_placed_before_the_venue_has_spoken() -> None:
    """The stop filled while nobody listened; what the stream tells first is that its sibling is gone."""
    bench, ids = entered()
    bench.wait(2)
    bench.answering = False
    bench.link(ev.LinkState.DOWN)
    bench.execute(ids["SL"], PRICE - 41)
    bench.change(ids["TP"], status=VenueStatus.CANCELED)
    before = len(bench.of(fx.TakeSnapshot))
    bench.link(ev.LinkState.LIVE)
    bench.tell(ids["TP"])
    bench.wait(2.5)
    assert len(bench.of(fx.TakeSnapshot)) == before + 1
    assert len(bench.of(fx.PlaceOrder)) == 1
    bench.snapshot(bench.of(fx.TakeSnapshot)[-1])
    bench.wait(5)
    assert len(bench.of(fx.PlaceOrder)) == 1
    assert bench.book.plans == {}


def test_looking_leaves_room_for_orders() -> None:
    bench, order = connected()
    bench.answering = False
    bench.link(ev.LinkState.CONNECTING)
    bench.say(Flatten(id="f"))
    for _ in range(60):
        bench.wait(1)
        for query in bench.of(fx.TakeSnapshot)[-1:]:
            bench.snapshot(query)
    assert len(bench.of(fx.TakeSnapshot)) < 40
    assert order.client_id in bench.book.orders


def test_f26_a_lock_and_its_losses_survive_a_restart() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["SL"], PRICE - 400))
    bench.change(ids["TP"], status=VenueStatus.CANCELED)
    bench.tell(ids["TP"])
    bench.wait(3)
    restriction = bench.core.state.restriction(BOOK, "MNQ")
    assert restriction is not None
    assert restriction.state is TradingState.LOCKED
    again = bench.restart(idea())
    again.connect()
    assert again.book.day.losses_in_a_row == 1
    assert again.trade_idea() == []
    assert Refusal.LOCKED in again.written(r.IdeaRefused)[-1].refusals


def test_an_entry_that_the_venue_rejects_ends_its_trade() -> None:
    bench, order = connected(targets=(80, 160))
    for one in bench.of(fx.PlaceOrder):
        bench.reply(one, ev.Outcome.REFUSED)
    bench.wait(0.2)
    assert bench.book.plans == {}
    assert order.qty + bench.of(fx.PlaceOrder)[1].qty == 5


def test_entries_wait_while_a_flatten_is_not_proven() -> None:
    bench = ManualVenue(idea())
    bench.connect()
    bench.answering = False
    bench.core.turn.commit(r.FlattenStarted(ts=bench.now, book=BOOK, instruments=("MNQ",), reason="risk"))
    bench._take(bench.core.turn.records[-1:], [])
    assert bench.trade_idea() == []
    assert Refusal.IN_POSITION in bench.written(r.IdeaRefused)[-1].refusals


@pytest.mark.parametrize("instrument", ["CL", "ES"])
def test_a_fill_of_a_contract_that_is_not_known_hurts_nobody(instrument: str) -> None:
    bench, _ = entered()
    fill = Fill("X1", "999", instrument, Side.BUY, 5, 1, MNQ.cost_usd, bench.now)
    for _ in range(2):
        bench.tell_fill(fill)
    bench.wait(3)
    assert instrument not in bench.book.positions
    assert bench.book.position("MNQ").qty == 5


def test_events_of_a_book_that_was_never_adopted_are_left_alone() -> None:
    bench = ManualVenue()
    order = VenueOrder("1", None, "MNQ", Side.BUY, OrderType.LIMIT, 1, VenueStatus.WORKING, 5)
    for event in (
        ev.OrderReported(ts_recv=bench.now, book="?", order=order),
        ev.FillReported(
            ts_recv=bench.now, book="?", fill=Fill("1", "1", "MNQ", Side.BUY, 5, 1, MNQ.cost_usd, 1)
        ),
        ev.SnapshotFailed(ts_recv=bench.now, book="?", reason=""),
        ev.PositionReported(ts_recv=bench.now, book="?", position=VenuePosition("MNQ", 1, MNQ.price(5))),
        ev.reply(fx.CancelOrder("?", "x", "1", "MNQ"), bench.now, UNKNOWN),
    ):
        bench.step(event)
    assert bench.core.books == {}


def test_a_day_roll_keeps_what_an_open_trade_refers_to() -> None:
    bench, ids = entered()
    bench.invariants.protection_due = True
    bench.core.turn.begin(bench.now)
    bench.core.turn.commit(day_rolled(bench.now, "2025-08-07"))
    bench._take(bench.core.turn.records, [])
    bench.wait(3)
    again = bench.restart()
    again.connect()
    again.wait(5)
    assert again.of(fx.PlaceOrder) == []
    [plan] = again.book.plans.values()
    assert plan.plan.status is PlanStatus.OPEN
    again.tell_fill(again.execute(ids["TP"], PRICE + 80))
    assert again.book.trades[-1].reason == "T1"
