"""tstream patterns: what a journal says of how patterns ended, and what a recording shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.store.journal import SqliteJournal
from engine.model import events as ev
from engine.model import records as r
from engine.model.market import MINUTE, Side, Timeframe
from engine.model.scores import PatternSeen, Requirement, RequirementCheck, ScorePart
from tests.market.feed import T0
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea
from tstream.cli import call
from tstream.clock import utc
from tstream.paths import Paths

Out = pytest.CaptureFixture[str]

SEEN = PatternSeen("block_held", Timeframe.M5, 1, T0 + MINUTE, PRICE, "trending", 9)
PARTS = (ScorePart("5m", 2.55, 30, 1, 85), ScorePart("learned", 0.4, samples=40, value=0.2))
CHECKS = (
    RequirementCheck(Requirement.SCORE, True, 8.0, 5.0),
    RequirementCheck(Requirement.ALIGNMENT, True, 4, 3),
)
NEAR = r.IdeaDeclined(
    ts=T0 + 20 * MINUTE + 7,
    strategy="zones",
    bot="zones",
    instrument="MNQ",
    side=Side.SELL,
    score_tenths=51,
    reason="2 of 5 timeframes (requirement 2)",
    closed_ts=T0 + 20 * MINUTE,
    parts=PARTS,
    checks=(RequirementCheck(Requirement.ALIGNMENT, False, 2, 3, "2 of 5 timeframes"),),
)


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    """A trade that a pattern led to, stopped out, and a near miss later."""

    def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        yield from play.minutes(2)
        yield from play.move(PRICE - 90, seconds=3)
        yield from play.minutes(2)

    entered = replace(idea(Side.BUY)[1], pattern=SEEN, parts=PARTS, checks=CHECKS)
    play = ScriptedReplay(script, [(0, entered)])
    file = tmp_path / "journal.db"
    async with await SqliteJournal.open(file) as written:
        await written.append([r.encode(record) for record in (*play.journal, NEAR)], written.last_seq + 1)
    return file


def test_the_table_of_patterns(journal: Path, capsys: Out) -> None:
    assert call(["patterns", "--journal", str(journal), "--min-trades", "1"]) == 0
    told = capsys.readouterr().out
    assert "block held" in told
    assert "trending" in told
    assert call(["patterns", "--journal", str(journal), "--min-trades", "1", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["kind"], row["timeframe"], row["instrument"], row["trades"]) == ("block_held", "5m", "MNQ", 1)
    assert row["mean_r"] < -1
    assert row["expectancy_r"] == pytest.approx(row["mean_r"] / 21, abs=1e-3)
    assert call(["patterns", "--journal", str(journal)]) == 0
    assert "no pattern has 10 outcomes yet; 1 outcome in" in capsys.readouterr().out
    assert (
        call(["patterns", "--journal", str(journal), "--contract", "ES", "--json", "--min-trades", "0"]) == 0
    )
    assert json.loads(capsys.readouterr().out) == []


def test_before_the_first_run(places: Paths, capsys: Out) -> None:
    assert call(["patterns"]) == 1
    assert "start tstream once" in capsys.readouterr().err


def test_a_scan_shows_what_a_recording_holds(tmp_path: Path, capsys: Out) -> None:
    from tests.signals.shapes import wander

    file = tmp_path / "mnq.csv"
    rows = ["time,open,high,low,close,volume"]
    for bar in wander(3, 1_500, instrument="MNQ"):
        prices = ",".join(f"{ticks * 0.25:.2f}" for ticks in (bar.open, bar.high, bar.low, bar.close))
        rows.append(f"{utc(bar.open_ts):%Y-%m-%dT%H:%M:%SZ},{prices},{bar.volume}")
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    words = ["patterns", "scan", str(file), "--contract", "MNQ", "--stamp", "open", "--timeframes", "1m,5m"]
    assert call([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {one["pattern"]["timeframe"] for one in found} == {"1m", "5m"}
    assert {one["outcome"]["how"] for one in found if one["outcome"]} == {"target", "stop", "time"}
    assert call(words) == 0
    told = capsys.readouterr().out
    assert f"MNQ: {len(found)} patterns" in told
    assert call([*words, "--date", "1999-01-04"]) == 2
    assert "the recording holds" in capsys.readouterr().err
    assert call(["patterns", "scan", "no-such-thing", "--contract", "MNQ"]) == 2
    assert "neither a file nor a dataset" in capsys.readouterr().err
