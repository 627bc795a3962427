"""tstream scan: the engine with the scanner's bots alone, and lines for whoever looks on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tstream.clock import RunClock
from tstream.errors import CommandError, UsageError
from tstream.options import RunOptions
from tstream.output import Output
from tstream.paths import Paths
from tstream.run.headless import asked_to_end, end_when_asked
from tstream.run.startup import open_logs, prepare
from tstream.scan.analyses import Found, find_signals, timeframes_of
from tstream.scan.screen import CandleWatch, ScanScreen
from tstream.settings.model import Settings

if TYPE_CHECKING:
    from tstream.run.wiring import Run

LOOKS_S = 0.1
"""How often it is looked what is new, real seconds."""


def run_scan(config: Path | None, options: RunOptions, *, dry_run: bool) -> int:
    """Scan until it is asked to end; the exit code. Raises CommandError, PortError.

    With `dry_run` nothing is sent and no book but the paper book trades.
    """
    if options.speed == "max":
        raise UsageError("tstream scan runs in the time of its venue: --speed takes 1 to 20")
    ready = prepare(config, options)
    settings = scanning(ready.settings, dry_run=dry_run)
    found = find_signals(settings, ready.paths.data / "analysis")
    with Output(sys.stdout) as out, asked_to_end() as asked:
        for line in (*ready.notes, *_start(settings, found, dry_run)):
            out.write(f"{line}\n")
        return _scan(settings, ready.paths, options, found, out, asked)


def scanning(settings: Settings, *, dry_run: bool) -> Settings:
    """The settings of a run that scans and does nothing else."""
    from tstream.settings.notify import NotifySettings

    own = {"books": ()} if dry_run else {}
    scan = settings.scan.model_copy(update={"enabled": True, **own})
    quiet = {"notify": NotifySettings()} if dry_run else {}
    return settings.model_copy(update={"scan": scan, "bots": (), "rooms": {}, **quiet})


def _start(settings: Settings, found: Found, dry_run: bool) -> Iterator[str]:
    """What is about to be done."""
    contracts = dict.fromkeys(one.contract for one in found.signals)
    chats, token = settings.notify.telegram_chats, settings.notify.telegram_token.get_secret_value()
    yield "tstream scan"
    yield f"  Venue: {', '.join(settings.active)}"
    yield f"  Contracts: {', '.join(contracts)}"
    yield f"  Timeframes: {', '.join(timeframes_of(found.signals))}"
    yield f"  Telegram: {'off, --dry-run' if dry_run else 'on' if chats and token else 'not set up'}"
    traded = ", ".join(settings.scan.books)
    yield f"  Traded in: {f'{traded} and on paper' if traded else 'paper only'}"
    yield f"  Validated signals: {len(found.signals)}"
    yield from (f"    {one.name}" for one in found.signals)
    yield from (f"  Left out: {words}" for words in found.left_out)


def _scan(
    settings: Settings, paths: Paths, options: RunOptions, found: Found, out: Output, asked: list[int]
) -> int:
    from tstream.run.claim import Claim
    from tstream.run.wiring import Run

    watch = CandleWatch(timeframes_of(found.signals))
    screen = ScanScreen(settings.instrument_table(), watch, settings.scan.status_minutes, settings.told_in)
    watcher = watch.bot(list(dict.fromkeys(one.contract for one in found.signals)))
    clock = RunClock()
    with open_logs(settings, paths, clock), Claim(settings, options, paths) as claim:
        run = Run(claim, settings, options, paths, clock, watchers=(watcher,))
        unreached = asyncio.run(_work(run, screen, clock, out, asked))
    if unreached:
        raise CommandError(f"the venue was never reached: {unreached}")
    return 0


async def _work(run: Run, screen: ScanScreen, clock: RunClock, out: Output, asked: list[int]) -> str:
    """Why no account was ever seen, if none was."""
    async with run.engine() as engine:

        async def tell() -> None:
            while True:
                for line in screen.read(engine.view(), clock()):
                    out.write(f"{line}\n")
                await asyncio.sleep(LOOKS_S)

        tasks = [
            asyncio.create_task(end_when_asked(engine, run.options.duration_ns, clock, asked)),
            asyncio.create_task(tell()),
        ]
        try:
            await engine.main()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        view = engine.view()
        for line in screen.ended(view, clock()):
            out.write(f"{line}\n")
        reasons = [engine.failure, *(link.detail for link in view.links), "no account was seen"]
        return "" if view.books else next(filter(None, reasons))
