"""Trading states: a lattice that never gets weaker by itself, the halt by hand, days nobody knows."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.books.commands import obey
from engine.books.opening import write_start
from engine.market.calendars.known import CME
from engine.model import records as r
from engine.model.commands import Halt, Pause, Resume
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS
from engine.model.notices import Severity
from engine.model.restrictions import TradingState
from engine.portfolio.money import Marks
from engine.risk.guards import Guards
from engine.state.restrictions import tighten
from engine.state.state import Restriction, State
from engine.state.turn import Turn
from tests.support.books import BOOK, MORNING, Book, config
from tests.support.guarded_book import DAILY, ROLL, TEN, GuardedBook, kinds, new_day, restarted, said

# --- the lattice -------------------------------------------------------------------------------------------

STATES: list[dict[str, Any]] = [
    {"state": TradingState.REDUCING},
    {"state": TradingState.LOCKED, "until": ROLL, "trades_stay": True},
    {"state": TradingState.LOCKED, "until": ROLL},
    {"state": TradingState.LOCKED},
    {"state": TradingState.HALTED},
]
"""From weak to strict."""


@pytest.mark.parametrize("first", range(len(STATES)))
@pytest.mark.parametrize("second", range(len(STATES)))
def test_a_scope_never_gets_weaker(first: int, second: int) -> None:
    book = Book()
    for n in (first, second):
        tighten(book.turn, reason=str(n), book=BOOK, **STATES[n])
    (found,) = book.turn.state.restrictions.values()
    assert found.reason == str(max(first, second))
    # The fold keeps it, whoever writes.
    for n in (second, first):
        book.write(r.StateChanged(ts=book.now, book=BOOK, instrument=None, reason=str(n), **STATES[n]))
    assert book.turn.state.restrictions[f"{BOOK}/"].reason == str(max(first, second))


def test_a_weaker_wish_is_not_even_written_down() -> None:
    book = Book()
    assert tighten(book.turn, TradingState.HALTED, "by hand")
    before = len(book.journal)
    assert not tighten(book.turn, TradingState.REDUCING, "paused")
    assert len(book.journal) == before


# --- halted ------------------------------------------------------------------------------------------------


def test_a_halt_is_lifted_on_purpose_only() -> None:
    guarded = GuardedBook(DAILY)
    assert "resume --halted" in said(guarded, Halt(id="1", source="cli"))
    assert guarded.book.turn.state.restriction(BOOK, "MNQ") == Restriction(
        TradingState.HALTED, "halted by cli", by="cli"
    )
    assert "still halted by cli; resume --halted lifts it" in said(guarded, Resume(id="2"))
    said(guarded, Pause(id="3"))
    assert guarded.book.turn.state.restrictions["/"].state is TradingState.HALTED
    after = restarted(guarded, DAILY)
    assert "entries allowed again" in said(after, Resume(id="4", halted=True))
    assert after.book.turn.state.restrictions == {}


def test_a_halt_of_one_contract_leaves_the_others() -> None:
    guarded = GuardedBook(DAILY)
    said(guarded, Halt(id="1", instrument="MES"))
    state = guarded.book.turn.state
    found = state.restriction(BOOK, "MES")
    assert found is not None
    assert found.state is TradingState.HALTED
    assert state.restriction(BOOK, "MNQ") is None


def test_guards_go_on_while_halted() -> None:
    guarded = GuardedBook(DAILY)
    guarded.book.entered(TEN, price=1000)
    said(guarded, Halt(id="1"))
    guarded.look(800)
    assert guarded.state() is TradingState.LOCKED
    assert guarded.book.state.flattening == {"MNQ": "risk"}
    said(guarded, Resume(id="2", halted=True))
    assert guarded.state() is TradingState.LOCKED


# --- the calendar ------------------------------------------------------------------------------------------

IN_2029 = 1_862_582_400 * NANOS
"""Monday 8 January 2029, 16:00 UTC."""


@pytest.mark.parametrize(
    ("limits", "practice", "state"),
    [
        (DAILY, False, TradingState.REDUCING),
        (DAILY, True, TradingState.ACTIVE),
        (replace(DAILY, reduce_on_unknown_days=False), False, TradingState.ACTIVE),
    ],
)
def test_a_year_without_holidays_reduces_and_says_so(
    limits: RiskLimits, practice: bool, state: TradingState
) -> None:
    guarded = GuardedBook(limits)
    guarded.opened.guards = Guards(guarded.opened.orders, guarded.marks, limits, practice_time=practice)
    new_day(guarded, CME.trade_date(IN_2029).isoformat(), IN_2029)
    guarded.look()
    guarded.look()
    assert guarded.state() is state
    told = [text for text in guarded.warnings() if "holidays of 2029 are not known" in text]
    assert len(told) == (state is TradingState.REDUCING)


def test_positions_that_need_not_be_flat_are_left_alone_by_the_clock() -> None:
    guarded = GuardedBook(replace(DAILY, must_be_flat=False))
    guarded.book.entered(TEN, price=1000)
    guarded.book.at(CME.flat_by(CME.trade_date(MORNING)))
    assert kinds(guarded.look(1000)) == []
    assert guarded.opened.guards.hours.ns_to_flat(guarded.book.now, CME) == 50 * MINUTE


def test_f49_a_journal_that_lost_its_end_is_told_and_pauses_entries_until_a_person_resumes() -> None:
    turn = Turn(State())
    write_start(turn, replace(config(), lost_records=7))
    assert [type(record) for record in turn.records] == [r.RunStarted, r.RecordsLost, r.StateChanged]
    assert turn.state.restriction(BOOK, "MNQ") is not None
    told = [notice.text for notice in turn.notices if notice.severity is Severity.CRITICAL]
    assert "the journal's last 7 records are lost" in told[0]
    obey(Resume(id="1"), turn, {}, ("MNQ",), Marks())
    assert turn.state.restriction(BOOK, "MNQ") is None
