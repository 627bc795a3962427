"""Installs the engine as a service of this user, looks at it, takes it away again."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from adapters.common.files import replace_file
from tstream.errors import CommandError, UsageError
from tstream.paths import CONFIG_VARIABLE, HOME_VARIABLE, Paths, account_locks
from tstream.service.units import NAME, SANDBOX, ServicePlan, launchd_agent, systemd_unit

ENGINE = ("engine",)
"""What the service runs."""
_PASSED_ON = (HOME_VARIABLE, "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
"""Variables of this shell that say where files are: a service has none of them."""
_SHOWN = "ActiveState,SubState,MainPID,NRestarts,UnitFileState,ExecMainStartTimestamp,Result"
_PATIENCE_S, _TRIED_S = 120, 10
_SYSTEMD_S_OWN = 200
"""From this exit code on it was systemd that could not start a program, as the unit wants it."""


class ServiceFile(NamedTuple):
    """A file that tells a service manager of the engine."""

    path: Path
    content: bytes


def plan(
    paths: Paths, config: Path | None, elsewhere: Sequence[Path], environ: Mapping[str, str]
) -> ServicePlan:
    """What the service would run; it may write `elsewhere` too."""
    own = Path(sys.executable).with_name(NAME)
    program = (str(own),) if own.exists() else (sys.executable, "-m", "tstream")
    environment = {name: environ[name] for name in _PASSED_ON if environ.get(name)}
    if paths.home:
        environment[HOME_VARIABLE] = str(paths.config)
    said = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    if said is not None:
        environment[CONFIG_VARIABLE] = str(said.expanduser().absolute())
    # The session's folder of sockets is made anew with every start of the machine, ours in it by us.
    runtime = paths.runtime if paths.home else paths.runtime.parent
    writable = (paths.config, paths.data, paths.state, runtime, account_locks(), *elsewhere)
    log = paths.state / "service.log"
    return ServicePlan((*program, *ENGINE), environment, paths.config, writable, log, _may_sandbox())


def service_file(made: ServicePlan, environ: Mapping[str, str]) -> ServiceFile:
    """Where the file belongs on this machine, and what is in it. Raises UsageError."""
    try:
        if sys.platform == "darwin":
            agents = Path.home() / "Library" / "LaunchAgents"
            return ServiceFile(agents / f"{NAME}.plist", launchd_agent(made))
        base = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return ServiceFile(base / "systemd" / "user" / f"{NAME}.service", systemd_unit(made).encode())
    except ValueError as error:
        raise UsageError(str(error)) from None


def install(file: ServiceFile, *, start: bool) -> list[str]:
    """Write the file and have it taken in; what to say of it. Raises UsageError where another one is there,
    CommandError where the manager does not take it.
    """
    there = file.path.read_bytes() if file.path.exists() else None
    if there is not None and there != file.content:
        raise UsageError(
            f"{file.path} is there already and says something else",
            "tstream service uninstall takes it away; install --print shows what it would say",
        )
    replace_file(file.path, file.content)
    told = [f"{file.path} is written"]
    if sys.platform == "darwin":
        _run(["launchctl", "bootstrap", f"gui/{os.getuid()}", str(file.path)] if start else None, file)
    else:
        _run(["systemctl", "--user", "daemon-reload"], file)
        _run(["systemctl", "--user", "enable", *(["--now"] if start else []), f"{NAME}.service"], file)
        if not _lingers():
            told.append(
                f"it ends when you log out: `loginctl enable-linger {getpass.getuser()}` lets it stay"
            )
    told.append("it runs: tstream service status" if start else "it starts with your next login")
    return told


def uninstall(file: Path) -> list[str]:
    """Stop the service and take its file away; journals and settings stay. Raises CommandError."""
    if not file.exists():
        raise CommandError(f"there is no service: no file {file}")
    if sys.platform == "darwin":
        _run(["launchctl", "bootout", f"gui/{os.getuid()}/{NAME}"], None)
    else:
        _run(["systemctl", "--user", "disable", "--now", f"{NAME}.service"], None)
    file.unlink()
    if sys.platform != "darwin":
        _run(["systemctl", "--user", "daemon-reload"], None)
    return [f"{file} is gone, and the engine has ended; journals, settings and backups stay"]


def look() -> dict[str, str]:
    """What the manager says of the service. Raises CommandError where it can't be asked."""
    if sys.platform == "darwin":
        said = _run(["launchctl", "print", f"gui/{os.getuid()}/{NAME}"], None)
        return dict(_pairs(said, " = "))
    return dict(_pairs(_run(["systemctl", "--user", "show", f"{NAME}.service", "-p", _SHOWN], None), "="))


def _pairs(text: str, between: str) -> list[tuple[str, str]]:
    found = (line.strip().partition(between) for line in text.splitlines())
    return [(name, value) for name, sign, value in found if sign]


def _run(words: Sequence[str] | None, file: ServiceFile | None) -> str:
    """What a command of the manager prints. Raises CommandError with what it complains of."""
    if words is None:
        return ""
    written = f"; {file.path} stays as it is written" if file is not None else ""
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except FileNotFoundError:
        raise CommandError(f"there is no {words[0]} here{written}") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"{' '.join(words)} does not end{written}") from None
    if done.returncode:
        why = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise CommandError(f"{' '.join(words)}: {why[:300]}{written}")
    return done.stdout


def _lingers() -> bool:
    """Whether services of this user go on without a login."""
    try:
        return (Path("/var/lib/systemd/linger") / getpass.getuser()).exists()
    except (OSError, KeyError):
        return False


def _may_sandbox() -> bool:
    """Whether a user's service may have a file system of its own here: without, such a unit does not even
    start. systemd tries it; where that can't be asked, what it needs most of all is looked at.
    """
    asked = _code(
        [
            "systemd-run",
            "--user",
            "--wait",
            "--quiet",
            "--collect",
            *(f"--property={one}" for one in SANDBOX),
            "true",
        ]
    )
    if asked == 0 or asked >= _SYSTEMD_S_OWN:
        return asked == 0
    return _code(["unshare", "--user", "--map-current-user", "--mount", "true"]) == 0


def _code(words: Sequence[str]) -> int:
    """With which code a program ends; 1 where there is none, or it does not end."""
    try:
        return subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TRIED_S, check=False
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1
