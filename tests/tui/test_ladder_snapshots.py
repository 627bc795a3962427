"""The ladder and the tape as pictures: at three sizes, in all themes, by one cockpit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]

from engine.model.depth import QueuePlace
from tests.tui.cockpit import running
from tests.tui.test_ladder import cockpit, depth
from tui.screens.ladder import LadderScreen

SIZES = ((80, 24), (120, 40), (200, 60))


async def test_pictures(snapshot: Callable[..., Any]) -> None:
    c = cockpit()
    view = c.engine.current
    entry = replace(view.orders[5], client_id="e-1", instrument="MNQ", price=Decimal("21033.25"), qty=2)
    c.engine.show(replace(view, orders=(*view.orders, entry)))
    c.engine.depths["MNQ"] = depth(queue=(QueuePlace("e-1", 22),))

    async def drawn(name: str) -> None:
        await c.later(pilot, 0)
        picture = c.app.export_screenshot()
        assert picture == snapshot(name=name, extension_class=SVGImageExtension)

    async with running(c, SIZES[0]) as pilot:
        await c.press(pilot, "L")
        await c.later(pilot)
        await c.press(pilot, "j", "j", "j", "a")
        await c.later(pilot)
        await c.press(pilot, "y")
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            for theme in c.app.theme_registry.themes if width == 120 else ("nightwatch", "daybook"):
                c.app.theme = theme
                screen = c.app.screen
                assert isinstance(screen, LadderScreen)
                assert screen.armed
                await drawn(f"ladder-{width}x{height}-{theme}")
        c.app.theme = "nightwatch"
        await c.press(pilot, "escape", "escape", "S")
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await drawn(f"tape-{width}x{height}")
