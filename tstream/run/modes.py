"""The three ways to run: under the cockpit, headless over sockets, and headless in virtual time."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from adapters.common.redaction import REDACT
from engine.lab.summary import Summary
from engine.model.commands import Shutdown
from engine.model.market import NANOS
from engine.ports import Clock
from tstream import paths as places
from tstream.clock import RunClock, wall_ns
from tstream.errors import CommandError
from tstream.logs import LogOptions, Logs, write_crash
from tstream.options import FASTEST, RunOptions
from tstream.paths import Paths
from tstream.run.claim import Claim
from tstream.settings.model import Settings

if TYPE_CHECKING:
    from tstream.run.engine_thread import EngineThread
    from tstream.run.wiring import Run

log = logging.getLogger(__name__)


def run_cockpit(settings: Settings, options: RunOptions) -> int:
    """Open the cockpit on the engine; the exit code. Raises PortError when nothing could be started."""
    from tstream.run.engine_thread import EngineThread

    paths = places.find()
    clock = RunClock()
    if not settings.venue.practice:
        from tstream.run.arming import ask_to_arm

        ask_to_arm(settings, paths, wall_ns)
    with open_logs(settings, paths, clock, console=False) as logs, Claim(settings, options, paths) as claim:
        engine = EngineThread(claim, settings, options, paths, clock)
        return _show(settings, options, paths, engine, logs)


def _show(settings: Settings, options: RunOptions, paths: Paths, engine: EngineThread, logs: Logs) -> int:
    from tui.app import ExitReason, TStreamApp

    def begin() -> None:
        gc.freeze()
        gc.enable()
        engine.start()

    ui = settings.ui
    app = TStreamApp(
        engine,
        logs.tail,
        readonly=options.readonly,
        fps=options.fps if options.fps is not None else ui.fps,
        theme=options.theme or ui.theme or None,
        themes=paths.themes,
        keymap=ui.keymap,
        refresh=ui.preset,
        bell=ui.bell,
        after_first_paint=begin,
    )
    reason = app.run() or app.reason
    if app.crash is not None:
        write_crash(paths.crash_log, app.crash, REDACT, "cockpit")
        log.error("the cockpit failed, the engine goes on: %s", paths.crash_log)
    if reason is ExitReason.CRASHED:
        with suppress(OSError):
            sys.stderr.write(
                f"The cockpit failed (see {paths.crash_log}). The engine goes on: tstream status shows it, "
                "tstream flatten closes everything, Ctrl+C here stops it.\n"
            )
        _until_told(engine)
    else:
        log.info("cockpit closed: %s", reason.value if reason is not None else "ended")
    engine.stop()
    if engine.failure is not None:
        raise CommandError(f"the engine has stopped: {engine.failure}", f"see {logs.file}")
    return 0


def _until_told(engine: EngineThread) -> None:
    """Keep the engine running without a screen until SIGINT or SIGTERM."""
    told: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: told.append(got))
    while not told and not engine.wait(0.2):
        pass


def run_headless(settings: Settings, options: RunOptions) -> int:
    """Run the engine with log lines; a summary at the end. Raises PortError."""
    paths = places.find()
    if options.speed == "max":
        from tstream.run.virtual import run_virtual

        _print(run_virtual(settings, options, paths), "the run ended first")
        return 0
    clock = RunClock()
    with open_logs(settings, paths, clock, console=True), Claim(settings, options, paths) as claim:
        from tstream.run.wiring import Run

        summaries = asyncio.run(_headless(Run(claim, settings, options, paths, clock), clock))
        for book, summary in summaries.items():
            if len(summaries) > 1:
                sys.stdout.write(f"book           {book}\n")
            _print(summary)
    return 0


async def _headless(run: Run, clock: Clock) -> dict[str, Summary]:
    loop = asyncio.get_running_loop()
    async with run.engine() as engine:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, engine.send, Shutdown(id="signal", source="signal"))
        ending = asyncio.create_task(_after(run.options.duration_ns, clock))
        ending.add_done_callback(
            lambda task: None if task.cancelled() else engine.send(Shutdown(id="for", source="--for"))
        )
        try:
            await engine.main()
        finally:
            ending.cancel()
        return engine.summaries()


async def _after(duration_ns: int | None, clock: Clock) -> None:
    """Wait until so much venue time has passed; without a duration, for ever."""
    if duration_ns is None:
        await asyncio.Event().wait()
    left = duration_ns or 0
    end = clock() + left
    while left > 0:
        # Practice time may run up to 20 times faster than the wall's.
        await asyncio.sleep(max(0.01, left / NANOS / FASTEST))
        left = end - clock()


def open_logs(settings: Settings, paths: Paths, clock: Clock, *, console: bool) -> Logs:
    """The logging of a run; a context manager. With `console` its lines go to stdout too."""
    return Logs(
        LogOptions(
            file=paths.log(),
            level=settings.log.level,
            max_bytes=settings.log.max_mb * 1_000_000,
            keep=settings.log.keep,
            console=console,
        ),
        clock,
        REDACT,
    )


def _print(summary: Summary, fate: str = "its stops stay at the venue") -> None:
    """The summary in lines that people and scripts can read; `fate` is that of what is still open."""
    lines = [
        f"trades         {summary.trades}",
        f"net P&L        {summary.net_usd:+.2f} USD (costs {summary.costs_usd:.2f} USD)",
        f"win rate       {_percent(summary.win_rate)}",
        f"profit factor  {'-' if summary.profit_factor is None else format(summary.profit_factor, '.2f')}",
        f"max drawdown   {summary.max_drawdown_usd:.2f} USD",
    ]
    if summary.open_positions:
        held = ", ".join(f"{instrument} {qty:+d}" for instrument, qty in summary.open_positions)
        lines.append(f"still open     {held} (not counted above; {fate})")
    elif not summary.trades:
        lines.append("no trade; reasons against entries:")
        lines += [f"  {count:>6}  {reason}" for reason, count in summary.refusals] or ["  no idea came up"]
    sys.stdout.write("\n".join(lines) + "\n")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
