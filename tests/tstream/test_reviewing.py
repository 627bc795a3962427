"""Trades as files with what was said of them, notes by the command line, texts tried as a room reads them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.store.virtual import SyncJournal
from engine.lab.replay import BOOK
from engine.model import records as r
from engine.model.commands import NoteTrade
from engine.model.review import JournalAsked, Span
from tests.support.scripted_replay import ScriptedReplay, idea
from tests.tstream.running import Engine, serving
from tests.tstream.test_report_command import script
from tests.tui import reviews
from tests.tui.fake import trading_view
from tstream.cli import call
from tstream.paths import Paths
from tstream.run.exporting import exporter

Out = pytest.CaptureFixture[str]
NOTE = 'late <script src="https://x.example/a.js"></script> #fomo'


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trade with a note, closed before somebody pulled the plug: its file was never closed."""
    file = tmp_path_factory.mktemp("run") / "journal.db"
    play = ScriptedReplay(script, [idea()])
    (trade,) = play.book.trades
    noted = NoteTrade(id="n", book=BOOK, trade=trade.key, text=NOTE)
    records = [*play.journal, r.CommandTaken(ts=play.journal[-1].ts, command=noted, answer="note kept")]
    writing = SyncJournal(file)
    writing.append([r.encode(record) for record in records], 1)
    writing.close()
    return file


def test_a_week_is_written_as_a_page_a_table_and_for_programs(
    journal: Path, tmp_path: Path, capsys: Out
) -> None:
    out = tmp_path / "files"
    assert call(["journal", "export", "--journal", str(journal), "--out", str(out)]) == 0
    page, table, told = (Path(line) for line in capsys.readouterr().out.split())
    assert [file.suffix for file in (page, table, told)] == [".html", ".csv", ".json"]
    assert page.name.startswith("weekly-2")
    html = page.read_text(encoding="utf-8")
    assert "late &lt;script src=" in html
    for fetched in ("<script", "href=", "<link", "@import", "url("):
        assert fetched not in html
    for shown in ("<svg", "By tag", "fomo", "~1", "fewer than 30 trades"):
        assert shown in html
    [row] = csv.DictReader(io.StringIO(table.read_text(encoding="utf-8")))
    assert (row["note"], row["tags"]) == (NOTE, "fomo")
    assert float(row["slippage"]) != 0
    [book] = json.loads(told.read_text(encoding="utf-8"))["books"]
    assert [one["note"] for one in book["trades"]] == [NOTE]
    assert [group["name"] for group in book["groups"]["tag"]] == ["fomo"]
    assert call(["journal", "export", "--journal", str(journal), "--type", "risk"]) == 2
    assert "--type is daily, weekly or monthly" in capsys.readouterr().err


def test_the_key_writes_the_same_in_a_process_of_its_own(journal: Path, places: Paths) -> None:
    said = exporter(lambda: journal)(JournalAsked(Span.MONTH, "", BOOK))
    assert said.startswith("written: ")
    files = [Path(word.rstrip(",")) for word in said.split()[1:]]
    assert [file.parent for file in files] == [places.data / "reports"] * 3
    assert all(file.stat().st_size for file in files)
    assert exporter(lambda: None)(JournalAsked(Span.DAY)) == "there is nothing to write"


def test_notes_and_tries_are_put_to_the_running_engine(places: Paths, capsys: Out) -> None:
    engine = Engine(trading_view())
    with serving(engine, places.control_socket):
        assert call(["journal", "note", "MNQ@5", " ok #x ", "--book", "practice"]) == 1
        (sent,) = engine.sent
        assert isinstance(sent, NoteTrade)
        assert (sent.book, sent.trade, sent.text) == ("practice", "MNQ@5", "ok #x")
        engine.reply = reviews.reading()
        capsys.readouterr()
        assert call(["rooms", "try", "jm", "--text", "NQ long 21038: A"]) == 0
        said = capsys.readouterr().out
        assert "room jm: traded" in said
        assert "MNQ long 21038, stop 21028, targets 21045 21050, size A, market 21039.25" in said
        assert "[PRACTICE] practice: 3 lots, would be entered" in said
        engine.reply = replace(reviews.reading(good=False), text="\x1b[31mfar")
        assert call(["rooms", "try", "--text", "NQ long 21038: A"]) == 1
        said = capsys.readouterr().out
        assert "against it: reward to risk is 0.70, at least 1.5 (risk.reward_to_risk_min)" in said
        assert "\x1b" not in said
        assert call(["rooms", "try", "--text", "x", "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["verdict"] == "refused"
        assert call(["rooms", "try", "--text", " "]) == 2
