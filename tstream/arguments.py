"""The options of the command line, each declared once and shared by the commands that take it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tstream import options
from tstream.errors import UsageError
from tstream.options import RunOptions
from tstream.paths import CONFIG_VARIABLE

if TYPE_CHECKING:
    from adapters.simulator.faults.plan import Fault

SETTINGS = "Settings"
MARKET = "The practice venue's market"
SCREEN = "Screen"
FAULTS = "Faults"


class StampOption(StrEnum):
    """Which end of a bar its time stamp means."""

    OPEN = "open"
    CLOSE = "close"


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file to read instead of the usual one.",
        envvar=CONFIG_VARIABLE,
        rich_help_panel=SETTINGS,
    ),
]
Record = Annotated[
    bool | None,
    typer.Option(
        "--record/--no-record",
        help="Record a tape of this run, whatever the settings say.",
        rich_help_panel=SETTINGS,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        metavar="N",
        help="Another generated market; the same seed gives the same market.",
        rich_help_panel=MARKET,
    ),
]
Speed = Annotated[
    str,
    typer.Option(
        "--speed",
        parser=options.speed,
        metavar="X",
        rich_help_panel=MARKET,
        help="Time runs X times faster, 1 to 20. A headless run also takes max: as fast as it can.",
    ),
]
Rate = Annotated[
    float,
    typer.Option(
        "--rate",
        min=options.RATE[0],
        max=options.RATE[1],
        metavar="X",
        rich_help_panel=MARKET,
        help="X times as many quotes and trades a second as the real market has.",
    ),
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh", help="Begin with a new practice account instead of the kept one.", rich_help_panel=MARKET
    ),
]
Tape = Annotated[
    Path | None,
    typer.Option(
        "--tape",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        rich_help_panel=MARKET,
        help="Play a recording (CSV or zip, ticks or bars) instead of a generated market.",
    ),
]
Contract = Annotated[
    str | None,
    typer.Option(
        "--contract",
        parser=options.contract,
        metavar="NAME",
        rich_help_panel=MARKET,
        help="Which product the tape holds: MNQ, NQ, MES, ES, MGC or GC.",
    ),
]
Month = Annotated[
    str | None,
    typer.Option(
        "--month",
        parser=options.month,
        metavar="YYYYMM",
        rich_help_panel=MARKET,
        help="Contract month of the tape; without it the one with the most volume.",
    ),
]
Stamp = Annotated[
    StampOption | None,
    typer.Option(
        "--stamp", rich_help_panel=MARKET, help="Whether the tape's bars are stamped by their open or close."
    ),
]
For = Annotated[
    str | None,
    typer.Option(
        "--for",
        parser=options.duration,
        metavar="TIME",
        rich_help_panel=MARKET,
        help="End after so much time of the venue: 90s, 10m, 2h, 1h30m.",
    ),
]
Readonly = Annotated[
    bool,
    typer.Option("--readonly", help="Look only: the keys that trade do nothing.", rich_help_panel=SCREEN),
]
Fps = Annotated[
    int | None,
    typer.Option(
        "--fps",
        min=options.FPS[0],
        max=options.FPS[1],
        metavar="N",
        help="Frames a second.",
        rich_help_panel=SCREEN,
    ),
]
Theme = Annotated[
    str | None,
    typer.Option("--theme", metavar="NAME", help="Colour theme.", rich_help_panel=SCREEN),
]
TapeContract = Annotated[
    str,
    typer.Option(
        "--contract",
        parser=options.contract,
        metavar="NAME",
        help="Which product the tape holds: MNQ, NQ, MES, ES, MGC or GC.",
    ),
]
Timeframe = Annotated[
    str,
    typer.Option(
        "--timeframe", parser=options.timeframe, metavar="TIME", help="Of the bars: 1m, 5m, 15m, 30m or 1h."
    ),
]
Csv = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write all bars to FILE; - is stdout.")
]
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, metavar="N", help="Where to listen; 0 takes a free port.")
]
Host = Annotated[
    str,
    typer.Option("--host", metavar="NAME", help="Address to listen at; beyond loopback others reach it."),
]
State = Annotated[
    Path | None,
    typer.Option(
        "--state", metavar="FILE", dir_okay=False, help="File that keeps accounts and market between runs."
    ),
]
Balance = Annotated[
    float, typer.Option("--balance", min=1000.0, max=10_000_000.0, metavar="USD", help="Of a new account.")
]
DailyLoss = Annotated[
    float | None,
    typer.Option(
        "--daily-loss", min=1.0, metavar="USD", help="Daily loss at which the venue closes the account out."
    ),
]
MaxLoss = Annotated[
    float | None,
    typer.Option(
        "--max-loss",
        min=1.0,
        metavar="USD",
        help="Distance below the best end-of-day balance at which the venue fails the account.",
    ),
]
FaultOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="NAME[:KEY=VALUE,...]",
        rich_help_panel=FAULTS,
        help="Let the practice venue misbehave like this; may be given several times. "
        "tstream simulate --list-faults says how.",
    ),
]
ListFaults = Annotated[
    bool,
    typer.Option("--list-faults", help="Say what faults there are, and end.", rich_help_panel=FAULTS),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
Scope = Annotated[
    str | None,
    typer.Argument(parser=options.contract, metavar="[CONTRACT]", help="One product; without it, all."),
]


def run_options(values: dict[str, Any]) -> RunOptions:
    """The options of a run, checked against each other. Raises UsageError."""
    wanted = tuple(values.pop("fault", None) or ())
    run = RunOptions(**values, faults=wanted)
    if wanted:
        faults(wanted)
        if run.speed == "max":
            raise UsageError("--fault is for the venue over sockets; --speed max runs without one")
    if run.tape is None:
        for name in ("contract", "month", "stamp"):
            if getattr(run, name) is not None:
                raise UsageError(f"--{name} says what a tape holds: give --tape FILE too")
    elif run.contract is None:
        raise UsageError("--tape needs --contract NAME: a recording does not say which product it holds")
    elif run.rate != 1.0:
        raise UsageError("--rate is for the generated market; a tape has its own quotes and trades")
    return run


def faults(texts: Sequence[str]) -> tuple[Fault, ...]:
    """The faults that were asked for. Raises UsageError with one line for each that can't be."""
    from adapters.simulator.faults.plan import FaultError, parse

    plan, wrong = [], []
    for text in texts:
        try:
            plan.append(parse(text))
        except FaultError as error:
            wrong.append(f"--fault {text}: {error}")
    if wrong:
        raise UsageError(*wrong, "tstream simulate --list-faults says what there is")
    return tuple(plan)
