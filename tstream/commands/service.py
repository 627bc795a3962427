"""tstream service: the engine as a service of this user."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from adapters.common.redaction import printable
from adapters.control.line import look as ask_engine
from engine.model.errors import PortError
from tstream import paths
from tstream.errors import CommandError, UsageError
from tstream.run.startup import read_settings
from tstream.service import manage
from tstream.settings.load import require_credentials


def install(config: Path | None, *, show: bool, start: bool) -> int:
    """Write the file and have it taken in. Raises CommandError: settings that a run would not take, a manager
    that does not answer.
    """
    places, loaded = read_settings(config)
    require_credentials(loaded.settings)
    if os.geteuid() == 0 and not show:
        raise UsageError("a service of root's could write anywhere: install it as the user who trades")
    places.create()
    settings = loaded.settings
    elsewhere = (settings.backup.place(places.backups), settings.files.folder or places.files)
    plan = manage.plan(places, config, [one.expanduser().absolute() for one in elsewhere], os.environ)
    file = manage.service_file(plan, os.environ)
    if show:
        sys.stdout.write(f"# {file.path}\n{file.content.decode()}")
        return 0
    for folder in plan.writable:  # what is not there when it starts stays read-only
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for line in manage.install(file, start=start):
        _say(line)
    return 0


def status(config: Path | None) -> int:
    """0 where the service runs and its engine answers. Raises CommandError."""
    places = paths.find()
    found = manage.look()
    for name, value in found.items():
        _say(f"{name:<22} {value}")
    try:
        ask_engine(places.control_socket)
    except PortError as error:
        _say(f"{'engine':<22} {error}")
        return 1
    _say(f"{'engine':<22} answers")
    return 0


def uninstall(*, yes: bool) -> int:
    """Raises CommandError."""
    places = paths.find()
    file = manage.service_file(manage.plan(places, None, (), os.environ), os.environ).path
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("without a terminal nobody can be asked: say --yes")
        if input(f"Stop the engine and delete {file}? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("nothing was done")
    for line in manage.uninstall(file):
        _say(line)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{printable(line)}\n")
