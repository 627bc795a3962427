"""F25: 17:00 comes while a trade is open, or while nobody is there. Each day gets its own part, once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.market.calendars.known import CME
from engine.model import records as r
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.orders import Fill, Slot
from engine.model.plans import Leg, PlanStatus
from engine.portfolio.day_roll import LONGEST_ABSENCE, mark_boundary, roll
from engine.portfolio.money import Marks, banked_usd, day_usd, open_usd, realized_usd
from engine.state.days import DayStats
from engine.state.position import Trade
from tests.support.books import BOOK, MNQ, MORNING, Book, refolded

ROLL = CME.next_roll(MORNING)
DAY_NS = 24 * 60 * MINUTE
TWO = Leg(2, -400, 600)


def _marks(bid: int) -> Marks:
    marks = Marks()
    marks.quote("MNQ", bid, bid + 1)
    return marks


def _rolls(book: Book) -> list[str]:
    return [rec.trade_date for rec in book.journal if isinstance(rec, r.DayRolled)]


def _days(book: Book) -> dict[str, Decimal]:
    return {day.trade_date: day.net_usd for day in book.state.days}


def _today(book: Book, marks: Marks) -> Decimal:
    return day_usd(book.state, book.turn.state, marks)


def _sell(book: Book, price: int, qty: int, cost: str = "0", ts_venue: int | None = None) -> None:
    order = book.adopted(qty, Side.SELL, client_id=f"out-{len(book.journal)}")
    fill = Fill(
        f"s{len(book.journal)}", "", "MNQ", Side.SELL, price, qty, Decimal(cost), ts_venue or book.now
    )
    book.write(r.FillApplied(ts=book.now, book=BOOK, client_id=order.client_id, fill=fill))


# --- the roll itself ---------------------------------------------------------------------------------------


def test_f25_a_roll_is_written_once() -> None:
    book = Book()
    for now in (ROLL - 1, ROLL, ROLL + 1, ROLL + MINUTE):
        book.at(now)
        roll(book.turn, Marks())
    assert _rolls(book) == ["2026-11-16", "2026-11-17"]


@pytest.mark.parametrize("nights", [1, 2, 5, 30])
def test_f25_missed_rolls_come_in_order_at_the_next_start(nights: int) -> None:
    book = Book()
    book.entered(TWO, price=1000)
    after = book.restarted(nights * DAY_NS)
    roll(after.turn, Marks())
    roll(after.turn, Marks())
    found = [date.fromisoformat(day) for day in _rolls(after)]
    assert len(found) == nights + 1
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(found))
    assert found[-1] == CME.trade_date(after.now)
    again = after.restarted(MINUTE)
    roll(again.turn, Marks())
    assert _rolls(again) == _rolls(after)


def test_f25_a_very_long_absence_is_cut_short() -> None:
    book = Book()
    book.wait(5000 * DAY_NS)
    roll(book.turn, Marks())
    assert len(_rolls(book)) == LONGEST_ABSENCE.days + 1
    assert book.turn.state.days["cme"].trade_date == CME.trade_date(book.now).isoformat()


def test_the_first_start_rolls_to_today() -> None:
    book = Book()
    book.turn.state.days.clear()
    roll(book.turn, Marks())
    assert _rolls(book)[1:] == ["2026-11-16"]


def test_f25_counters_begin_anew_and_the_day_keeps_its_result() -> None:
    book = Book()
    found = book.entered(TWO, price=1000)
    stop, _ = book.exits(found)
    book.fill(stop, 960, cost="1.22")
    book.at(ROLL)
    roll(book.turn, Marks())
    day = book.state.day
    assert (day.entries, day.trades, day.losses_in_a_row, day.costs_usd) == (0, 0, 0, Decimal(0))
    assert _days(book) == {"2026-11-16": Decimal("-41.22")}


# --- the split ---------------------------------------------------------------------------------------------


def test_f25_a_trade_over_the_roll_is_split_at_its_mark() -> None:
    """Bought at 1000, worth 1030 at 17:00, sold at 1010: 30 USD for the first day, -20 USD for the second."""
    book = Book()
    book.entered(TWO, price=1000)
    book.at(ROLL)
    marks = _marks(1030)
    assert _today(book, marks) == 30
    roll(book.turn, marks)
    assert _days(book) == {"2026-11-16": Decimal(30)}
    assert _today(book, marks) == 0
    assert _today(book, _marks(1015)) == -15
    _sell(book, 1010, 2)
    assert _today(book, Marks()) == -20
    assert realized_usd(book.state, book.turn.state) == -20
    (trade,) = book.state.trades
    assert trade.gross_usd == 10  # the trade itself is whole
    assert (book.state.day.won_usd, book.state.day.lost_usd) == (Decimal(0), Decimal(20))
    assert (book.state.day.wins, book.state.day.losses_in_a_row) == (0, 1)  # T8: the day's part lost
    assert book.state.carried == {}


@pytest.mark.parametrize(("mark", "wins", "streak", "won", "lost"), [(1030, 0, 1, 0, 20), (960, 1, 0, 50, 0)])
def test_t8_whether_a_carried_trade_won_today_its_part_of_today_says(
    mark: int, wins: int, streak: int, won: int, lost: int
) -> None:
    """Bought at 1000 and sold at 1010: a gain of the whole, and what is left of it today."""
    book = Book()
    book.entered(TWO, price=1000)
    book.at(ROLL)
    roll(book.turn, _marks(mark))
    _sell(book, 1010, 2)
    day = book.state.day
    assert (day.trades, day.wins, day.losses_in_a_row) == (1, wins, streak)
    assert (day.won_usd, day.lost_usd) == (Decimal(won), Decimal(lost))
    assert refolded(book.journal) == book.turn.state


def test_t8_a_carried_trade_that_is_counted_again_keeps_its_part() -> None:
    whole = Trade("MNQ", Side.BUY, 2, 2000, 2020, Decimal(10), Decimal(0), 0, 1, "T1")
    day = DayStats()
    day.book_trade(whole, gross_before_usd=Decimal(30))
    assert (day.wins, day.lost_usd, day.losses_in_a_row) == (0, Decimal(20), 1)
    day.recount(whole, replace(whole, gross_usd=Decimal(50)), 0)
    assert (day.wins, day.won_usd, day.lost_usd, day.losses_in_a_row) == (1, Decimal(20), Decimal(0), 0)
    assert day.equity == [Decimal(20)]


def test_f25_partial_exits_and_costs_stay_on_their_own_side() -> None:
    book = Book()
    book.plan(TWO)
    book.fill(book.accepted(book.order(Slot.ENTRY, 2)), 1000, cost="1.22")
    _sell(book, 1020, 1, "0.61")
    book.at(ROLL)
    roll(book.turn, _marks(1040))
    assert _days(book) == {"2026-11-16": Decimal("30.00") - Decimal("1.83")}
    _sell(book, 1050, 1, "0.61")
    assert _today(book, Marks()) == Decimal("5.00") - Decimal("0.61")
    assert banked_usd(book.state, book.turn.state) == Decimal("25.00") - Decimal("0.61")
    assert book.state.day.equity == [Decimal("4.39")]


def test_f25_a_second_night_carries_on_from_the_first() -> None:
    book = Book()
    book.entered(TWO, price=1000)
    for night, bid in enumerate((1030, 990)):
        book.at(ROLL + night * DAY_NS)
        roll(book.turn, _marks(bid))
    assert list(_days(book).values()) == [30, -40]
    _sell(book, 1000, 2)
    assert _today(book, Marks()) == 10


def test_f25_nobody_there_at_the_roll_history_tells_the_mark() -> None:
    book = Book()
    book.entered(TWO, price=1000)
    after = book.restarted(9 * 60 * MINUTE)
    roll(after.turn, Marks())
    assert _days(after) == {"2026-11-16": Decimal(0)}
    assert _today(after, _marks(1050)) == 50
    bars = [_bar(ROLL - 2 * MINUTE, 1020), _bar(ROLL - MINUTE, 1030), _bar(ROLL, 1045)]
    mark_boundary(after.turn, "MNQ", bars)
    assert _days(after) == {"2026-11-16": Decimal(30)}
    assert _today(after, _marks(1050)) == 20
    before = len(after.journal)
    mark_boundary(after.turn, "MNQ", bars)
    assert len(after.journal) == before
    assert refolded(after.journal) == after.turn.state


def test_f25_history_that_begins_later_says_nothing() -> None:
    book = Book()
    book.entered(TWO, price=1000)
    book.at(ROLL)
    roll(book.turn, Marks())
    mark_boundary(book.turn, "MNQ", [_bar(ROLL, 1030)])
    mark_boundary(book.turn, "MES", [_bar(ROLL - MINUTE, 1030)])
    assert book.state.carried["MNQ"].mark is None


@pytest.mark.parametrize("qty", [1, 2])
def test_f25_a_fill_of_the_old_day_that_is_learnt_of_in_the_new_one_counts_in_the_old(qty: int) -> None:
    """The stop filled at 15:30 while the process was down over 17:00."""
    book = Book()
    book.entered(TWO, price=1000)
    after = book.restarted(9 * 60 * MINUTE)
    roll(after.turn, Marks())
    _sell(after, 960, qty, "0.61", ts_venue=ROLL - 90 * MINUTE)
    assert _days(after) == {"2026-11-16": Decimal(-20 * qty) - Decimal("0.61")}
    assert _today(after, Marks()) == 0
    assert (after.state.day.trades, after.state.day.losses_in_a_row) == (0, 0)
    if qty == 1:
        _sell(after, 950, 1)
        assert _today(after, Marks()) == -25
        assert banked_usd(after.state, after.turn.state) == -25


def test_f25_a_mark_that_is_not_known_today_leaves_the_open_part_as_it_was() -> None:
    book = Book()
    book.entered(TWO, price=1000)
    book.at(ROLL)
    roll(book.turn, _marks(1030))
    assert _today(book, Marks()) == 0


# --- it always adds up -------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["buy", "sell", "roll", "restart"]), st.integers(1, 3), st.integers(900, 1100)),
    max_size=25,
)


@settings(max_examples=80)
@given(STEPS, st.integers(900, 1100))
def test_f25_the_days_add_up_to_the_whole(steps: list[tuple[str, int, int]], last: int) -> None:
    """Over any trading and any nights: day results and today are everything that was won and lost."""
    book = Book()
    cash = Decimal(0)
    held = 0
    for n, (what, qty, price) in enumerate(steps):
        book.wait(MINUTE)
        if what == "roll":
            book.at(CME.next_roll(book.now))
            roll(book.turn, _marks(price))
        elif what == "restart":
            book = book.restarted(price * 60 * NANOS)
            roll(book.turn, Marks())
        else:
            side = Side.BUY if what == "buy" else Side.SELL
            order = book.adopted(qty, side, client_id=f"o{n}")
            book.fill(order, price, qty, cost="0.61")
            held += side.sign * qty
            cash -= MNQ.usd(side.sign * qty * price) + Decimal("0.61")
        marks = Marks()
        marks.quote("MNQ", price, price)
        total = sum(_days(book).values(), Decimal(0)) + _today(book, marks)
        assert abs(total - (cash + MNQ.usd(held * price))) < Decimal("0.30")  # averages end at the cent
        assert refolded(book.journal) == book.turn.state
    marks = Marks()
    marks.quote("MNQ", last, last)
    position = book.state.position("MNQ")
    equity = sum(_days(book).values(), Decimal(0)) + _today(book, marks)
    if not position.qty:
        assert equity == cash  # at flat it is exact: realized and unrealized are equity less deposits
        assert open_usd(book.turn.state, position, marks) == 0


def _bar(open_ts: int, close: int) -> Bar:
    return Bar("MNQ", Timeframe.M1, open_ts, close, close, close, close, 1)


def test_a_closed_plan_does_not_keep_its_carry() -> None:
    book = Book()
    found = book.entered(TWO, price=1000)
    book.at(ROLL)
    roll(book.turn, _marks(1030))
    assert book.state.carried.keys() == {"MNQ"}
    stop, _ = book.exits(found)
    book.fill(stop, 600)
    book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="p", status=PlanStatus.CLOSED))
    assert book.state.carried == {}
