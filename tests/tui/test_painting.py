"""Lines on their way to the screen: nothing is left of those that were painted over."""

from __future__ import annotations

import gc

from engine.model.orders import AccountKind
from tests.tui.demo import MovingEngine
from tests.tui.settled import settled
from tui.app import TStreamApp
from tui.widgets.line import PaintedStrip

SIZE = (80, 24)


async def test_lines_that_are_painted_over_are_gone_without_a_collection() -> None:
    """They come by the hundred a second: what waits for the collector is memory that is never given back."""
    engine = MovingEngine(AccountKind.PRACTICE)
    app = TStreamApp(engine, engine)
    async with app.run_test(size=SIZE):
        await settled(app)
        gc.collect()
        gc.disable()
        try:
            for _ in range(40):
                app.redraw()
                await settled(app)
                app.screen._compositor.render_strips()  # a terminal has it done; a test's app has none
            # A pane keeps the lines that it shows, and every line of the screen is in two panes at most.
            kept = sum(isinstance(one, PaintedStrip) for one in gc.get_objects())
        finally:
            gc.enable()
    assert 0 < kept <= 3 * SIZE[1], f"{kept} lines are kept"
