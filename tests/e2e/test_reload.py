"""tstream reload and the watched folder, with the real program at a gateway on loopback: limits, a wrong file
and a key that is exchanged under a running engine. The keys are nowhere but in .env.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.control.client import send_command
from engine.model.commands import Reload
from engine.model.events import LinkState
from tests.e2e.program import Headless
from tests.support.patience import patient

OLD, NEW = "canary-old-key-31f0c2", "canary-new-key-77ab19"

VENUE = """
import asyncio, os, sys
from adapters.simulator import server
from adapters.simulator.config import SimulatorConfig
asyncio.run(server.serve(SimulatorConfig(key=sys.argv[1]), exit_with_parent=True))
"""


@contextmanager
def gateway(key: str) -> Iterator[int]:
    """A gateway that knows one key; the port."""
    process = subprocess.Popen(
        [sys.executable, "-c", VENUE, key], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline().split(b'"port":')[1].split(b",")[0])
    finally:
        process.terminate()
        process.communicate(timeout=patient(15))


def settings(port: int, *more: str) -> str:
    url = f"http://127.0.0.1:{port}"
    lines = ['contracts = ["MNQ"]', *more, "[venues.projectx]", f'api_url = "{url}"', f'rtc_url = "{url}"']
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    """As editors do: another file takes its place."""
    fresh = path.with_suffix(".swp")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)


def login(key: str) -> str:
    return f"TSTREAM_PROJECTX_USER=practice\nTSTREAM_PROJECTX_KEY={key}\n"


def test_limits_and_keys_change_under_a_running_engine_and_no_key_is_written(home: Path) -> None:
    home.mkdir()
    with gateway(NEW) as port:
        (home / "tstream.toml").write_text(settings(port))
        (home / ".env").write_text(login(OLD))
        with Headless(home, command=("engine",)) as engine:

            def told(text: str) -> bool:
                view = engine.view()
                return view is not None and any(text in notice.text for notice in view.notices)

            def linked(state: LinkState) -> bool:
                view = engine.view()
                return view is not None and any(
                    link.name.startswith("user") and link.state is state for link in view.links
                )

            engine.until(lambda: told("login refused"), "the old key is refused")
            write(home / ".env", login(NEW))
            engine.until(lambda: told("new secrets by folder: projectx.key"), "the new key is told of")
            engine.until(lambda: linked(LinkState.LIVE), "it connects with the new key")

            write(home / "tstream.toml", settings(port, "risk.max_trades = 7", "ui.fps = 9"))
            engine.until(lambda: told("settings: risk.max_trades 40 → 7"), "the limit is taken")
            assert told("from the next start on: ui.fps")
            view = engine.view()
            assert view is not None
            assert [book.max_trades for book in view.books] == [7]

            write(home / "tstream.toml", settings(port, "risk.max_trades = 9", "risk.max_contracts = -1"))
            engine.until(lambda: told("settings are not taken: risk.max_contracts"), "it is refused whole")
            socket = home / "run" / "control.sock"
            answer = send_command(socket, Reload(id="mine", source="cli"), timeout=patient(10))
            assert (answer.done, answer.command_id) == (False, "mine")
            view = engine.view()
            assert view is not None
            assert [book.max_trades for book in view.books] == [7]
            output = engine.output
        for path in (path for path in home.rglob("*") if path.is_file() and path.name != ".env"):
            for key in (OLD, NEW):
                assert key.encode() not in path.read_bytes(), path
        assert "connecting again" in output
