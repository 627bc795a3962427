"""tstream web: the cockpit in a browser, beside a running engine and apart from it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from adapters.common.redaction import REDACT
from adapters.common.secret import Secret
from adapters.control.access import AccessLog
from adapters.control.client import tell_news
from adapters.control.line import reachable
from adapters.control.web.config import WebConfig
from adapters.control.web.server import WebServer
from engine.model.errors import PortError
from engine.model.notices import Severity
from tstream.clock import wall_ns
from tstream.logs import LogOptions, Logs
from tstream.output import Output
from tstream.paths import ORIGIN_VARIABLE, Paths
from tstream.run.startup import read_settings
from tstream.settings.model import Settings

_TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
_UNSET = ("COLUMNS", "LINES", "TMUX", "TMUX_PANE", "STY", "SSH_TTY", "NO_COLOR")
"""What is about the terminal that this was started in."""


def serve_web(config: Path | None, host: str | None, port: int | None, *, readonly: bool) -> int:
    """Serve until Ctrl+C or SIGTERM; the exit code. Raises SettingsError, FatalError."""
    places, loaded = read_settings(config)
    wanted = web_config(loaded.settings, places, host, port, readonly=readonly)
    places.create()
    places.web_access_log.parent.mkdir(mode=0o700, exist_ok=True)
    with (
        Logs(LogOptions(file=places.log("web")), wall_ns, REDACT),
        AccessLog(places.web_access_log, wall_ns, partial(_tell, places)) as access,
    ):
        return asyncio.run(_serve(WebServer(wanted, access)))


def _tell(places: Paths, severity: Severity, text: str) -> None:
    """Have the engine tell people, if one runs: news of the door that this process is."""

    def say() -> None:
        with suppress(PortError, OSError):  # nobody runs, or hears: it is in the access log
            tell_news(places.control_socket, severity, text)

    threading.Thread(target=say, name="news", daemon=True).start()


def web_config(
    settings: Settings, places: Paths, host: str | None, port: int | None, *, readonly: bool = False
) -> WebConfig:
    """What the settings and the command line say together."""
    web = settings.web
    own = [sys.executable, "-m", "tstream", "attach"]
    return WebConfig(
        command=tuple(own),
        viewer_command=(*own, "--readonly"),
        host=web.host if host is None else host,
        port=web.port if port is None else port,
        names=web.names,
        password=_secret(web.password.get_secret_value()),
        viewer_password=_secret(web.viewer_password.get_secret_value()),
        certificate=web.file(web.certificate),
        certificate_key=web.file(web.certificate_key),
        sessions=web.sessions,
        readonly=readonly,
        environment=environment_of_tabs(os.environ, settings.secret_values()),
        origin_variable=ORIGIN_VARIABLE,
        trouble=lambda: trouble(places),
    )


def _secret(text: str) -> Secret | None:
    return Secret(text) if text else None


def environment_of_tabs(environ: Mapping[str, str], secrets: Sequence[str]) -> dict[str, str]:
    """What a tab's program gets: this one's, in the terminal of the page, and without anything that holds a
    secret: a cockpit that attaches needs none.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _UNSET and not any(secret in value for secret in secrets)
    }
    language = kept.get("LANG", "")
    return {**kept, **_TERMINAL, "LANG": language if "UTF-8" in language.upper() else _TERMINAL["LANG"]}


def trouble(places: Paths) -> str:
    """Why no cockpit can be opened now, with the remedy; empty where an engine runs."""
    if reachable(places.control_socket):
        return ""
    return "No engine is running here. Start one on this machine: tstream engine"


async def _serve(server: WebServer) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            loop.add_signal_handler(number, stopped.set)
    await server.start()
    with Output(sys.stdout) as out:
        out.write(f"The cockpit is at {server.url}\n")
        out.write(_who(server) + "\n")
        await stopped.wait()
        await server.stop()
    return 0


def _who(server: WebServer) -> str:
    """Who is let in."""
    config = server.config
    if not config.login:
        return (
            "Browsers of this user on this machine come in; from elsewhere: ssh -L, or [web] in the settings."
        )
    may = "look" if config.readonly or config.password is None else "trade"
    return f"Whoever has the password may {may}. Ctrl+C ends it; the engine goes on."
