"""Marks, excursions, the day's profit and the open risk."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model import records as r
from engine.model.market import NANOS, Side
from engine.model.orders import Slot
from engine.model.plans import Leg
from engine.model.records import OrderEvent as E
from engine.portfolio.money import Marks, day_usd, open_risk_usd, open_usd, realized_usd
from tests.support.books import BOOK, MES, MGC, MNQ, MORNING, Book, day_rolled

LONG = Leg(2, -40, 60)
SHORT = Leg(2, 40, -60)


def _marks(bid: int, ask: int, instrument: str = "MNQ") -> Marks:
    marks = Marks()
    marks.quote(instrument, bid, ask)
    return marks


def test_longs_are_worth_the_bid_and_shorts_the_ask() -> None:
    long, short = Book(), Book()
    long.entered(LONG, price=1000)
    short.entered(SHORT, side=Side.SELL, price=1000)
    marks = _marks(1004, 1006)
    assert open_usd(long.turn.state, long.state.position("MNQ"), marks) == Decimal("4.00")
    assert open_usd(short.turn.state, short.state.position("MNQ"), marks) == Decimal("-6.00")


def test_a_half_told_quote_keeps_the_other_side() -> None:
    marks = _marks(1004, 1006)
    marks.quote("MNQ", None, 1007)
    assert (marks.bid("MNQ"), marks.ask("MNQ")) == (1004, 1007)


def test_without_a_mark_nothing_is_assumed() -> None:
    book = Book()
    book.entered(LONG, price=1000)
    assert open_usd(book.turn.state, book.state.position("MNQ"), Marks()) == 0


def test_the_day_is_realized_and_open_less_every_cost() -> None:
    book = Book()
    first = book.plan(Leg(1, -40, 60), Leg(2, -40, 120))
    for k, leg in enumerate(first.plan.legs):
        book.fill(book.accepted(book.order(Slot.ENTRY, leg.qty, leg=k)), 1000, cost=str(leg.qty))
    _, target = book.exits(first, 0)
    assert target is not None
    book.fill(target, 1060, cost="1")
    marks = _marks(1010, 1012)
    # 60 ticks taken on one, 10 ticks open on two, five sides paid.
    assert realized_usd(book.state, book.turn.state) == Decimal("30.00") - 4
    assert day_usd(book.state, book.turn.state, marks) == Decimal("30.00") + Decimal("10.00") - 4
    stop, _ = book.exits(first, 1)
    book.fill(stop, 960, cost="2")
    assert realized_usd(book.state, book.turn.state) == Decimal("30.00") - Decimal("40.00") - 6
    (trade,) = book.state.trades
    assert (trade.gross_usd, trade.costs_usd, trade.reason) == (Decimal("-10.00"), Decimal(6), "stop")
    day = book.state.day
    assert (day.trades, day.wins, day.losses_in_a_row, day.equity) == (1, 0, 1, [Decimal("-16.00")])


def test_a_roll_begins_the_day_anew_and_keeps_the_trades() -> None:
    book = Book()
    found = book.entered(LONG, price=1000)
    stop, _ = book.exits(found)
    book.fill(stop, 960, cost="1")
    book.write(day_rolled(book.now, "2026-11-17"))
    assert day_usd(book.state, book.turn.state, Marks()) == 0
    assert len(book.state.trades) == 1


def stand(marks: Marks, book: Book) -> None:
    """What is held has been where the marks are."""
    held = book.state.position("MNQ")
    marks.excursion(BOOK, book.turn.state, held, marks.excursions(BOOK, held))


def test_excursions_are_the_worst_and_best_since_the_entry() -> None:
    book = Book()
    book.entered(LONG, price=1000)
    marks = Marks()
    for bid in (1000, 990, 1015, 1005):
        marks.quote("MNQ", bid, bid + 1)
        stand(marks, book)
    assert marks.excursions(BOOK, book.state.position("MNQ")) == (Decimal("-10.00"), Decimal("15.00"))


def test_excursions_never_change_sign_and_begin_anew_with_each_trade() -> None:
    book = Book()
    found = book.entered(LONG, price=1000)
    marks = Marks()
    marks.quote("MNQ", 1010, 1011)
    stand(marks, book)
    assert marks.excursions(BOOK, book.state.position("MNQ")) == (Decimal(0), Decimal("10.00"))
    _, target = book.exits(found)
    assert target is not None
    book.fill(target, 1060)
    book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="p", status=found.plan.status.CLOSED))
    book.wait(NANOS)
    book.entered(LONG, price=1060)
    assert marks.excursions(BOOK, book.state.position("MNQ")) == (Decimal(0), Decimal(0))
    marks.quote("MNQ", 1050, 1051)
    stand(marks, book)
    assert marks.excursions(BOOK, book.state.position("MNQ")) == (Decimal("-10.00"), Decimal(0))


@pytest.mark.parametrize(("side", "leg"), [(Side.BUY, LONG), (Side.SELL, SHORT)])
def test_open_risk_runs_from_the_mark_to_the_stop(side: Side, leg: Leg) -> None:
    book = Book()
    found = book.entered(leg, side=side, price=1000)
    book.exits(found)
    marks = _marks(1000 + 10 * side.sign, 1000 + 10 * side.sign)
    assert open_risk_usd(book.state, book.turn.state, marks) == MNQ.usd(50) * 2


def test_a_stop_beyond_the_mark_has_no_negative_risk() -> None:
    book = Book()
    found = book.entered(LONG, price=1000)
    stop, _ = book.exits(found)
    book.moved(stop.client_id, E.ACCEPTED, stop=1005)
    assert open_risk_usd(book.state, book.turn.state, _marks(1004, 1005)) == 0


def test_a_position_whose_stop_is_not_there_yet_still_has_its_risk() -> None:
    book = Book()
    book.entered(LONG, price=1000)
    assert open_risk_usd(book.state, book.turn.state, _marks(1000, 1001)) == MNQ.usd(40) * 2
    assert open_risk_usd(book.state, book.turn.state, Marks()) == MNQ.usd(40) * 2


def test_an_entry_under_way_has_its_risk_before_it_fills() -> None:
    """Ideas of one bar close in six contracts must not each be given the same headroom."""
    book = Book()
    each = MES.usd(8) + 2 * MES.cost_usd
    found = book.plan(Leg(3, -8, 12), instrument=MES)
    assert open_risk_usd(book.state, book.turn.state, Marks()) == each * 3
    entry = book.accepted(book.order(Slot.ENTRY, 3))
    assert open_risk_usd(book.state, book.turn.state, Marks()) == each * 3
    book.fill(entry, 500, 1)
    assert open_risk_usd(book.state, book.turn.state, _marks(500, 501, "MES")) == each * 2 + MES.usd(8)
    book.moved(entry.client_id, E.CANCELED)
    assert open_risk_usd(book.state, book.turn.state, _marks(500, 501, "MES")) == MES.usd(8)
    assert found.open_qty == 1


def test_open_risk_adds_up_over_plans() -> None:
    book = Book(MORNING)
    book.plan(Leg(1, -40, 60), plan_id="a")
    book.plan(Leg(1, 30, -60), plan_id="b", instrument=MGC, side=Side.SELL)
    expected = MNQ.usd(40) + 2 * MNQ.cost_usd + MGC.usd(30) + 2 * MGC.cost_usd
    assert open_risk_usd(book.state, book.turn.state, Marks()) == expected


def test_f46_of_quotes_and_prints_the_newer_one_is_the_mark() -> None:
    book = Book()
    book.entered(LONG, price=1000)
    position, marks = book.state.position("MNQ"), Marks()
    marks.trade("MNQ", 990)
    assert marks.mark(position) == 990, "better than none"
    marks.quote("MNQ", 1004, 1006, NANOS)
    for print_, mark, reached in (
        (1005, 1004, 1005),
        (1006, 1004, 1006),
        (1010, 1010, 1010),
        (998, 998, 998),
    ):
        marks.trade("MNQ", print_, NANOS)
        assert (marks.mark(position), marks.reached("MNQ", Side.BUY)) == (mark, reached)
    marks.quote("MNQ", 1001, 1003, 3 * NANOS)
    assert marks.mark(position) == 1001
    assert marks.reached("MNQ", Side.BUY) == 998, "stops trigger on trades, and the quote is ahead of them"
    marks.trade("MNQ", 900, NANOS)
    assert marks.mark(position) == 1001, "a print that comes late says nothing about now"
