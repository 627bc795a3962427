"""Without a screen: the engine with log lines, over sockets or in virtual time, and a summary at the end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.lab.summary import Summary
from engine.model.commands import Shutdown
from engine.model.market import NANOS
from engine.model.rates import in_usd
from engine.model.view import View
from engine.ports import Clock
from tstream.clock import RunClock
from tstream.errors import CommandError, UsageError
from tstream.options import FASTEST, RunOptions
from tstream.output import Output
from tstream.reports.opinion_lines import opinion_lines
from tstream.run.startup import Startup, log_options, open_logs, prepare

if TYPE_CHECKING:
    from engine.runtime.engine import Engine
    from tstream.logs import Logs
    from tstream.paths import Paths
    from tstream.run.wiring import Run
    from tstream.settings.model import Settings

LOOKS_S = 0.1
"""How often it is looked whether a signal has asked for the end, real seconds."""


def run_headless(config: Path | None, options: RunOptions) -> int:
    """Run the engine with log lines; the exit code. Raises CommandError, PortError."""
    ready = prepare(config, options)
    with Output(sys.stdout) as out:
        for note in ready.notes:
            out.write(f"{note}\n")
        return trade(ready, options, out)


def trade(ready: Startup, options: RunOptions, out: Output) -> int:
    """The run itself, on settings that were checked; the exit code. Raises CommandError, PortError.

    SIGINT, SIGTERM and SIGHUP end it with its summary, as --for does.
    """
    settings, paths = ready.settings, ready.paths
    with asked_to_end() as asked:
        if options.speed == "max":
            if options.api:
                raise UsageError("--api: a run of --speed max is over before anybody could ask it anything")
            from tstream.run.virtual import run_virtual

            summary = run_virtual(settings, options, paths, asked)
            out.write(in_words(summary, "the run ended first"))
            return 0
        from tstream.run.claim import Claim
        from tstream.run.wiring import Run

        clock = RunClock()
        with open_logs(settings, paths, clock, console=out) as logs, Claim(settings, options, paths) as claim:
            run = Run(
                claim,
                settings,
                options,
                paths,
                clock,
                files=ready.files,
                lines=logs.tail,
                source=ready.source,
                follow=partial(_show, logs, paths),
            )
            summaries, view, unreached = asyncio.run(_headless(run, clock, asked))
    for book, summary in summaries.items():
        if len(summaries) > 1:
            out.write(f"book           {book}\n")
        out.write(in_words(summary))
    out.write("".join(_together(summaries, view)))
    if unreached:
        raise CommandError(f"the venue was never reached: {unreached}")
    return 0


async def _show(logs: Logs, paths: Paths, _before: Settings, settings: Settings) -> None:
    """The log takes settings that were read again."""
    logs.follow(log_options(settings, paths))


@contextmanager
def asked_to_end() -> Iterator[list[int]]:
    """From now on the signals that end a run only come to stand in the list. As under nohup, where a hang-up
    is ignored, it stays so.
    """
    told: list[int] = []
    deaf = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heard = (signal.SIGINT, signal.SIGTERM, *(() if deaf else (signal.SIGHUP,)))
    before = {number: signal.signal(number, lambda got, _frame: told.append(got)) for number in heard}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _together(summaries: Mapping[str, Summary], view: View) -> Iterator[str]:
    """What all books of one kind of money came to, where that is in several currencies."""
    for kind in dict.fromkeys(book.kind for book in view.books):
        net: dict[str, Decimal] = {}
        for book in view.books:
            if book.kind is kind and (one := summaries.get(book.book)) is not None:
                net[one.currency] = net.get(one.currency, Decimal(0)) + one.net_usd
        if (found := in_usd(net, view.rates)) is not None:
            total = "" if found.usd is None else f"{found.usd:+.2f} USD; "
            yield f"all {kind.value:<11}{total}{found.words}\n"


async def _headless(run: Run, clock: Clock, asked: list[int]) -> tuple[dict[str, Summary], View, str]:
    """What each book came to, the last picture, and why no account was ever seen, if none was."""
    async with run.engine() as engine:
        ending = asyncio.create_task(end_when_asked(engine, run.options.duration_ns, clock, asked))
        try:
            await engine.main()
        finally:
            ending.cancel()
        view = engine.view()
        reasons = [engine.failure, *(link.detail for link in view.links), "no account was seen"]
        # Where there are prices alone, to be reached is to be priced.
        alone = all(venue.about.prices_only for venue in run.settings.active.values())
        reached = view.books or (alone and any(one.last is not None for one in view.contracts))
        return engine.summaries(), view, "" if reached else next(filter(None, reasons))


async def end_when_asked(engine: Engine, duration_ns: int | None, clock: Clock, asked: list[int]) -> None:
    """Stop the engine once a signal has asked for it, or so much venue time has passed."""
    end = None if duration_ns is None else clock() + duration_ns
    while not asked and (end is None or clock() < end):
        # Practice time may run up to 20 times faster than the wall's.
        left = LOOKS_S if end is None else (end - clock()) / NANOS / FASTEST
        await asyncio.sleep(min(LOOKS_S, max(0.01, left)))
    source = "signal" if asked else "--for"
    engine.ask(Shutdown(id="end", source=source))


def in_words(summary: Summary, fate: str = "its stops stay at the venue") -> str:
    """The summary in lines that people and scripts can read; `fate` is that of what is still open."""
    currency = summary.currency
    lines = [
        f"trades         {summary.trades}",
        f"net P&L        {summary.net_usd:+.2f} {currency} (costs {summary.costs_usd:.2f} {currency})",
        f"win rate       {_percent(summary.win_rate)}",
        f"profit factor  {'-' if summary.profit_factor is None else format(summary.profit_factor, '.2f')}",
        f"max drawdown   {summary.max_drawdown_usd:.2f} {currency} (open positions at the mark)",
        f"fills          {summary.fills}",
        *(f"{label:<14} {value}" for label, value in opinion_lines(summary.opinion)),
    ]
    if summary.open_positions:
        held = ", ".join(f"{instrument} {qty:+f}" for instrument, qty in summary.open_positions)
        lines.append(f"still open     {held} (above are its costs so far and not its P&L; {fate})")
    elif not summary.trades:
        lines.append("no trade; reasons against entries:")
        lines += [f"  {count:>6}  {reason}" for reason, count in summary.refusals] or ["  no idea came up"]
    return "\n".join(lines) + "\n"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
