"""The command line of JSON bots, feeds and alert rooms: what `tstream bot`, `feed` and `rooms` take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tstream import arguments as args
from tstream import options

bot_app = typer.Typer(help="Bots that are JSON files, one bot a file: check them, run them, see how they do.")
feed_app = typer.Typer(help="Look at what a venue's prices are like.")
rooms_app = typer.Typer(help="Alert rooms: how a text would be read.")

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="JSON files, or folders whose .json files are meant.")
]


@bot_app.command()
def check(context: typer.Context, files: Files, config: args.Config = None) -> None:
    """Check files and settings together; every problem with its path in the file and what to do.

    Exits with 1 where there is one. Connects to nothing.
    """
    from tstream.commands import bot as commands

    raise typer.Exit(commands.check(files, config or context.obj))


@bot_app.command()
@args.taking(*args.RUN)
def run(
    context: typer.Context,
    files: Files,
    headless: Annotated[
        bool, typer.Option("--headless", help="Log lines instead of the cockpit; needs no terminal.")
    ] = False,
    duration: args.For = None,
    config: args.Config = None,
    **given: Any,
) -> None:
    """Run these bots, each with a book of its own, under the cockpit or without a screen.

    Ctrl+C stops them gracefully. The next start goes on with what is open.
    """
    chosen = args.run_options({**given, "duration_ns": duration, "bots": tuple(files)})
    if headless:
        from tstream.run.headless import run_headless

        raise typer.Exit(run_headless(config or context.obj, chosen))
    from tstream.run.cockpit import open_cockpit

    raise typer.Exit(open_cockpit(config or context.obj, chosen))


@bot_app.command()
def status(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this bot.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show the bots of the running engine: state, money, positions, limits, how old their prices are."""
    from tstream.commands import bot as commands

    raise typer.Exit(commands.status(name, as_json=as_json))


@feed_app.command("test")
def feed_test(
    context: typer.Context,
    venue: Annotated[
        str, typer.Argument(metavar="VENUE", help="A venue of the settings, or a kind such as practice.")
    ],
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="What to look at, such as MNQ.")],
    interval: Annotated[
        str,
        typer.Argument(
            parser=options.timeframe, metavar="INTERVAL", help="Of the bars that are made of it: 1m to 1d."
        ),
    ] = "1m",
    duration: Annotated[
        Any,
        typer.Option(
            "--for", parser=options.duration, metavar="TIME", help="At most so long: 30s, 2m. 90s without it."
        ),
    ] = None,
    config: args.Config = None,
) -> None:
    """Connect to a feed and print what it delivers: contract, quotes, prints, delay, history, closed bars.

    Ends when a bar has closed, or when the time is over; with 1 where something is wrong.
    """
    from tstream.commands import feed as commands

    raise typer.Exit(commands.test(venue, symbol, interval, duration, config or context.obj))


@rooms_app.callback()
def rooms() -> None:
    """Alert rooms: how a text would be read."""


@rooms_app.command("try")
def try_(
    room: Annotated[str, typer.Argument(metavar="[ROOM]", help="Its name; without it the first one.")] = "",
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="TEXT", help="The message; without it standard input is read."),
    ] = None,
    as_json: args.Json = False,
) -> None:
    """Show how a room of the running engine would read a text now, how large it would be traded, and what the
    gate of each book says. Nothing is sent, kept or counted. Exit code 0 where some book would enter it.
    """
    from tstream.commands import rooms as commands

    raise typer.Exit(commands.try_alert(room, text, as_json=as_json))
