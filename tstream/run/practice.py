"""The practice venue as a child process: started before the screen, gone with its parent."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

import msgspec
from msgspec import structs

from adapters.common.files import owner_only, replace_file
from adapters.simulator.process import EngineClockSet, Ready, TapeChoice, VenueStart
from engine.model.errors import FatalError
from tstream.clock import iso, wall_ns
from tstream.options import RunOptions
from tstream.paths import Paths

PRACTICE = "practice"
"""The kind of venue, and the usual name, of the built-in one of futures."""
READY_S = 20.0
VENUE_MODULE = "tstream.run.practice_venue"
"""What the child process runs."""
HOLD_S = 30.0
"""Practice time waits so long for the engine to see the market and its account, real seconds."""


class PracticeProcess:
    """Runs the venue from `start` to `stop`. It ends with this process: its stdin is our pipe."""

    def __init__(
        self,
        options: RunOptions,
        paths: Paths,
        name: str = "practice",
        accounts: int = 1,
        kind: str = "practice",
    ) -> None:
        """`name` is the venue's: its accounts, market and key are kept in the folder of that name. It has so
        many `accounts` at least, and those that it has kept. `kind` is whose practice venue it is.
        """
        self._kind = kind
        self._options = options
        self._paths = paths
        self._name = name
        self._accounts = accounts
        self._child: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None
        self._ready: Ready | None = None
        self._faults: threading.Thread | None = None
        self.key = ""
        """What logs in there."""

    @property
    def started(self) -> bool:
        """Whether it has been begun."""
        return self._child is not None

    def start(self, beside: Ready | None = None) -> None:
        """Begin, in the time of another that is `beside`; returns at once. Raises FatalError when the process
        can't be made.
        """
        try:
            self.key = practice_key(self._paths, self._name)
            # It lives as long as the child.
            self._complaints = open(self._log, "wb", opener=owner_only)  # noqa: SIM115
        except OSError as error:
            raise _unstarted(error) from error
        self._spawn(_beside(self.asked(), beside))

    @property
    def ended(self) -> str:
        """How the process has ended by itself; empty while it runs, and once it was stopped."""
        code = None if self._child is None else self._child.poll()
        return "" if code is None else f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    def start_again(self, since_ns: int, beside: Ready | None = None) -> bool:
        """Begin again at the same port and a practice time, with the kept account and market, without faults.
        `beside` is whose clock goes on. False on a tape, of which nothing is kept. Raises FatalError.
        """
        asked, ready = self.asked(), self._ready
        if asked.state is None or ready is None:
            return False
        self._close()
        again = structs.replace(asked, faults=(), hold_s=0.0, port=ready.port, since_ns=since_ns)
        self._spawn(_beside(again, beside))
        return True

    def _spawn(self, asked: VenueStart) -> None:
        try:
            self._child = subprocess.Popen(
                self.command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                # A Ctrl+C on the terminal is for us; the venue ends when we do.
                start_new_session=True,
            )
        except OSError as error:
            raise _unstarted(error) from error
        self._tell(msgspec.json.encode(asked))

    @property
    def _log(self) -> Path:
        return self._paths.state / f"{self._name}.log"

    def command(self) -> list[str]:
        """What is run."""
        return [sys.executable, "-m", VENUE_MODULE]

    def asked(self) -> VenueStart:
        """What the venue is told."""
        options = self._options
        tape = None
        if options.tape is not None:
            tape = TapeChoice(str(options.tape), str(options.contract), *options.tape_choice())
        state = str(book(self._paths, self._name)) if tape is None else None
        speed = float(options.speed)
        return VenueStart(
            options.seed,
            options.rate,
            speed,
            HOLD_S,
            state,
            options.faults,
            tape,
            self.key,
            accounts=max(1, self._accounts, _kept_accounts(state)),
            kind=self._kind,
        )

    async def ready(self, set_clock: Callable[[int], object] | None = None) -> Ready:
        """Wait until it listens. Raises FatalError with what the venue complained about.

        `set_clock` is called by another thread, with nanoseconds, when a fault sets the machine's clock.
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
        self._ready = ready
        if set_clock is not None:
            self._faults = threading.Thread(target=_obey, args=(child.stdout, set_clock), daemon=True)
            self._faults.start()
        return ready

    def release(self, soon: int) -> Ready | None:
        """Let held practice time go on at an instant of passing time; what holds then, None if it does
        already.
        """
        if self._ready is None or self._child is None or soon >= self._ready.real_origin_ns:
            return None
        self._tell(msgspec.json.encode({"real_origin_ns": soon}))
        self._ready = structs.replace(self._ready, real_origin_ns=soon)
        return self._ready

    def _tell(self, line: bytes) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        with suppress(OSError):  # the venue may just have ended
            self._child.stdin.write(line + b"\n")
            self._child.stdin.flush()

    def stop(self) -> None:
        """End it gracefully: it keeps its book. The second time does nothing."""
        self._close()
        if self._complaints is not None:
            self._complaints.close()

    def _close(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            with suppress(OSError):  # it has ended, and took nothing more
                child.stdin.close()
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if self._faults is not None:
            self._faults.join(timeout=1)  # it ends with the pipe
        if child.stdout is not None:
            child.stdout.close()


def _beside(asked: VenueStart, other: Ready | None) -> VenueStart:
    """What is asked, in the time of another venue if there is one."""
    return asked if other is None else structs.replace(asked, beside=other)


def practice_key(paths: Paths, name: str = "practice") -> str:
    """What logs in at this installation's venue and no other; drawn at the first start. Raises OSError."""
    folder = paths.venue(name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "key"
    with suppress(FileNotFoundError), open(file, encoding="ascii", opener=owner_only) as kept:
        if key := kept.read().strip():
            return key
    key = secrets.token_hex(16)
    replace_file(file, key.encode())
    return key


def _unstarted(error: OSError) -> FatalError:
    where = f" {error.filename}" if error.filename else ""
    return FatalError(f"can't start the practice venue:{where} {error.strerror or error}")


def _obey(words: IO[bytes], set_clock: Callable[[int], object]) -> None:
    """Do to our clock what the venue's faults say, until it ends."""
    for line in words:
        set_clock(msgspec.json.decode(line, type=EngineClockSet).engine_clock_ns)


def book(paths: Paths, name: str) -> Path:
    """Where a practice venue keeps its accounts and market."""
    return paths.venue(name) / "venue.db"


def _kept_accounts(state: str | None) -> int:
    """How many accounts a practice venue has kept."""
    if state is None or not Path(state).exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True, timeout=0)) as db:
            return int(db.execute("SELECT count(*) FROM accounts").fetchone()[0])
    except sqlite3.Error:
        return 0  # the venue itself says what is wrong with it


def put_aside(paths: Paths, venues: Iterable[str], journal: str) -> None:
    """Make room for new practice accounts: books and journal are moved into a dated folder, never deleted.

    Raises OSError.
    """
    stamp = iso(wall_ns()).replace(":", "").replace("+00", "")
    moves = {book(paths, venue): venue for venue in venues} | {paths.journal(journal): journal}
    for path, venue in moves.items():
        folder = paths.venue(venue) / f"before-{stamp}"
        for file in sorted(path.parent.glob(f"{path.name}*")):
            folder.mkdir(mode=0o700, exist_ok=True)
            shutil.move(file, folder / file.name)
