"""The command line of secrets: what `tstream secrets` takes, and its help."""

from __future__ import annotations

from typing import Annotated

import typer

from tstream import arguments as args

secrets_app = typer.Typer(
    help="Keep logins, tokens and passwords in a store: an encrypted file, the keyring, AWS or Vault.\n\n"
    "[secrets] in tstream.toml says which. A secret is called as its variable: TSTREAM_PROJECTX_KEY. No "
    "value is ever shown, and none is taken from the command line.",
    rich_markup_mode="rich",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As its variable is called.")]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="STORE",
        help="dotenv, file, keyring, aws or vault; without, that of the settings, or .env.",
    ),
]


@secrets_app.command("set")
def set_(context: typer.Context, name: Name, store: Store = None, config: args.Config = None) -> None:
    """Keep a secret: its value is asked for, or read from standard input."""
    from tstream.commands import secrets as commands

    raise typer.Exit(commands.put(name, store, config or context.obj))


@secrets_app.command()
def get(
    context: typer.Context,
    name: Name,
    masked: Annotated[
        bool, typer.Option("--masked", help="Its first and last two characters; more is never shown.")
    ] = True,
    config: args.Config = None,
) -> None:
    """Show where a secret stands and, masked, what it is."""
    from tstream.commands import secrets as commands

    raise typer.Exit(commands.get(name, config or context.obj))


@secrets_app.command("list")
def list_(context: typer.Context, config: args.Config = None) -> None:
    """List the secrets that the settings can use, with where each stands."""
    from tstream.commands import secrets as commands

    raise typer.Exit(commands.show(config or context.obj))


@secrets_app.command()
def remove(context: typer.Context, name: Name, store: Store = None, config: args.Config = None) -> None:
    """Take a secret out of a store."""
    from tstream.commands import secrets as commands

    raise typer.Exit(commands.remove(name, store, config or context.obj))


@secrets_app.command()
def move(
    context: typer.Context,
    to: Annotated[str, typer.Option("--to", metavar="STORE", help="dotenv, file, keyring, aws or vault.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="These alone; without, all.")
    ] = None,
    config: args.Config = None,
) -> None:
    """Move secrets from .env and the store of the settings to another store.

    Each is read back there before it is taken away here; what stops in between loses nothing.
    """
    from tstream.commands import secrets as commands

    raise typer.Exit(commands.move(to, tuple(names or ()), config or context.obj))


@secrets_app.command()
def check(context: typer.Context, config: args.Config = None) -> None:
    """Check that the store opens, who may read it, and which secrets the settings still lack."""
    from tstream.commands import secrets as commands

    raise typer.Exit(commands.check(config or context.obj))
