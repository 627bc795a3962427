"""The command line of tokens: what `tstream token` takes, and its help."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.control.tokens import Scope

_EPILOG = """
[b]Examples[/b]

  tstream token create grafana --scope read
  tstream token create script --scope trade --days 90
  tstream token list
  tstream token revoke script
"""

token_app = typer.Typer(
    help="Tokens of the REST API: who may look, trade, or start and stop. Each is shown once.",
    epilog=_EPILOG,
    rich_markup_mode="rich",
    no_args_is_help=True,
)


@token_app.command(epilog=_EPILOG)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for: grafana, my-script.")],
    scope: Annotated[
        Scope, typer.Option("--scope", help="read looks; trade also trades; admin also starts and stops.")
    ] = Scope.READ,
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, max=3650, metavar="N", help="Good for so long; else for ever."),
    ] = None,
) -> None:
    """Make a token and show it, this once. It counts at once, in a running engine too."""
    from tstream.commands import token as commands

    raise typer.Exit(commands.create(name, scope, days))


@token_app.command("list")
def list_tokens(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show the tokens that there are, by name: what they may, and until when."""
    from tstream.commands import token as commands

    raise typer.Exit(commands.list_tokens(as_json=as_json))


@token_app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name or its id.")],
) -> None:
    """End a token: it counts no more, in a running engine too."""
    from tstream.commands import token as commands

    raise typer.Exit(commands.revoke(name))
