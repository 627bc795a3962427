"""tstream why: the chain of facts behind a trade, and behind none, each as the journal has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.store.virtual import SyncJournal
from engine.market.calendars.known import CME
from engine.market.intervals import interval_at
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Pause
from engine.model.market import MINUTE, Side, Timeframe
from engine.model.scores import Requirement, RequirementCheck, ScorePart
from tests.market.feed import T0
from tests.signals.shapes import wander
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea
from tstream.cli import call
from tstream.clock import iso
from tstream.paths import Paths
from tstream.reports.why import Fate, Story, tell_why

Out = pytest.CaptureFixture[str]

_, first = idea()
CHECKED = replace(
    first,
    parts=(ScorePart("5m", 2.5),),
    checks=(
        RequirementCheck(Requirement.SCORE, True, 8.0, 5.0),
        RequirementCheck(Requirement.VOLUME, False, 0.5, 1.0, "volume 0.5"),
    ),
)


def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
    """A trade at the first close, stopped out three minutes later; then a pause, and an idea against it."""
    yield from play.minutes(2)
    yield from play.minutes(3)
    yield from play.move(PRICE - 60, seconds=3)
    play.say(Pause(id="p", source="cli"))
    yield from play.minutes(4)


@pytest.fixture(scope="module")
def played() -> ScriptedReplay:
    return ScriptedReplay(script, [idea(), (T0 + 7 * MINUTE, CHECKED)])


def story(play: ScriptedReplay, minute: int, timeframe: Timeframe = Timeframe.M1) -> Story:
    bar = interval_at(T0 - T0 % MINUTE + minute * MINUTE, timeframe, CME)
    assert bar is not None
    return tell_why(((n, r.encode(record)) for n, record in enumerate(play.journal, 1)), "MNQ", bar)


def opened(play: ScriptedReplay) -> tuple[r.PlanOpened, int]:
    """The plan and the minute whose close it came with, counted from the start."""
    [plan] = play.written(r.PlanOpened)
    return plan, (plan.ts - T0 + T0 % MINUTE) // MINUTE - 1


def test_a_trade_is_told_from_its_idea_to_its_end(played: ScriptedReplay) -> None:
    plan, minute = opened(played)
    found = story(played, minute)
    [seen] = found.ideas
    assert (seen.plan_id, seen.reasons, seen.against, seen.ts) == (plan.plan.plan_id, ("test",), (), plan.ts)
    assert seen.size_reason == plan.plan.size_reason
    assert any("bought" in fact.text for fact in found.facts)
    stopped = [fact.text for fact in found.later if "(stop)" in fact.text]
    assert stopped
    assert stopped == [fact.text for fact in story(played, minute + 2).later if "(stop)" in fact.text]


def test_while_it_is_open_the_next_bars_say_so(played: ScriptedReplay) -> None:
    plan, minute = opened(played)
    found = story(played, minute + 2)
    assert not found.ideas
    assert f"replay: long {plan.plan.qty} at" in found.standing[0]
    assert "1 entry and 0 closed trades that day" in found.standing[1]


def test_a_refusal_says_against_what(played: ScriptedReplay) -> None:
    [refused] = played.written(r.IdeaRefused)
    minute = (refused.ts - T0 + T0 % MINUTE) // MINUTE - 1
    found = story(played, minute)
    [seen] = found.ideas
    assert seen.plan_id == ""
    assert "paused" in seen.against[0]
    assert seen.checks == CHECKED.checks
    assert any("paused" in line for line in found.standing)


def test_what_was_nearly_an_idea_says_what_was_missing(played: ScriptedReplay) -> None:
    plan, _ = opened(played)
    nearly = r.IdeaDeclined(
        ts=plan.ts, strategy="zones", bot="zones", instrument="MNQ", side=Side.SELL, score_tenths=51,
        reason="2 of 5 timeframes (requirement 2)", closed_ts=plan.ts, checks=CHECKED.checks,
    )  # fmt: skip
    journal = [*played.journal, nearly]
    bar = interval_at(plan.ts - MINUTE, Timeframe.M1, CME)
    assert bar is not None
    found = tell_why(((n, r.encode(record)) for n, record in enumerate(journal, 1)), "MNQ", bar)
    assert [(seen.fate, seen.against) for seen in found.ideas] == [
        (Fate.TAKEN, ()),
        (Fate.NEARLY, ("2 of 5 timeframes (requirement 2)",)),
    ]


def test_nothing_says_what_came_before_and_after(played: ScriptedReplay) -> None:
    late = story(played, 24 * 60)
    assert not late.ideas
    assert not late.facts
    assert late.last_before is not None
    assert late.first_after is None


@pytest.fixture
def journal(places: Paths, played: ScriptedReplay) -> None:
    file = places.journal("practice")
    with SyncJournal(file) as writing:
        writing.append([r.encode(record) for record in played.journal], 1)
    places.remember_run(file)


def said(capsys: Out, ts: int, *more: str) -> str:
    at = f"{CME.trade_date(ts)} {CME.hhmm(ts)}"
    assert call(["why", "--at", at, "--contract", "MNQ", *more]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_it_is_readable(journal: None, played: ScriptedReplay, capsys: Out) -> None:
    plan, _ = opened(played)
    [refused] = played.written(r.IdeaRefused)
    out = said(capsys, plan.ts - MINUTE)
    assert "CT" in out.splitlines()[0]
    assert f"taken as {plan.plan.plan_id}" in out
    assert "What became of it" in out
    out = said(capsys, refused.ts - MINUTE)
    for words in ("refused", "because", "paused", "score: 5m +2.5", "✓ score 8 (asked: 5)", "✗ volume 0.5"):
        assert words in out, words
    out = said(capsys, plan.ts + 24 * 60 * MINUTE)
    assert "No bot had an idea" in out
    assert "the last thing before" in out
    found = json.loads(said(capsys, plan.ts - MINUTE, "--json", "--timeframe", "5m"))
    assert found["ideas"][0]["plan_id"] == plan.plan.plan_id


def test_a_recording_shows_what_was_seen(places: Paths, tmp_path: Path, capsys: Out) -> None:
    rows = ["time,open,high,low,close,volume"]
    for bar in wander(7, 600, instrument="MNQ"):
        prices = (bar.open, bar.high, bar.low, bar.close)
        rows.append(",".join((iso(bar.open_ts), *(str(price / 4) for price in prices), str(bar.volume))))
    file = tmp_path / "mnq.csv"
    file.write_text("\n".join(rows), encoding="utf-8")
    last = wander(7, 600, instrument="MNQ")[-10]
    words = ["why", "--at", iso(last.open_ts), "--contract", "MNQ", "--tape", str(file), "--stamp", "open"]
    assert call(words) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    for said in (f"open {last.open / 4:.2f}", " 1h ", "score ", "What the bots say of that"):
        assert said in out, said
    assert call([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["seen"]
    assert found["bar"]["close"] == last.close
    assert [frame["timeframe"] for frame in found["alignment"]["frames"]] == ["1m", "5m", "15m", "30m", "1h"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--at", "now", "--contract", "MNQ"], 'no time: write "YYYY-MM-DD HH:MM"'),
        (["--at", "2026-03-02 12:00", "--contract", "GC"], "the journal has no contract GC; it has MNQ, MES"),
        (["--at", "2026-03-01 12:00", "--contract", "MNQ", "--timeframe", "4h"], "its market is closed"),
    ],
)
def test_what_cannot_be_told_is_said(journal: None, capsys: Out, words: list[str], why: str) -> None:
    assert call(["why", *words]) == 2
    assert why in capsys.readouterr().err


def test_without_a_run(places: Path, capsys: Out) -> None:
    assert call(["why", "--at", "2026-03-02 12:00", "--contract", "MNQ"]) == 1
    assert "there is no run yet" in capsys.readouterr().err
