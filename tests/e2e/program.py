"""The installed `tstream` as a process: where it is, its surroundings, and the venue it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import psutil

from adapters.control.client import NoEngineError, fetch_view
from engine.model.errors import PortError
from engine.model.view import View
from tests.support.patience import patient
from tstream.cli import call
from tstream.run.practice import VENUE_MODULE

_T = TypeVar("_T")

TSTREAM = Path(sys.executable).parent / "tstream"
"""The console script beside the Python that runs the tests."""

PATIENT = {"TSTREAM_RISK_STALE_SECONDS": "120"}
"""At 20 times the world's pace the quarter of a second that a busy machine may lose is five seconds of
practice time: the day's only idea would be refused for an old price."""

_OURS = ("TSTREAM_", "TEXTUAL", "PYTEST_")
_TERMINALS = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TMUX", "TMUX_PANE", "COLORTERM", "TERM_PROGRAM"}


def environment(home: Path) -> dict[str, str]:
    """The environment of a person who keeps everything of tstream's in `home`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_OURS) and k not in _TERMINALS}
    return {**kept, "TSTREAM_HOME": str(home), "TERM": "xterm-256color", "PYTHONUNBUFFERED": "1", **PATIENT}


def tstream(home: Path, *args: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line to its end, without a terminal."""
    return subprocess.run(
        [str(TSTREAM), *args],
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patient(seconds),
        check=False,
    )


def within(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Carry out one command of the command line in this process: a start of Python for each is dear."""
    out, complaints = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment(home))
    try:
        with redirect_stdout(out), redirect_stderr(complaints):
            code = call(args)
    finally:
        os.environ.clear()
        os.environ.update(before)
    out.seek(0)
    complaints.seek(0)
    return subprocess.CompletedProcess(args, code, out.read(), complaints.read())


def practice_child(pid: int) -> psutil.Process | None:
    """The practice venue that the program with this process id has started, if it listens already."""
    return next(iter(practice_children(pid).values()), None)


def practice_children(pid: int) -> dict[str, psutil.Process]:
    """Those practice venues of the program that listen already, by their names."""
    found = {}
    try:
        for child in psutil.Process(pid).children(recursive=True):
            if VENUE_MODULE in child.cmdline() and listening_port(child) is not None:
                books = [Path(file.path) for file in child.open_files() if file.path.endswith("venue.db")]
                found[books[0].parent.name if books else "practice"] = child
    except psutil.NoSuchProcess:
        return {}
    return found


def gone(practice: psutil.Process | None) -> None:
    """The practice venue ends with the program."""
    assert practice is not None
    practice.wait(patient(15))


def listening_port(process: psutil.Process) -> int | None:
    """The port on loopback that a process listens on."""
    for link in process.net_connections(kind="tcp4"):
        if link.status == psutil.CONN_LISTEN and link.laddr.ip == "127.0.0.1":
            return int(link.laddr.port)
    return None


class Headless:
    """One `tstream run --headless` in the background, its lines kept in a file."""

    def __init__(
        self,
        home: Path,
        *args: str,
        program: Sequence[str] = (str(TSTREAM),),
        command: Sequence[str] = ("run", "--headless"),
    ) -> None:
        """`program` may be another way to start the same one, `command` another one that runs an engine."""
        self._home = home
        home.mkdir(parents=True, exist_ok=True)
        self._lines = home / "output"
        with self._lines.open("wb") as out:
            self.process = subprocess.Popen(
                [*program, *command, *args],
                env=environment(home),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._practice: psutil.Process | None = None
        self._others: list[psutil.Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        ours = [*self._others, *([] if self._practice is None else [self._practice])]
        for process in psutil.wait_procs(ours, timeout=patient(10))[1]:
            process.kill()

    @property
    def output(self) -> str:
        """What it has printed so far, log lines and all."""
        return self._lines.read_text(encoding="utf-8")

    def beside(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same home."""
        return within(self._home, *args)

    def view(self) -> View | None:
        """What the engine shows over its socket, if it answers: without a process for each look."""
        try:
            return fetch_view(self._home / "run" / "control.sock")
        except (NoEngineError, PortError):
            return None

    def written(self, words: bytes) -> None:
        """Until a journal has these words on the disk: an answer may come before, and a kill before that."""
        data = self._home / "data"
        self.until(
            lambda: any(words in one.read_bytes() for one in data.rglob("journal.db*")), "it is written down"
        )

    def practice(self) -> psutil.Process:
        """The practice venue's process, once it listens."""
        self._practice = self.until(lambda: practice_child(self.process.pid), "the practice venue listens")
        return self._practice

    def practices(self, count: int) -> dict[str, psutil.Process]:
        """So many practice venues' processes by name, once they listen."""

        def all_there() -> dict[str, psutil.Process]:
            found = practice_children(self.process.pid)
            return found if len(found) == count else {}

        found = self.until(all_there, f"{count} practice venues listen")
        self._others = [*found.values()]
        return found

    def kill(self) -> None:
        """End it as a power cut does, the practice venue with it."""
        self.process.kill()
        self.process.wait()
        gone(self._practice)

    def until(self, question: Callable[[], _T | None], what: str, seconds: float = 60) -> _T:
        """Wait until the question has a true answer, and give that. Raises AssertionError with the output."""
        end = time.monotonic() + patient(seconds)
        while not (answer := question()):
            try:
                ended: int | None = self.process.wait(0.2)
            except subprocess.TimeoutExpired:
                ended = None
            assert ended is None, f"ended with {ended} until {what}\n{self.output}"
            assert time.monotonic() < end, f"waited in vain until {what}\n{self.output}"
        return answer
