"""What is asked before a key that trades: No comes first, and who may not trade is told why."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model.commands import Flatten, Pause
from tests.tui.cockpit import Cockpit, running
from tui.screens.main import MainScreen

SMALL = (80, 24)


@pytest.mark.parametrize("no", ["n", "escape", "enter"])
async def test_no_is_preselected_and_sends_nothing(no: str) -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "F", no)
        assert isinstance(cockpit.app.screen, MainScreen)
        assert cockpit.engine.sent == []


async def test_yes_can_be_reached_with_the_arrow_and_enter() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "F", "right", "enter")
        assert cockpit.engine.sent == [Flatten(id="ui-1")]


async def test_the_question_follows_the_market() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "f")
        view = cockpit.engine.current
        cockpit.engine.show(replace(view, positions=(replace(view.positions[0], qty=-1),)))
        await cockpit.later(pilot)
        words = str(cockpit.app.screen.query_one("#words").render())
        assert "MNQ: buy 1 at market, cancel 3 orders" in words


async def test_an_engine_that_dies_while_it_is_asked_gets_no_command() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "f")
        view = cockpit.engine.current
        crashed = replace(view.health, ok=False, detail="crashed", stopped=True)
        cockpit.engine.show(replace(view, health=crashed))
        await cockpit.later(pilot)
        await cockpit.press(pilot, "y")
        assert cockpit.engine.sent == []
        assert cockpit.toasts() == ["flatten MNQ: the engine is down: crashed"]


@pytest.mark.parametrize("detail", ["the journal can't be written", "the strategy failed (ValueError)"])
async def test_f33_f36_flatten_goes_out_whatever_ails_an_engine_that_runs(detail: str) -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        view = cockpit.engine.current
        cockpit.engine.show(replace(view, health=replace(view.health, ok=False, detail=detail)))
        await cockpit.later(pilot)
        await cockpit.press(pilot, "F")
        await cockpit.press(pilot, "y")
        (command,) = cockpit.engine.sent
        assert isinstance(command, Flatten)


async def test_read_only_is_lifted_in_two_steps() -> None:
    cockpit = Cockpit(readonly=True)
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "r", "n")
        assert cockpit.app.presenter.choice.readonly
        await cockpit.press(pilot, "r", "y", "p")
        assert cockpit.engine.sent == [Pause(id="ui-1")]
