"""What the settings and the command line make of tstream web, and what this process takes of the machine."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from adapters.control.server import ControlServer
from engine.core import Core
from engine.model.watch import WatchLimits
from engine.runtime.watch import Watch
from tests.control.fake import FakeHandle, a_view
from tests.support.engine_fakes import FakedEngine
from tests.support.waits import until
from tests.tstream.conftest import Reading
from tstream import paths
from tstream.commands.web import environment_of_tabs, trouble, web_config
from tstream.run import process_facts
from tstream.settings.model import Settings

SECRET = "correct horse battery"


def places(tmp_path: Path) -> paths.Paths:
    return paths.find({"TSTREAM_HOME": str(tmp_path)})


def test_a_tab_runs_attach_and_whoever_looks_runs_it_readonly(tmp_path: Path) -> None:
    found = web_config(Settings(), places(tmp_path), None, 0)
    own = (sys.executable, "-m", "tstream", "attach")
    assert (found.command, found.viewer_command) == (own, (*own, "--readonly"))
    assert (found.host, found.port, found.login, found.on_loopback) == ("127.0.0.1", 0, False, True)


def test_settings_say_where_and_with_which_certificate(tmp_path: Path, reading: Reading) -> None:
    text = (
        '[web]\nhost = "0.0.0.0"\nnames = ["Box.LAN"]\ncertificate = "~/c.pem"\ncertificate_key = "/k.pem"\n'
    )
    settings = reading(text, dotenv=f"TSTREAM_WEB_PASSWORD={SECRET}\n").settings
    found = web_config(settings, places(tmp_path), None, None)
    assert (found.names, found.login, found.on_loopback) == (("box.lan",), True, False)
    assert (found.certificate, found.certificate_key) == (Path.home() / "c.pem", Path("/k.pem"))
    assert SECRET not in repr(found)
    assert SECRET in settings.secret_values()


def test_what_holds_a_secret_is_not_handed_to_tabs() -> None:
    environ = {
        "PATH": "/bin",
        "TSTREAM_WEB_PASSWORD": SECRET,
        "HIDDEN": f"x{SECRET}",
        "COLUMNS": "80",
        "LANG": "C",
    }
    assert environment_of_tabs(environ, (SECRET,)) == {
        "PATH": "/bin",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
    }


async def test_an_engine_is_looked_for_on_its_socket(tmp_path: Path) -> None:
    home = places(tmp_path)
    assert "tstream engine" in trouble(home)
    home.create()
    server = ControlServer(FakeHandle(a_view()), home.control_socket)
    await server.start()
    assert await asyncio.to_thread(trouble, home) == ""
    await server.stop()
    assert "tstream engine" in trouble(home)


async def test_the_process_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_facts, "FIRST_S", 0.01)
    core: Core = FakedEngine().core
    watch = Watch(core, WatchLimits(), lambda: 0, lambda told: None)
    measuring = asyncio.create_task(process_facts.measure(watch, tmp_path))
    await until(lambda: watch.process)
    measuring.cancel()
    found = watch.process
    assert found is not None
    assert found.cpu_percent >= 0
    assert 10_000_000 < found.memory_bytes < 10_000_000_000
    assert 0 < found.disk_free_bytes <= found.disk_bytes
