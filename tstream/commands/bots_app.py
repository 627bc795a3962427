"""The command line of bots: what `tstream bots` takes, and its help."""

from __future__ import annotations

from typing import Annotated

import typer

bots_app = typer.Typer(
    help="List the bots of the running engine with their state and results; start and stop them.",
    rich_markup_mode="rich",
    invoke_without_command=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As it is called in the settings.")]


@bots_app.callback()
def bots(context: typer.Context) -> None:
    """List the bots of the running engine with their state and results; start and stop them."""
    if context.invoked_subcommand is None:
        from tstream.commands import bots as commands

        raise typer.Exit(commands.show())


@bots_app.command()
def start(name: Name) -> None:
    """Ask a bot again that was stopped, or that is out because it failed or took too long."""
    from tstream.commands import bots as commands

    raise typer.Exit(commands.start(name))


@bots_app.command()
def stop(name: Name) -> None:
    """Ask a bot no more, over restarts too, until it is started; its trades keep stops and targets."""
    from tstream.commands import bots as commands

    raise typer.Exit(commands.stop(name))
