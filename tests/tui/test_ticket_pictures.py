"""How ticket and bar look in all sizes and themes; one app draws them all, on one version of Python."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]

from engine.model.commands import PlaceManual
from engine.model.market import Side
from tests.tui.cockpit import running
from tests.tui.hands_on import HandsOn, HandsOnCockpit
from tui.widgets.pane_area import PaneArea

pytestmark = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="pictures are compared on Python 3.11 only"
)

SIZES = ((80, 24), (120, 40), (200, 60))


@pytest.fixture
def picture(snapshot: Any) -> Any:
    return snapshot.use_extension(SVGImageExtension)


async def test_the_ticket_in_all_themes_and_the_bar(picture: Any) -> None:
    engine = HandsOn()
    cockpit = HandsOnCockpit(engine)
    app = cockpit.app
    async with running(cockpit, SIZES[0]) as pilot:
        app.main.query_one(PaneArea).visible = False  # what lies behind has pictures of its own

        async def drawn(size: tuple[int, int]) -> str:
            await pilot.resize_terminal(*size)
            for _ in range(3):
                await cockpit.later(pilot, 0.1)
            return app.export_screenshot()

        await cockpit.do(pilot, "o", "down", "down", "3", "down")
        for theme in app.theme_registry.themes:
            app.theme = theme
            for size in SIZES if theme in ("nightwatch", "daybook") else SIZES[:2]:
                assert await drawn(size) == picture(name=f"ticket-{theme}-{size[0]}x{size[1]}")
        app.theme = "nightwatch"
        await cockpit.do(pilot, "delete", "4", "0", "0", "0")
        assert await drawn(SIZES[0]) == picture(name="refused-80x24")
        await cockpit.do(pilot, "escape")
        engine.venue.say(
            PlaceManual(id="a", instrument="MNQ", side=Side.BUY, qty=3, stop_ticks=40, target_ticks=(80,))
        )
        await cockpit.settle(pilot, 4)
        app._notifications.clear()
        await cockpit.do(pilot, "]", "]", "]")
        for size in SIZES[:2]:
            assert await drawn(size) == picture(name=f"bar-{size[0]}x{size[1]}")
