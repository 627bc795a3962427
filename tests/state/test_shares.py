"""Whose the contracts are that racing exits close: of each trade its own fills, and the rest is nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import records as r
from engine.model.market import Side
from engine.model.orders import Slot
from engine.model.plans import Leg, PlanStatus
from engine.state.fold_shares import reprice, result_usd
from engine.state.legs import Beyond, LegState
from tests.support.books import BOOK, Book, refolded

COST = Decimal("0.61")
TICK = Decimal("0.5")


class Held(NamedTuple):
    """Entered at 100, a leg each."""

    plan: str
    legs: tuple[int, ...]


class Exit(NamedTuple):
    plan: str
    leg: int
    qty: int
    price: int


class Sold(NamedTuple):
    results: dict[str, Decimal]
    """Of each trade, net."""
    credited: Decimal
    earned: Decimal


def sold(trades: Sequence[Held], exits: Sequence[Exit]) -> Sold:
    """All are entered, the exits fill, and what is open then is closed at 100 by somebody else."""
    book = Book()
    for plan_id, legs in trades:
        book.plan(*(Leg(qty, -40, 80) for qty in legs), plan_id=plan_id)
        for n, qty in enumerate(legs):
            entry = book.accepted(book.order(Slot.ENTRY, qty, leg=n, plan_id=plan_id))
            book.fill(entry, 100, cost=f"{COST * qty}")
    for plan_id, leg, qty, price in exits:
        order = book.accepted(book.order(Slot.STOP, qty, leg=leg, plan_id=plan_id, stop=price))
        book.fill(order, price, cost=f"{COST * qty}")
    if left := book.state.position("MNQ").qty:
        close = book.adopted(abs(left), Side.SELL if left > 0 else Side.BUY)
        book.fill(close, 100, cost=f"{COST * abs(left)}")
    found = {one.plan: result_usd(book.turn.state, book.state.plans[one.plan]) for one in trades}
    for plan_id, _ in trades:
        book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id=plan_id, status=PlanStatus.CLOSED))
    assert refolded(book.journal).books[BOOK].records == book.state.records
    return Sold(found, book.state.records["test"].net_usd, book.state.earned_usd)


def net(*prices: int) -> Decimal:
    """Of contracts that were entered at 100 and left at these prices."""
    return sum((price - 100) * TICK - 2 * COST for price in prices) + Decimal(0)


@pytest.mark.parametrize(
    ("legs", "exits", "first", "second"),
    [
        pytest.param(
            (2,), [("a", 0, 2, 90), ("a", 0, 2, 120)], (90, 90), (120, 120, 100), id="the other gives"
        ),
        pytest.param(
            (2,), [("b", 0, 3, 110), ("a", 0, 2, 90), ("a", 0, 2, 120)], (90, 90), (110,) * 3, id="nobody's"
        ),
        pytest.param(
            (2,), [("a", 0, 2, 120), ("b", 0, 3, 110), ("a", 0, 2, 90)], (120, 120), (110,) * 3, id="late"
        ),
        pytest.param(
            (1, 2),
            [("a", 0, 1, 90), ("a", 0, 1, 120)],
            (90, 120, 100),
            (100,) * 3,
            id="its own leg gives first",
        ),
        pytest.param(
            (1, 2),
            [("b", 0, 3, 110), ("a", 1, 3, 180), ("a", 0, 1, 140)],
            (180,) * 3,
            (110,) * 3,
            id="a leg has closed the other's, whose own exit fills as well",
        ),
        pytest.param(
            (2,), [("b", 0, 3, 90), ("b", 0, 3, 120)], (120, 120), (90,) * 3, id="the older one gives"
        ),
    ],
)
def test_exits_that_race_count_for_those_whose_contracts_they_close(
    legs: tuple[int, ...],
    exits: list[tuple[str, int, int, int]],
    first: tuple[int, ...],
    second: tuple[int, ...],
) -> None:
    found = sold([Held("a", legs), Held("b", (3,))], [Exit(*one) for one in exits])
    assert found.results == {"a": net(*first), "b": net(*second)}
    assert found.credited == net(*first, *second)


QTY = st.integers(1, 3)
LEGS = st.lists(QTY, min_size=1, max_size=2).map(tuple)
EXITS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 1), QTY, st.integers(60, 140)), max_size=6
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.tuples(LEGS, LEGS, LEGS), EXITS)
def test_what_trades_are_credited_with_and_what_is_nobodys_is_what_was_earned(
    legs: tuple[tuple[int, ...], ...], drawn: list[tuple[str, int, int, int]]
) -> None:
    trades = [Held(name, one) for name, one in zip("abc", legs, strict=True)]
    exits = [Exit(*one) for one in drawn if one[1] < len(trades["abc".index(one[0])].legs)]
    found = sold(trades, exits)
    held = sum(map(sum, legs))
    nobodys, left = Decimal(0), held
    for one in exits:
        own, left = min(one.qty, left), max(0, left - one.qty)
        nobodys += net(*[one.price] * (one.qty - own))
    assert found.credited == sum(found.results.values())
    assert found.credited + nobodys == found.earned


def test_what_is_sold_before_its_entry_is_told_waits_for_it() -> None:
    book = Book()
    for name, qty in (("a", 2), ("b", 3)):
        book.plan(Leg(qty, -40, 80), plan_id=name)
    entries = [book.accepted(book.order(Slot.ENTRY, qty, plan_id=name)) for name, qty in (("a", 2), ("b", 3))]
    book.fill(entries[1], 100, cost="1.83")
    for price in (90, 120):
        order = book.accepted(book.order(Slot.STOP, 2, plan_id="a", stop=price))
        book.fill(order, price, cost="1.22")
    book.fill(entries[0], 100, cost="1.22")
    state, plans = book.turn.state, book.state.plans
    assert result_usd(state, plans["a"]) == net(90, 90), "the first that left were its own"
    assert plans["a"].open_qty == -2
    book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="a", status=PlanStatus.CLOSED))
    assert plans["b"].open_qty == 1
    assert result_usd(state, plans["b"], 100) == net(120, 120) - COST, "two of its three left at the second"


def test_a_price_that_was_assumed_is_put_right_where_it_was_counted() -> None:
    leg = LegState(entered=1, entered_sum=100, exited=3, exit_sum=90, beyond=[Beyond(2, 120, COST)])
    reprice(leg, 90, 91, 1)
    reprice(leg, 120, 118, 1)
    assert (leg.exit_sum, leg.beyond) == (91, [Beyond(1, 118, COST), Beyond(1, 120, COST)])
