"""The command line of backtests: what `tstream backtest` takes, and its help."""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tstream import arguments as args
from tstream.errors import UsageError


class Search(StrEnum):
    """Which combinations a sweep tries."""

    GRID = "grid"
    RANDOM = "random"
    SOBOL = "sobol"


TERMS, RESULT, SWEEP = "Terms", "Result", "Sweep"


def _usd(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and 0 <= amount <= 1_000_000_000):
        raise ValueError(f'"{text}" is no amount of USD')
    return amount


@args.taking(*args.TAPE)
def backtest(
    context: typer.Context,
    tape: args.Recorded,
    contract: args.RecordedContract = None,
    strategy: args.Strategy = "zones",
    timeframe: args.AskedTimeframe = None,
    param: args.Params = None,
    since: args.Since = None,
    until: args.Until = None,
    days: args.NewestDays = None,
    cash: Annotated[
        Decimal | None,
        typer.Option(
            "--cash", parser=_usd, metavar="USD", help="What the account begins with.", rich_help_panel=TERMS
        ),
    ] = None,
    costs: Annotated[
        Decimal | None,
        typer.Option(
            "--costs",
            parser=_usd,
            metavar="USD",
            help="Costs of a contract and side; without it the product's own.",
            rich_help_panel=TERMS,
        ),
    ] = None,
    slippage: Annotated[
        int | None,
        typer.Option(
            "--slippage", min=0, max=100, metavar="TICKS", help="Of fills at market.", rich_help_panel=TERMS
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="A model that decides with the rules: its name, champion, or off for none; without it as in"
            " the settings ([opinion]).",
            rich_help_panel=TERMS,
        ),
    ] = None,
    in_sample: Annotated[
        bool,
        typer.Option(
            "--in-sample",
            help="Play also what the model was trained on, and mark the result.",
            rich_help_panel=TERMS,
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="All of it as JSON on stdout.", rich_help_panel=RESULT)
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write the trades; - is stdout.", rich_help_panel=RESULT),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write a page with pictures; - is stdout.", rich_help_panel=RESULT
        ),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            "--sweep",
            metavar="KEY=A,B,C",
            help="Try these values, or KEY=5..20; may be given several times.",
            rich_help_panel=SWEEP,
        ),
    ] = None,
    search: Annotated[
        Search, typer.Option("--search", help="All combinations, or some of them.", rich_help_panel=SWEEP)
    ] = Search.GRID,
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials", min=1, max=100_000, metavar="N", help="So many combinations.", rich_help_panel=SWEEP
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Of the search.", rich_help_panel=SWEEP)
    ] = 1,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            min=1,
            max=256,
            metavar="N",
            help="Processes; without it one a core.",
            rich_help_panel=SWEEP,
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Of a dask scheduler, such as tcp://host:8786, in place of processes.",
            rich_help_panel=SWEEP,
        ),
    ] = None,
    config: args.Config = None,
    **given: Any,
) -> None:
    """Play a recording through the core that trades, and say what came of it.

    docs/backtesting.md says what is assumed about fills, and how to read the result.
    """
    from tstream.commands import backtest as commands
    from tstream.lab.asked import LabRequest, params_of
    from tstream.lab.past import with_contract

    if as_json + (str(csv) == "-") + (str(html) == "-") > 1:
        raise UsageError("--json, --csv - and --html - all write to stdout: give all but one a file")
    stamp = given.pop("stamp", None)
    asked = LabRequest(
        tape=tape,
        contract=contract or "",
        strategy=strategy,
        timeframe=timeframe,
        stamp=None if stamp is None else str(stamp),
        since=since,
        until=until,
        days=days,
        cash=cash,
        costs=costs,
        slippage=slippage,
        model=model,
        in_sample=in_sample,
        config=config or context.obj,
        **given,
    )
    asked = with_contract(asked)
    fixed = params_of(param or ())
    if sweep:
        if html is not None:
            raise UsageError("--html is of one backtest: leave --sweep out")
        from tstream.commands.sweep import sweep as try_all

        raise typer.Exit(
            try_all(
                asked,
                fixed,
                sweep,
                search=search.value,
                trials=trials,
                seed=seed,
                jobs=jobs or os.cpu_count() or 1,
                cluster=cluster,
                as_json=as_json,
                csv_file=csv,
            )
        )
    if trials is not None or search is not Search.GRID or cluster is not None or jobs is not None:
        raise UsageError("--search, --trials, --jobs and --cluster go with --sweep")
    raise typer.Exit(commands.backtest(asked, fixed, as_json=as_json, csv=csv, html=html))
