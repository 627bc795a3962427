"""What a frame of the cockpit costs with many books beside one, in one run: CPU until all is painted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from statistics import median

from bench.figures import ratio, table
from engine.model.orders import AccountKind
from engine.model.view import View
from tests.tui import fake, many
from tests.tui.demo import MovingEngine
from tests.tui.settled import settled
from tui.app import TStreamApp

SIZES = ((80, 24), (120, 40), (200, 60))
FRAMES = 40
ROUNDS = 3
VIEWS: dict[str, Callable[[], View]] = {
    "one book": lambda: fake.trading_view(AccountKind.LIVE),
    "four books": many.four_books,
    "ten books": many.ten_books,
}


async def frame_ms(view: View, size: tuple[int, int]) -> float:
    """Milliseconds of CPU that a frame takes while every price moves: the median."""
    engine = MovingEngine(AccountKind.LIVE)
    engine.show(view)
    app = TStreamApp(engine, engine)
    spent = []
    async with app.run_test(size=size):
        await settled(app)
        for _ in range(FRAMES):
            began = time.thread_time()
            app.redraw()
            await settled(app)
            spent.append(time.thread_time() - began)
    return 1000 * median(spent)


def run() -> None:
    """Measure and print. Rounds take turns, so that a slow while of the machine hits all alike."""
    rows = []
    for size in SIZES:
        found: dict[str, list[float]] = {name: [] for name in VIEWS}
        for _ in range(ROUNDS):
            for name, make in VIEWS.items():
                found[name].append(asyncio.run(frame_ms(make(), size)))
        best = {name: min(each) for name, each in found.items()}
        cells = (f"{ms:.1f} ms ({ratio(ms, best['one book'])})" for ms in best.values())
        rows.append((f"{size[0]}x{size[1]}", *cells))
    table("frames: the whole screen drawn anew and painted", ("", *VIEWS), rows)
