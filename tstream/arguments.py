"""The options of the command line, each declared once and shared by the commands that take it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from tstream import options
from tstream.errors import UsageError
from tstream.options import ACCOUNTS, FPS, RATE, VENUES, RunOptions
from tstream.paths import CONFIG_VARIABLE

SETTINGS = "Settings"
MARKET = "The practice venue's market"
SCREEN = "Screen"
FAULTS = "Faults"
SPAN = "From when to when"


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


def _option(name: str, kind: Any, panel: str, words: str, default: object = None, **how: Any) -> Parameter:
    """A field of RunOptions as a parameter of a command; its option is --NAME unless `flag` says another."""
    option = typer.Option(how.pop("flag", f"--{name}"), help=words, rich_help_panel=panel, **how)
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])


_PARAMETERS = (
    _option(
        "venue",
        list[str] | None,
        SETTINGS,
        "Only this venue of the settings; may be given several times.",
        metavar="NAME",
    ),
    _option(
        "demo",
        bool,
        SETTINGS,
        "No money: practice twins of the settings' venues, or the testnet of a --venue whose key is set.",
        False,
    ),
    _option("readonly", bool, SCREEN, "Look only: the keys that trade do nothing.", False),
    _option("fps", int | None, SCREEN, "Frames a second.", min=FPS[0], max=FPS[1], metavar="N"),
    _option("theme", str | None, SCREEN, "Colour theme.", metavar="NAME"),
    _option(
        "seed",
        int | None,
        MARKET,
        "Another generated market; the same seed gives the same market.",
        min=0,
        metavar="N",
    ),
    _option(
        "speed",
        str,
        MARKET,
        "Time runs X times faster, 1 to 20. A headless run also takes max: as fast as it can.",
        "1",
        parser=options.speed,
        metavar="X",
    ),
    _option(
        "rate",
        float,
        MARKET,
        "X times as many quotes and trades a second as the real market has.",
        1.0,
        min=RATE[0],
        max=RATE[1],
        metavar="X",
    ),
    _option("fresh", bool, MARKET, "Begin with a new practice account instead of the kept one.", False),
    _option(
        "fault",
        list[str] | None,
        FAULTS,
        "Let the practice venue misbehave like this; may be given several times. "
        "tstream simulate --list-faults says how.",
        metavar="NAME[:KEY=VALUE,...]",
    ),
    _option(
        "accounts",
        int | None,
        MARKET,
        "So many practice accounts, each a book of its own.",
        min=ACCOUNTS[0],
        max=ACCOUNTS[1],
        metavar="N",
    ),
    _option(
        "venues",
        int | None,
        MARKET,
        "So many practice venues in one run, on ports of their own and in the same practice time.",
        min=VENUES[0],
        max=VENUES[1],
        metavar="N",
    ),
    _option(
        "tape",
        Path | None,
        MARKET,
        "Play a recording (CSV or zip, ticks or bars) instead of a generated market.",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
    ),
    _option(
        "contract",
        str | None,
        MARKET,
        "Which product the tape holds: MNQ, NQ, MES, ES, MGC or GC.",
        parser=options.contract,
        metavar="NAME",
    ),
    _option(
        "month",
        str | None,
        MARKET,
        "Contract month of the tape; without it the one with the most volume.",
        parser=options.month,
        metavar="YYYYMM",
    ),
    _option(
        "stamp", StampOption | None, MARKET, "Whether the tape's bars are stamped by their open or close."
    ),
    _option(
        "symbol",
        str | None,
        MARKET,
        "Which of the contracts that a table holds, such as ESH4.",
        metavar="NAME",
    ),
    _option(
        "zone",
        str | None,
        MARKET,
        "Time zone of a table whose times tell none, such as America/Chicago.",
        parser=options.zone,
        metavar="NAME",
    ),
    _option(
        "record",
        bool | None,
        SETTINGS,
        "Record a tape of this run, whatever the settings say.",
        flag="--record/--no-record",
    ),
    _option(
        "api",
        bool | None,
        SETTINGS,
        "Serve the REST API in this run, or not, whatever the settings say.",
        flag="--api/--no-api",
    ),
)
RUN = tuple(parameter.name for parameter in _PARAMETERS)
TAPE = ("month", "stamp", "symbol", "zone")
VENUE = ("fault", "seed", "speed", "rate", "tape", "contract", *TAPE)


def taking(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator: the command takes these options of a run too; its ** parameter gets them."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        own = signature(command, eval_str=True)
        *before, _rest = own.parameters.values()
        shared = sorted((p for p in _PARAMETERS if p.name in names), key=lambda p: names.index(p.name))
        together = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in (*before, *shared)]
        command.__signature__ = own.replace(parameters=together)  # type: ignore[attr-defined]
        return command

    return add


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
        "--timeframe",
        parser=options.timeframe,
        metavar="TIME",
        help="Of the bars: 1m, 2m, 3m, 5m, 10m, 15m, 30m, 1h, 2h, 4h or 1d.",
    ),
]
Recorded = Annotated[
    str,
    typer.Argument(metavar="TAPE|DATASET", help="A recording's file (CSV or zip), or a dataset by its name."),
]
RecordedContract = Annotated[
    str | None,
    typer.Option(
        "--contract",
        parser=options.contract,
        metavar="NAME",
        help="Which product a recording holds: MNQ, NQ, MES, ES, MGC or GC. A dataset knows it.",
    ),
]
Strategy = Annotated[
    str, typer.Option("--strategy", metavar="NAME", help="A strategy, or a bot of the settings.")
]
AskedTimeframe = Annotated[
    str | None,
    typer.Option(
        "--timeframe", parser=options.timeframe, metavar="TIME", help="Of the bars that it is asked about."
    ),
]
Params = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="KEY=VALUE",
        help="Of the strategy, or a key such as risk.per_trade_usd; may be given several times.",
    ),
]
Since = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="First trade date.", rich_help_panel=SPAN)
]
Until = Annotated[
    str | None, typer.Option("--to", metavar="DAY", help="Last trade date.", rich_help_panel=SPAN)
]
NewestDays = Annotated[
    int | None,
    typer.Option(
        "--days", min=1, max=36_500, metavar="N", help="Only the newest N days.", rich_help_panel=SPAN
    ),
]
Searched = Annotated[
    Any,
    typer.Option(
        "--timeframes",
        parser=options.timeframes,
        metavar="TIMES",
        help="What is searched: 2m,5m,15m,30m without it.",
    ),
]
Steps = Annotated[
    str | None,
    typer.Option(
        "--stage",
        "--mode",
        parser=options.stage,
        metavar="STEP",
        help="Only one step: find, test or analyse; all of them without it.",
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
PracticeKind = Annotated[
    str,
    typer.Option(
        "--venue",
        metavar="KIND",
        help="Whose practice venue: practice, kraken, binance; the wire is its own.",
    ),
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
VenueAccounts = Annotated[
    int,
    typer.Option(
        "--accounts", min=1, max=20, help="How many accounts the login has, alike but for id and name."
    ),
]
Beside = Annotated[
    str | None,
    typer.Option(
        "--beside",
        metavar="LINE",
        help="What another simulate on this machine wrote to stdout: same time, same market.",
    ),
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
ListFaults = Annotated[
    bool,
    typer.Option("--list-faults", help="Say what faults there are, and end.", rich_help_panel=FAULTS),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
Scope = Annotated[
    str | None,
    typer.Argument(parser=options.symbol, metavar="[CONTRACT]", help="One product; without it, all."),
]

OneContract = Annotated[str, typer.Argument(parser=options.symbol, metavar="CONTRACT", help="Which product.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
Journal = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="A journal other than the last run's.")
]
OnlyContract = Annotated[
    str | None,
    typer.Option("--contract", parser=options.symbol, metavar="NAME", help="Of this product only."),
]
Book = Annotated[
    str | None,
    typer.Option("--book", metavar="NAME", help="Only this book; without it, all of them."),
]


def run_options(values: dict[str, Any]) -> RunOptions:
    """The options of a run, checked against each other. Raises UsageError."""
    wanted = tuple(values.pop("fault", None) or ())
    venue = tuple(dict.fromkeys(values.pop("venue", None) or ()))
    run = RunOptions(**values, faults=wanted, venue=venue)
    if wanted:
        from tstream.venues import known
        from tstream.venues.faults import check_faults

        check_faults(wanted, [name for name in venue if known.is_known(name)])
        if run.speed == "max":
            raise UsageError("--fault is for the venue over sockets; --speed max runs without one")
    if run.speed == "max" and run.bots:
        raise UsageError("--speed max has one book for all bots, and these have one each; 20 is the most")
    if run.speed == "max" and (run.accounts or run.venues):
        raise UsageError("--accounts and --venues are for venues over sockets; --speed max runs without one")
    if run.tape is None:
        for name in ("contract", *TAPE):
            if getattr(run, name) is not None:
                raise UsageError(f"--{name} says what a tape holds: give --tape FILE too")
    elif run.contract is None:
        raise UsageError("--tape needs --contract NAME: a recording does not say which product it holds")
    elif run.rate != 1.0:
        raise UsageError("--rate is for the generated market; a tape has its own quotes and trades")
    return run
