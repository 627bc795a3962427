from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.commands import Pause
from engine.model.errors import RefusedError, UnknownOutcomeError
from engine.model.market import USUAL, Timeframe
from engine.model.notices import LogLine, Notice, NoticeKind, Severity
from tests.tui import fake
from tests.tui.charts import NOW
from tests.tui.cockpit import Cockpit, running
from tests.tui.fake_engine import FakeEngine
from tui.attention import CRITICAL, Attention, Calling
from tui.command_tracker import CommandStatus, CommandTracker
from tui.frame_rate import FrameRate
from tui.presenter import Flashes, Presenter
from tui.rows.messages import unacknowledged


def _sent(*labels: str) -> tuple[FakeEngine, CommandTracker]:
    engine = FakeEngine()
    tracker = CommandTracker(engine)
    for label in labels:
        tracker.send(Pause(id=tracker.new_id()), label, 10.0)
    return engine, tracker


def test_a_command_is_sent_then_acknowledged() -> None:
    engine, tracker = _sent("pause")
    newest = tracker.newest(10.0)
    assert newest is not None
    assert newest.text == "pause: sent"
    assert [command.id for command in engine.sent] == ["ui-1"]
    engine.answer("ui-1", "entries paused")
    assert tracker.observe(10.2) == []
    newest = tracker.newest(10.3)
    assert newest is not None
    assert newest.text == "pause: acknowledged, entries paused"
    assert tracker.newest(17.0) is None


def test_a_command_without_an_answer_is_reported_after_two_seconds() -> None:
    _, tracker = _sent("flatten MNQ")
    assert tracker.observe(11.9) == []
    (lost,) = tracker.observe(12.0)
    assert lost.text == "flatten MNQ: no answer after 2 s"
    assert tracker.observe(20.0) == []


def test_a_refusal_is_trouble() -> None:
    engine, tracker = _sent("break-even MNQ")
    engine.answer("ui-1", "unknown contract", Severity.WARNING)
    (refused,) = tracker.observe(10.1)
    assert refused.status is CommandStatus.REFUSED


def test_a_command_that_no_engine_takes_is_trouble_at_once() -> None:
    engine, tracker = _sent("flatten MNQ", "pause")
    engine.asked["ui-1"].set_exception(RefusedError("the engine has stopped"))
    engine.asked["ui-2"].set_exception(UnknownOutcomeError("nothing was said of it"))
    refused, lost = tracker.observe(10.1)
    assert refused.text == "flatten MNQ: refused, the engine has stopped"
    assert lost.status is CommandStatus.LOST


def test_each_command_has_its_own_answer() -> None:
    engine, tracker = _sent("first", "second", "third")
    engine.answer("ui-2", "for the second")
    assert tracker.observe(10.1) == []
    assert [a.label for a in tracker.observe(12.5)] == ["first", "third"]


def test_frames_come_at_the_wanted_rate_and_slower_without_focus() -> None:
    def frames(rate: FrameRate) -> int:
        return sum(rate.due(100 + i / 100) for i in range(500))

    assert frames(FrameRate(10)) == pytest.approx(50, abs=1)
    blurred = FrameRate(10)
    blurred.focused = False
    assert frames(blurred) == pytest.approx(10, abs=1)
    assert frames(FrameRate(1)) == pytest.approx(5, abs=1)


def test_dear_frames_halve_the_rate_down_to_two_and_cheap_ones_bring_it_back() -> None:
    rate = FrameRate(10)
    assert rate.note == ""
    for _ in range(3):
        rate.add_cost(0.026)
    assert rate.rate == 5
    assert rate.note == "slow screen: 5 fps"
    for _ in range(30):
        rate.add_cost(0.3)
    assert rate.rate == 2
    for _ in range(200):
        rate.add_cost(0.002)
    assert rate.rate == 10


def test_one_dear_frame_changes_nothing() -> None:
    rate = FrameRate(10)
    for cost in (0.2, 0.001, 0.2, 0.001, 0.2):
        rate.add_cost(cost)
    assert rate.rate == 10


def test_hurry_draws_at_once() -> None:
    rate = FrameRate(2)
    assert rate.due(5.0)
    assert not rate.due(5.1)
    rate.draw_next()
    assert rate.due(5.1)


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
    engine = FakeEngine()
    presenter = Presenter(engine, engine)
    assert presenter.pull(1.0).changed
    assert not presenter.pull(1.1).changed
    engine.show(engine.current)
    assert presenter.pull(1.2).changed
    presenter.choice.timeframe = Timeframe.H1
    assert presenter.pull(1.3).changed
    assert not presenter.pull(1.4).changed


def test_notices_of_before_are_shown_but_raise_no_alarm() -> None:
    engine = FakeEngine()
    presenter = Presenter(engine, engine)
    first = presenter.pull(1.0)
    assert first.new_notices == []
    assert len(first.state.notices) == 8
    engine.happen(NoticeKind.FILL, Severity.GOOD, "sold 2 MNQ")
    assert [n.text for n in presenter.pull(1.1).new_notices] == ["sold 2 MNQ"]
    assert presenter.pull(1.2).new_notices == []


def test_what_earlier_runs_told_is_shown_and_calls_for_nobody_however_late_it_comes() -> None:
    engine = FakeEngine()
    past = [
        Notice(seq, NOW, NoticeKind.RISK, Severity.CRITICAL, f"MNQ is not protected {seq}")
        for seq in (-2, -1)
    ]
    engine.happened = []
    presenter = Presenter(engine, engine)
    presenter.pull(1.0)  # the engine has not begun yet
    engine.happened = past
    frame = presenter.pull(1.1)
    assert list(frame.state.notices) == past
    assert frame.new_notices == []
    assert unacknowledged(frame.state) == 0
    engine.happen(NoticeKind.FILL, Severity.GOOD, "sold 2 MNQ")
    assert [n.text for n in presenter.pull(1.2).new_notices] == ["sold 2 MNQ"]


def test_an_engine_that_falls_silent_is_noticed() -> None:
    engine = FakeEngine()
    presenter = Presenter(engine, engine)
    assert presenter.pull(1.0).state.slow_note == ""
    assert presenter.pull(5.9).state.slow_note == ""
    assert presenter.pull(7.0).state.slow_note == "picture is 6s old"
    engine.show(engine.current)
    assert presenter.pull(7.1).state.slow_note == ""


def test_the_shown_contract_stays_one_that_exists() -> None:
    engine = FakeEngine(fake.empty_view())
    presenter = Presenter(engine, engine)
    assert presenter.pull(1.0).state.instrument == ""
    assert presenter.step_contract(1) == ""
    engine.show(fake.trading_view())
    assert presenter.pull(1.1).state.instrument == "MNQ"
    presenter.choice.instrument = presenter.step_contract(-1)
    assert presenter.pull(1.2).state.instrument == "GC"
    engine.show(replace(fake.trading_view(), contracts=fake.contracts()[:2]))
    assert presenter.pull(1.3).state.instrument == "MNQ"


def test_timeframes_go_round() -> None:
    engine = FakeEngine()
    presenter = Presenter(engine, engine)
    seen = []
    for _ in Timeframe:
        presenter.choice.timeframe = presenter.step_timeframe(1)
        seen.append(presenter.choice.timeframe)
    every = list(Timeframe)
    assert seen == every[4:] + every[:4]
    assert presenter.step_timeframe(-1) is Timeframe.M3


def test_the_filter_works_on_old_and_new_lines() -> None:
    engine = FakeEngine(logs=fake.logs())
    presenter = Presenter(engine, engine)
    assert len(presenter.pull(1.0).state.logs) == 7  # all but the one of level DEBUG
    presenter.choice.log_words = "HUB"
    assert len(presenter.pull(1.1).state.logs) == 4
    engine.log.append(LogLine(9, NOW, "ERROR", "x", "user hub down"))
    engine.log.append(LogLine(10, NOW, "ERROR", "x", "something else"))
    state = presenter.pull(1.2).state
    assert [line.text for line in state.logs][-1] == "user hub down"
    assert state.log_filter == "INFO+ “HUB”"
    presenter.choice.log_level, presenter.choice.log_words = "DEBUG", ""
    assert len(presenter.pull(1.3).state.logs) == 10


def test_acknowledging_counts_what_waited() -> None:
    engine = FakeEngine()
    presenter = Presenter(engine, engine)
    presenter.pull(1.0)
    assert presenter.acknowledge() == 1
    assert presenter.acknowledge() == 0
    engine.happen(NoticeKind.RISK, Severity.CRITICAL, "no stop")
    presenter.pull(1.1)
    assert presenter.acknowledge() == 1


def test_fills_and_critical_notices_call_for_attention_once() -> None:
    attention, view = Attention(), fake.trading_view()
    fill = Notice(1, NOW, NoticeKind.FILL, Severity.GOOD, "sold 2 \x1b]0;MNQ")
    talk = Notice(2, NOW, NoticeKind.MARKET, Severity.INFO, "cash open")
    call = attention.call(view, [fill, talk], 0, focused=False)
    assert call.bell
    assert call.title == "tstream PRACTICE"
    assert call.notification == "sold 2 ·]0;MNQ"
    assert attention.call(view, [], 0, focused=False) == type(call)()
    assert not attention.call(view, [talk], 0, focused=False).bell
    assert attention.call(view, [fill], 0, focused=True).notification == ""
    attention.calling = Calling(bell_on=frozenset({"connection"}))
    assert not attention.call(view, [fill], 0, focused=True).bell
    assert attention.call(view, [replace(talk, kind=NoticeKind.CONNECTION)], 0, focused=True).bell
    attention.calling = Calling(quiet=("09:00", "10:00"))
    assert attention.call(view, [fill], 0, focused=False) == type(call)(), "it is 09:42"
    assert attention.call(view, [replace(fill, severity=Severity.CRITICAL)], 0, focused=False).bell
    night = Calling(quiet=("22:00", "07:00"))
    assert [night.is_quiet(clock) for clock in ("21:59", "22:00", "03:00", "07:00")] == [
        False,
        True,
        True,
        False,
    ]
    assert not Calling().is_quiet("03:00")
    assert attention.call(view, [], 2, focused=True).title == "(2!) tstream PRACTICE"


async def test_the_cockpit_rings_by_kind_and_in_quiet_hours_for_what_is_critical_alone() -> None:
    rung: list[str] = []
    signals = frozenset({"signal", CRITICAL})
    cockpit = Cockpit(calling=Calling(bell_on=signals))
    async with running(cockpit) as pilot:
        cockpit.app.bell = lambda: rung.append(words)  # type: ignore[method-assign]
        for calling, kind, severity, words in (
            (Calling(bell_on=signals), NoticeKind.SIGNAL, Severity.GOOD, "a signal"),
            (Calling(bell_on=signals), NoticeKind.FILL, Severity.GOOD, "a fill"),
            (Calling(quiet=("09:00", "10:00")), NoticeKind.FILL, Severity.GOOD, "a fill at night"),
            (Calling(quiet=("09:00", "10:00")), NoticeKind.RISK, Severity.CRITICAL, "no stop at night"),
            (Calling(bell=False), NoticeKind.RISK, Severity.CRITICAL, "no stop, no bell"),
        ):
            cockpit.app.follow(None, calling)
            cockpit.engine.happen(kind, severity, words)
            await cockpit.later(pilot)
            await cockpit.later(pilot)
    assert rung == ["a signal", "no stop at night"]


def test_timeframes_are_those_that_the_settings_name() -> None:
    engine = FakeEngine(fake.trading_view())
    presenter = Presenter(engine, engine, timeframes=(Timeframe.H1, Timeframe.D1, Timeframe.M1))
    assert presenter.choice.timeframe is Timeframe.M1
    assert presenter.step_timeframe(1) is Timeframe.H1
    presenter.choice.timeframe = presenter.step_timeframe(-1)
    assert presenter.choice.timeframe is Timeframe.D1
    shown = presenter.pull(0.0).state.timeframes
    assert shown == (*USUAL, Timeframe.D1), "those that are weighed, and the shown one"
