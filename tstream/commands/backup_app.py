"""The command line of backups: what `tstream backup` takes, and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tstream import arguments as args

_EPILOG = """
[b]Examples[/b]

  tstream backup create                 now, whether or not an engine runs
  tstream backup create --keep          before an update: never thinned out
  tstream backup verify                 unpack the newest and look through it
  tstream backup restore newest         put it back; what is there is moved aside
"""

backup_app = typer.Typer(
    help="Keep copies of journals and settings, prove them, put them back. No secret is in them.",
    epilog=_EPILOG,
    rich_markup_mode="rich",
    no_args_is_help=True,
)

Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder", metavar="DIR", file_okay=False, help="Where they are, if not where [backup] says."
    ),
]
Which = Annotated[
    str,
    typer.Argument(metavar="[BACKUP]", help="A file, the name of one in the folder, or newest."),
]


@backup_app.command()
def create(
    context: typer.Context,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep it until somebody deletes it; others are thinned out.")
    ] = False,
    folder: Folder = None,
    config: args.Config = None,
) -> None:
    """Make a backup now: journals as of one moment, checked, in one file with the SHA-256 of each part.

    In it: every journal, accounts of practice venues, what was read of alert rooms, files of JSON bots,
    analyses, themes, tstream.toml. Not in it: secrets, armed accounts, tapes, datasets, logs.
    """
    from tstream.commands import backup as commands

    raise typer.Exit(commands.create(config or context.obj, folder, keep=keep))


@backup_app.command("list")
def list_(
    context: typer.Context, folder: Folder = None, as_json: args.Json = False, config: args.Config = None
) -> None:
    """List the backups that there are, the newest first: when, how large, how far, when last proven."""
    from tstream.commands import backup as commands

    raise typer.Exit(commands.list_(config or context.obj, folder, as_json=as_json))


@backup_app.command()
def verify(
    context: typer.Context, backup: Which = "newest", folder: Folder = None, config: args.Config = None
) -> None:
    """Unpack a backup and look through it: each SHA-256, each database, each record folded to a state."""
    from tstream.commands import backup as commands

    raise typer.Exit(commands.verify(config or context.obj, folder, backup))


@backup_app.command()
def restore(
    context: typer.Context,
    backup: Annotated[
        str, typer.Argument(metavar="BACKUP", help="A file, the name of one in the folder, or newest.")
    ],
    settings_too: Annotated[
        bool, typer.Option("--settings", help="Put its tstream.toml in place of the one that is there, too.")
    ] = False,
    yes: args.Yes = False,
    folder: Folder = None,
    config: args.Config = None,
) -> None:
    """Put a backup in place of what is there, which is moved aside. Refused while an engine is at work.

    Then start tstream: it asks the venue what happened since, protects what is open, and enters nothing
    until you resume. Live accounts have to be armed again where armed.json is lost.
    """
    from tstream.commands import backup as commands

    raise typer.Exit(
        commands.restore(config or context.obj, folder, backup, yes=yes, settings_too=settings_too)
    )
