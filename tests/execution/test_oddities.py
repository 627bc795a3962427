"""What should not happen, does, and is survived: counted, told, journalled
(docs/semantics.md#events-that-do-not-fit).
"""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from msgspec import structs

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.market import NANOS, Side
from engine.model.notices import Severity
from engine.model.orders import Fill, OrderStatus, OrderType, Slot, VenueOrder, VenueStatus
from engine.model.plans import Leg
from engine.model.records import OrderEvent as E
from engine.model.restrictions import TradingState
from engine.state.order_table import next_status
from tests.support.books import Book
from tests.support.manual_venue import BOOK, connected, entered
from tests.support.venue_orders import MNQ, PRICE

STATES = [s for s in OrderStatus if not s.terminal]


def _in_state(book: Book, status: OrderStatus) -> str:
    """An acknowledged order (but NEW and SENT) in a state, by legal events only."""
    book.plan(Leg(3, -40, 60))
    order = book.order(Slot.ENTRY, 3, sent=status is not OrderStatus.NEW)
    path: dict[OrderStatus, tuple[E, ...]] = {
        OrderStatus.NEW: (),
        OrderStatus.SENT: (),
        OrderStatus.UNKNOWN: (E.TIMED_OUT,),
        OrderStatus.WORKING: (E.ACCEPTED,),
        OrderStatus.PARTIAL: (E.ACCEPTED,),
        OrderStatus.PENDING_CANCEL: (E.ACCEPTED, E.CANCEL_REQUESTED),
        OrderStatus.PENDING_MODIFY: (E.ACCEPTED, E.MODIFY_REQUESTED),
    }
    for event in path[status]:
        book.moved(order.client_id, event, venue_id="v1" if event is E.ACCEPTED else None)
    if status is OrderStatus.PARTIAL:
        book.fill(order, 1000, 1)
    assert order.status is status
    return order.client_id


@pytest.mark.parametrize(("status", "event"), product(STATES, [e for e in E if e is not E.FILLED]))
def test_every_illegal_pair_is_an_anomaly_and_changes_nothing(status: OrderStatus, event: E) -> None:
    book = Book()
    orders = book.opened().orders._orders
    client_id = _in_state(book, status)
    before = repr(book.state.orders[client_id])
    acknowledged = book.state.orders[client_id].venue_id is not None
    filled = book.state.orders[client_id].filled_qty
    illegal = next_status(status, event, filled, 3, acknowledged=acknowledged) is None
    told = book.turn.noticed
    orders.moved(client_id, event, qty=9, reason="odd")
    assert book.turn.counts["anomalies"] == illegal
    assert isinstance(book.journal[-1], r.OrderMoved)
    if illegal:
        assert repr(book.state.orders[client_id]) == before
        assert book.turn.noticed == told + 1
        assert "does not fit" in book.turn.notices[-1].text


def test_an_overfill_is_applied_flagged_and_the_position_follows_the_venue() -> None:
    bench, ids = entered()
    extra = Fill("X", ids["entry"], "MNQ", Side.BUY, PRICE, 1, MNQ.cost_usd, bench.now)
    bench.fills.append(extra)
    bench.positions["MNQ"] = 6
    bench.tell_fill(extra)
    bench.wait(1)
    assert bench.book.position("MNQ").qty == 6
    assert bench.core.turn.counts["overfills"] == 1
    assert any("more than its order of 5" in text for text in bench.critical())
    bench.wait(3)
    for change in bench.of(fx.ModifyOrder):
        bench.answer(change, ev.Outcome.ACCEPTED)
    assert (bench.stops(), bench.targets()) == ([(6, PRICE - 40)], [(6, PRICE + 80)])


def test_a_leg_that_filled_before_it_was_told_to_have_grown_is_no_overfill() -> None:
    bench, order = connected()
    venue_id = bench.lodge(order)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    bench.tell_fill(bench.execute(venue_id, qty=2))
    stop = str(int(venue_id) + 1)
    bench.tell(stop)
    bench.tell_fill(bench.execute(venue_id))
    bench.tell_fill(bench.execute(stop, PRICE - 40))
    assert bench.core.turn.counts["overfills"] == 0
    assert bench.book.position("MNQ").qty == 0


def test_f07_duplicates_are_counted_and_not_told_again() -> None:
    bench, _ = entered()
    told = bench.core.turn.noticed
    for fill in bench.fills * 2:
        bench.tell_fill(fill)
    assert bench.core.turn.counts["duplicate fills"] == 2
    assert bench.core.turn.noticed == told
    bench.wait(70)
    assert bench.core.turn.counts["duplicate fills"] == 2  # a snapshot repeats, that is no oddity
    assert bench.book.position("MNQ").qty == 5


def test_f17_a_double_exit_is_counted() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80))
    bench.tell_fill(bench.execute(ids["SL"], PRICE - 40))
    assert bench.core.turn.counts["double exits"] == 1
    assert bench.of(fx.ClosePosition)


def test_f17_a_double_exit_of_one_leg_is_counted_though_the_other_leg_took_it() -> None:
    bench, ids = entered(targets=(80, 160))
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80))
    bench.tell_fill(bench.execute(ids["SL"], PRICE - 40))
    assert bench.core.turn.counts["double exits"] == 1
    assert bench.book.position("MNQ").qty == 1
    bench.wait(0.2)
    assert {c.qty for c in bench.of(fx.ModifyOrder) if c.qty is not None} == {1}


def test_an_older_report_never_undoes_a_newer_one() -> None:
    bench, ids = entered()
    old = bench.orders[ids["SL"]]
    bench.wait(1)
    bench.change(ids["SL"], stop=PRICE - 20)
    bench.tell(ids["SL"])
    bench.step(ev.OrderReported(ts_recv=bench.now, ts_venue=old.ts_venue, book=BOOK, order=old))
    assert bench.stops() == [(5, PRICE - 20)]
    assert bench.core.turn.counts["stale reports"] == 1


def test_a_query_that_stamps_less_finely_than_the_stream_is_not_stale() -> None:
    bench, ids = entered()
    bench.wait(1)
    moved = bench.change(ids["SL"], stop=PRICE - 20, ts_venue=bench.now + 900)
    bench.tell(ids["SL"])
    coarse = structs.replace(moved, ts_venue=bench.now)
    bench.step(ev.OrderReported(ts_recv=bench.now, ts_venue=coarse.ts_venue, book=BOOK, order=coarse))
    assert bench.core.turn.counts["stale reports"] == 0


def test_an_order_that_is_called_filled_without_its_fill_is_filled_all_the_same() -> None:
    """Rule 6: concluded at the order's price under a hash; not an adjustment, nobody is blamed."""
    bench, ids = entered()
    fill = bench.execute(ids["SL"], PRICE - 41)
    bench.fills.remove(fill)
    bench.end(ids["TP"])
    bench.tell(ids["SL"])
    bench.wait(8)
    [concluded] = [a for a in bench.written(r.FillApplied) if a.inferred]
    assert concluded.fill.trade_id.startswith("inferred-")
    assert (concluded.fill.price, concluded.fill.qty) == (PRICE - 40, 5)
    assert bench.order(concluded.client_id).status is OrderStatus.FILLED
    assert [t.reason for t in bench.book.trades] == ["stop"]
    assert (bench.written(r.PositionAdjusted), bench.core.state.restrictions) == ([], {})
    assert bench.core.turn.counts["inferred fills"] == 1
    # The real one, told late, is the same money.
    bench.tell_fill(fill)
    assert bench.book.position("MNQ").qty == 0
    again = bench.restart()
    again.connect()
    again.tell_fill(fill)
    assert again.book.position("MNQ").qty == 0
    assert len(again.written(r.FillSettled)) == 1


def test_the_id_of_a_concluded_fill_is_decided_by_what_is_known_of_it() -> None:
    def concluded(price: int) -> str:
        bench, ids = entered()
        bench.change(ids["SL"], stop=price)
        bench.tell(ids["SL"])
        bench.fills.remove(bench.execute(ids["SL"], price))
        bench.end(ids["TP"])
        bench.wait(8)
        return next(a.fill.trade_id for a in bench.written(r.FillApplied) if a.inferred)

    assert concluded(PRICE - 40) == concluded(PRICE - 40) != concluded(PRICE - 30)


def test_what_fills_do_not_explain_is_still_an_adjustment() -> None:
    bench, ids = entered()
    bench.fills.remove(bench.execute(ids["SL"], PRICE - 41))
    bench.end(ids["TP"])
    bench.positions["MNQ"] = 1  # and a person bought one
    bench.wait(8)
    assert not any(a.inferred for a in bench.written(r.FillApplied))
    assert [a.delta for a in bench.written(r.PositionAdjusted)] == [-4]


def test_a_change_of_unknown_outcome_that_took_place_before_the_fill_leaves_no_order_alive() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=2))
    [change] = bench.of(fx.ModifyOrder)
    bench.change(ids["SL"], qty=3)
    bench.answer(change, ev.Outcome.UNKNOWN)
    fill = bench.execute(ids["SL"], PRICE - 40)
    bench.tell_fill(fill)
    bench.end(ids["TP"])
    bench.tell(ids["SL"])
    bench.wait(3)
    assert [o for o in bench.in_slot(Slot.STOP) if o.live] == []
    assert bench.book.plans == {}


def test_f11_one_answer_that_is_empty_by_error_changes_nothing() -> None:
    bench, _ = entered()
    bench.wait(3)
    before = len(bench.journal)
    bench.answering = False
    bench.look()
    bench.wait(1.2)
    held, orders = dict(bench.positions), dict(bench.orders)
    bench.positions.clear()
    bench.orders.clear()
    bench.snapshot(bench.of(fx.TakeSnapshot)[-1])
    bench.positions, bench.orders, bench.answering = held, orders, True
    bench.wait(10)
    assert [type(record) for record in bench.journal[before:]] == []
    assert bench.stops() == [(5, PRICE - 40)]


def test_f10_the_leg_of_a_finished_trade_that_fills_late_is_ours_and_is_closed() -> None:
    """An orphan leg that the venue kept opens a position: nobody else did, and nobody needs it."""
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80))
    bench.end(ids["SL"])
    bench.wait(3)
    assert bench.book.plans == {}
    orphan = VenueOrder(
        "950", "ts-t-1-1-SL2", "MNQ", Side.SELL, OrderType.STOP, 5, VenueStatus.WORKING, stop=PRICE - 40
    )
    bench.orders["950"] = orphan
    bench.tell("950")
    bench.tell_fill(bench.execute("950", PRICE - 40))
    assert bench.of(fx.ClosePosition)
    assert bench.core.state.restrictions == {}


def test_orders_and_positions_in_other_contracts_are_flagged_once_and_left() -> None:
    bench, _ = entered()
    order = VenueOrder("900", None, "CL", Side.BUY, OrderType.LIMIT, 1, VenueStatus.WORKING, 5)
    for _ in range(2):
        bench.step(ev.OrderReported(ts_recv=bench.now, book=BOOK, order=order))
    bench.positions["CL"] = 1
    bench.wait(70)
    assert sum("CL" in notice.text for notice in bench.notices) == 1
    assert "900" not in bench.book.venue_ids
    assert set(bench.book.positions) == {"MNQ"}


def test_somebody_elses_working_order_is_adopted_and_told() -> None:
    bench, _ = entered()
    order = VenueOrder("900", None, "MNQ", Side.BUY, OrderType.LIMIT, 1, VenueStatus.WORKING, PRICE - 90)
    bench.step(ev.OrderReported(ts_recv=bench.now, book=BOOK, order=order))
    assert bench.book.orders["venue-900"].plan_id is None
    assert any("somebody else" in n.text and n.severity is Severity.WARNING for n in bench.notices)
    bench.wait(5)
    assert bench.of(fx.CancelOrder) == []


def test_an_exit_that_cannot_be_sent_is_tried_less_and_less() -> None:
    bench, _ = entered(legs=False)
    bench.invariants.protection_due = False
    answered = 0
    for _ in range(600):
        for order in bench.of(fx.PlaceOrder)[1 + answered :]:
            answered += 1
            bench.reply(order, ev.Outcome.UNSENT)
        bench.wait(0.1)
    stops = [p for p in bench.of(fx.PlaceOrder)[1:] if p.type is OrderType.STOP]
    assert 12 <= len(stops) <= 20  # about every four seconds of the minute
    assert len({p.client_id for p in stops}) == len(stops)
    sent = [bench.order(p.client_id).created_ts for p in stops]
    pauses = [(b - a) / NANOS for a, b in pairwise(sent)]
    assert pauses == sorted(pauses)
    # The line is back: its protection comes, and no target any more, as it is being closed.
    bench.wait(5)
    [last] = [p for p in bench.of(fx.PlaceOrder)[1 + answered :] if p.type is OrderType.STOP][-1:]
    bench.accept(last)
    bench.wait(31)
    assert bench.stops() == [(5, PRICE - 40)]
    assert "MNQ" in bench.book.flattening
    assert {p.type for p in bench.of(fx.PlaceOrder)[1 + answered :]} == {OrderType.STOP}


def test_a_weaker_state_does_not_undo_a_stronger_one_and_a_resume_does() -> None:
    book = Book()

    def change(state: TradingState) -> TradingState | None:
        book.write(r.StateChanged(ts=book.now, book=None, instrument="MNQ", state=state, reason="x"))
        found = book.turn.state.restrictions.get("/MNQ")
        return found.state if found is not None else None

    assert change(TradingState.REDUCING) is TradingState.REDUCING
    assert change(TradingState.LOCKED) is TradingState.LOCKED
    assert change(TradingState.REDUCING) is TradingState.LOCKED
    assert change(TradingState.HALTED) is TradingState.HALTED
    assert change(TradingState.ACTIVE) is None


def test_a_bench_at_rest_needs_no_frequent_pulses() -> None:
    bench, ids = entered(targets=(80, 160))
    bench.wait(3)
    orders = bench.core.books[BOOK].orders
    assert not orders.busy
    bench.end(ids["SL"])
    assert orders.busy


def test_a_resting_entry_needs_none_either() -> None:
    bench, order = connected()
    bench.accept(order)
    resting = bench.order(order.client_id)
    resting.spec = structs.replace(resting.spec, type=OrderType.LIMIT, limit=PRICE - 100)
    bench.invariants.state.book(BOOK).orders[order.client_id].spec = resting.spec
    bench.wait(2)
    assert [order.status for order in bench.book.live_orders()] == [OrderStatus.WORKING]
    assert not bench.core.books[BOOK].orders.busy
