"""Whatever happens to a plan, acting on the difference comes to rest with the position protected."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.execution import desired
from engine.execution.desired import Cancel, Modify, Place, agreed, at_rest, difference, finished
from engine.model import records as r
from engine.model.market import NANOS, Side
from engine.model.orders import OrderStatus, Slot
from engine.model.plans import Leg, PlanStatus
from engine.model.records import OrderEvent as E
from engine.state.state import Order, PlanState
from tests.support.books import BOOK, GRACE, Book

HAPPENINGS = (
    "entry fills",
    "entry fills",
    "entry is cancelled",
    "bracket appears",
    "bracket waits",
    "bracket works",
    "stop vanishes",
    "target vanishes",
    "stop fills",
    "target fills",
    "stop is resized",
    "change is refused",
    "break-even",
    "plan is closing",
    "manual close",
    "wait",
)

Step = tuple[str, int, int]
"""What happens, to which leg, with how many contracts."""


@st.composite
def _plans(draw: st.DrawFn) -> tuple[Side, tuple[Leg, ...]]:
    side = draw(st.sampled_from(Side))
    legs = draw(
        st.lists(
            st.builds(
                lambda qty, stop, target: Leg(
                    qty, -stop * side.sign, None if target is None else target * side.sign
                ),
                st.integers(1, 4),
                st.integers(4, 80),
                st.none() | st.integers(4, 80),
            ),
            min_size=1,
            max_size=2,
        )
    )
    return side, tuple(legs)


def _slot(book: Book, found: PlanState, k: int, slot: Slot) -> Order | None:
    order = book.state.orders.get(found.legs[k].slots.get(slot, ""))
    return order if order is not None and order.live else None


def _happen(book: Book, found: PlanState, step: Step) -> None:
    """One thing that venue, market or person does; nothing where it makes no sense."""
    what, k, qty = step
    k %= len(found.legs)
    done = found.legs[k]
    entry, stop, target = (_slot(book, found, k, slot) for slot in (Slot.ENTRY, Slot.STOP, Slot.TARGET))
    match what:
        case "entry fills" if entry is not None:
            book.fill(entry, 1000 + qty, min(qty, entry.open_qty))
        case "entry is cancelled" if entry is not None:
            book.moved(entry.client_id, E.CANCELED)
        case "bracket appears" | "bracket waits" if Slot.ENTRY in done.slots and Slot.STOP not in done.slots:
            book.adopted(
                found.plan.legs[k].qty,
                found.plan.side.opposite,
                client_id=f"{done.slots[Slot.ENTRY]}-SL",
                plan_id="p",
                leg=k,
                slot=Slot.STOP,
                stop=960,
                suspended=what == "bracket waits",
            )
        case "bracket works" if stop is not None and stop.suspended:
            book.moved(stop.client_id, E.ACCEPTED, suspended=False, qty=max(1, done.entered))
        case "stop vanishes" if stop is not None:
            book.moved(stop.client_id, E.CANCELED)
        case "target vanishes" if target is not None:
            book.moved(target.client_id, E.CANCELED)
        case "stop fills" if stop is not None and not stop.suspended and done.open_qty > 0:
            book.fill(stop, 960, min(qty, stop.open_qty, done.open_qty))
        case "target fills" if target is not None and done.open_qty > 0:
            book.fill(target, 1060, min(qty, target.open_qty, done.open_qty))
        case "stop is resized" if stop is not None and not stop.suspended:
            book.moved(stop.client_id, E.ACCEPTED, qty=stop.filled_qty + qty)
        case "change is refused" if stop is not None and stop.status is OrderStatus.WORKING:
            book.moved(stop.client_id, E.MODIFY_REQUESTED, qty=qty)
            book.moved(stop.client_id, E.REQUEST_REFUSED, reason="no")
        case "break-even":
            legs = list(found.plan.legs)
            legs[k] = Leg(legs[k].qty, legs[k].stop_offset, legs[k].target_offset, stop=1000 + qty)
            book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="p", legs=tuple(legs)))
        case "plan is closing":
            book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="p", status=PlanStatus.CLOSING))
        case "manual close" if book.state.position("MNQ").qty:
            held = book.state.position("MNQ").qty
            side = Side.SELL if held > 0 else Side.BUY
            order = book.adopted(abs(held), side, client_id=f"venue-{len(book.journal)}")
            book.fill(order, 1000, min(qty, abs(held)))
        case "wait":
            book.wait(qty * NANOS)


def _obey(book: Book, found: PlanState) -> int:
    """Do what the difference asks, at a venue that agrees at once; the number of actions."""
    actions = list(difference(found, book.state.orders, book.now, GRACE))
    for action in actions:
        match action:
            case Place(leg, slot, spec):
                done = found.legs[leg]
                if slot is not Slot.ENTRY:
                    assert spec.qty == done.open_qty > 0
                if slot is Slot.TARGET:
                    assert _slot(book, found, leg, Slot.STOP) is not None, "a target before its stop"
                assert slot is not Slot.ENTRY or Slot.ENTRY not in done.slots, "an entry sent twice"
                book.accepted(
                    book.order(slot, spec.qty, leg=leg, side=spec.side, limit=spec.limit, stop=spec.stop)
                )
            case Modify(order, qty, limit, stop):
                assert qty is None or qty - order.filled_qty == found.legs[order.leg].open_qty
                book.moved(order.client_id, E.MODIFY_REQUESTED, qty=qty, limit=limit, stop=stop)
                book.moved(order.client_id, E.MODIFIED, qty=qty, limit=limit, stop=stop)
            case Cancel(order):
                assert order.slot is Slot.ENTRY or found.legs[order.leg].open_qty <= 0, (
                    "protection taken away"
                )
                book.moved(order.client_id, E.CANCEL_REQUESTED)
                book.moved(order.client_id, E.CANCELED)
    return len(actions)


def _settle(book: Book, found: PlanState) -> None:
    quiet = 0
    for _ in range(12):
        quiet = 0 if _obey(book, found) else quiet + 1
        book.wait(GRACE)
        if quiet == 2:
            return
    raise AssertionError("the same things are done for ever")


@settings(max_examples=200)
@given(
    _plans(),
    st.lists(
        st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 1), st.integers(1, 4)), min_size=4, max_size=16
    ),
    st.booleans(),
    st.booleans(),
)
def test_acting_on_the_difference_comes_to_rest_protected(
    plan: tuple[Side, tuple[Leg, ...]], steps: list[Step], patient: bool, entered: bool
) -> None:
    side, legs = plan
    book = Book()
    found = book.plan(*legs, side=side, entry_limit=1000)
    _obey(book, found)
    for k, leg in enumerate(legs if entered else ()):
        _happen(book, found, ("bracket appears", k, leg.qty))
        _happen(book, found, ("entry fills", k, leg.qty))
    for step in steps:
        _happen(book, found, step)
        if patient:
            _settle(book, found)
        else:
            _obey(book, found)
    _settle(book, found)

    assert sum(leg.open_qty for leg in found.legs) * side.sign == book.state.position("MNQ").qty
    for k, done in enumerate(found.legs):
        entry, stop, target = (_slot(book, found, k, slot) for slot in (Slot.ENTRY, Slot.STOP, Slot.TARGET))
        if done.open_qty > 0:
            assert stop is not None
            assert not stop.suspended
            assert entry is not None or stop.open_qty == done.open_qty
            if found.plan.legs[k].stop is not None and entry is None:
                assert stop.stop == found.plan.legs[k].stop
            if target is not None and entry is None:
                assert target.open_qty == done.open_qty
        elif entry is None:
            assert stop is None
            assert target is None


@settings(max_examples=200)
@given(
    _plans(),
    st.lists(
        st.tuples(
            st.sampled_from((*HAPPENINGS, "exits are called back", "looked at")),
            st.integers(0, 1),
            st.integers(1, 4),
        ),
        min_size=4,
        max_size=16,
    ),
    st.sampled_from([1000, None]),
)
@example(
    (Side.BUY, (Leg(1, -40, None),)),
    [("bracket waits", 0, 1), ("entry fills", 0, 1), ("wait", 0, GRACE // NANOS)],
    None,
)
def test_a_plan_that_is_not_worked_out_gives_nothing_to_do(
    plan: tuple[Side, tuple[Leg, ...]], steps: list[Step], entry_limit: int | None
) -> None:
    side, legs = plan
    book = Book()
    found = book.plan(*legs, side=side, entry_limit=entry_limit)
    orders = book.state.orders
    _obey(book, found)
    for step in steps:
        _happen(book, found, step)
        if step[0] == "looked at":
            _obey(book, found)
        if step[0] == "exits are called back":
            for slot in (Slot.STOP, Slot.TARGET):
                order = _slot(book, found, step[1] % len(legs), slot)
                if order is not None and not order.cancel_wanted:
                    book.moved(order.client_id, E.CANCEL_REQUESTED)
        shown = list(difference(found, orders, book.now, GRACE)), at_rest(found, orders, brackets=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(desired, "_agreed", lambda *what: False)
            worked_out = (
                list(difference(found, orders, book.now, GRACE)),
                at_rest(found, orders, brackets=True),
            )
        assert shown == worked_out
        if agreed(found, orders, book.now, GRACE):
            assert not shown[0]
            assert not finished(found, orders)
