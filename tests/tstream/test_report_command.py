"""tstream report and tstream trades: from the journal alone, what the engine itself had in the end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.store.virtual import SyncJournal
from engine.books.opening import PAPER
from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model import records as r
from engine.model.market import MINUTE, Timeframe
from engine.model.orders import AccountKind
from engine.model.plans import Leg
from engine.model.rates import StatedRate
from engine.model.scores import PatternSeen
from engine.portfolio.daily import days_of
from engine.portfolio.day_roll import roll
from engine.portfolio.money import Marks
from tests.support import books, many_books
from tests.support.many_books import EVERY, book_configs, entered
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea
from tstream.cli import call
from tstream.paths import Paths
from tstream.reports.history import JournalHistory, ReportHistory
from tstream.reports.kinds import ReportType
from tstream.reports.patterns import pattern_of
from tstream.reports.report import make_report, period
from tstream.reports.rows import csv_lines, trade_rows
from tstream.reports.tables import report_table, show

PRICE_UP = many_books.PRICE + 100
Out = pytest.CaptureFixture[str]


def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
    """One trade to its second target, by way of a fall after the first."""
    yield from play.minutes(2)
    yield from play.move(PRICE + 90, seconds=3)
    yield from play.move(PRICE + 40, seconds=12)
    yield from play.move(PRICE + 180, seconds=4)


@pytest.fixture(scope="module")
def played() -> ScriptedReplay:
    return ScriptedReplay(script, [idea()])


def told(journal: Iterable[r.AnyRecord]) -> ReportHistory:
    reader = JournalHistory()
    for record in journal:
        reader.take(record)
    return reader.history()


@pytest.fixture
def journal(places: Paths, played: ScriptedReplay) -> Iterator[Path]:
    """Of the last run, which still writes it."""
    file = places.journal("practice")
    with SyncJournal(file) as writing:
        writing.append([r.encode(record) for record in played.journal], 1)
        writing._commit()
        places.remember_run(file)
        yield file


def test_a_history_has_the_engines_own_trades_and_drawdown(played: ScriptedReplay) -> None:
    history = told(played.journal)
    [book] = history.books
    assert book.trades == played.book.trades
    assert (book.start_usd, book.kind, book.title) == (Decimal(50_000), "practice", BOOK)
    assert book.equity[-1][1] == 50_000 + played.book.trades[0].net_usd
    assert [ts for ts, _ in book.equity] == sorted(ts for ts, _ in book.equity)
    found, watched = book.statistics(), played.core.books[BOOK].orders.equity
    assert found.max_drawdown_usd == watched.run_drawdown_usd > 0
    assert found.net_usd == played.book.trades[0].net_usd


def test_days_are_those_that_the_state_counted() -> None:
    book = books.Book()
    for price, at in ((960, books.MORNING), (1100, books.MORNING + 24 * 60 * MINUTE)):
        book.at(at)
        roll(book.turn, Marks())
        stop, _ = book.exits(book.entered(Leg(2, -400, 600), price=1000, plan_id=f"p{price}"))
        book.fill(stop, price, cost="1.22")
        book.write(_noted(book, at))
    book.wait(24 * 60 * MINUTE)
    roll(book.turn, Marks())
    [found] = told(book.journal).books
    days = days_of(found.equity, found.start_usd, found.calendar)
    assert [(str(day.date), day.net_usd) for day in days][:2] == [
        (day.trade_date, day.net_usd) for day in book.state.days
    ]
    second = found.within(date(2026, 11, 17), date(2026, 11, 17))
    assert (second.start_usd, len(second.trades)) == (50_000 + book.state.days[0].net_usd, 1)
    assert second.equity[-1][1] - second.start_usd == book.state.days[1].net_usd


def _noted(book: books.Book, ts: int) -> r.EquityNoted:
    net = book.state.day.record.net_usd
    return r.EquityNoted(
        ts=ts, book=books.BOOK, total_usd=net, high_usd=max(net, Decimal(0)), low_usd=min(net, Decimal(0)),
        drawdown_usd=max(-net, Decimal(0)),
    )  # fmt: skip


def test_another_account_in_a_book_is_told_by_itself() -> None:
    book = books.Book()
    stop, _ = book.exits(book.entered(Leg(2, -400, 600), price=1000))
    book.fill(stop, 960, cost="1.22")
    account = book.state.account
    assert account is not None
    other = replace(account, id="2", name="50KTC-7", kind=AccountKind.LIVE)
    book.write(r.AccountKnown(ts=book.now, book=books.BOOK, account=other))
    live, practice = told(book.journal).books
    assert (live.kind, len(live.trades), live.loss_limit_usd) == ("live", 0, Decimal(2000))
    assert (practice.kind, len(practice.trades), practice.title) == ("practice", 1, "practice · PRAC-1")


def test_only_money_of_one_kind_and_currency_is_in_one_sum() -> None:
    many = entered(books=book_configs(two="0.5", three="0.1"))
    many.pass_time(4, PRICE_UP)
    many.pass_time(4, PRICE_UP + 400)
    assert set(many.held().values()) == {0}
    history = told(many.invariants.journal)
    made = make_report(history, ReportType.MONTHLY)
    assert made is not None
    *alone, together = made.sections
    assert {section.books for section in alone} == {(name,) for name in EVERY}
    assert together.books == ("one", "three", "two"), "no paper"
    nets = {section.books[0]: section.statistics.net_usd for section in alone}
    assert together.statistics.net_usd == sum(net for name, net in nets.items() if name != PAPER)
    assert together.told.start_usd == 150_000
    assert together.days[-1].close_usd == 150_000 + together.statistics.net_usd


def test_several_currencies_are_one_only_by_a_rate_that_is_told(capsys: Out) -> None:
    many = entered(books=book_configs(two="0.5"))
    many.pass_time(4, PRICE_UP)
    many.pass_time(4, PRICE_UP + 400)
    history = told(many.invariants.journal)
    history.books = [replace(book, currency="EUR") if book.book == "two" else book for book in history.books]
    made = make_report(history, ReportType.MONTHLY, rates=[StatedRate("EUR", Decimal("1.08"))])
    assert made is not None
    net = {section.books[0]: section.net_usd for section in made.sections if len(section.books) == 1}
    [(kind, summed)] = made.together.items()
    own = sum((usd for name, usd in net.items() if name not in ("two", PAPER)), Decimal(0))
    assert summed.usd == own + net["two"] * Decimal("1.08")
    show(report_table(made, []))
    shown = " ".join(capsys.readouterr().out.split())
    assert f"[{kind.upper()}] all together net" in shown
    assert "1 EUR = 1.08 USD by [rates]" in shown
    without = make_report(history, ReportType.MONTHLY)
    assert without is not None
    assert without.together[kind].usd is None
    assert "not summed: no rate of EUR" in without.together[kind].words


# --- the commands ------------------------------------------------------------------------------------------


def said(capsys: Out, *words: str) -> str:
    assert call([*words]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_trades_are_told_in_the_zone_of_the_settings(journal: Path, places: Paths, capsys: Out) -> None:
    [chicago] = json.loads(said(capsys, "trades", "--json"))
    places.settings_file.write_text('[ui]\ntimezone = "UTC"\n[rates]\nEUR = 1.08', encoding="utf-8")
    [utc] = json.loads(said(capsys, "trades", "--json"))
    assert utc["clock"] == utc["closed"][:16].replace("T", " ") != chicago["clock"]
    assert "(UTC)" in said(capsys, "report", "--html", "-")
    places.settings_file.write_text("[rates]\nEUR = nonsense", encoding="utf-8")
    assert json.loads(said(capsys, "trades", "--json")) == [chicago], "broken settings hide no report"


@pytest.mark.parametrize("kind", list(ReportType))
def test_each_report_fits_80_columns(journal: Path, capsys: Out, kind: ReportType) -> None:
    out = said(capsys, "report", "--type", kind)
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert kind is ReportType.PATTERNS or "[PRACTICE] replay · USD" in out
    assert "+" in out


def test_json_has_the_figures_and_null_where_there_is_none(
    journal: Path, played: ScriptedReplay, capsys: Out
) -> None:
    [trade] = played.book.trades
    found = json.loads(said(capsys, "report", "--json"))
    [book] = found["books"]
    assert (found["first"], found["type"], found["together"]) == (found["last"], "daily", [])
    assert Decimal(book["statistics"]["net_usd"]) == trade.net_usd
    assert book["statistics"]["expectancy_r"] == trade.r
    assert (book["statistics"]["sharpe"], book["ruin"]) == (None, None)
    assert Decimal(book["days"][0]["net_usd"]) == trade.net_usd
    [pattern] = json.loads(said(capsys, "report", "--type", "patterns", "--json"))["patterns"]
    assert (pattern["pattern"], pattern["trades"], pattern["wins"]) == ("test", 1, 1)
    [line] = csv.DictReader(io.StringIO(said(capsys, "report", "--csv")))
    assert (line["books"], line["trades"], line["sharpe"]) == (BOOK, "1", "")


def test_trades_as_a_table_as_csv_and_as_json(journal: Path, played: ScriptedReplay, capsys: Out) -> None:
    [trade] = played.book.trades
    table = said(capsys, "trades")
    assert max(map(len, table.splitlines())) <= 80
    assert "T2" in table
    [line] = csv.DictReader(io.StringIO(said(capsys, "trades", "--csv")))
    assert Decimal(line["net"]) == trade.net_usd
    assert Decimal(line["entry"]) * trade.qty * 4 == trade.entry_sum
    [row] = json.loads(said(capsys, "trades", "--json", "--contract", "MNQ"))
    assert {name: str(value) for name, value in row.items() if name in ("net", "reason", "by")} == {
        "net": line["net"], "reason": "T2", "by": line["by"],
    }  # fmt: skip
    assert json.loads(said(capsys, "trades", "--json", "--contract", "MES")) == []
    assert said(capsys, "trades", "--csv", "--contract", "MES").startswith("section,book")
    assert "no trade was closed" in said(capsys, "trades", "--contract", "MES")


def test_a_page_of_it(journal: Path, tmp_path: Path, capsys: Out) -> None:
    page = tmp_path / "day.html"
    said(capsys, "report", "--type", "patterns", "--html", str(page))
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "<svg" in said(capsys, "report", "--html", "-")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["report", "--book", "x"], "the journal has no book x; it has replay"),
        (["trades", "--contract", "NQ"], "the journal has no contract NQ; it has MNQ, MES"),
        (["report", "--date", "today"], "Invalid value for '--date': \"today\" is no date: write YYYY-MM-DD"),
        (["report", "--json", "--csv"], "--json, --csv and --html are one or another"),
        (["report", "--html", "/nowhere/x.html"], "can't write /nowhere/x.html: No such file or directory"),
        (["report", "--journal", "/nowhere.db"], "there is no journal at /nowhere.db"),
    ],
)
def test_what_cannot_be_done_is_said(journal: Path, capsys: Out, words: list[str], why: str) -> None:
    assert call(words) != 0
    assert why in capsys.readouterr().err


def test_before_anything_was_traded(places: Paths, capsys: Out) -> None:
    assert call(["report"]) == 1
    assert "there is no run yet" in capsys.readouterr().err
    file = places.journal("practice")
    with SyncJournal(file) as writing:
        writing.append([r.encode(books.Book().journal[0])], 1)
    places.remember_run(file)
    assert call(["report"]) == 1
    assert "nothing to report" in capsys.readouterr().err
    assert "no trade was closed" in said(capsys, "trades")
    with SyncJournal(file) as writing:
        writing.append([r.encode(record) for record in books.Book().journal[1:]], 2)
    for kind in ReportType:
        said(capsys, "report", "--type", kind, "--json")
        assert kind is ReportType.PATTERNS or "nothing happened here" in said(
            capsys, "report", "--type", kind
        )
    out = said(capsys, "report")
    assert out.startswith(f"Day {books.DAY}\n\n[PRACTICE] practice · PRAC-1 · USD\nnothing happened here")
    assert "no trade was closed in the 7 days up to 2026-11-16" in said(capsys, "trades")
    with SyncJournal(file) as writing:
        writing.append([b"{}"], writing.last_seq + 1)
        broken = writing.last_seq
    assert call(["report"]) == 1
    assert f"record {broken} of the journal can't be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "day", "told"),
    [
        ("daily", "2026-03-04", "2026-03-04 2026-03-04"), ("weekly", "2026-03-01", "2026-02-23 2026-03-01"),
        ("weekly", "2026-03-02", "2026-03-02 2026-03-08"), ("monthly", "2024-02-29", "2024-02-01 2024-02-29"),
        ("monthly", "2026-12-31", "2026-12-01 2026-12-31"), ("risk", "2026-12-31", "None 2026-12-31"),
    ],
)  # fmt: skip
def test_periods(kind: str, day: str, told: str) -> None:
    first, last = period(ReportType(kind), date.fromisoformat(day))
    assert f"{first} {last}" == told


def test_patterns_are_named_without_their_prices(played: ScriptedReplay) -> None:
    [plan] = told(played.journal).plans.values()
    names = [("OB 21021.25 5m", "OB 5m"), ("S/R 21021.25 ×3 1h", "S/R 1h"), ("BOS up", "BOS up")]
    for reason, name in names:
        assert pattern_of(replace(plan, reasons=(reason, "5 of 5 agree"))) == name
    seen = PatternSeen("block_held", Timeframe.M15, 1, 0, 100, "trending", 9)
    assert pattern_of(replace(plan, pattern=seen)) == "block held 15m trending"
    assert pattern_of(replace(plan, pattern=replace(seen, regime=""))) == "block held 15m"
    assert pattern_of(replace(plan, reasons=(), origin="manual:1")) == "by hand"
    assert pattern_of(None) == "not ours"


def test_a_spreadsheet_takes_no_text_for_a_formula(played: ScriptedReplay) -> None:
    history = told(played.journal)
    [row] = trade_rows(history, history.books[0])
    head, line = csv_lines([replace(row, by="=cmd()", why=("+1", "b"))])
    cells = dict(zip(head, line, strict=True))
    assert (cells["by"], cells["why"]) == ("'=cmd()", "'+1; b")
