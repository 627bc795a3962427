"""The command line of models: what `tstream train` and `tstream models` take, and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.model.opinion import ModelKind
from tstream import arguments as args
from tstream.errors import UsageError

LEARNED, JUDGED, RESULT, MACHINE = "What is learned", "How it is judged", "Result", "This machine"

TRAINING_HELP = """
[b]Examples[/b]

  tstream data fetch --contract MNQ --days 60     minutes to learn from
  tstream train mnq-1m --dry-run                  what would come of it; nothing is kept
  tstream train mnq-1m                            keep the model, and let it count if it is better
  tstream train es.csv --contract ES --stamp close --timeframe 15m --rules zones
  tstream models list                             which there are, and which one counts

[b]What it does[/b]

At each close it notes some fifty figures, once for a long and once for a short, and what came first: a
target, a stop, or neither in time. It learns from the past and is tested on what came later, five times, with
a gap between. Its answer is "better than the rules" only if its choice among their trades is better than a
blind one, makes money after costs, and more than the best of its trials would by luck. That is rare: in most
data the honest answer is "no better than the rules", and exit code 3.
"""

models_app = typer.Typer(
    help="Trained models: list, show, promote, take back. tstream train makes them.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="MODEL", help="A model, as tstream models list calls it.")]


@args.taking(*args.TAPE)
def train(
    context: typer.Context,
    source: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TAPE|DATASET]...",
            help="Recordings of minutes or ticks (CSV, zip, a run's own .jsonl.gz), or datasets by name; of "
            "several products if you like. Without one: what the settings name in [training].",
        ),
    ] = None,
    contract: Annotated[
        list[str] | None,
        typer.Option(
            "--contract",
            metavar="NAME",
            help="Which product a recording holds; once for all, or once for each. A dataset knows it.",
        ),
    ] = None,
    model: Annotated[
        ModelKind | None,
        typer.Option(
            "--model",
            help="trees, or deep: a small temporal fusion transformer is trained beside them, and kept where "
            "it is better. It needs pip install 'tstream[deep]'.",
            rich_help_panel=LEARNED,
        ),
    ] = None,
    timeframe: Annotated[
        str | None,
        typer.Option(
            "--timeframe",
            metavar="TIME",
            help="Whose closes it judges: 1m, 2m, 3m, 5m, 10m, 15m, 30m or 1h. 5m, as all of this, where "
            "[training] says nothing else.",
            rich_help_panel=LEARNED,
        ),
    ] = None,
    stop_atr: Annotated[
        float | None,
        typer.Option(
            "--stop-atr", min=0.25, max=10, help="Distance of the stop, in ATR: 1.5.", rich_help_panel=LEARNED
        ),
    ] = None,
    target_r: Annotated[
        float | None,
        typer.Option(
            "--target-r",
            min=0.25,
            max=10,
            help="Distance of the target: 1.5 stops.",
            rich_help_panel=LEARNED,
        ),
    ] = None,
    bars: Annotated[
        int | None,
        typer.Option(
            "--bars", min=1, max=1_000, help="After so many closes it is over: 24.", rich_help_panel=LEARNED
        ),
    ] = None,
    rules: Annotated[
        str | None,
        typer.Option(
            "--rules",
            metavar="NAME",
            help="What it is compared with: patterns, or a strategy or a bot of the settings.",
            rich_help_panel=JUDGED,
        ),
    ] = None,
    costs: Annotated[
        bool,
        typer.Option(
            "--costs/--no-costs", help="Whether fees and slippage are paid.", rich_help_panel=JUDGED
        ),
    ] = True,
    error_rate: Annotated[
        float,
        typer.Option(
            "--error-rate",
            min=0.0001,
            max=0.5,
            help="How often it may take chance for skill.",
            rich_help_panel=JUDGED,
        ),
    ] = 0.05,
    folds: Annotated[
        int, typer.Option("--folds", min=2, max=50, help="Tests of the walk forward.", rich_help_panel=JUDGED)
    ] = 5,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Of all that is random.", rich_help_panel=JUDGED)
    ] = 1,
    since: args.Since = None,
    until: args.Until = None,
    days: args.NewestDays = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Keep nothing, change nothing.", rich_help_panel=RESULT)
    ] = False,
    promote: Annotated[
        bool,
        typer.Option(
            "--promote/--no-promote",
            help="Whether one that has proven better is to count at once.",
            rich_help_panel=RESULT,
        ),
    ] = True,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write the report there too; it is kept beside the model.",
            rich_help_panel=RESULT,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON, for scripts.", rich_help_panel=RESULT)
    ] = False,
    memory: Annotated[
        int | None,
        typer.Option(
            "--memory",
            min=256,
            max=1_000_000,
            metavar="MB",
            help="It may take so much, no more: 2048.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", help="Why it is trained, for its card.", rich_help_panel=RESULT
        ),
    ] = "",
    config: args.Config = None,
    **given: Any,
) -> None:
    """Train a model on recordings, and say whether it is better than the rules alone.

    Exits with 0 where it is, with 3 where it is not. It runs at the lowest priority, so that an engine beside
    it feels nothing. docs/models.md says what the numbers mean, and what not to believe.
    """
    from tstream.commands import train as commands
    from tstream.lab.asked import LabRequest
    from tstream.settings.training import JUDGED

    if timeframe is not None and timeframe not in JUDGED:
        raise UsageError(f"--timeframe is one of {', '.join(JUDGED)}")
    stamp, sources = given.pop("stamp", None), source or []
    if not sources and (contract or since or until or days or any(given.values())):
        raise UsageError("these options say what of a recording is taken: name one")
    asked = [
        LabRequest(
            tape=one,
            contract=product,
            stamp=None if stamp is None else str(stamp),
            since=since,
            until=until,
            days=days,
            config=config or context.obj,
            **given,
        )
        for one, product in zip(sources, _contracts(sources, contract or ()), strict=True)
    ]
    how = commands.How(
        model=model,
        timeframe=timeframe,
        stop_atr=stop_atr,
        target_r=target_r,
        bars=bars,
        rules=rules,
        memory_mb=memory,
        costs=costs,
        error_rate=error_rate,
        folds=folds,
        seed=seed,
        dry_run=dry_run,
        promote=promote,
        html=html,
        as_json=as_json,
        reason=reason,
        config=config or context.obj,
    )
    raise typer.Exit(commands.train(asked, how))


def _contracts(source: list[str], contract: list[str] | tuple[str, ...]) -> list[str]:
    from tstream import options

    named = [options.contract(one) for one in contract]
    if not named:
        return [""] * len(source)
    if len(named) == 1:
        return named * len(source)
    if len(named) != len(source):
        raise UsageError(
            f"{len(source)} recordings and {len(named)} times --contract: once, or once for each"
        )
    return named


@models_app.command("list")
def list_models(as_json: args.Json = False) -> None:
    """Which models there are, the newest first, and which one counts."""
    from tstream.commands import models as commands

    raise typer.Exit(commands.list_models(as_json))


@models_app.command()
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="A model; without it the one that counts.")
    ] = None,
    as_json: args.Json = False,
) -> None:
    """What is known of a model: what it was trained on, how good it was out of sample, why it counts."""
    from tstream.commands import models as commands

    raise typer.Exit(commands.show(name, as_json))


@models_app.command()
def promote(
    name: Name,
    force: Annotated[
        bool, typer.Option("--force", help="Though it was no better than the rules out of sample.")
    ] = False,
) -> None:
    """Let a model count from now on, whatever its duel said. A running engine takes it within a minute."""
    from tstream.commands import models as commands

    raise typer.Exit(commands.promote(name, force))


@models_app.command()
def rollback() -> None:
    """Put back the model that counted before; before the first one, rules alone."""
    from tstream.commands import models as commands

    raise typer.Exit(commands.roll_back())
