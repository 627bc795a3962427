"""tstream bot status: one line a bot, of its own book; as JSON for scripts."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.view import BotView, View
from tests.tui import fake
from tstream.cli import call
from tstream.commands import bot as commands
from tstream.commands.bot import of_bot

ONE = BotView("one", "indicators", "trade", instruments=("MNQ",), wins=2, losses=1, net_usd=Decimal("12.50"))


def view(**bot: Any) -> View:
    shown = fake.trading_view()
    return replace(shown, bots=(replace(ONE, books=(shown.books[0].book,), **bot),))


def test_it_has_the_money_of_its_book_and_the_age_of_its_prices() -> None:
    shown = view()
    book = shown.books[0]
    found = of_bot(shown, shown.bots[0])
    assert (found.book, found.balance, found.day) == (book.book, book.balance_usd, book.day_usd)
    assert (found.trades, found.wins, found.net) == (3, 2, Decimal("12.50"))
    assert set(found.price_age_s) == {"MNQ"}
    held = {one.instrument for one in shown.positions if one.book == book.book}
    assert set(found.positions) == held
    assert set(found.limits) == {one.name for one in book.limits}


def test_one_that_trades_in_several_books_has_none_of_their_money() -> None:
    shown = view()
    two = replace(shown, books=(*shown.books, replace(shown.books[0], book="other")))
    bot = replace(shown.bots[0], books=())
    assert (of_bot(two, bot).book, of_bot(two, bot).balance) == ("", None)


@pytest.mark.parametrize(
    ("out", "state"), [("", "running"), ("failed, see the log", "out: failed, see the log")]
)
def test_the_command_prints_lines_and_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str, state: str
) -> None:
    monkeypatch.setattr(commands, "fetch_view", lambda _socket: view(out=out))
    monkeypatch.setenv("COLUMNS", "200")
    assert call(["bot", "status"]) == 0
    assert state in capsys.readouterr().out
    assert call(["bot", "status", "one", "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert (told["name"], told["state"]) == ("one", state)


def test_an_unknown_bot_is_told_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "fetch_view", lambda _socket: view())
    assert call(["bot", "status", "two"]) == 2
    assert "no bot of the running engine is called two; it has one" in capsys.readouterr().err
