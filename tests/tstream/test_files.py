"""Files of a run: their shapes are those of the schema, amounts are money, and a full disk loses nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import stat
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from msgspec.structs import replace

from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.view import View
from engine.state.state import State
from tests.docs.pages import DOCS
from tests.support.fake_engine import FakeEngine
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea
from tests.tui import fake
from tstream.files import keeper as keeping
from tstream.files.keeper import FileKeeper
from tstream.files.schema import files_schema, text


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


def engine(*notices: Notice) -> FakeEngine:
    shown: View = fake.trading_view()
    (one, *_) = shown.books
    return FakeEngine(replace(shown, books=(replace(one, book=BOOK),), mode=one.kind, notices=notices))


def keep(folder: Path, state: State, *notices: Notice, times: int = 1) -> FileKeeper:
    made = FileKeeper(folder, 30, engine(*notices), state, lambda: 1_780_000_000_000_000_000)

    async def looks() -> None:
        for _ in range(times):
            await made.look()

    asyncio.run(looks())
    return made


def read(folder: Path, name: str) -> dict[str, Any]:
    """A file, checked by the schema that the docs have."""
    pattern = {"daily": "performance/daily/DATE.json", "weekly": "performance/weekly/WEEK.json"}
    found: dict[str, Any] = json.loads((folder / name).read_bytes())
    schema = files_schema()
    of = schema["properties"][pattern.get(Path(name).parent.name, name)]
    jsonschema_rs.validate({**of, "$defs": schema["$defs"]}, found)
    return found


def test_the_schema_in_the_docs_is_that_of_the_program() -> None:
    assert (DOCS / "files.schema.json").read_text(encoding="utf-8") == text()


def test_the_day_has_its_trades_in_money_and_in_ticks(tmp_path: Path, traded: ScriptedReplay) -> None:
    keep(tmp_path, traded.core.state)
    told = read(tmp_path, "trades_today.json")
    [row], [trade] = told["trades"], traded.book.trades
    assert (row["contract"], row["side"], row["quantity"]) == ("MNQ", "LONG", trade.qty)
    assert Decimal(str(row["pnl_usd"])) == trade.net_usd
    ticks = Decimal(str(row["pnl_ticks"]))
    assert ticks * trade.qty * Decimal("0.5") == trade.gross_usd  # 0.50 USD a tick and contract, no points
    assert row["stop_loss"] < row["entry_price"] < row["take_profit"]
    assert told["summary"]["total_trades"] == told["summary"]["winning_trades"] == 1
    assert Decimal(str(told["summary"]["total_pnl_usd"])) == trade.net_usd
    assert told["summary"]["win_rate_pct"] == 100
    day = read(tmp_path, f"performance/daily/{told['date']}.json")
    assert day["by_contract"]["MNQ"]["total_trades"] == 1
    assert list(day["by_pattern"]) == [row["pattern"]]
    [week] = (tmp_path / "performance" / "weekly").iterdir()
    of_week = read(tmp_path, f"performance/weekly/{week.name}")
    assert Decimal(str(of_week["by_day_usd"][told["date"]])) == trade.net_usd
    assert stat.S_IMODE((tmp_path / "trades_today.json").stat().st_mode) == 0o600


def test_the_status_is_what_the_picture_shows(tmp_path: Path) -> None:
    shown = fake.trading_view()
    made = FileKeeper(tmp_path, 30, FakeEngine(shown), State(), lambda: 1_780_000_000_000_000_000)
    asyncio.run(made.look())
    told = read(tmp_path, "status.json")
    assert (told["is_alive"], told["mode"]) == (True, shown.mode.value)
    assert told["timestamp"] == "2026-05-28T20:26:40.000Z"
    assert told["trading"]["active_contract"] == next(c.instrument for c in shown.contracts if c.position_qty)
    [held] = [one for one in told["positions"] if one == told["trading"]["current_position"]]
    position = next(one for one in shown.positions if one.instrument == held["contract"])
    assert Decimal(str(held["unrealized_pnl_usd"])) == position.open_usd
    assert {one["book"] for one in told["accounts"]} == {book.book for book in shown.books}
    asyncio.run(made.close())
    told = read(tmp_path, "status.json")
    assert (told["is_alive"], told["trading"]["can_trade"]) == (False, False)


def test_a_restart_keeps_what_is_known_of_todays_trades(tmp_path: Path, traded: ScriptedReplay) -> None:
    keep(tmp_path, traded.core.state)
    file = tmp_path / "trades_today.json"
    before = json.loads(file.read_bytes())
    before["trades"][0]["pattern"] = "as it was known"
    file.write_text(json.dumps(before), encoding="utf-8")
    lines = (tmp_path / "trades.log").read_text(encoding="utf-8")
    later = FileKeeper(tmp_path, 30, engine(), traded.core.state)
    later._note_plans = lambda: None  # type: ignore[method-assign]  # of an earlier run nobody knows a plan
    later._fresh_plans = list  # type: ignore[method-assign]
    asyncio.run(later.look())
    [row] = read(tmp_path, "trades_today.json")["trades"]
    assert row["pattern"] == "as it was known"
    assert (tmp_path / "trades.log").read_text(encoding="utf-8") == lines  # and it is not told again


def notice(seq: int, kind: NoticeKind, words: str, link: str = "") -> Notice:
    return Notice(seq, 1_780_000_000_000_000_000, kind, Severity.INFO, words, book=BOOK, link=link)


def test_each_log_has_what_it_is_for(tmp_path: Path, traded: ScriptedReplay) -> None:
    told = (
        notice(1, NoticeKind.FILL, "bought 2 MNQ @ 20000\nTRADE forged \x1b[2J"),
        notice(2, NoticeKind.CONNECTION, "the market hub went down", "market"),
        notice(3, NoticeKind.COMMAND, "paused"),
    )
    keep(tmp_path, traded.core.state, *told, times=3)
    trades = (tmp_path / "trades.log").read_text(encoding="utf-8").splitlines()
    assert [line.split()[1] for line in trades] == ["FILL", "TRADE"]
    assert r"\x1b[2J" in trades[0]
    sockets = (tmp_path / "websocket.log").read_text(encoding="utf-8").splitlines()
    assert len(sockets) == 1
    assert sockets[0].endswith("market: the market hub went down")


def test_a_signal_has_a_line_with_its_fate(tmp_path: Path, traded: ScriptedReplay) -> None:
    state = traded.core.state
    made = FileKeeper(tmp_path, 30, engine(), State())
    made._state = state  # it has seen none of the signals
    asyncio.run(made.look())
    asyncio.run(made.look())
    lines = (tmp_path / "patterns.log").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(state.signals)
    assert all("Pattern detected: MNQ" in line for line in lines)
    assert any("entered in" in line for line in lines)


def test_a_full_disk_is_told_once_and_loses_no_line(
    tmp_path: Path, traded: ScriptedReplay, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "files").write_text("in the way", encoding="utf-8")
    told = notice(1, NoticeKind.FILL, "bought 2 MNQ @ 20000")
    made = FileKeeper(tmp_path / "files", 30, engine(told), traded.core.state)

    async def looks(times: int) -> None:
        for _ in range(times):
            await made.look()

    with caplog.at_level(logging.WARNING, "files"):
        asyncio.run(looks(3))
    assert sum("can't be written" in line for line in caplog.messages) == 1
    (tmp_path / "files").unlink()
    asyncio.run(looks(1))
    assert len((tmp_path / "files" / "trades.log").read_text(encoding="utf-8").splitlines()) == 2
    assert read(tmp_path / "files", "trades_today.json")["trades"]


def test_logs_begin_anew_before_they_grow_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LOG_BYTES", 100)

    def told(first: int) -> Sequence[Notice]:
        return [notice(first + n, NoticeKind.FILL, f"fill {first + n} {'x' * 60}") for n in range(2)]

    for first in range(1, 20, 2):
        keep(tmp_path, State(), *told(first))
    files = sorted(file.name for file in tmp_path.glob("trades.log*"))
    assert files == ["trades.log", "trades.log.1", "trades.log.2"]
    assert "fill 20" in (tmp_path / "trades.log").read_text(encoding="utf-8")


def test_old_days_are_thinned_out(
    tmp_path: Path, traded: ScriptedReplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "DAYS_KEPT", 3)
    folder = tmp_path / "performance" / "daily"
    folder.mkdir(parents=True)
    for day in range(1, 8):
        (folder / f"2020-01-0{day}.json").write_text("{}", encoding="utf-8")
    (folder / "mine.txt").write_text("stays", encoding="utf-8")
    keep(tmp_path, traded.core.state)
    left = sorted(file.name for file in folder.iterdir())
    assert left[:2] == ["2020-01-06.json", "2020-01-07.json"]
    assert len(left) == 4
    assert left[-1] == "mine.txt"


@pytest.mark.parametrize("odd", [b"", b"{", b"[1]", b"\xff"])
def test_a_file_that_is_none_of_ours_is_written_anew(
    tmp_path: Path, traded: ScriptedReplay, odd: bytes
) -> None:
    (tmp_path / "trades_today.json").write_bytes(odd)
    keep(tmp_path, traded.core.state)
    assert len(read(tmp_path, "trades_today.json")["trades"]) == 1
