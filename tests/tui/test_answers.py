"""What answers a question of the cockpit, and what does not: keys that were typed ahead, pasted, held."""

from __future__ import annotations

from itertools import count

import pytest
from textual.events import Key
from textual.widgets import Button
from textual.widgets._toast import Toast

from engine.model.commands import Flatten, Resume
from tests.tui import states
from tests.tui.cockpit import Cockpit, running
from tui.confirmations import Confirmation
from tui.screens.confirm import ConfirmScreen
from tui.styled_text import text_of
from tui.widgets.grid import LiveGrid

SMALL = (80, 24)


async def test_f50_an_answer_counts_once_its_question_has_been_painted_for_300_ms() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "f")
        cockpit.clock.now += 0.29
        await pilot.press("y")
        assert isinstance(cockpit.app.screen, ConfirmScreen)
        assert "too soon" in str(cockpit.app.screen.query_one(".card").border_subtitle)
        await cockpit.press(pilot, "y")
        assert len(cockpit.engine.sent) == 1


async def test_f50_what_came_in_before_the_question_could_be_read_is_no_answer_however_late_it_is_heard() -> (
    None
):
    ages = {"f": 0.0, "y": 0.8}
    cockpit = Cockpit(key_age=lambda event: ages[event.key])
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "f")
        await cockpit.press(pilot, "y")  # heard a second after the question was painted, typed 0.2 s after it
        assert cockpit.engine.sent == []
        ages["y"] = 0.0
        await cockpit.press(pilot, "y")
        assert len(cockpit.engine.sent) == 1


class SlowTerminal:
    """Takes writes when it is told to, and never catches up by itself."""

    stalled, lost, backlog = False, False, 3

    def __init__(self) -> None:
        self.handed, self.written = 40, 37

    def taken(self, handed: int) -> bool:
        return self.written >= handed


async def test_f50_a_question_can_be_answered_once_the_terminal_has_taken_it_whatever_else_still_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cockpit, slow = Cockpit(), SlowTerminal()
    async with running(cockpit, SMALL) as pilot:
        monkeypatch.setattr(type(cockpit.app), "terminal", slow)
        await cockpit.press(pilot, "f", "y", "y")
        assert isinstance(cockpit.app.screen, ConfirmScreen)
        slow.handed, slow.written = 45, 40  # five more wait behind the question
        cockpit.app._tick()
        await cockpit.press(pilot, "y")
        assert len(cockpit.engine.sent) == 1


async def test_f50_what_is_pasted_trades_nothing_on_a_machine_that_hears_late() -> None:
    cockpit = Cockpit(key_age=lambda event: 3.0)
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "g")
        for key in "pFp":
            await pilot.press(key)
        assert cockpit.engine.sent == []
        assert not isinstance(cockpit.app.screen, ConfirmScreen)


async def test_a_question_that_changes_or_is_answered_while_it_opens_harms_nothing() -> None:
    cockpit = Cockpit()
    numbers = count()
    async with running(cockpit, SMALL) as pilot:
        question = ConfirmScreen(lambda: Confirmation(f"No. {next(numbers)}", (), "yes"), cockpit.clock)
        cockpit.app.push_screen(question)  # its widgets come a moment later
        cockpit.app.redraw()
        await cockpit.app.on_event(Key("y", "y"))
        await pilot.pause()
        assert cockpit.app.screen is question
        assert str(question.query_one(".card").border_title).startswith("PRACTICE · No.")


@pytest.mark.parametrize("keys", ["git Fy stuff", "fy", "Fyyyy", "f\ry", "xy Xy by !y", "qy", "ry"])
async def test_f50_a_paste_without_brackets_trades_nothing_and_answers_nothing(keys: str) -> None:
    names = {" ": "space", "\r": "enter", "!": "exclamation_mark"}
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        cockpit.clock.now += 1
        for key in keys:
            cockpit.clock.now += 0.001
            await pilot.press(names.get(key, key))
        assert cockpit.engine.sent == []
        assert cockpit.app.reason is None
        if keys == "ry":
            assert cockpit.app.presenter.choice.readonly


@pytest.mark.parametrize("key", ["y", "enter", "n", "F", "p"])
@pytest.mark.parametrize("delay", [0.25, 0.5, 0.66])
async def test_f50_a_held_key_answers_nothing(key: str, delay: float) -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "F")
        cockpit.clock.now += 0.2
        for wait in (0.0, delay, *[0.033] * 15):  # as keyboards repeat
            cockpit.clock.now += wait
            await pilot.press(key)
        assert cockpit.engine.sent == []
        assert isinstance(cockpit.app.screen, ConfirmScreen)
        await cockpit.press(pilot, "y")
        assert len(cockpit.engine.sent) == 1


async def test_f50_another_question_in_its_place_has_to_be_read_anew() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "exclamation_mark")
        await cockpit.later(pilot)
        cockpit.engine.show(states.halted())
        await cockpit.later(pilot)
        cockpit.clock.now += 0.1
        await pilot.press("y")
        assert cockpit.engine.sent == []
        assert cockpit.app.screen.query_one(".card").border_title == "PRACTICE · Lift the halt"
        await cockpit.press(pilot, "y")
        assert cockpit.engine.sent == [Resume(id="ui-1", halted=True)]


async def test_f50_a_click_answers_only_what_could_be_read() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "F")
        cockpit.app.screen.query_one("#yes", Button).active_effect_duration = 0
        await pilot.click("#yes")
        assert cockpit.engine.sent == []
        cockpit.clock.now += 0.3
        await pilot.click("#yes")
        await pilot.pause()
        assert cockpit.engine.sent == [Flatten(id="ui-1")]


@pytest.mark.parametrize("delay", [0.033, 0.66])
async def test_f50_a_key_that_is_held_trades_once(delay: float) -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        cockpit.clock.now += 1
        for wait in (0.0, delay, *[0.033] * 30):
            cockpit.clock.now += wait
            await pilot.press("p")
        assert len(cockpit.engine.sent) == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_what_pops_up_hides_neither_the_state_nor_positions_nor_the_keys(size: tuple[int, int]) -> None:
    cockpit = Cockpit()
    async with cockpit.app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        cockpit.app.toast("MNQ: more would be at risk, and that is refused: " + "too much " * 8, "warning")
        await cockpit.later(pilot)
        [toast] = cockpit.app.screen.query(Toast)
        panes = [cockpit.app.main.query_one(f"#{name}") for name in ("status", "safety", "keys")]
        for kept in (*panes, cockpit.app.main.pane("positions")):
            assert not toast.region.overlaps(kept.region), kept.id


@pytest.mark.parametrize("key", ["o", "["])
async def test_where_nothing_can_be_sent_that_is_said_before_it_is_filled_in(key: str) -> None:
    for readonly in (True, False):
        cockpit = Cockpit(readonly=readonly)
        async with running(cockpit, SMALL) as pilot:
            await cockpit.press(pilot, key)
            await cockpit.later(pilot)
            said = text_of(cockpit.app.screen.query_one(LiveGrid).content.note)
            assert ("read-only" in said) is readonly
