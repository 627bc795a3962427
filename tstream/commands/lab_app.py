"""The commands that prove something on recorded bars: what they are called and take, and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tstream import arguments as args
from tstream import paths

MARKETS = "Markets"

lab_app = typer.Typer()
"""Without a name: its commands are tstream's own."""


@lab_app.command(rich_help_panel=MARKETS)
@args.taking(*args.TAPE)
def discover(
    tape: Annotated[Path, typer.Argument(metavar="TAPE", exists=True, dir_okay=False, readable=True)],
    contract: args.TapeContract,
    stage: args.Steps = None,
    timeframes: args.Searched = None,
    error_rate: Annotated[
        float,
        typer.Option("--error-rate", min=0.0001, max=0.5, help="How often a run may err by chance, 0 to 1."),
    ] = 0.05,
    costs: Annotated[
        bool, typer.Option("--costs/--no-costs", help="Whether fees and slippage are paid.")
    ] = True,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of all that is random.")] = 1,
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, max=256, metavar="N", help="Processes that share the timeframes.")
    ] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Keep the analysis there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the analysis as JSON.")] = False,
    **given: Any,
) -> None:
    """Search recorded bars for patterns that earn money, and test what was found on bars not searched.

    Says "no edge found", with the numbers, where there is none. docs/discovery.md has what each figure means.
    """
    from engine.lab.edges.analysis import Stage
    from engine.lab.edges.rules import USUAL, EdgeRules
    from engine.model.market import Timeframe
    from tstream.commands import discover as commands

    searched = tuple(map(Timeframe, timeframes)) if timeframes else USUAL
    code = commands.discover(
        tape,
        contract,
        EdgeRules(timeframes=searched, error_rate=error_rate, costs=costs),
        None if stage in (None, "all") else Stage(stage),
        seed=seed,
        jobs=jobs,
        out=out or paths.find().data / "analysis" / commands.FILE,
        as_json=as_json,
        **given,
    )
    raise typer.Exit(code)
