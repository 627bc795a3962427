"""The commands that prove something on recorded bars: what they are called and take, and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tstream import arguments as args
from tstream import options, paths

MARKETS = "Markets"

lab_app = typer.Typer()
"""Without a name: its commands are tstream's own."""


@lab_app.command(rich_help_panel=MARKETS)
@args.taking("month", "stamp", "symbol", "zone", "readonly", "fps", "theme")
def replay(
    context: typer.Context,
    tapes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TAPE",
            help="What to play together: files of ticks or bars, what a run has recorded (.jsonl.gz), or "
            "datasets.",
        ),
    ] = None,
    date: Annotated[
        str | None,
        typer.Option("--date", parser=options.day, metavar="DAY", help="A recorded trade date, YYYY-MM-DD."),
    ] = None,
    venue: Annotated[
        str | None,
        typer.Option("--venue", metavar="NAME", help="Of --date: whose recordings, if several have some."),
    ] = None,
    contract: Annotated[
        list[str] | None,
        typer.Option(
            "--contract",
            metavar="NAME",
            help="Which product a tape holds, for each tape; of a run's recording, which of its contracts.",
        ),
    ] = None,
    speed: Annotated[
        str,
        typer.Option("--speed", parser=options.pace, metavar="X", help="X times as fast as it was, or max."),
    ] = "1",
    begins: Annotated[
        str | None,
        typer.Option(
            "--from", parser=options.hhmm, metavar="HH:MM", help="Play to this time at once; exchange time."
        ),
    ] = None,
    config: args.Config = None,
    **given: Any,
) -> None:
    """Play recordings through the cockpit, in their own time, with the bots of the settings and no venue.

    The journal is the one that a headless run with --speed max on the same recording writes.
    """
    from tstream.options import RunOptions
    from tstream.run.replaying import ReplayOptions, open_replay

    look = {name: given.pop(name) for name in ("readonly", "fps", "theme")}
    asked = ReplayOptions(
        tapes=tuple(tapes or ()),
        day=date,  # type: ignore[arg-type]  # parsed
        venue=venue,
        contracts=tuple(name.upper() for name in contract or ()),
        speed=None if speed == "max" else float(speed),
        begins=begins,
        look=RunOptions(**look),
        **given,
    )
    raise typer.Exit(open_replay(config or context.obj, asked))


@lab_app.command(rich_help_panel=MARKETS)
@args.taking(*args.TAPE)
def discover(
    tape: args.Recorded,
    contract: args.RecordedContract = None,
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
    as_json: args.Json = False,
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
        contract or "",
        EdgeRules(timeframes=searched, error_rate=error_rate, costs=costs),
        None if stage in (None, "all") else Stage(stage),
        seed=seed,
        jobs=jobs,
        out=out or paths.find().data / "analysis" / commands.FILE,
        as_json=as_json,
        **given,
    )
    raise typer.Exit(code)


@lab_app.command(rich_help_panel=MARKETS)
@args.taking(*args.TAPE)
def lookahead(
    context: typer.Context,
    tape: args.Recorded,
    contract: args.RecordedContract = None,
    strategy: args.Strategy = "zones",
    cuts: Annotated[
        int,
        typer.Option("--cuts", min=1, max=100_000, metavar="N", help="Closes that get other futures."),
    ] = 20,
    timeframe: args.AskedTimeframe = None,
    param: args.Params = None,
    since: args.Since = None,
    until: args.Until = None,
    days: args.NewestDays = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Which closes are chosen.")] = 1,
    as_json: args.Json = False,
    config: args.Config = None,
    **given: Any,
) -> None:
    """Play the past with other futures: does what a strategy says depend on what it can't know?

    Exits with 1 where it does.
    """
    from tstream.commands import lookahead as commands
    from tstream.lab.asked import LabRequest, params_of

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
        config=config or context.obj,
        **given,
    )
    code = commands.lookahead(asked, params_of(param or ()), cuts=cuts, seed=seed, as_json=as_json)
    raise typer.Exit(code)
