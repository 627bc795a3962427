"""A dry run of an alert: read, sized and judged as it would be, and nothing comes of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.books.alert_tries import tried
from engine.model.alert_tries import AlertTried, TryAlert
from engine.model.alerts import Grade, Reason, Verdict
from engine.model.commands import Pause
from engine.model.market import Side
from engine.state import snapshot
from tests.support.alert_room import LONG, at_work
from tests.support.manual_venue import BOOK, ManualVenue


def ask(bench: ManualVenue, text: str, room: str = "") -> AlertTried:
    core = bench.core
    before = snapshot.encode(core.state), core.turn.noticed, dict(core.turn.counts)
    told = tried(
        TryAlert(text, room), core.alerts, core.entries, core.books, core.instruments, core.turn.wall
    )
    assert (snapshot.encode(core.state), core.turn.noticed, dict(core.turn.counts)) == before
    return told


def test_what_would_be_traded_is_told_with_its_size_and_is_not_traded() -> None:
    bench, jm = at_work()
    told = ask(bench, LONG)
    assert (told.room, told.rooms, told.verdict, told.reason) == ("jm", ("jm",), Verdict.TRADED, None)
    assert (told.instrument, told.side, told.grade) == ("MNQ", Side.BUY, Grade.A)
    assert (told.entry, told.stop) == (Decimal(20_000), Decimal(19_990))
    assert told.targets == (Decimal(20_007), Decimal(20_012))
    (book,) = told.books
    assert (book.book, book.qty, book.against) == (BOOK, 3, ())
    # And so it is: the very same text, posted, is three contracts; then it is a copy of that.
    assert jm.post(LONG).verdict is Verdict.TRADED
    assert sum(plan.plan.qty for plan in bench.core.state.book(BOOK).plans.values()) == 3
    again = ask(bench, LONG)
    assert (again.verdict, again.reason) == (Verdict.REFUSED, Reason.SEEN)


@pytest.mark.parametrize(
    ("text", "verdict", "reason", "entry"),
    [
        ("good morning", Verdict.UNREAD, Reason.NOT_AN_ALERT, None),
        (LONG.replace("19990", "20010"), Verdict.REFUSED, Reason.STOP_SIDE, Decimal(20_000)),
        (LONG.replace("NQ", "ZZ"), Verdict.REFUSED, Reason.UNKNOWN_CONTRACT, Decimal(20_000)),
        (
            LONG.replace("20000", "20100").replace("19990", "20090"),
            Verdict.REFUSED,
            Reason.FAR_FROM_MARKET,
            Decimal(20_100),
        ),
        (f"cancelled\n{LONG}", Verdict.UNREAD, Reason.TAKEN_BACK, None),
    ],
)
def test_what_would_not_is_told_with_the_reason(
    text: str, verdict: Verdict, reason: Reason, entry: Decimal | None
) -> None:
    bench, _ = at_work()
    told = ask(bench, text, "jm")
    assert (told.verdict, told.reason, told.entry) == (verdict, reason, entry)
    assert told.text.startswith(reason.sentence)


def test_the_gate_of_each_book_says_its_words_and_a_room_that_is_none_is_named() -> None:
    bench, _ = at_work()
    bench.say(Pause(id="p"))
    (book,) = ask(bench, LONG).books
    assert book.qty == 3
    assert any("paused" in words for words in book.against)
    assert ask(bench, LONG, "elsewhere").reason is Reason.UNKNOWN_ROOM
