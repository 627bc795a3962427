"""Files that JSON bots keep: whole after every look, going on after a restart, and never in the way."""

from __future__ import annotations

import asyncio
import csv
import json
import logging
import stat
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model.market import MINUTE
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.view import View
from tests.support.fake_engine import FakeEngine
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea
from tests.tui import fake
from tstream.botfiles.model import LoggingPart
from tstream.run import bot_records
from tstream.run.bot_records import BotFolder, BotRecords, Pieces

ALL = LoggingPart(save_trades=True, save_equity_curve=True, log_file="logs/one.log")


def folder(path: Path, wanted: LoggingPart = ALL) -> BotFolder:
    return BotFolder("one", BOOK, "MNQ", path / "one", wanted, frozenset(("two",)))


def market(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
    yield from play.minutes(2)
    yield from play.move(PRICE + 170, "MNQ", 3)
    yield from play.minutes(1)


@pytest.fixture(scope="module")
def traded() -> ScriptedReplay:
    """A book with a finished trade in MNQ."""
    play = ScriptedReplay(market, [idea()])
    assert play.book.trades
    return play


def view(ts: int = 0, **book: Any) -> View:
    shown = fake.trading_view()
    (one, *_) = shown.books
    mine = replace(one, book=BOOK, balance_usd=Decimal(1000), open_usd=Decimal(5), **book)
    return replace(shown, ts=shown.ts + ts, books=(mine,))


def notice(seq: int, text: str, severity: Severity = Severity.INFO, book: str | None = BOOK) -> Notice:
    return Notice(seq, 1_800_000_000_000_000_000, NoticeKind.RISK, severity, text, book=book)


def keep(files: BotFolder, play: ScriptedReplay, shown: View, *told: Notice) -> Pieces:
    found = files.look(play.core.state, shown, told)
    files.keep(found)
    return found


def rows(path: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((path / "one" / name).read_bytes())
    return found


def test_trades_and_orders_are_lists_of_what_the_journal_has(tmp_path: Path, traded: ScriptedReplay) -> None:
    files = folder(tmp_path)
    keep(files, traded, view())
    [trade] = rows(tmp_path, "trades.json")
    [one] = traded.book.trades
    assert (trade["symbol"], trade["side"], trade["quantity"]) == ("MNQ", "long", f"{one.qty}")
    assert (Decimal(trade["net"]), trade["currency"], trade["reason"]) == (one.net_usd, "USD", one.reason)
    assert Decimal(trade["exit"]) > Decimal(trade["entry"])
    orders = rows(tmp_path, "orders.json")
    assert {row["for"] for row in orders} >= {"entry", "stop", "target"}
    assert {row["status"] for row in orders} <= {"filled", "canceled"}
    assert stat.S_IMODE((tmp_path / "one" / "trades.json").stat().st_mode) == 0o600
    assert keep(files, traded, view()).trades is None  # nothing new, nothing written


def test_a_restart_goes_on_with_the_same_files(tmp_path: Path, traded: ScriptedReplay) -> None:
    keep(folder(tmp_path), traded, view())
    old = {"id": "MNQ 1 2", "symbol": "MNQ"}
    file = tmp_path / "one" / "trades.json"
    file.write_text(json.dumps([old, *rows(tmp_path, "trades.json")]), encoding="utf-8")
    keep(folder(tmp_path), traded, view())
    first, _second = rows(tmp_path, "trades.json")
    assert first["id"] == "MNQ 1 2"


@pytest.mark.parametrize("odd", ["", "{", '{"a": 1}', "[1]"])
def test_a_file_that_is_none_of_ours_is_put_aside(
    tmp_path: Path, traded: ScriptedReplay, odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "trades.json").write_text(odd, encoding="utf-8")
    keep(folder(tmp_path), traded, view())
    assert len(rows(tmp_path, "trades.json")) == 1
    assert (tmp_path / "one" / "trades.json.before").read_text(encoding="utf-8") == odd
    assert "put aside" in caplog.text


def test_the_equity_has_a_line_a_minute_while_it_changes(tmp_path: Path, traded: ScriptedReplay) -> None:
    files = folder(tmp_path)
    for ts, open_usd in ((0, 5), (1, 6), (MINUTE, 6), (2 * MINUTE, 6), (3 * MINUTE, 7)):
        shown = view(ts)
        keep(files, traded, replace(shown, books=(replace(shown.books[0], open_usd=Decimal(open_usd)),)))
    with (tmp_path / "one" / "equity.csv").open(encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["equity"] for line in lines] == ["1005", "1006", "1007"]
    assert lines[0]["time"].endswith("Z")


def test_the_log_has_what_concerns_the_bot_and_errors_are_apart(
    tmp_path: Path, traded: ScriptedReplay
) -> None:
    told = (
        notice(1, "filled\nin two lines"),
        notice(2, "the bot two failed and is out", Severity.CRITICAL, None),
        notice(3, "the bot one failed and is out", Severity.CRITICAL, None),
        notice(4, "of another book", Severity.WARNING, "other"),
        notice(5, "market link down", Severity.WARNING, None),
    )
    keep(folder(tmp_path), traded, view(), *told)
    text = (tmp_path / "one" / "logs" / "one.log").read_text(encoding="utf-8").splitlines()
    assert [line.split(" ", 1)[1].split(maxsplit=1)[1] for line in text] == [
        "filled in two lines",
        "the bot one failed and is out",
        "market link down",
    ]
    assert len((tmp_path / "one" / "errors.log").read_text(encoding="utf-8").splitlines()) == 2


def test_of_a_level_the_log_has_what_is_no_less(tmp_path: Path, traded: ScriptedReplay) -> None:
    wanted = LoggingPart(level="ERROR", log_file="one.log")
    keep(
        folder(tmp_path, wanted),
        traded,
        view(),
        notice(1, "x", Severity.WARNING),
        notice(2, "y", Severity.CRITICAL),
    )
    assert (tmp_path / "one" / "one.log").read_text(encoding="utf-8").count("\n") == 1
    assert not (tmp_path / "one" / "trades.json").exists()


def test_a_disk_that_refuses_is_told_once_and_tried_again(
    tmp_path: Path, traded: ScriptedReplay, caplog: pytest.LogCaptureFixture
) -> None:
    files = folder(tmp_path)
    (tmp_path / "one").write_text("no folder", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        keep(files, traded, view(), notice(1, "too early"))
        keep(files, traded, view(MINUTE))
    assert caplog.text.count("can't be written") == 1
    (tmp_path / "one").unlink()
    keep(files, traded, view(2 * MINUTE))
    assert len(rows(tmp_path, "trades.json")) == 1
    assert "too early" in (tmp_path / "one" / "logs" / "one.log").read_text(encoding="utf-8")


def test_every_notice_is_told_once_and_the_end_is_written(tmp_path: Path, traded: ScriptedReplay) -> None:
    engine = FakeEngine(replace(view(), notices=(notice(1, "first"),)))

    async def run() -> None:
        records = BotRecords([folder(tmp_path)], engine, traded.core.state)
        await records.look()
        await records.look()
        engine.show(notices=(notice(1, "first"), notice(2, "last")))
        await records.close()

    asyncio.run(run())
    text = (tmp_path / "one" / "logs" / "one.log").read_text(encoding="utf-8")
    assert (text.count("first"), text.count("last")) == (1, 1)


def test_a_disk_that_hangs_holds_up_neither_the_loop_nor_the_end(
    tmp_path: Path, traded: ScriptedReplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = threading.Event()
    monkeypatch.setattr(bot_records, "END_S", 0.05)
    monkeypatch.setattr(BotFolder, "keep", lambda _folder, _found: hung.wait(60))

    async def run() -> int:
        records = BotRecords([folder(tmp_path)], FakeEngine(view()), traded.core.state)
        looking, turns = asyncio.create_task(records.look()), 0
        while turns < 50:
            await asyncio.sleep(0)
            turns += 1
        assert not looking.done()
        looking.cancel()
        await records.close()
        return turns

    assert asyncio.run(run()) == 50
    hung.set()
