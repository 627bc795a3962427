"""An engine at ten times the world's pace, alone and with three cockpits: one over a pipe that stands for
ssh, one whose terminal nobody reads, one that is killed again and again.

How long events wait goes by how many come at a time, and the practice market brings five times as many after
its opening as before. So each engine meets the same minutes of it, in turn without and with cockpits.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from adapters.control.client import fetch_view
from adapters.control.dial import UnixDial
from adapters.control.remote import RemoteHandle
from engine.model.commands import CancelEntries
from engine.model.errors import RefusedError
from engine.model.market import NANOS
from engine.model.view import View
from tests.e2e.program import TSTREAM, Headless, environment
from tests.support.patience import patient
from tests.support.pseudo_terminal import PseudoTerminal
from tests.support.ssh_stand_in import ssh_stand_in
from tstream.paths import find

SPEED = 10
BEGIN_S, END_S = 270.0, 870.0
"""What of an engine's practice time is watched: the end of the quiet, the opening, what follows."""
SAME = 0.1
"""By so much the prints of two watched times may differ: each ends with a look, which may come late."""
KILLED_S = 3.0, 12.0
"""A cockpit lives between so many seconds."""
DOWN_S, BACK_S = 2.0, 10.0
"""An engine that is gone is told of within that; one that is back is found again."""
LAGS_S = 1.0, 3.0
_DOWN = b"ENGINE DOWN"
_AFTER_THE_ENGINE = 'test ! -w /proc/self/autogroup || echo 10 > /proc/self/autogroup; exec nice -n 19 "$@"'
"""Other machines' processors paint cockpits in earnest: here they get what the engine leaves, a tenth at
least. Each has a session of its own, and Linux shares a processor evenly between sessions (autogroup),
however nice they are inside.
"""


@dataclass
class AttachedOutcome:
    """What was seen. Waits are the engine's p99, milliseconds, once a second."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    prints: dict[bool, list[int]] = field(default_factory=lambda: {False: [], True: []})
    """That each engine has heard while it was watched: without cockpits, and with."""
    kills: int = 0
    painted: int = 0
    """Bytes that the cockpit over the pipe has painted."""
    lags: dict[float, str] = field(default_factory=dict)
    """What came of a command over a line with so many seconds of lag there and back."""
    told_s: list[float] = field(default_factory=list)
    """From the engine's kill to a cockpit that says so."""
    back_s: list[float] = field(default_factory=list)
    """From an engine that answers to a cockpit that is attached again."""


async def command_over(socket: Path, lag_s: float, door: Path) -> str:
    """A pause of nothing through a line that takes half of `lag_s` each way: "done", or "refused"."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while told := await reader.read(1 << 16):
            loop.call_later(lag_s / 2, writer.write, told)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_unix_connection(socket)
        with suppress(asyncio.CancelledError):  # the end of all; asyncio would print it as an error
            await asyncio.gather(carry(reader, ours), carry(theirs, writer), return_exceptions=True)

    server = await asyncio.start_unix_server(relay, door)
    remote = RemoteHandle(UnixDial(door), await asyncio.to_thread(fetch_view, socket), name="far away")
    try:
        await asyncio.to_thread(remote.start, 30.0)
        asked = remote.ask(CancelEntries(id="lag", instrument="MNQ"))
        try:
            return "done" if (await asyncio.wait_for(asyncio.wrap_future(asked), 30)).done else "not done"
        except RefusedError:
            return "refused"
    finally:
        await asyncio.to_thread(remote.close)
        server.close()


class Screen:
    """A cockpit in a terminal that somebody reads, or nobody; reading is a thread's."""

    def __init__(self, home: Path, *words: str, read: bool = True) -> None:
        env = {**environment(home), "COLORTERM": "truecolor", **ssh_stand_in(home / "ssh")}
        self.terminal = PseudoTerminal(
            ["sh", "-c", _AFTER_THE_ENGINE, "sh", str(TSTREAM), "attach", *words], env
        )
        self.painted, self.tail = 0, b""
        self._ends = not read
        self._reader = threading.Thread(target=self._read, daemon=True)
        if read:
            self._reader.start()

    def _read(self) -> None:
        while not self._ends:
            told = self.terminal.read(0.2)
            self.painted += len(told)
            self.tail = (self.tail + told)[-(1 << 16) :]

    def until(self, wanted: bytes, seconds: float) -> float:
        """When it has painted this, monotonic seconds. Raises AssertionError where it does not in time."""
        end = time.monotonic() + seconds
        while wanted not in self.tail:
            assert time.monotonic() < end, f"{wanted!r} was not painted"
            assert self.terminal.process.poll() is None, "the cockpit has ended"
            time.sleep(0.01)
        return time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends = True
        if self.terminal.process.poll() is None:
            os.killpg(self.terminal.process.pid, signal.SIGKILL)
        self.terminal.process.wait()
        if self._reader.ident:
            self._reader.join()
        self.terminal.pull()


class AttachedRun:
    """Engines that meet the same minutes, in turn without anybody attached and with the three."""

    def __init__(self, folder: Path, seed: int, minutes: int) -> None:
        """So many practice minutes with cockpits, and as many without."""
        self._home, self._chance = folder / "home", random.Random(seed)
        self._words = ("--speed", f"{SPEED}", "--seed", f"{seed}", "--fresh")
        self._rounds = max(1, round(minutes * 60 / (END_S - BEGIN_S)))
        self.outcome = AttachedOutcome()

    def play(self) -> AttachedOutcome:
        """Raises AssertionError where a cockpit did something to the engine, or did not come back."""
        for number in range(self._rounds):
            with self._engine() as engine:
                self.outcome.alone += self._watch(engine, beside=False)
            with self._engine() as engine:
                self._beside(engine, last=number == self._rounds - 1)
        prints = [count for one in self.outcome.prints.values() for count in one]
        assert max(prints) - min(prints) <= SAME * max(prints), f"engines met different markets: {prints}"
        return self.outcome

    @contextmanager
    def _engine(self) -> Iterator[Headless]:
        with Headless(self._home, *self._words, command=("engine",)) as engine:
            engine.practice()
            engine.until(engine.view, "it answers")
            yield engine

    def _beside(self, engine: Headless, last: bool) -> None:
        seen = self.outcome
        with (
            Screen(self._home, "ssh://server") as by_pipe,
            Screen(self._home, read=False) as stalled,
            Victims(self._home, self._chance) as victims,
        ):
            by_pipe.until(b"PRACTICE", patient(60))
            seen.beside += self._watch(engine, beside=True)
            seen.kills += victims.kills
            for screen in (by_pipe, stalled):
                assert screen.terminal.process.poll() is None, "a cockpit has ended by itself"
            seen.painted += by_pipe.painted
            if last:
                self._lag(seen)
                self._kill_engine(engine, by_pipe)

    def _watch(self, engine: Headless, beside: bool) -> list[float]:
        """The engine's waits over the watched time."""

        def look() -> View:
            return engine.until(engine.view, "it answers")

        while (view := look()).uptime_ns < BEGIN_S * NANOS:
            time.sleep(0.1)
        found, before = list[float](), view.health.prints
        while view.uptime_ns < END_S * NANOS:
            time.sleep(1.0)
            view = look()
            found.append(view.health.wait_p99_ms)
        self.outcome.prints[beside].append(view.health.prints - before)
        return found

    def _lag(self, seen: AttachedOutcome) -> None:
        """Commands over lines of so much lag there and back: late ones are refused, others are done."""
        socket = find({"TSTREAM_HOME": f"{self._home}"}).control_socket
        for lag in LAGS_S:
            seen.lags[lag] = asyncio.run(command_over(socket, lag, self._home / f"lag-{lag:g}.sock"))
        assert list(seen.lags.values()) == ["done", "refused"], seen.lags

    def _kill_engine(self, engine: Headless, screen: Screen) -> None:
        screen.tail = b""
        began = time.monotonic()
        engine.process.kill()
        self.outcome.told_s.append(screen.until(_DOWN, DOWN_S) - began)
        engine.kill()
        with Headless(self._home, "--speed", f"{SPEED}", command=("engine",)) as again:
            again.practice()
            again.until(again.view, "it answers")
            screen.tail, began = b"", time.monotonic()
            self.outcome.back_s.append(screen.until(b"live", BACK_S) - began)


class Victims:
    """A cockpit that is killed at some moment, and another in its place, in a thread of their own."""

    def __init__(self, home: Path, chance: random.Random) -> None:
        self._home, self._chance = home, chance
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.kills = 0

    def _work(self) -> None:
        while not self._end.is_set():
            with Screen(self._home) as victim:
                self._end.wait(self._chance.uniform(*KILLED_S))
                victim.terminal.process.kill()
                self.kills += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
