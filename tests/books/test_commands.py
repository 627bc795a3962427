"""What people ask for, what it does, and the sentence that answers."""

from __future__ import annotations

import pytest

from engine.books.commands import obey
from engine.model import records as r
from engine.model.commands import (
    BreakEven,
    CancelEntries,
    Flatten,
    Pause,
    Resume,
    RunCommand,
    Shutdown,
)
from engine.model.market import Side
from engine.model.notices import NoticeKind
from engine.model.orders import OrderStatus, Slot
from engine.model.plans import Leg, PlanStatus
from engine.model.restrictions import TradingState
from engine.portfolio.money import Marks
from tests.support.books import BOOK, MES, MNQ, Book

CONTRACTS = ("MNQ", "MES", "MGC")
ONE = Leg(2, -40, 60)


def _obey(book: Book, command: RunCommand, marks: Marks | None = None, connected: bool = True) -> str:
    books = {BOOK: book.opened()} if connected else {}
    return obey(command, book.turn, books, CONTRACTS, marks or Marks()).text


def _state(book: Book, instrument: str) -> TradingState:
    found = book.turn.state.restriction(BOOK, instrument)
    return TradingState.ACTIVE if found is None else found.state


def _lock(book: Book) -> None:
    book.write(
        r.StateChanged(
            ts=book.now, book=BOOK, instrument=None, state=TradingState.LOCKED, reason="daily loss limit"
        )
    )


def test_what_came_to_nothing_is_told_as_such() -> None:
    book = Book()
    books = {BOOK: book.opened()}
    assert obey(Resume(id="1"), book.turn, books, CONTRACTS, Marks()).done
    _lock(book)
    assert not obey(Resume(id="2"), book.turn, books, CONTRACTS, Marks()).done
    assert obey(Pause(id="3"), book.turn, books, CONTRACTS, Marks()).done


@pytest.mark.parametrize("kind", [Flatten, CancelEntries, BreakEven, Pause, Resume])
def test_an_unknown_contract_is_named_with_the_known_ones(kind: type) -> None:
    book = Book()
    before = len(book.journal)
    answer = _obey(book, kind(id="1", instrument="NQX"))
    assert answer == "unknown contract NQX; known: MNQ, MES, MGC"
    assert len(book.journal) == before


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (Flatten(id="1"), "no account is connected yet: nothing can be flattened"),
        (BreakEven(id="1", instrument="MNQ"), "no account is connected yet"),
        (CancelEntries(id="1"), "all: 0 resting entries are being cancelled"),
        (Pause(id="1"), "everything: entries paused; exits and stops stay"),
        (Resume(id="1"), "nothing was paused"),
        (Shutdown(id="1"), "stopping; nothing is open"),
    ],
    ids=lambda part: type(part).__name__,
)
def test_before_any_account_is_connected(command: RunCommand, answer: str) -> None:
    assert _obey(Book(), command, connected=False) == answer


@pytest.mark.parametrize("instrument", [None, "MNQ"])
def test_flatten_says_what_it_sells_and_pauses_its_scope(instrument: str | None) -> None:
    book = Book()
    found = book.entered(ONE, price=1000)
    book.exits(found)
    answer = _obey(book, Flatten(id="1", instrument=instrument, source="cli"))
    where = instrument or "everything"
    assert answer == f"flatten {where}: sell 2 MNQ at market; cancel 2 orders; entries stay paused"
    assert _state(book, "MNQ") is TradingState.REDUCING
    assert _state(book, "MES") is (TradingState.ACTIVE if instrument else TradingState.REDUCING)
    assert set(book.state.flattening) == ({"MNQ"} if instrument else set(CONTRACTS))
    assert set(book.state.flattening.values()) == {"manual"}
    assert found.plan.status is PlanStatus.CLOSING


def test_flatten_of_a_short_buys() -> None:
    book = Book()
    book.entered(Leg(1, 40, -60), side=Side.SELL, price=1000)
    answer = _obey(book, Flatten(id="1", instrument="MNQ"))
    assert answer == "flatten MNQ: buy 1 MNQ at market; entries stay paused"


def test_flatten_with_nothing_here_still_asks_the_venue() -> None:
    book = Book()
    answer = _obey(book, Flatten(id="1", instrument="MES"))
    assert answer == "flatten MES: nothing open here, asking the venue; entries stay paused"
    assert set(book.state.flattening) == {"MES"}


def test_flatten_of_everything_takes_what_is_no_longer_configured_along() -> None:
    book = Book()
    book.entered(ONE, price=1000)
    obey(Flatten(id="1"), book.turn, {BOOK: book.opened()}, ("MES",), Marks())
    assert set(book.state.flattening) == {"MES", "MNQ"}


@pytest.mark.parametrize(
    ("instrument", "answer", "pending"),
    [
        (None, "all: 2 resting entries are being cancelled", {"MNQ", "MES"}),
        ("MNQ", "MNQ: 1 resting entry is being cancelled", {"MNQ"}),
        ("MGC", "MGC: 0 resting entries are being cancelled", set()),
    ],
)
def test_cancel_entries_leaves_exits_alone(instrument: str | None, answer: str, pending: set[str]) -> None:
    book = Book()
    for plan_id, known in (("a", MNQ), ("b", MES)):
        book.plan(ONE, plan_id=plan_id, entry_limit=990, instrument=known)
        book.accepted(book.order(Slot.ENTRY, 2, plan_id=plan_id, limit=990))
    held = book.entered(ONE, price=1000, plan_id="held")
    book.exits(held)
    assert _obey(book, CancelEntries(id="1", instrument=instrument)) == answer
    asked = {o.instrument for o in book.state.orders.values() if o.status is OrderStatus.PENDING_CANCEL}
    assert asked == pending
    assert all(o.slot is Slot.ENTRY for o in book.state.orders.values() if o.cancel_wanted)


@pytest.mark.parametrize("instrument", [None, "MNQ"])
def test_pause_and_resume_undo_each_other(instrument: str | None) -> None:
    book = Book()
    where = instrument or "everything"
    assert _obey(book, Pause(id="1", instrument=instrument)) == (
        f"{where}: entries paused; exits and stops stay"
    )
    assert _state(book, "MNQ") is TradingState.REDUCING
    assert _obey(book, Resume(id="2", instrument=instrument)) == f"{where}: entries allowed again"
    assert _state(book, "MNQ") is TradingState.ACTIVE
    assert _obey(book, Resume(id="3", instrument=instrument)) == "nothing was paused"


def test_resuming_one_contract_does_not_lift_a_pause_of_everything() -> None:
    book = Book()
    _obey(book, Pause(id="1"))
    answer = _obey(book, Resume(id="2", instrument="MNQ"))
    assert answer == "MNQ: still paused by keyboard"
    assert _state(book, "MNQ") is TradingState.REDUCING


def test_a_pause_is_told_as_one() -> None:
    book = Book()
    _obey(book, Pause(id="1", source="cli"))
    told = [notice.text for notice in book.turn.notices if notice.kind is NoticeKind.STATE]
    assert told == ["everything: paused by cli"]


def test_resuming_everything_lifts_what_was_paused_one_by_one() -> None:
    book = Book()
    for instrument in ("MNQ", "MES"):
        _obey(book, Pause(id="1", instrument=instrument))
    assert _obey(book, Resume(id="2")) == "everything: entries allowed again"
    assert {_state(book, i) for i in CONTRACTS} == {TradingState.ACTIVE}


@pytest.mark.parametrize("instrument", [None, "MNQ"])
@pytest.mark.parametrize("paused", [True, False])
def test_resume_never_lifts_a_lock(instrument: str | None, paused: bool) -> None:
    book = Book()
    if paused:
        _obey(book, Pause(id="1", instrument=instrument))
    _lock(book)
    answer = _obey(book, Resume(id="2", instrument=instrument))
    assert answer == f"{instrument or 'everything'}: still locked, daily loss limit"
    assert _state(book, "MNQ") is TradingState.LOCKED


def test_a_lock_elsewhere_is_none_of_this_contracts_business() -> None:
    book = Book()
    book.write(
        r.StateChanged(ts=book.now, book=BOOK, instrument="MES", state=TradingState.LOCKED, reason="x")
    )
    _obey(book, Pause(id="1", instrument="MNQ"))
    assert _obey(book, Resume(id="2", instrument="MNQ")) == "MNQ: entries allowed again"
    assert _obey(book, Resume(id="3")) == "everything: still locked, x"


def test_a_pause_does_not_weaken_a_lock() -> None:
    book = Book()
    _lock(book)
    _obey(book, Pause(id="1"))
    assert _state(book, "MNQ") is TradingState.LOCKED


@pytest.mark.parametrize(
    ("side", "bid", "ask", "answer", "stop"),
    [
        (Side.BUY, 1010, 1011, "MNQ: 1 stop(s) to break-even", 1004),
        (Side.BUY, 1004, 1005, "MNQ: price has not passed break-even 251.00 yet; stops stay", None),
        (Side.SELL, 989, 990, "MNQ: 1 stop(s) to break-even", 996),
        (Side.SELL, 995, 996, "MNQ: price has not passed break-even 249.00 yet; stops stay", None),
        (Side.BUY, None, None, "MNQ: price has not passed break-even 251.00 yet; stops stay", None),
    ],
)
def test_break_even_pays_for_the_costs_or_stays(
    side: Side, bid: int | None, ask: int | None, answer: str, stop: int | None
) -> None:
    """Two sides of MNQ cost 1.22 USD: three ticks, as two would lose; and one for slippage."""
    book = Book()
    found = book.entered(Leg(2, -40 * side.sign, 60 * side.sign), side=side, price=1000)
    book.exits(found)
    marks = Marks()
    marks.quote("MNQ", bid, ask)
    assert _obey(book, BreakEven(id="1", instrument="MNQ"), marks) == answer
    assert found.plan.legs[0].stop == stop


def test_break_even_without_a_trade_says_so() -> None:
    assert _obey(Book(), BreakEven(id="1", instrument="MNQ")) == "MNQ: no open trade"


def test_break_even_before_the_contract_is_known_does_no_harm() -> None:
    book = Book()
    book.turn.state.instruments.clear()
    assert "stops stay" in _obey(book, BreakEven(id="1", instrument="MNQ"))


def test_an_answer_reaches_people_with_the_id_of_its_command() -> None:
    book = Book()
    command = Pause(id="c-7", instrument="MNQ")
    book.write(r.CommandTaken(ts=book.now, command=command, answer=_obey(book, command)))
    (notice,) = [n for n in book.turn.notices if n.kind is NoticeKind.COMMAND]
    assert (notice.command_id, notice.instrument) == ("c-7", "MNQ")
    assert notice.text == "MNQ: entries paused; exits and stops stay"
