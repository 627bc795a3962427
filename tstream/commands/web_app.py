"""The command line of the cockpit in a browser: what `tstream web` takes, and its help."""

from __future__ import annotations

from typing import Annotated

import typer

from tstream import arguments as args


def web(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", metavar="NAME", help="Listen on this address instead of web.host.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, metavar="N", help="Listen on this port.")
    ] = None,
    readonly: Annotated[
        bool, typer.Option("--readonly", help="Nobody trades, whatever the password.")
    ] = False,
    config: args.Config = None,
) -> None:
    """Serve the cockpit of the running engine to browsers: a terminal on a page, one cockpit a tab.

    It listens on this machine only, and lets this user in. From elsewhere: ssh -L 8022:localhost:8022
    host, or a password and a certificate in [web]. Ctrl+C ends it and its tabs; the engine goes on.
    """
    from tstream.commands.web import serve_web

    raise typer.Exit(serve_web(config or context.obj, host, port, readonly=readonly))
