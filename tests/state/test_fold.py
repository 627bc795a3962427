"""`apply(state, record)`: what each record does, and that a restart finds what was there."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.execution.desired import finished
from engine.market.calendars.known import CME
from engine.model import records as r
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import OrderStatus, Slot
from engine.model.plans import Leg, PlanStatus
from engine.model.records import OrderEvent as E
from engine.model.restrictions import TradingState
from engine.state.fold_days import MAY_BE_TOLD_NS
from tests.support.books import BOOK, MORNING, Book, day_rolled, refolded

ONE = Leg(2, -40, 60)


def test_a_fill_is_counted_once() -> None:
    book = Book()
    found = book.plan(ONE)
    entry = book.accepted(book.order(Slot.ENTRY, 2))
    for _ in range(3):
        book.fill(entry, 1000, 1, cost="0.61", trade_id="same")
    assert (book.state.position("MNQ").qty, entry.filled_qty, found.open_qty) == (1, 1, 1)
    assert book.state.day.costs_usd == Decimal("0.61")


def test_a_fill_before_its_acceptance_counts_and_the_acceptance_changes_nothing() -> None:
    book = Book()
    book.plan(ONE)
    entry = book.order(Slot.ENTRY, 2)
    book.fill(entry, 1000, 2)
    assert entry.status is OrderStatus.FILLED
    book.accepted(entry)
    assert (entry.status, book.state.position("MNQ").qty) == (OrderStatus.FILLED, 2)


@pytest.mark.parametrize("end", [E.CANCELED, E.REJECTED, E.EXPIRED])
def test_a_fill_after_the_end_is_still_our_position(end: E) -> None:
    book = Book()
    found = book.plan(ONE)
    entry = book.accepted(book.order(Slot.ENTRY, 2))
    book.moved(entry.client_id, end)
    over = entry.status
    book.fill(entry, 1000, 1)
    assert (entry.status, book.state.position("MNQ").qty, found.open_qty) == (over, 1, 1)
    assert not finished(found, book.state.orders)
    book.fill(entry, 1000, 1)
    assert (entry.status, found.open_qty) == (OrderStatus.FILLED, 2)


def test_an_overfill_follows_the_venue() -> None:
    book = Book()
    found = book.plan(ONE)
    entry = book.accepted(book.order(Slot.ENTRY, 2))
    book.fill(entry, 1000, 3)
    assert (entry.status, book.state.position("MNQ").qty, found.open_qty) == (OrderStatus.FILLED, 3, 3)


def test_an_illegal_pair_changes_nothing() -> None:
    book = Book()
    book.plan(ONE)
    entry = book.accepted(book.order(Slot.ENTRY, 2))
    before = refolded(book.journal).book(BOOK).orders[entry.client_id]
    book.moved(entry.client_id, E.REQUEST_REFUSED, venue_id="other", qty=7, reason="nobody asked")
    assert entry == before


def test_an_order_cancelled_while_its_answer_is_out_is_looked_up_and_not_kept_for_ever() -> None:
    book = Book()
    found = book.plan(ONE)
    entry = book.order(Slot.ENTRY, 2)
    book.moved(entry.client_id, E.CANCEL_REQUESTED)
    book.moved(entry.client_id, E.TIMED_OUT)
    assert (entry.status, entry.cancel_wanted) == (OrderStatus.UNKNOWN, True)
    book.moved(entry.client_id, E.NOT_FOUND)
    assert not entry.live
    book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="p", status=PlanStatus.CLOSING))
    assert finished(found, book.state.orders)


def test_an_unknown_order_that_shows_up_goes_on_being_cancelled() -> None:
    book = Book()
    book.plan(ONE)
    entry = book.order(Slot.ENTRY, 2)
    book.moved(entry.client_id, E.TIMED_OUT)
    book.moved(entry.client_id, E.CANCEL_REQUESTED)
    book.accepted(entry)
    assert entry.status is OrderStatus.PENDING_CANCEL
    book.fill(entry, 1000, 1)
    assert entry.status is OrderStatus.PENDING_CANCEL
    book.moved(entry.client_id, E.REQUEST_REFUSED, reason="too late")
    assert (entry.status, entry.cancel_wanted) == (OrderStatus.PARTIAL, False)


def test_an_order_made_smaller_down_to_its_fills_is_filled() -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    stop, _ = book.exits(found)
    book.fill(stop, 960, 1)
    book.moved(stop.client_id, E.ACCEPTED, qty=1)
    assert stop.status is OrderStatus.FILLED


def test_a_wish_to_change_is_not_yet_a_change() -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    stop, _ = book.exits(found)
    book.moved(stop.client_id, E.MODIFY_REQUESTED, qty=1, stop=1000)
    assert (stop.qty, stop.stop, stop.status) == (2, 960, OrderStatus.PENDING_MODIFY)
    book.moved(stop.client_id, E.MODIFIED, qty=1, stop=1000)
    assert (stop.qty, stop.stop, stop.status) == (1, 1000, OrderStatus.WORKING)


def test_somebody_elses_close_takes_from_the_oldest_leg_and_says_so() -> None:
    book = Book()
    found = book.entered(Leg(1, -40, 60), Leg(2, -40, 120), price=1000)
    close = book.adopted(2, Side.SELL)
    book.fill(close, 1010)
    assert [leg.open_qty for leg in found.legs] == [0, 1]
    close = book.adopted(1, Side.SELL, client_id="venue-2")
    book.fill(close, 1010)
    (trade,) = book.state.trades
    assert (trade.gross_usd, trade.reason) == (Decimal("15.00"), "manual")


def test_somebody_elses_add_belongs_to_no_leg() -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    book.fill(book.adopted(5, Side.BUY), 1010)
    assert (found.open_qty, book.state.position("MNQ").qty) == (2, 7)


@pytest.mark.parametrize(
    ("slot", "moved", "reason"),
    [
        (Slot.TARGET, False, "T1"),
        (Slot.STOP, False, "stop"),
        (Slot.STOP, True, "be_stop"),
        (None, False, "risk"),
    ],
)
def test_trades_carry_why_they_ended(slot: Slot | None, moved: bool, reason: str) -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    stop, target = book.exits(found)
    assert target is not None
    if moved:
        legs = (Leg(2, -40, 60, stop=1000),)
        book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="p", legs=legs))
    if slot is None:
        book.write(r.FlattenStarted(ts=book.now, book=BOOK, instruments=("MNQ",), reason="risk"))
        book.fill(book.adopted(2, Side.SELL), 990)
    else:
        book.fill(stop if slot is Slot.STOP else target, 1001)
    assert [trade.reason for trade in book.state.trades] == [reason]


@pytest.mark.parametrize(("delta", "position", "leg"), [(-2, 0, 0), (-1, 1, 1), (-5, -3, 0), (1, 3, 2)])
def test_the_venues_word_on_a_position_is_taken(delta: int, position: int, leg: int) -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    book.write(
        r.PositionAdjusted(
            ts=book.now, book=BOOK, instrument="MNQ", delta=delta, price=1000, reason="external"
        )
    )
    assert (book.state.position("MNQ").qty, found.open_qty) == (position, leg)
    assert [t.reason for t in book.state.trades] == (["reconcile"] if position <= 0 else [])


@pytest.mark.parametrize("behind", [0, 60 * MINUTE])
def test_a_roll_unlocks_what_was_locked_until_then_and_nothing_else(behind: int) -> None:
    book = Book()

    def restrict(state: TradingState, instrument: str | None, until: int | None) -> None:
        book.write(
            r.StateChanged(
                ts=book.now, book=BOOK, instrument=instrument, state=state, reason=str(state), until=until
            )
        )

    roll = CME.next_roll(book.now)
    restrict(TradingState.LOCKED, None, roll)
    restrict(TradingState.LOCKED, "MES", roll + NANOS)
    restrict(TradingState.REDUCING, "MNQ", None)
    restrict(TradingState.HALTED, "MGC", None)
    book.at(roll - behind)  # records' own times may lag behind a clock that was set
    book.write(day_rolled(book.now, "2026-11-17"))
    kept = {key: restriction.state for key, restriction in book.turn.state.restrictions.items()}
    assert kept == {
        f"{BOOK}/MES": TradingState.LOCKED,
        f"{BOOK}/MNQ": TradingState.REDUCING,
        f"{BOOK}/MGC": TradingState.HALTED,
    }


def test_the_strictest_restriction_over_a_book_and_contract_wins() -> None:
    book = Book()
    state = book.turn.state
    for where, instrument, kind in (
        (None, None, TradingState.REDUCING),
        (BOOK, None, TradingState.LOCKED),
        (None, "MES", TradingState.HALTED),
    ):
        book.write(
            r.StateChanged(ts=book.now, book=where, instrument=instrument, state=kind, reason=str(kind))
        )
    found = [state.restriction(*at) for at in ((BOOK, "MNQ"), (BOOK, "MES"), ("other", "MNQ"))]
    assert [f.state for f in found if f] == [TradingState.LOCKED, TradingState.HALTED, TradingState.REDUCING]


def test_a_roll_forgets_finished_orders_but_none_of_an_open_trade_and_no_trade_id() -> None:
    book = Book()
    book.entered(ONE, price=1000, plan_id="kept")
    done = book.plan(ONE, plan_id="done")
    entry = book.order(Slot.ENTRY, 2, plan_id="done")
    book.moved(entry.client_id, E.REJECTED)
    book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="done", status=PlanStatus.CLOSED))
    seen = set(book.state.fills_seen)
    book.wait(MAY_BE_TOLD_NS)
    book.write(day_rolled(book.now, "2026-11-17"))
    assert {order.plan_id for order in book.state.orders.values()} == {"kept"}
    assert set(book.state.venue_ids.values()) == set(book.state.orders)
    assert book.state.fills_seen == seen
    assert done.open_qty == 0


def test_a_new_run_counts_its_client_ids_from_the_start_and_forgets_nothing_else() -> None:
    book = Book()
    book.entered(ONE, price=1000)
    assert book.turn.state.issued == 1
    before = refolded(book.journal)
    book.write(r.RunStarted(ts=book.now, install="test", boot=2, program="tstream"))
    after = book.turn.state
    assert (after.boot, after.issued) == (2, 0)
    assert after.books == before.books
    assert after.restrictions == before.restrictions


# --- a restart forgets nothing -----------------------------------------------------------------------------

WORDS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(1, 4), st.integers(900, 1100)), max_size=40
)


def _say(book: Book, kind: int, which: int, qty: int, price: int) -> None:
    """Any record at any time, whether it makes sense there or not."""
    orders = list(book.state.orders.values())
    plans = list(book.state.plans.values())
    order = orders[which % len(orders)] if orders else None
    plan = plans[which % len(plans)] if plans else None
    match kind:
        case 0:
            book.plan(Leg(qty, -40, 60), Leg(qty, -40, None), plan_id=f"p{len(book.journal)}")
        case 1 | 2 if plan is not None:
            slot = list(Slot)[which % 3]
            stop = price if slot is Slot.STOP else None
            limit = price if slot is Slot.TARGET else None
            book.order(slot, qty, leg=which % 2, plan_id=plan.plan.plan_id, stop=stop, limit=limit)
        case 3 | 4 if order is not None:
            event = list(E)[(qty * 7 + price) % len(E)]
            venue_id = f"v{which}" if price % 2 else None
            book.moved(
                order.client_id, event, venue_id=venue_id, qty=qty, stop=price, reason="r" * (price % 2)
            )
        case 5 | 6 if order is not None:
            book.fill(order, price, qty, cost="0.61", trade_id=f"t{price}")
        case 7:
            book.adopted(qty, list(Side)[which % 2], client_id=f"venue-{which}")
        case 8:
            delta = qty if price % 2 else -qty
            book.write(
                r.PositionAdjusted(
                    ts=book.now, book=BOOK, instrument="MNQ", delta=delta, price=price, reason="external"
                )
            )
        case 9:
            _change(book, which, price)
    book.wait(price)


def _change(book: Book, which: int, price: int) -> None:
    now = book.now
    state = list(TradingState)[price % len(TradingState)]
    records: list[r.AnyRecord] = [
        day_rolled(now, f"2026-11-{price % 28 + 1:02d}"),
        r.StateChanged(ts=now, book=BOOK, instrument=None, state=state, reason="x", until=now + price),
        r.FlattenStarted(ts=now, book=BOOK, instruments=("MNQ",), reason="risk"),
        r.FlattenEnded(ts=now, book=BOOK, instrument="MNQ"),
        r.RunStarted(ts=now, install="test", boot=price, program="tstream"),
        r.Reconciled(ts=now, book=BOOK, orders=1, positions=1),
    ]
    book.write(records[which % len(records)])


@settings(max_examples=80)
@given(WORDS)
def test_what_a_restart_finds_is_what_was_there(words: list[tuple[int, int, int, int]]) -> None:
    book = Book(MORNING)
    for word in words:
        _say(book, *word)
    assert refolded(book.journal) == book.turn.state


@settings(max_examples=80)
@given(WORDS)
def test_the_fills_are_the_position(words: list[tuple[int, int, int, int]]) -> None:
    book = Book(MORNING)
    for word in words:
        _say(book, *word)
    held, seen, costs = 0, set(), Decimal(0)
    for record in book.journal:
        if isinstance(record, r.FillApplied) and record.fill.trade_id not in seen:
            seen.add(record.fill.trade_id)
            held += record.fill.side.sign * record.fill.qty
            costs += record.fill.cost_usd
        elif isinstance(record, r.PositionAdjusted):
            held += record.delta
    position = book.state.position("MNQ")
    assert position.qty == held
    assert sum((t.costs_usd for t in book.state.trades), position.costs_usd) == costs
