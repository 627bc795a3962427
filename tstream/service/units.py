"""The files that tell systemd and launchd of the engine. Pure: text from what is to run and where."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

NAME = "tstream"
STOP_S = 90
"""A run that is asked to end has so long to come to its end."""
WATCHDOG_S = 60
"""An engine whose loop stands still for so long is killed and started again."""
WRONGLY_ASKED = 2
"""Exit code where settings are not right: to start again changes nothing."""


class ServicePlan(NamedTuple):
    """What runs, and where. No secret is part of it: the program reads them itself."""

    command: tuple[str, ...]
    """The program by its whole path, and its words."""
    environment: Mapping[str, str]
    folder: Path
    """Where it is started."""
    writable: Sequence[Path]
    """All other folders are read-only to it, where `sandbox` is on."""
    log: Path
    """What it says before its own log is open, where the manager keeps none."""
    sandbox: bool = True
    """Whether this machine lets a user's service have a file system of its own."""


_HARDENING = (
    "UMask=0077",
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
)
SANDBOX = (
    "PrivateUsers=yes",  # systemd before 255 leaves the rest out without it, and says nothing
    "PrivateTmp=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
)


def systemd_unit(plan: ServicePlan) -> str:
    """The unit file. Raises ValueError for a path that no unit can name."""
    if set(plan.command[0]) & set("\"'\\"):
        raise ValueError(
            f"systemd can't start a program with a quote or a backslash in its path: {plan.command[0]}"
        )
    lines = [
        "# Written by `tstream service install`; `tstream service uninstall` takes it away.",
        "[Unit]",
        "Description=tstream engine",
        "Documentation=man:tstream(1)",
        "StartLimitIntervalSec=600",
        "StartLimitBurst=5",
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        # the colon: nothing is filled in for $
        f"ExecStart=:{' '.join(quoted(word) for word in plan.command)}",
        *(f"Environment={quoted(f'{name}={value}')}" for name, value in sorted(plan.environment.items())),
        f"WorkingDirectory={_bare(str(plan.folder))}",
        "Restart=on-failure",
        "RestartSec=5",
        f"RestartPreventExitStatus={WRONGLY_ASKED}",
        "KillMode=mixed",
        "TimeoutStartSec=180",
        f"TimeoutStopSec={STOP_S}",
        f"WatchdogSec={WATCHDOG_S}",
        *_HARDENING,
        *(SANDBOX if plan.sandbox else ()),
        *(f"ReadWritePaths={quoted(f'-{path}')}" for path in plan.writable if plan.sandbox),
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def launchd_agent(plan: ServicePlan) -> bytes:
    """The property list of a user's agent."""
    return plistlib.dumps(
        {
            "Label": NAME,
            "ProgramArguments": list(plan.command),
            "EnvironmentVariables": dict(plan.environment),
            "WorkingDirectory": str(plan.folder),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "ExitTimeOut": STOP_S,
            "Umask": 0o077,
            "StandardOutPath": str(plan.log),
            "StandardErrorPath": str(plan.log),
        }
    )


def quoted(word: str) -> str:
    """One word of a unit file, whatever is in it. Raises ValueError for what no line can hold."""
    escaped = _bare(word).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _bare(word: str) -> str:
    """A value that is taken to its line's end; % stands for nothing but itself."""
    if not word.isprintable():
        raise ValueError(f"{word!r} has characters that a unit can't hold")
    return word.replace("%", "%%")
