"""Draws docs/images/cockpit.svg and ladder.svg: the cockpit at 120x40 on the practice venue, with a trade
open, and its ladder.

Everything is real: the practice venue is started as a process with the default seed, the engine trades on
it, and the app saves its own screen. It takes some minutes, as practice time runs ten times as fast.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

# Textual reads these when it is first imported; the picture must not depend on the terminal.
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
os.environ.pop("NO_COLOR", None)

from adapters.common.redaction import REDACT
from engine.model.orders import Slot
from engine.model.view import View
from tstream import paths as places
from tstream.clock import RunClock
from tstream.logs import LogOptions, Logs
from tstream.options import RunOptions
from tstream.run.claim import Claim
from tstream.run.engine_thread import EngineThread
from tstream.run.first_picture import blank, picture_of
from tstream.run.wiring import Run
from tstream.settings.model import Settings
from tui.app import TStreamApp

SIZE = (120, 40)
SPEED = 10.0
"""Much faster, and what is asked of the venue every practice minute uses up the rate limit."""
TRADES = 1
"""Finished trades that make the equity curve worth a look."""
PATIENCE_S = 600.0


def worth_showing(view: View) -> str:
    """The contract whose open trade has a stop and a target at work and is in profit, or nothing yet."""
    if sum(book.trades for book in view.books) < TRADES or view.health.inbox > 100:
        return ""
    slots = {(order.instrument, order.slot) for order in view.orders if not order.suspended}
    for position in view.positions:
        symbol = position.instrument
        if position.open_usd > 0 and {(symbol, Slot.STOP), (symbol, Slot.TARGET)} <= slots:
            return symbol
    return ""


async def shoot(app: TStreamApp, engine: EngineThread) -> tuple[str, str]:
    """Wait for a screen that is worth showing; SVGs of it and of the ladder. Raises TimeoutError when none
    comes.
    """
    async with app.run_test(size=SIZE, notifications=False) as pilot:
        async with asyncio.timeout(PATIENCE_S):
            while not (symbol := worth_showing(engine.view())):  # noqa: ASYNC110 - it can be asked but does not call
                await asyncio.sleep(0.1)
        app.main.instrument = symbol
        await pilot.pause(0.7)
        app.redraw()
        await pilot.pause()
        picture = app.export_screenshot(title="tstream")
        await pilot.press("L")
        await pilot.pause(2.0)  # the venue sends its book only while somebody looks
        app.redraw()
        await pilot.pause()
        ladder = app.export_screenshot(title="tstream")
        app.leave()
        return picture, ladder


def pictures(home: Path) -> tuple[str, str]:
    """Run the practice venue and the engine with all files under `home` until the pictures are taken."""
    paths = places.find({places.HOME_VARIABLE: str(home)})
    paths.create()
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    options, clock = RunOptions(speed=SPEED), RunClock()
    with Logs(LogOptions(file=paths.log()), clock, REDACT) as logs, Claim(settings, options, paths) as claim:
        run = Run(claim, settings, options, paths, clock)
        engine = EngineThread(lambda: run, blank(picture_of(settings, "practice")))
        engine.start()
        try:
            return asyncio.run(shoot(TStreamApp(engine, logs.tail), engine))
        finally:
            engine.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/images"))
    folder = parser.parse_args().folder
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tstream-") as home:
        found = dict(zip(("cockpit.svg", "ladder.svg"), pictures(Path(home)), strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in found.items():
        lines = "\n".join(line.rstrip() for line in svg.splitlines())
        (folder / name).write_text(lines + "\n", encoding="utf-8")
        sys.stdout.write(f"{folder / name}: {len(svg) // 1024} KB after {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
