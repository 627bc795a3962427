"""tstream patterns: what its commands are called and take, and their help."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tstream import arguments as args
from tstream import options

patterns_app = typer.Typer(help="What patterns came to, and which ones a recording shows.")


@patterns_app.callback(invoke_without_command=True)
def patterns(
    context: typer.Context,
    contract: args.OnlyContract = None,
    least: Annotated[
        int, typer.Option("--min-trades", min=0, metavar="N", help="Of so many outcomes at least.")
    ] = 10,
    as_json: args.Json = False,
    journal: args.Journal = None,
) -> None:
    """Win rate and expectancy of each pattern, timeframe, contract and regime, from the journal."""
    if context.invoked_subcommand is None:
        from tstream.commands import patterns as commands

        raise typer.Exit(commands.patterns(journal, contract, least, as_json))


@patterns_app.command()
@args.taking(*args.TAPE)
def scan(
    source: args.Recorded,
    contract: args.RecordedContract = None,
    date: Annotated[
        str | None,
        typer.Option("--date", metavar="DAY", help="Of this trade date only, such as 2026-06-29."),
    ] = None,
    timeframes: Annotated[
        str, typer.Option("--timeframes", metavar="LIST", help="Which bars to look at, such as 1m,5m.")
    ] = "1m,5m",
    as_json: args.Json = False,
    **given: Any,
) -> None:
    """Every pattern that recorded bars show, when it was known, and what it would have come to.

    Entered at the next open, stopped beyond the zone, left at 2 R or after 48 bars, with fees and slippage.
    """
    from tstream.commands import patterns as commands

    wanted = options.timeframes(timeframes)
    raise typer.Exit(commands.scan_patterns(source, contract, date, wanted, as_json, **given))
