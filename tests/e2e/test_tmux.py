from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from tests.e2e.program import TSTREAM, environment
from tests.e2e.terminal import Cockpit, seconds_of
from tests.support.patience import patient

TMUX = shutil.which("tmux")
pytestmark = pytest.mark.skipif(TMUX is None, reason="tmux is not installed")


class Server:
    """A tmux server of this test's own, without anybody's settings."""

    def __init__(self, home: Path, socket: Path) -> None:
        self._home = home
        self._command = (str(TMUX), "-S", str(socket), "-f", "/dev/null")

    def attach(self, *args: str, size: tuple[int, int]) -> Cockpit:
        """A client in a terminal of its own."""
        plain = {"COLORTERM": "", "LC_ALL": "C.UTF-8"}
        return Cockpit.start(self._home, *args, size=size, env=plain, command=(*self._command, "-u"))

    def tell(self, *args: str) -> str:
        """What a tmux command prints."""
        return subprocess.run(
            [*self._command, *args],
            env=environment(self._home), capture_output=True, text=True, timeout=patient(20), check=True,
        ).stdout  # fmt: skip

    def kill(self) -> None:
        subprocess.run([*self._command, "kill-server"], capture_output=True, timeout=patient(20), check=False)


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    with TemporaryDirectory(prefix="tmux") as folder:  # a socket's path must be short
        server = Server(home, Path(folder) / "s")
        yield server
        server.kill()


def test_a_tmux_session_can_be_left_and_entered_again(server: Server) -> None:
    start = ("new-session", "-s", "desk", str(TSTREAM), "--speed", "2")
    with server.attach(*start, size=(120, 40)) as client:
        client.wait_for(r"PRACTICE(?s:.)*Positions")
        client.wait_for(r"● live")
        left_at = seconds_of(client)
        server.tell("detach-client")
        assert client.ended() == 0

    # Nobody looks on, the cockpit goes on; its colours are those of a terminal with 256.
    seen = server.tell("capture-pane", "-p", "-t", "desk")
    assert "PRACTICE" in seen
    assert "Positions" in seen
    painted = server.tell("capture-pane", "-p", "-e", "-t", "desk")
    assert "38;5;" in painted
    assert "38;2;" not in painted
    program = psutil.Process(int(server.tell("display-message", "-p", "-t", "desk", "#{pane_pid}")))

    with server.attach("attach", "-t", "desk", size=(80, 24)) as client:
        client.wait_for(r"PRACTICE(?s:.)*Positions")
        client.wait_until(lambda: seconds_of(client) > left_at, "practice time has gone on")
        client.wait_until(lambda: "quit" in client.text, "the keys fit into 80 columns")
        client.resize(120, 40)
        client.wait_for(r"PRACTICE(?s:.)*Alignment(?s:.)*Positions")
        assert client.leave() == 0  # the session ends with the program in it
    program.wait(patient(15))
