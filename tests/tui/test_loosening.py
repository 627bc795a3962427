"""Limits that a reload would loosen: asked once in the cockpit, and never loosened without a Yes."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.model.commands import AnswerLoosening
from engine.model.orders import AccountKind
from engine.model.reload import Loosened, LooseningView
from tests.tui import fake
from tests.tui.cockpit import Cockpit, running
from tui.app import TStreamApp
from tui.attention import Calling
from tui.screens.confirm import ConfirmScreen

ASKED = LooseningView(3, (Loosened("book live", "max_trades", "5", "[b]50[/b]"),))


def show(cockpit: Cockpit, asked: LooseningView) -> None:
    cockpit.engine.show(
        replace(cockpit.engine.view(), loosening=asked, version=cockpit.engine.view().version + 1)
    )


def answers(cockpit: Cockpit) -> list[tuple[int, bool]]:
    return [(one.asked, one.yes) for one in cockpit.engine.sent if isinstance(one, AnswerLoosening)]


@pytest.mark.parametrize(("key", "yes"), [("y", True), ("escape", False)])
async def test_the_question_is_asked_once_and_answered(key: str, yes: bool) -> None:
    cockpit = Cockpit(fake.trading_view(AccountKind.LIVE))
    async with running(cockpit) as pilot:
        show(cockpit, ASKED)
        await cockpit.later(pilot, 1)
        screen = cockpit.app.screen
        assert isinstance(screen, ConfirmScreen)
        words = str(screen.query_one("#words").render())
        assert "REAL MONEY" in words
        assert "book live: max_trades 5 → [b]50[/b]" in words
        await cockpit.later(pilot, 3)
        await cockpit.press(pilot, key)
        await pilot.pause()
        assert answers(cockpit) == [(3, yes)]
        await cockpit.later(pilot, 3)
        assert not isinstance(cockpit.app.screen, ConfirmScreen), "the same is not asked again"
        show(cockpit, LooseningView(4, ASKED.loosened))
        await cockpit.later(pilot, 3)
        assert isinstance(cockpit.app.screen, ConfirmScreen)


async def test_who_only_looks_is_not_asked_and_a_page_is_read_first() -> None:
    cockpit = Cockpit(fake.trading_view(AccountKind.LIVE), readonly=True)
    async with running(cockpit) as pilot:
        show(cockpit, ASKED)
        await cockpit.later(pilot, 3)
        assert not isinstance(cockpit.app.screen, ConfirmScreen)
    cockpit = Cockpit(fake.trading_view(AccountKind.LIVE))
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "question_mark")
        show(cockpit, ASKED)
        await cockpit.later(pilot, 3)
        assert not isinstance(cockpit.app.screen, ConfirmScreen)
        await cockpit.press(pilot, "escape")
        await cockpit.later(pilot, 3)
        assert isinstance(cockpit.app.screen, ConfirmScreen)
        assert answers(cockpit) == []


async def test_the_screen_wears_another_theme_when_the_settings_say_so() -> None:
    cockpit = Cockpit(fake.trading_view(AccountKind.LIVE))
    async with running(cockpit):
        first, other, *_ = cockpit.app.theme_registry.themes
        assert cockpit.app.theme == first
        cockpit.app.follow(other, Calling(bell=False))
        assert (cockpit.app.theme, cockpit.app._attention.calling.bell) == (other, False)
        cockpit.app.follow(None, Calling())
        cockpit.app.follow("unknown", Calling())
        assert (cockpit.app.theme, cockpit.app._attention.calling.bell) == (other, True)
        cockpit.app.follow("", Calling())
        assert cockpit.app.theme == first


async def test_a_theme_by_key_stays_until_the_settings_name_another_one(tmp_path: Path) -> None:
    file = tmp_path / "cockpit.json"

    def begun(settings: str, asked: str | None = None) -> TStreamApp:
        return Cockpit(remembered=file, theme=settings, theme_asked=asked).app

    first = Cockpit(remembered=file, theme="daybook")
    async with running(first) as pilot:
        await first.press(pilot, "ctrl+t", "down", "enter")
        assert first.app.theme == "ember"
        await first.press(pilot, "ctrl+t", "down", "escape")
        assert first.app.theme == "ember"
    assert begun("daybook").theme == "ember"
    assert begun("meridian").theme == "meridian", "the newer wish"
    assert begun("daybook", "vermilion").theme == "vermilion"
    again = begun("daybook")
    again.follow(None, Calling())
    assert again.theme == "ember"
    again.follow("meridian", Calling())
    assert again.theme == "meridian"
    asked = begun("daybook", "vermilion")
    asked.follow("meridian", Calling())
    assert asked.theme == "vermilion"
