"""The time of a replay by key, and that nobody takes a replay for anything else."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from engine.market.calendars.known import CME
from engine.model.market import MINUTE, NANOS, Timeframe
from engine.model.orders import AccountKind
from engine.model.playing import Advance, HoldPlay, PlayingView, PlayWish, SeekPlay, SetPace, StepPlay
from engine.model.view import View
from tests.tui import fake
from tests.tui.charts import NOW
from tests.tui.cockpit import Cockpit, running
from tui.confirmations import stakes
from tui.other_questions import quit_confirmation
from tui.playing import sought

SPAN = PlayingView(NOW - 60 * MINUTE, NOW + 90 * MINUTE, run=0)


class Time:
    """Fulfils ReplayControls, and remembers."""

    def __init__(self) -> None:
        self.asked: list[PlayWish] = []

    def control(self, wish: PlayWish) -> None:
        self.asked.append(wish)


def played(pace: str = "×8", playing: PlayingView = SPAN) -> View:
    return replace(fake.trading_view(), replay=pace, playing=playing)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("09:50", NOW + 463 * NANOS),
        ("9:50:30", NOW + 493 * NANOS),
        ("2026-10-14 09:50", NOW + 463 * NANOS),
        ("25:00", "25:00 is no time"),
        ("half past", "write a time such as 10:30, 10:30:15 or 2026-03-04 10:30"),
        ("13:00", "the recording goes from 2026-10-14 08:42:17 to 2026-10-14 11:12:17"),
    ],
)
def test_a_time_is_typed(text: str, found: int | str) -> None:
    assert sought(text, NOW, "America/Chicago", SPAN) == found


def test_over_midnight_the_nearest_is_meant() -> None:
    evening, noon = CME.session_bounds(date(2026, 10, 15))[0], NOW
    span = PlayingView(noon, evening + 24 * 60 * MINUTE)
    late = sought("17:30", evening, "America/Chicago", span)
    assert isinstance(late, int)
    assert abs(late - evening) == 30 * MINUTE


def test_every_question_says_what_is_at_stake() -> None:
    assert [stakes(played()), stakes(fake.trading_view()), stakes(fake.trading_view(AccountKind.LIVE))] == [
        "REPLAY",
        "PRACTICE",
        "LIVE",
    ]
    leaving = quit_confirmation(played(), "the engine stops")
    assert leaving is not None
    assert leaving.lines == ("what is held in it was never at a venue",)


async def test_time_is_asked_by_key() -> None:
    time = Time()
    cockpit = Cockpit(played(), replay=time)
    async with running(cockpit) as pilot:
        main = cockpit.app.main
        await cockpit.press(pilot, "space", "full_stop", "comma", "less_than_sign", "greater_than_sign")
        assert time.asked == [
            HoldPlay(paused=True),
            StepPlay(Advance.PRINT, main.instrument, Timeframe.M5),
            StepPlay(Advance.BAR, main.instrument, Timeframe.M5),
            SetPace(faster=False),
            SetPace(faster=True),
        ]
        await cockpit.press(pilot, "at", *"13:00", "enter")
        assert "the recording goes from" in cockpit.toasts()[-1]
        await cockpit.press(pilot, *["backspace"] * 5, *"09:50", "enter")
        assert time.asked[-1] == SeekPlay(NOW + 463 * NANOS)
        frame = cockpit.app.theme_styles
        assert frame.style("frame").color == frame.style("practice").color
        # Begun anew: what was told in the play before is forgotten, and told again by its numbers.
        assert cockpit.app.shown.notices
        anew = replace(played("paused ×8", replace(SPAN, paused=True, run=1)), version=9, notices=())
        cockpit.engine.happened = cockpit.engine.happened[:2]
        cockpit.engine.show(anew)
        await cockpit.later(pilot)
        assert [notice.seq for notice in cockpit.app.shown.notices] == [1, 2]
        await cockpit.press(pilot, "space")
        assert time.asked[-1:] == [HoldPlay(paused=False)]
        asked = len(time.asked)
        cockpit.engine.show(replace(fake.trading_view(), version=10))
        await cockpit.later(pilot)
        await cockpit.press(pilot, "comma")
        assert len(time.asked) == asked
        assert "this is no replay" in cockpit.toasts()[-1]
