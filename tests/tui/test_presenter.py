from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.commands import Pause
from engine.model.market import Timeframe
from engine.model.notices import LogLine, Notice, NoticeKind, Severity
from tests.tui import fake
from tui.attention import Attention
from tui.command_tracker import Desk, Fate
from tui.frame_rate import Flashes, Pace
from tui.presenter import Stage


def _answer(seq: int, text: str, command_id: str | None = None, severity: Severity = Severity.INFO) -> Notice:
    return Notice(seq, fake.NOW, NoticeKind.COMMAND, severity, text, command_id=command_id)


def _asked(*labels: str) -> Desk:
    desk = Desk(fake.FakeEngine())
    for label in labels:
        desk.ask(Pause(id=desk.new_id()), label, 10.0)
    return desk


def test_a_command_is_sent_then_acknowledged() -> None:
    engine = fake.FakeEngine()
    desk = Desk(engine)
    desk.ask(Pause(id=desk.new_id()), "pause", 10.0)
    newest = desk.newest(10.0)
    assert newest is not None
    assert newest.words == "pause: sent"
    assert [command.id for command in engine.sent] == ["ui-1"]
    assert desk.observe([_answer(1, "entries paused")], 10.2) == []
    newest = desk.newest(10.3)
    assert newest is not None
    assert newest.words == "pause: acknowledged, entries paused"
    assert desk.newest(17.0) is None


def test_a_command_without_an_answer_is_reported_after_two_seconds() -> None:
    desk = _asked("flatten MNQ")
    assert desk.observe([], 11.9) == []
    (lost,) = desk.observe([], 12.0)
    assert lost.words == "flatten MNQ: no answer after 2 s"
    assert desk.observe([], 20.0) == []


def test_a_refusal_is_trouble() -> None:
    desk = _asked("break-even MNQ")
    (refused,) = desk.observe([_answer(1, "unknown contract", severity=Severity.WARNING)], 10.1)
    assert refused.fate is Fate.REFUSED


def test_answers_find_their_command_by_id_and_else_by_order() -> None:
    desk = _asked("first", "second", "third")
    desk.observe([_answer(1, "for the second", "ui-2")], 10.1)
    assert [a.label for a in desk.observe([], 12.5)] == ["first", "third"]
    desk = _asked("first", "second")
    desk.observe([_answer(1, "no name")], 10.1)
    assert [a.label for a in desk.observe([], 12.5)] == ["second"]


def test_answers_to_others_are_left_alone() -> None:
    desk = _asked("pause")
    assert desk.observe([_answer(1, "flattened", "cli-77")], 10.1) == []
    assert [a.label for a in desk.observe([], 12.5)] == ["pause"]


def test_frames_come_at_the_wanted_rate_and_slower_without_focus() -> None:
    def frames(pace: Pace) -> int:
        return sum(pace.due(100 + i / 100) for i in range(500))

    assert frames(Pace(10)) == pytest.approx(50, abs=1)
    blurred = Pace(10)
    blurred.focused = False
    assert frames(blurred) == pytest.approx(10, abs=1)
    assert frames(Pace(1)) == pytest.approx(5, abs=1)


def test_dear_frames_halve_the_rate_down_to_two_and_cheap_ones_bring_it_back() -> None:
    pace = Pace(10)
    assert pace.note == ""
    for _ in range(3):
        pace.spent(0.026)
    assert pace.rate == 5
    assert pace.note == "slow screen: 5 fps"
    for _ in range(30):
        pace.spent(0.3)
    assert pace.rate == 2
    for _ in range(200):
        pace.spent(0.002)
    assert pace.rate == 10


def test_one_dear_frame_changes_nothing() -> None:
    pace = Pace(10)
    for cost in (0.2, 0.001, 0.2, 0.001, 0.2):
        pace.spent(cost)
    assert pace.rate == 10


def test_hurry_draws_at_once() -> None:
    pace = Pace(2)
    assert pace.due(5.0)
    assert not pace.due(5.1)
    pace.hurry()
    assert pace.due(5.1)


def test_a_flash_fades_within_200_ms() -> None:
    flashes = Flashes()
    flashes.see({"MNQ": Decimal(10), "ES": None}, 1.0)
    assert flashes.levels(1.0) == {}
    flashes.see({"MNQ": Decimal(9), "ES": Decimal(5)}, 2.0)
    assert flashes.levels(2.0) == {"MNQ": -2}
    assert flashes.levels(2.1) == {"MNQ": -1}
    assert flashes.levels(2.2) == {}
    flashes.see({"MNQ": Decimal(11)}, 3.0)
    assert flashes.levels(3.05) == {"MNQ": 2}


def test_an_unchanged_picture_is_not_drawn_again() -> None:
    engine = fake.FakeEngine()
    stage = Stage(engine, engine)
    assert stage.look(1.0).changed
    assert not stage.look(1.1).changed
    engine.show(engine.current)
    assert stage.look(1.2).changed
    stage.choice.timeframe = Timeframe.H1
    assert stage.look(1.3).changed
    assert not stage.look(1.4).changed


def test_notices_of_before_are_shown_but_raise_no_alarm() -> None:
    engine = fake.FakeEngine()
    stage = Stage(engine, engine)
    first = stage.look(1.0)
    assert first.fresh == []
    assert len(first.scene.notices) == 8
    engine.happen(NoticeKind.FILL, Severity.GOOD, "sold 2 MNQ")
    assert [n.text for n in stage.look(1.1).fresh] == ["sold 2 MNQ"]
    assert stage.look(1.2).fresh == []


def test_an_engine_that_falls_silent_is_noticed() -> None:
    engine = fake.FakeEngine()
    stage = Stage(engine, engine)
    assert stage.look(1.0).scene.pace == ""
    assert stage.look(5.9).scene.pace == ""
    assert stage.look(7.0).scene.pace == "picture is 6s old"
    engine.show(engine.current)
    assert stage.look(7.1).scene.pace == ""


def test_the_shown_contract_stays_one_that_exists() -> None:
    engine = fake.FakeEngine(fake.empty_view())
    stage = Stage(engine, engine)
    assert stage.look(1.0).scene.instrument == ""
    assert stage.step_contract(1) == ""
    engine.show(fake.trading_view())
    assert stage.look(1.1).scene.instrument == "MNQ"
    stage.choice.instrument = stage.step_contract(-1)
    assert stage.look(1.2).scene.instrument == "GC"
    engine.show(replace(fake.trading_view(), contracts=fake.contracts()[:2]))
    assert stage.look(1.3).scene.instrument == "MNQ"


def test_timeframes_go_round() -> None:
    engine = fake.FakeEngine()
    stage = Stage(engine, engine)
    seen = []
    for _ in Timeframe:
        stage.choice.timeframe = stage.step_timeframe(1)
        seen.append(stage.choice.timeframe)
    assert seen == [Timeframe.M15, Timeframe.M30, Timeframe.H1, Timeframe.M1, Timeframe.M5]
    assert stage.step_timeframe(-1) is Timeframe.M1


def test_the_filter_works_on_old_and_new_lines() -> None:
    engine = fake.FakeEngine(logs=fake.logs())
    stage = Stage(engine, engine)
    assert len(stage.look(1.0).scene.logs) == 7  # all but the one of level DEBUG
    stage.choice.log_words = "HUB"
    assert len(stage.look(1.1).scene.logs) == 4
    engine.log.append(LogLine(9, fake.NOW, "ERROR", "x", "user hub down"))
    engine.log.append(LogLine(10, fake.NOW, "ERROR", "x", "something else"))
    scene = stage.look(1.2).scene
    assert [line.text for line in scene.logs][-1] == "user hub down"
    assert scene.log_filter == "INFO+ “HUB”"
    stage.choice.log_level, stage.choice.log_words = "DEBUG", ""
    assert len(stage.look(1.3).scene.logs) == 10


def test_acknowledging_counts_what_waited() -> None:
    engine = fake.FakeEngine()
    stage = Stage(engine, engine)
    stage.look(1.0)
    assert stage.acknowledge() == 1
    assert stage.acknowledge() == 0
    engine.happen(NoticeKind.RISK, Severity.CRITICAL, "no stop")
    stage.look(1.1)
    assert stage.acknowledge() == 1


def test_fills_and_critical_notices_call_for_attention_once() -> None:
    attention, view = Attention(), fake.trading_view()
    fill = Notice(1, fake.NOW, NoticeKind.FILL, Severity.GOOD, "sold 2 \x1b]0;MNQ")
    talk = Notice(2, fake.NOW, NoticeKind.MARKET, Severity.INFO, "cash open")
    call = attention.call(view, [fill, talk], 0, focused=False)
    assert call.bell
    assert call.title == "tstream PRACTICE"
    assert call.notification == "sold 2 ·]0;MNQ"
    assert attention.call(view, [], 0, focused=False) == type(call)()
    assert not attention.call(view, [talk], 0, focused=False).bell
    assert attention.call(view, [fill], 0, focused=True).notification == ""
    assert attention.call(view, [], 2, focused=True).title == "(2!) tstream PRACTICE"
