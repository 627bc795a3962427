"""The command line of the engine without a screen and of cockpits that attach to it, and their help."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tstream import arguments as args


@args.taking(*args.RUN)
def engine(
    context: typer.Context,
    duration: args.For = None,
    config: args.Config = None,
    **given: Any,
) -> None:
    """Run the engine without a screen, with log lines; cockpits come and go with tstream attach.

    Ctrl+C, SIGTERM and SIGHUP stop it gracefully: positions keep their stops and targets at the venue.
    """
    from tstream.run.headless import run_headless

    chosen = args.run_options({**given, "duration_ns": duration})
    raise typer.Exit(run_headless(config or context.obj, chosen))


@args.taking("readonly", "fps", "theme")
def attach(
    context: typer.Context,
    where: Annotated[
        str | None,
        typer.Argument(
            metavar="[unix:PATH | ssh://[USER@]HOST[:PORT]]",
            help="Where the engine is: another control socket, or another machine by ssh.",
        ),
    ] = None,
    config: args.Config = None,
    **given: Any,
) -> None:
    """Open the cockpit on an engine that runs already, here or on another machine.

    It attaches again by itself when the line breaks. With --readonly the engine takes no command from it.
    Leaving ends the cockpit only.
    """
    from tstream.run.attach import open_attached

    raise typer.Exit(open_attached(config or context.obj, where, args.run_options(given)))


def attach_pipe(
    readonly: Annotated[
        bool, typer.Option("--readonly", help="Whoever is at the other end may look only, whatever it asks.")
    ] = False,
) -> None:
    """Join standard input and output to the control socket: what tstream attach runs at the other end."""
    from adapters.control.attach_protocol import Role
    from adapters.control.bridge import bridge
    from tstream import paths

    bridge(paths.find().control_socket, Role.VIEWER if readonly else Role.TRADER)
