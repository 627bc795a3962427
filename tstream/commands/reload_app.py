"""The command line of reloading settings, and its help."""

from __future__ import annotations

from typing import Annotated

import typer


def reload(
    yes: Annotated[
        bool, typer.Option("--yes", help="Loosen limits on live accounts too, without asking.")
    ] = False,
) -> None:
    """Have the running engine read its settings again: all that can change while it trades, or nothing.

    What is wrong leaves everything as it was. Limits that are tightened act at once; one that is loosened on
    a live account is asked for first, here or in the cockpit. Keys that need a start are named.
    """
    from tstream.commands import reload as commands

    raise typer.Exit(commands.reload(yes))
