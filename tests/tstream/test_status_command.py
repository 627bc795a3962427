"""What tstream status prints of a View: states, limits, connections, a flatten under way."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from msgspec.structs import replace

from engine.lab.summary import Summary
from engine.model.orders import AccountKind, Margin
from engine.model.rates import StatedRate
from engine.model.restrictions import RestrictionEnd, TradingState
from engine.model.view import FlattenStep, FlattenView, View
from tests.tui import fake, rooms, states
from tstream.commands import status, status_json
from tstream.run.headless import _together
from tui import number_format as figures

Out = pytest.CaptureFixture[str]
Print = Callable[[View], str]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> Print:
    """What the command writes to a terminal of 140 columns for a View."""
    monkeypatch.setenv("COLUMNS", "140")

    def run(view: View) -> str:
        monkeypatch.setattr(status, "fetch_view", lambda _socket: view)
        assert status.status() == 0
        return capsys.readouterr().out

    return run


def test_a_good_morning(printed: Print) -> None:
    text = printed(fake.trading_view())
    for words in (" PRACTICE ", "ACTIVE", "day +184.20 USD", "max loss", "152/2,000", "clear", "12/160",
                  "Thu 07:30 (in 21h 48m)", "oddities survived: 2 duplicate fills", "MNQZ6"):  # fmt: skip
        assert words in text


def test_sums_are_of_books_of_one_kind_only(printed: Print) -> None:
    view = fake.trading_view()
    (book,) = [one for one in view.books if one.kind is view.mode]
    others = [
        replace(book, book="apex", realized_usd=Decimal(-50), open_usd=Decimal(8), day_usd=Decimal(-42)),
        replace(book, book="paper", kind=AccountKind.PAPER, day_usd=Decimal(1000)),
    ]
    lines = printed(replace(view, books=(book, *others))).splitlines()
    (together,) = [line.split() for line in lines if "together" in line]
    assert together[:6] == ["2", "practice", "books", "together", "day", f"{book.day_usd - 42:+.2f}"]
    assert f"{book.realized_usd - 50:+.2f}" in together
    assert not [line for line in printed(view).splitlines() if "together" in line]


def test_several_currencies_are_one_only_by_a_rate_that_is_told(printed: Print) -> None:
    view = fake.trading_view()
    (book,) = [one for one in view.books if one.kind is view.mode]
    other = replace(book, book="coins", currency="USDT", day_usd=Decimal(100))
    rate = StatedRate("USDT", Decimal("0.9998"), "BTCUSD / BTCUSDT", 3_000_000_000)
    both = replace(view, books=(book, other), rates=(rate,))
    told = " ".join(printed(both).split())
    assert f"all practice money together day {book.day_usd + Decimal('99.98'):+.2f} USD" in told
    assert "1 USDT = 0.9998 USD by BTCUSD / BTCUSDT, 3 s old" in told
    assert "not summed: no rate of USDT" in " ".join(printed(replace(both, rates=())).split())
    assert "together" not in printed(view)


def test_prices_have_the_digits_of_their_tick_as_on_the_screen(printed: Print) -> None:
    view = fake.trading_view()
    (first, *others) = view.positions
    average = replace(first, entry=Decimal("7792.625"))
    text = printed(replace(view, positions=(average, *others)))
    assert "7792.62 " in text
    assert "7792.625" not in text
    assert f"{figures.price(average.entry, 2)}" == "7792.62"


def test_a_lock_and_how_long(printed: Print) -> None:
    text = printed(states.locked())
    assert "LOCKED until 17:00 CT (in 7h 17m): daily loss limit reached" in text
    (row,) = [line for line in text.splitlines() if line.startswith("daily loss ")]
    assert row.split()[2:] == ["practice", "769/800", "USD", "96", "%", "31", "ACT"]


def test_a_halt_has_no_end(printed: Print) -> None:
    text = printed(states.halted())
    assert "HALTED by keyboard until a person lifts it" in text


def test_f59_what_holds_entries_back_has_the_words_of_the_screen(printed: Print) -> None:
    pause = fake.held(TradingState.REDUCING, "paused by cli", RestrictionEnd.RESUME, by="cli")
    view = fake.trading_view()
    book = replace(view.books[0], **pause)
    shut = states.changed(view, state=TradingState.REDUCING)
    text = printed(replace(shut, books=(book,), restrictions=(book.restriction,)))
    assert "\n  PAUSED by cli\n" in text
    assert "held back: everything: PAUSED  by cli" in text
    assert "reducing" not in text.lower()
    assert text.count("no entries") == len(view.contracts)


def test_f59_active_is_said_only_where_an_entry_could_pass(printed: Print) -> None:
    text = printed(states.blind())
    assert "NO ENTRIES: prices 37 s old · stops stay at the venue" in text
    assert "active" not in text.lower()


def test_a_flatten_that_is_stuck(printed: Print) -> None:
    text = printed(states.escalated())
    assert "FLATTENING for 48s  1 not yet proven flat: close of MNQ refused" in text
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
    stuck = FlattenView(("MNQ",), FlattenStep.CLOSE, alarm=nasty)
    books = tuple(
        replace(book, flatten=stuck, **fake.held(TradingState.LOCKED, nasty)) for book in view.books
    )
    text = printed(replace(view, links=links, books=books))
    assert "\x1b[2J" not in text
    assert "[red]x[/]" in text


def test_the_last_messages_of_rooms(printed: Print) -> None:
    lines = [line.split("  ") for line in printed(rooms.view()).splitlines() if line.startswith("twi ")]
    rows = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert rows[0] == [
        "twi",
        "09:41:58",
        "traded",
        "MES long 6010 stop 6000 A",
        "practice bought 3",
        "184 ms",
    ]
    assert rows[1][2] == "followed edited"
    assert rows[2][2:4] == ["refused", "MES short 6310.25 stop 6318 C"]
    assert rows[3][2:] == ["unread", "“gm everyone, watching 6000 into the open”",
                           "no line of it reads as an alert", "-"]  # fmt: skip
    assert rows[4][2] == "cancelled deleted"
    assert len(rows) == len(rooms.alerts())
    assert "order after" not in printed(fake.trading_view())


def test_a_trade_of_paper_alone_says_so(printed: Print) -> None:
    lines = printed(rooms.two_books()).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("twi "))
    assert "refused" in lines[at]
    assert "topstepx refused: the trade's risk is above the limit" in lines[at]
    assert " ms" not in lines[at]
    assert lines[at + 1].strip() == "PAPER bought 3"
    (night,) = (line for line in lines if line.startswith("night "))
    assert "PAPER traded" in night


def test_only_the_newest_messages_are_printed(printed: Print) -> None:
    many = tuple(rooms.unread(60 - i, f"talk {i}") for i in range(50))
    text = printed(replace(fake.trading_view(), alerts=many))
    assert "talk 49" in text
    assert text.count("talk ") == status.ALERTS_SHOWN


def test_a_hostile_message_is_only_words(printed: Print) -> None:
    nasty = "[red]x[/] \x1b[2J\u202e;DROP\n"
    text = printed(replace(fake.trading_view(), alerts=(rooms.unread(5, nasty, room=nasty, text=nasty),)))
    assert "[red]x[/]" in text
    assert not {"\x1b", "\u202e"} & set(text)


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


def test_json_has_the_rooms(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setattr(status_json, "look", lambda _socket, charts: msgspec.json.encode(rooms.view()))
    assert status_json.status_json(charts=False) == 0
    newest = json.loads(capsys.readouterr().out)["alerts"][-1]
    assert (newest["verdict"], newest["entry"], newest["grade"]) == ("traded", "6010.00", "A")
    assert newest["fates"][0]["sent_ns"] == 184 * rooms.MS


def test_json_is_the_view(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setattr(status_json, "look", lambda _socket, charts: msgspec.json.encode(states.locked()))
    assert status_json.status_json(charts=False) == 0
    told = json.loads(capsys.readouterr().out)
    (book,) = told["books"]
    assert book["restriction"] == {
        "state": "locked", "reason": "daily loss limit reached", "end": "time", "until": states.UNLOCK,
        "guard": "", "by": "", "book": "", "instrument": "", "code": None,
    }  # fmt: skip
    assert book["limits"][0] == {
        "name": "daily loss", "used": "768.40", "limit": "800", "unit": "USD", "band": "act"
    }  # fmt: skip
    assert {link["name"]: link["until"] for link in told["links"]}["token"] > 0


def test_margin_is_told_where_it_is_known(printed: Print) -> None:
    view = fake.trading_view()
    assert "margin" not in printed(view)
    (book, *others) = view.books
    for margin, line in (
        (Margin(Decimal(4500), Decimal("45684.2")), "  margin used 4,500.00  available 45,684.20"),
        (Margin(available_usd=Decimal(-5)), "  margin available −5.00"),
    ):
        text = printed(replace(view, books=(replace(book, margin=margin), *others)))
        assert line in text.splitlines()


def test_the_summary_of_a_run_adds_currencies_by_a_rate_that_is_told() -> None:
    (book, *_) = fake.trading_view().books
    other = replace(book, book="coins", currency="USDT")
    view = replace(fake.trading_view(), books=(book, other), rates=(StatedRate("USDT", Decimal("0.5")),))
    nothing = Summary(0, Decimal(0), Decimal(0), None, None, Decimal(0), (), (), "")
    summaries = {
        book.book: replace(nothing, net_usd=Decimal(10)),
        "coins": replace(nothing, net_usd=Decimal(-4), currency="USDT"),
    }
    [line] = _together(summaries, view)
    assert line == f"all {book.kind.value:<11}+8.00 USD; 1 USDT = 0.5 USD by [rates]\n"
    [line] = _together(summaries, replace(view, rates=()))
    assert "not summed: no rate of USDT" in line
    assert list(_together({book.book: nothing}, view)) == []
