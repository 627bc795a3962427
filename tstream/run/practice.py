"""The practice venue as a child process: started before the screen, gone with its parent."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct, structs

from adapters.simulator.exchange.clock import PracticeClock
from engine.model.errors import FatalError
from tstream.clock import iso, wall_ns
from tstream.options import RunOptions
from tstream.paths import Paths

READY_S = 20.0
VENUE_MODULE = "tstream.run.practice_venue"
"""What the child process runs."""
HOLD_S = 30.0
"""Practice time waits so long for our subscription to the market, real seconds."""


class Ready(Struct, frozen=True):
    """What the venue says once it listens; with it both ends share one clock."""

    port: int
    origin_ns: int
    real_origin_ns: int
    rate: float
    seed: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def clock(self) -> PracticeClock:
        return PracticeClock(self.origin_ns, self.real_origin_ns, self.rate)


class Release(Struct, frozen=True):
    """What it says when practice time, held until then, goes on."""

    real_origin_ns: int


class PracticeProcess:
    """Runs the venue from `start` to `stop`. It ends with this process: its stdin is our pipe."""

    def __init__(self, options: RunOptions, paths: Paths) -> None:
        self._options = options
        self._paths = paths
        self._child: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None

    def start(self) -> None:
        """Begin; returns at once. Raises FatalError when the process can't be made."""
        try:
            self._complaints = open(self._log, "wb")  # noqa: SIM115 - lives as long as the child
            self._child = subprocess.Popen(
                self.command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                # A Ctrl+C on the terminal is for us; the venue ends when we do.
                start_new_session=True,
            )
        except OSError as error:
            raise FatalError(f"can't start the practice venue: {error.strerror or error}") from error

    @property
    def _log(self) -> Path:
        return self._paths.state / "practice.log"

    def command(self) -> list[str]:
        """What is run."""
        options = self._options
        command = [sys.executable, "-m", VENUE_MODULE, "--exit-with-parent"]
        command += ["--rate", str(options.rate), "--speed", str(options.speed), "--hold", str(HOLD_S)]
        if options.seed is not None:
            command += ["--seed", str(options.seed)]
        for one in options.faults:
            command += ["--fault", one]
        if options.tape is None:
            return [*command, "--state", str(book(self._paths))]
        command += ["--tape", str(options.tape), "--contract", str(options.contract)]
        if options.month is not None:
            command += ["--month", options.month]
        if options.stamp is not None:
            command += ["--stamp", options.stamp]
        return command

    async def ready(self, follow: Callable[[PracticeClock], None]) -> Ready:
        """Wait until it listens. Raises FatalError with what the venue complained about.

        `follow` is given its clock, and once more, by another thread, when practice time is let go.
        """
        child = self._child
        assert child is not None
        assert child.stdout is not None
        try:
            async with asyncio.timeout(READY_S):
                line = await asyncio.to_thread(child.stdout.readline)
            ready = msgspec.json.decode(line, type=Ready)
        except (TimeoutError, msgspec.MsgspecError) as error:
            await asyncio.to_thread(self.stop)
            said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise FatalError(said[-1] if said else "the practice venue did not start") from error
        follow(ready.clock)
        threading.Thread(target=_hear_release, args=(child.stdout, ready, follow), daemon=True).start()
        return ready

    def stop(self) -> None:
        """End it gracefully: it keeps its book. The second time does nothing."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
        if self._complaints is not None:
            self._complaints.close()


def _hear_release(lines: IO[bytes], ready: Ready, follow: Callable[[PracticeClock], None]) -> None:
    if line := lines.readline():
        release = msgspec.json.decode(line, type=Release)
        follow(structs.replace(ready, real_origin_ns=release.real_origin_ns).clock)


def book(paths: Paths) -> Path:
    """Where the practice venue keeps its account and market."""
    return paths.practice / "venue.db"


def put_aside(paths: Paths) -> None:
    """Make room for a new practice account: book and journal are moved into a dated folder, never deleted."""
    kept = [book(paths), paths.journal("practice")]
    found = [f for path in kept for f in sorted(path.parent.glob(f"{path.name}*"))]
    if not found:
        return
    stamp = iso(wall_ns()).replace(":", "").replace("+00", "")
    folder = paths.practice / f"before-{stamp}"
    folder.mkdir(mode=0o700)
    for file in found:
        shutil.move(file, folder / file.name)
