"""Limits that act by themselves: the daily loss, and the time by which everything must be flat."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.books.book import Book as EngineBook
from engine.books.book import BookSpec
from engine.books.opening import VENUE_LINKS
from engine.market.calendars.known import CME
from engine.model import records as r
from engine.model.config import BookConfig
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import Slot
from engine.model.plans import Leg, PlanStatus
from engine.model.records import OrderEvent as E
from engine.model.restrictions import TradingState
from engine.portfolio.money import Marks
from engine.state.turn import Turn
from tests.support.books import BOOK, MES, MORNING, Book, config, day_rolled, refolded

LIMITS = RiskLimits(daily_loss_usd=Decimal(100), warn_percent=100, reduce_percent=100, act_percent=100)
"""Acts at the limit itself; the bands below it have tests of their own."""
ONE = Leg(2, -400, 600)
ROLL = MORNING + 7 * 60 * MINUTE
FLAT = MORNING + 5 * 60 * MINUTE + 10 * MINUTE
"""15:10 in Chicago."""


def _marks(bid: int) -> Marks:
    marks = Marks()
    marks.quote("MNQ", bid, bid + 1)
    return marks


def _check(book: Book, marks: Marks, limits: RiskLimits = LIMITS) -> list[r.AnyRecord]:
    """What the guards write down at one look."""
    before = len(book.journal)
    book.opened(limits, marks).guards.check()
    return book.journal[before:]


def _flattens(records: list[r.AnyRecord]) -> list[tuple[tuple[str, ...], str]]:
    return [(rec.instruments, rec.reason) for rec in records if isinstance(rec, r.FlattenStarted)]


def _locked(book: Book) -> bool:
    found = book.turn.state.restriction(BOOK, "MNQ")
    return found is not None and found.state is TradingState.LOCKED


def test_the_clock_of_these_tests_is_chicagos() -> None:
    assert CME.hhmm(MORNING) == "10:00"
    assert CME.hhmm(FLAT) == "15:10"
    assert CME.next_roll(MORNING) == ROLL


@pytest.mark.parametrize(("bid", "acts"), [(902, False), (901, True), (800, True)])
def test_an_open_loss_that_hits_the_limit_locks_first_and_then_flattens(bid: int, acts: bool) -> None:
    """Two MNQ at 1000: 99 ticks are 99 USD, and closing them costs 1.22 USD; the limit is 100."""
    book = Book()
    found = book.entered(ONE, price=1000)
    book.exits(found)
    told = _check(book, _marks(bid))
    assert _locked(book) is acts
    assert _flattens(told) == ([(("MNQ",), "risk")] if acts else [])
    if acts:
        assert [type(record) for record in told[:2]] == [r.StateChanged, r.FlattenStarted]
        lock = told[0]
        assert isinstance(lock, r.StateChanged)
        assert (lock.book, lock.instrument, lock.until) == (BOOK, None, ROLL)
        assert "100" in lock.reason
        assert found.plan.status is PlanStatus.CLOSING


def test_realized_and_open_losses_add_up_over_contracts() -> None:
    book = Book()
    first = book.entered(Leg(2, -60, 60), price=1000)
    stop, target = book.exits(first)
    assert target is not None
    book.fill(stop, 940)
    book.moved(target.client_id, E.CANCELED)
    book.write(r.PlanChanged(ts=book.now, book=BOOK, plan_id="p", status=PlanStatus.CLOSED))
    book.entered(Leg(1, -100, 60), price=500, plan_id="q", instrument=MES)
    marks = Marks()
    marks.quote("MES", 469, 470)
    assert _check(book, marks) == []
    marks.quote("MES", 468, 469)
    assert _flattens(_check(book, marks)) == [(("MES",), "risk")]


def test_a_gain_elsewhere_keeps_the_limit_away() -> None:
    book = Book()
    book.entered(ONE, price=1000)
    book.entered(Leg(1, -100, 200), price=500, plan_id="q", instrument=MES)
    marks = _marks(880)
    marks.quote("MES", 520, 521)
    assert _check(book, marks) == []


def test_the_lock_flattens_entries_on_their_way_too() -> None:
    book = Book()
    book.entered(ONE, price=1000)
    book.plan(Leg(1, -40, 60), plan_id="q", instrument=MES)
    book.order(Slot.ENTRY, 1, plan_id="q")
    assert _flattens(_check(book, _marks(800))) == [(("MES", "MNQ"), "risk")]
    assert book.state.plans["q"].plan.status is PlanStatus.CLOSING


def test_an_entry_that_fills_after_the_flatten_is_flattened_as_well() -> None:
    book = Book()
    book.plan(ONE)
    entry = book.accepted(book.order(Slot.ENTRY, 2))
    book.entered(Leg(1, -400, None), price=1000, plan_id="q", instrument=MES)
    marks = _marks(1000)
    marks.quote("MES", 900, 901)
    assert _flattens(_check(book, marks)) == [(("MES", "MNQ"), "risk")]
    book.moved(entry.client_id, E.CANCELED)
    book.write(r.FlattenEnded(ts=book.now, book=BOOK, instrument="MNQ"))
    assert _check(book, marks) == []
    book.fill(entry, 1000, 1)
    assert _flattens(_check(book, marks)) == [(("MNQ",), "risk")]


def test_a_restart_finds_the_lock_and_the_flatten_that_was_under_way() -> None:
    book = Book()
    book.entered(ONE, price=1000)
    _check(book, _marks(800))
    state = refolded(book.journal)
    assert state == book.turn.state
    found = state.restriction(BOOK, "MES")
    assert found is not None
    assert (found.state, found.until) == (TradingState.LOCKED, ROLL)
    assert state.book(BOOK).flattening == {"MNQ": "risk"}
    turn = Turn(state)
    turn.begin(book.now + MINUTE)
    spec = BookSpec(BookConfig(BOOK, risk=LIMITS), VENUE_LINKS)
    EngineBook(spec, turn, config(), _marks(800), streaming=True).guards.check()
    assert turn.records == []


@pytest.mark.parametrize(("when", "locked"), [(ROLL - NANOS, True), (ROLL, False)])
def test_the_lock_ends_with_its_trade_date(when: int, locked: bool) -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    stop, _ = book.exits(found)
    _check(book, _marks(800))
    book.fill(stop, 800)
    book.at(when)
    book.write(day_rolled(when, CME.trade_date(when).isoformat()))
    assert _locked(book) is locked
    if not locked:
        assert _check(book, _marks(800)) == []


@pytest.mark.parametrize(
    ("before", "acts"), [(5 * MINUTE + 1, False), (5 * MINUTE, True), (-30 * MINUTE, True)]
)
def test_everything_is_flattened_five_minutes_before_it_must_be(before: int, acts: bool) -> None:
    book = Book()
    book.entered(ONE, price=1000)
    book.plan(Leg(1, -40, 60), plan_id="q", instrument=MES)
    book.order(Slot.ENTRY, 1, plan_id="q")
    book.at(FLAT - before)
    told = _check(book, _marks(1000))
    assert _flattens(told) == ([(("MES", "MNQ"), "flat_time")] if acts else [])
    assert _check(book, _marks(1000)) == []
    assert not _locked(book)


def test_flat_time_has_nothing_to_do_without_exposure() -> None:
    book = Book()
    book.at(FLAT)
    assert _check(book, _marks(1000)) == []


def test_flat_time_says_so_in_the_trade() -> None:
    book = Book()
    book.entered(ONE, price=1000)
    book.at(FLAT)
    _check(book, _marks(1000))
    book.fill(book.adopted(2, Side.SELL), 1001)
    assert [trade.reason for trade in book.state.trades] == ["flat_time"]


@pytest.mark.parametrize(
    ("hours", "when", "inside"),
    [
        (("", "", "UTC"), MORNING, True),
        (("", "", "UTC"), MORNING + 6 * 60 * MINUTE + 30 * MINUTE, False),
        (("09:00", "11:00", "America/Chicago"), MORNING, True),
        (("09:00", "10:00", "America/Chicago"), MORNING, False),
        (("02:00", "23:00", "Europe/Helsinki"), MORNING, True),
        (("02:00", "23:00", "Europe/Helsinki"), FLAT, False),
    ],
)
def test_the_traders_hours_and_the_markets_both_count(
    hours: tuple[str, str, str], when: int, inside: bool
) -> None:
    start, end, zone = hours
    limits = RiskLimits(hours_start=start, hours_end=end, hours_zone=zone)
    assert Book().opened(limits).guards.hours.allow(when, CME) is inside
