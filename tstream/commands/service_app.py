"""The command line of the service and of .env: what they take, and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tstream import arguments as args

service_app = typer.Typer(
    help="Run the engine as a service of this user: systemd on Linux, launchd on macOS.",
    no_args_is_help=True,
)
env_app = typer.Typer(help="The .env file, where secrets are.", no_args_is_help=True)


@service_app.command()
def install(
    context: typer.Context,
    show: Annotated[
        bool, typer.Option("--print", help="Only print the file that would be written; change nothing.")
    ] = False,
    start: Annotated[
        bool,
        typer.Option("--start/--no-start", help="Whether to start it now; it starts with a login anyway."),
    ] = True,
    config: args.Config = None,
) -> None:
    """Write the service's file and start it: an engine without a screen, begun again when it fails.

    It is an ordinary user's, never root's: it may write where tstream keeps its files and nowhere else.
    """
    from tstream.commands import service as commands

    raise typer.Exit(commands.install(config or context.obj, show=show, start=start))


@service_app.command()
def status(context: typer.Context, config: args.Config = None) -> None:
    """Say whether the service runs, since when, and whether its engine answers."""
    from tstream.commands import service as commands

    raise typer.Exit(commands.status(config or context.obj))


@service_app.command()
def uninstall(yes: args.Yes = False) -> None:
    """Stop the service and take its file away; journals, settings and backups stay.

    Positions keep their stops and targets at the venue.
    """
    from tstream.commands import service as commands

    raise typer.Exit(commands.uninstall(yes=yes))


@env_app.command()
def create(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", dir_okay=False, help="Without it .env beside tstream.toml."),
    ] = None,
) -> None:
    """Write a .env in which every secret has its line, empty, and every setting one that is commented out.

    A file that is there is left as it is. tstream check says what of it is wrong or missing.
    """
    from tstream.commands import env as commands

    raise typer.Exit(commands.create(file))
