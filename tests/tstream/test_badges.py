"""A line of the log says whose money it is about, and of which book where there are several."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model.orders import AccountKind
from engine.model.view import BookView
from tests.tui.fake import trading_view
from tstream.run.wiring import badge

PRACTICE, LIVE, PAPER = AccountKind.PRACTICE, AccountKind.LIVE, AccountKind.PAPER


@pytest.mark.parametrize(
    ("books", "badges"),
    [
        ({"practice": PRACTICE}, ["", ""]),
        ({"topstepx": LIVE}, ["", ""]),
        ({"practice": PRACTICE, "paper": PAPER}, ["PRACTICE: ", "PAPER: ", ""]),
        ({"one-a": LIVE, "one-b": LIVE}, ["LIVE one-a: ", "LIVE one-b: ", ""]),
        ({"one-a": LIVE, "one-b": LIVE, "paper": PAPER}, ["LIVE one-a: ", "LIVE one-b: ", "PAPER: ", ""]),
    ],
)
def test_a_badge_says_as_much_as_is_needed(books: dict[str, AccountKind], badges: list[str]) -> None:
    one: BookView = trading_view().books[0]
    known = {name: replace(one, book=name, kind=kind) for name, kind in books.items()}
    assert [badge(name, known) for name in (*books, None)] == badges
