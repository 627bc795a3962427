"""tstream history: what its commands are called and take, and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from tstream import arguments as args
from tstream.errors import UsageError

history_app = typer.Typer(
    help="What the journals tell, as SQL tables: SQLite, or PostgreSQL by DATABASE_URL.", no_args_is_help=True
)

MOST_ROWS = 100_000


@history_app.command()
def status(
    context: typer.Context,
    as_json: args.Json = False,
    journal: args.Journal = None,
    config: args.Config = None,
) -> None:
    """Where the history is, how far it goes beside the journal, and how many rows it has."""
    from tstream.commands import history as commands

    raise typer.Exit(commands.status(config or context.obj, journal, as_json))


@history_app.command()
def rebuild(
    context: typer.Context, yes: args.Yes = False, journal: args.Journal = None, config: args.Config = None
) -> None:
    """Throw away what is told of a journal and tell all of it anew; an engine may be at work meanwhile."""
    from tstream.commands import history as commands

    raise typer.Exit(commands.rebuild(config or context.obj, journal, yes))


@history_app.command()
def query(
    context: typer.Context,
    sql: Annotated[
        str,
        typer.Argument(metavar="SQL", help='One question: "SELECT * FROM trades LIMIT 10". - reads stdin.'),
    ],
    as_json: args.Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV, for spreadsheets.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST_ROWS, metavar="N", help="Most rows to show.")
    ] = 1_000,
    wait: Annotated[
        float, typer.Option("--wait", min=0.1, max=600, metavar="SECONDS", help="Longest to wait for it.")
    ] = 10.0,
    config: args.Config = None,
) -> None:
    """Ask the tables: trades, orders, fills, positions, model_predictions, risk_metrics, alerts, equity.

    Nothing can be changed by it. Columns are in docs/history.md.
    """
    if as_json and as_csv:
        raise UsageError("--json and --csv are one or another")
    from tstream.commands import history as commands

    form = "json" if as_json else "csv" if as_csv else ""
    raise typer.Exit(commands.query(config or context.obj, sql, form, limit, wait))
