"""What tstream status prints of a View: states, limits, connections, a flatten under way."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from engine.model.view import View
from tests.tui import fake, states
from tstream.commands import status

Out = pytest.CaptureFixture[str]
Print = Callable[[View], str]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> Print:
    """What the command writes to a terminal of 140 columns for a View."""
    monkeypatch.setenv("COLUMNS", "140")

    def run(view: View) -> str:
        monkeypatch.setattr(status, "fetch_view", lambda _socket, charts: view)
        assert status.status(as_json=False) == 0
        return capsys.readouterr().out

    return run


def test_a_good_morning(printed: Print) -> None:
    text = printed(fake.trading_view())
    for words in (" PRACTICE ", "ACTIVE", "day +184.20 USD", "max loss", "152/2,000", "clear", "12/160",
                  "Thu 07:30 (in 21h 48m)", "oddities survived: 2 duplicate fills", "MNQZ6"):  # fmt: skip
        assert words in text


def test_a_lock_and_how_long(printed: Print) -> None:
    text = printed(states.locked())
    assert "LOCKED  daily loss limit reached  unlocks 17:00 CT (in 7h 17m)" in text
    (row,) = [line for line in text.splitlines() if line.startswith("daily loss ")]
    assert row.split()[2:] == ["practice", "769/800", "USD", "96%", "31", "ACT"]


def test_a_halt_has_no_end(printed: Print) -> None:
    text = printed(states.halted())
    assert "HALTED  halted by keyboard" in text
    assert "unlocks" not in text


def test_a_flatten_that_is_stuck(printed: Print) -> None:
    text = printed(states.escalated())
    assert "FLATTENING for 48s  1 of 2 flat: close of MNQ refused" in text
    assert "still open: MNQ +2" in text


def test_connections_and_who_pairs_stop_and_target(printed: Print) -> None:
    text = printed(states.cut_off())
    for words in ("stale", "no message for 14 s", "down", "95s", "10:30 (in 48m 00s)", "own OCO",
                  "31 late prints"):  # fmt: skip
        assert words in text
    assert "overfills" not in text


@pytest.mark.parametrize("make", [fake.empty_view, *states.STATES.values()])
def test_words_from_outside_are_only_words(printed: Print, make: Callable[[], View]) -> None:
    view = make()
    nasty = "[red]x[/] \x1b[2J\n"
    links = tuple(replace(link, detail=nasty) for link in view.links)
    books = tuple(
        replace(book, state_reason=nasty, flatten_alarm=nasty, flattening=True) for book in view.books
    )
    text = printed(replace(view, links=links, books=books))
    assert "\x1b[2J" not in text
    assert "[red]x[/]" in text


def test_what_is_wrong_with_the_engine_comes_before_everything_else(printed: Print) -> None:
    view = fake.trading_view()
    sick = replace(view, health=replace(view.health, ok=False, detail="the journal can't be written"))
    lines = printed(sick).splitlines()
    assert "not healthy: the journal can't be written" in lines[2]
    assert "not healthy" not in printed(view)


def test_its_own_lines_fit_a_terminal_of_80_columns(printed: Print, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(fake.trading_view()).splitlines()
    (day,) = (i for i, line in enumerate(lines) if "  realized " in line)
    assert "flat by" in lines[1]
    assert "trade date" in lines[1]
    assert "costs" in lines[day]
    assert "won" in lines[day]


def test_json_is_the_view(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setattr(status, "fetch_view", lambda _socket, charts: states.locked())
    assert status.status(as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    (book,) = told["books"]
    assert book["unlock_ts"] == states.UNLOCK
    assert book["limits"][0] == {
        "name": "daily loss", "used": "768.40", "limit": "800", "unit": "USD", "band": "act"
    }  # fmt: skip
    assert {link["name"]: link["until"] for link in told["links"]}["token"] > 0
