"""An own order that the mouse drags: what it comes to is shown as old and new, and only enter sends it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from engine.model.commands import ChangeManual
from engine.model.orders import Slot
from engine.model.view import OrderView
from tests.tui.cockpit import Cockpit, grid_text, running
from tests.tui.test_ladder import depth
from tui.panes.chart import ChartPane
from tui.screens.ladder import LadderScreen
from tui.screens.moving import MoveScreen
from tui.widgets.grid import LiveGrid

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")


def own(cockpit: Cockpit, slot: Slot) -> OrderView:
    return next(o for o in cockpit.app.shown.view.orders if o.instrument == "MNQ" and o.slot is slot)


async def drag(pilot: Pilot[Any], cockpit: Cockpit, begin: tuple[int, int], end: tuple[int, int]) -> None:
    """Press, move and let go, at cells of the screen."""
    await pilot._post_mouse_events([events.MouseDown], offset=begin, button=1)
    await pilot._post_mouse_events([events.MouseMove], offset=end, button=1)
    await pilot._post_mouse_events([events.MouseUp], offset=end, button=1)
    await cockpit.later(pilot)
    await cockpit.later(pilot)


def moves(cockpit: Cockpit) -> list[ChangeManual]:
    return [c for c in cockpit.engine.sent if isinstance(c, ChangeManual) and not c.dry_run]


@SIZES
async def test_in_the_chart(size: tuple[int, int]) -> None:
    cockpit = Cockpit()
    async with running(cockpit, size) as pilot:
        await cockpit.later(pilot)
        chart = cockpit.app.main.pane("chart")
        assert isinstance(chart, ChartPane)
        rows = range(chart.region.y + 1, chart.region.y + chart.size.height - 1)
        at = {order.slot: y for y in rows if (order := chart._order_at(y)) is not None}
        assert at, "no order of ours is drawn"
        slot, y = next(iter(at.items()))
        order, to = own(cockpit, slot), y + 2 if y + 2 in rows else y - 2
        x, wanted = chart.region.x + 5, chart._price_at(to)
        assert wanted is not None
        await drag(pilot, cockpit, (x, y), (x, y))
        assert not isinstance(cockpit.app.screen, MoveScreen)  # it was only clicked
        await pilot._post_mouse_events([events.MouseDown], offset=(x, y), button=1)
        await pilot._post_mouse_events([events.MouseMove], offset=(x, to), button=1)
        going = f"{slot.value} → {wanted * Decimal('0.25')}"
        assert going in cockpit.pane("chart")  # where it would go is seen before it is let go
        await pilot._post_mouse_events([events.MouseUp], offset=(x, to), button=1)
        await cockpit.later(pilot)
        assert going not in cockpit.pane("chart")
        assert isinstance(cockpit.app.screen, MoveScreen)
        move = cockpit.app.screen.move
        assert (move.plan, move.at) == (order.plan, wanted)
        assert order.price == Decimal("0.25") * (move.was or 0)
        assert "→" in grid_text(cockpit.app.screen.query_one(LiveGrid))
        await cockpit.press(pilot, "escape")
        assert moves(cockpit) == []


@SIZES
async def test_in_the_ladder(size: tuple[int, int]) -> None:
    cockpit = Cockpit()
    cockpit.engine.depths["MNQ"] = depth()
    async with running(cockpit, size) as pilot:
        await cockpit.press(pilot, "L")
        await cockpit.later(pilot)
        screen = cockpit.app.screen
        assert isinstance(screen, LadderScreen)
        order = own(cockpit, Slot.STOP)
        assert order.price is not None
        screen.cursor = int(order.price / Decimal("0.25"))
        await cockpit.later(pilot)
        y = next(y for y in range(size[1]) if screen._order_at(y) is not None)
        wanted = screen._price_at(y - 2)
        await drag(pilot, cockpit, (10, y), (10, y - 2))
        assert isinstance(cockpit.app.screen, MoveScreen)
        assert cockpit.app.screen.move.at == wanted
        assert "→" in grid_text(cockpit.app.screen.query_one(LiveGrid))
        await cockpit.press(pilot, "escape")
        assert isinstance(cockpit.app.screen, LadderScreen)
        assert moves(cockpit) == []
