"""The command line of news and posts: what `tstream mood` takes, and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EPILOG = """
[b]Examples[/b]

  tstream mood score "Chipmaker beats estimates and raises its outlook"
  tstream mood read
  tstream mood read coindesk --json
"""

mood_app = typer.Typer(
    help="News and posts: what is read, and what is made of it.",
    epilog=_EPILOG,
    rich_markup_mode="rich",
    no_args_is_help=True,
)


@mood_app.command(epilog=_EPILOG)
def score(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT…", help="What is to be scored.")],
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings file, instead of the usual one.")
    ] = None,
) -> None:
    """Say what a text says of a market, from -1 (fall) to 1 (rise)."""
    from tstream.commands import mood

    raise typer.Exit(mood.score(texts, config))


@mood_app.command(epilog=_EPILOG)
def read(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE…]", help="Which sources; all without.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines, for scripts.")] = False,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings file, instead of the usual one.")
    ] = None,
) -> None:
    """Read the sources once, now, and show each new text with its score and what it counts for.

    What is read on X is paid for, within its cap for today.
    """
    from tstream.commands import mood

    raise typer.Exit(mood.read(names or [], config, as_json=as_json))
