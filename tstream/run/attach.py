"""tstream attach: the cockpit on an engine in another process, here or on another machine."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.common.redaction import REDACT, printable
from adapters.control.attach_protocol import Role
from adapters.control.dial import SshDial, UnixDial, dial_of
from adapters.control.remote import AGAIN, RemoteHandle
from engine.model.errors import PortError
from tstream import paths as places
from tstream.clock import wall_ns
from tstream.errors import CommandError, UsageError
from tstream.logs import LogOptions, Logs, write_crash
from tstream.options import RunOptions
from tstream.output import Output
from tstream.paths import Paths
from tstream.run.cockpit import last_lines, needs_terminal, screen_options
from tstream.run.exporting import exporter
from tstream.run.first_picture import FirstPicture, blank, picture_of, recall
from tstream.run.reopening import run_app
from tstream.run.screen_settings import follow_settings

if TYPE_CHECKING:
    from tstream.run.screen_settings import Follow
    from tui.base_app import Options

FollowSettings = Callable[["Follow"], Coroutine[Any, Any, None]]

FIRST_S = 15.0
"""An engine on this machine shows its first picture within that."""
BY_SSH_S = 150.0
"""By ssh a person may have to type a password first."""


def open_attached(config: Path | None, target: str | None, options: RunOptions) -> int:
    """Open the cockpit on a running engine; the exit code. Raises CommandError, PortError."""
    needs_terminal()
    paths = places.find()
    try:
        dial = dial_of(target, paths.control_socket, os.environ.get(places.SSH_VARIABLE) or "ssh")
    except ValueError as error:
        raise UsageError(str(error)) from None
    picture = _picture(paths, config)
    how = screen_options(options, paths, picture)
    paths.create()
    handle = RemoteHandle(
        dial,
        blank(picture),
        name=_own_name(),
        role=Role.VIEWER if options.readonly else Role.TRADER,
        fps=how["fps"],
        origin=os.environ.get(places.ORIGIN_VARIABLE, "") if isinstance(dial, UnixDial) else "",
    )
    with Logs(LogOptions(file=paths.log("attach")), wall_ns, REDACT) as logs:
        by_ssh = isinstance(dial, SshDial)
        if by_ssh:
            sys.stdout.write(f"attaching to the engine {dial.words}\n")
            sys.stdout.flush()
        try:
            handle.start(BY_SSH_S if by_ssh else FIRST_S)
        except PortError as error:
            raise CommandError(f"can't attach to the engine {dial.words}: {error}") from None
        how["readonly"] = handle.role is Role.VIEWER
        if by_ssh:
            how["export"] = "the journal is on the engine's machine: there, tstream journal export writes it"
        else:
            how["export"] = exporter(paths.last_run)
        return _show(
            handle, logs, paths, how, dial.words, partial(follow_settings, config, paths, picture.theme)
        )


def _own_name() -> str:
    """What the engine's access log calls this cockpit."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # nobody has this user's number
        user = f"{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _picture(paths: Paths, config: Path | None) -> FirstPicture:
    """How this machine's settings want a screen to be."""
    known = recall(paths, config)
    if known is not None:
        return known
    from tstream.run.startup import read_settings

    return picture_of(read_settings(config)[1].settings, "")


def _show(
    handle: RemoteHandle, logs: Logs, paths: Paths, how: Options, where: str, follow: FollowSettings
) -> int:
    from tui.app import TStreamApp

    how["quit_note"] = "only this cockpit closes: the engine goes on"

    def make(note: str) -> TStreamApp:
        def painted() -> None:
            app.run_worker(follow(app.follow), exit_on_error=False)

        options = how.copy()
        options["after_first_paint"], options["reopened"] = painted, note
        app = TStreamApp(handle, handle, **options)
        return app

    def failed(error: Exception) -> None:
        write_crash(paths.crash_log, error, REDACT, "attached cockpit")

    try:
        app = run_app(make, failed)
    finally:
        handle.close()
    if app.crash is not None:
        raise CommandError("the cockpit failed; the engine goes on", f"see {paths.crash_log}")
    with Output(sys.stdout) as out:
        view = handle.view()
        lines = [] if view.health.stopped else last_lines(view)
        lost = view.health.detail.removesuffix(AGAIN)
        ends = lost if view.health.stopped else f"the engine {where} goes on"
        out.write("".join(f"{line}\n" for line in [*lines, printable(ends)]))
    return 0
