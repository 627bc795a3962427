"""Without a screen: the engine with log lines, over sockets or in virtual time, and a summary at the end."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.lab.summary import Summary
from engine.model.commands import Shutdown
from engine.model.market import NANOS
from engine.ports import Clock
from tstream.clock import RunClock
from tstream.options import FASTEST, RunOptions
from tstream.run.startup import Startup, open_logs, prepare

if TYPE_CHECKING:
    from tstream.run.wiring import Run


def run_headless(config: Path | None, options: RunOptions) -> int:
    """Run the engine with log lines; the exit code. Raises CommandError, PortError."""
    ready = prepare(config, options)
    for note in ready.notes:
        sys.stdout.write(f"{note}\n")
    sys.stdout.flush()
    return trade(ready, options)


def trade(ready: Startup, options: RunOptions) -> int:
    """The run itself, on settings that were checked; the exit code. Raises PortError."""
    settings, paths = ready.settings, ready.paths
    if options.speed == "max":
        from tstream.run.virtual import run_virtual

        _print(run_virtual(settings, options, paths), "the run ended first")
        return 0
    from tstream.run.claim import Claim
    from tstream.run.wiring import Run

    clock = RunClock()
    with open_logs(settings, paths, clock, console=True), Claim(settings, options, paths) as claim:
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
            loop.add_signal_handler(number, engine.ask, Shutdown(id="signal", source="signal"))
        ending = asyncio.create_task(_after(run.options.duration_ns, clock))
        ending.add_done_callback(
            lambda task: None if task.cancelled() else engine.ask(Shutdown(id="for", source="--for"))
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
