"""An engine at ten times the world's pace, alone and with three cockpits: one over a pipe that stands for
ssh, one whose terminal nobody reads, one that is killed again and again.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from adapters.control.client import fetch_view
from adapters.control.dial import UnixDial
from adapters.control.remote import RemoteHandle
from engine.model.commands import CancelEntries
from engine.model.errors import RefusedError
from tests.e2e.program import TSTREAM, Headless, environment
from tests.support.pseudo_terminal import PseudoTerminal
from tests.support.ssh_stand_in import ssh_stand_in
from tstream.paths import find

SPEED = 10
SETTLE_S = 12.0
KILLED_S = 3.0, 12.0
"""A cockpit lives between so many seconds."""
DOWN_S, BACK_S = 2.0, 10.0
"""An engine that is gone is told of within that; one that is back is found again."""
ROUND_S, KEPT_S = 30.0, 8
"""At this pace the newest waits that are kept are of the last seconds."""
LAGS_S = 1.0, 3.0
_DOWN = b"ENGINE DOWN"


@dataclass
class AttachedOutcome:
    """What was seen. Waits are the engine's p99, milliseconds, once a second."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
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
        # Other machines' processors paint these in earnest: here they get what the engine leaves.
        command = ["nice", "-n", "19", str(TSTREAM), "attach", *words]
        self.terminal = PseudoTerminal(command, env)
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
    """One engine; in turn nobody is attached to it, and the three are, so that both see the same machine."""

    def __init__(self, folder: Path, seed: int, minutes: int) -> None:
        """So many practice minutes with cockpits, and as many without."""
        self._home, self._chance = folder / "home", random.Random(seed)
        self._words = ("--speed", f"{SPEED}", "--seed", f"{seed}", "--fresh")
        self._rounds = max(1, round(minutes * 60 / SPEED / ROUND_S))
        self.outcome = AttachedOutcome()

    def play(self) -> AttachedOutcome:
        """Raises AssertionError where a cockpit did something to the engine, or did not come back."""
        seen = self.outcome
        with Headless(self._home, *self._words, command=("engine",)) as engine:
            engine.practice()
            engine.until(engine.view, "it answers")
            time.sleep(SETTLE_S)
            with ExitStack() as stack:
                for number in range(self._rounds):
                    seen.alone += self._watch(engine)
                    stack.close()
                    by_pipe = stack.enter_context(Screen(self._home, "ssh://server"))
                    stalled = stack.enter_context(Screen(self._home, read=False))
                    by_pipe.until(b"PRACTICE", 30)
                    victims = stack.enter_context(Victims(self._home, self._chance))
                    time.sleep(SETTLE_S / 2)
                    seen.beside += self._watch(engine)
                    seen.kills += victims.kills
                    for screen in (by_pipe, stalled):
                        assert screen.terminal.process.poll() is None, "a cockpit has ended by itself"
                    seen.painted += by_pipe.painted
                    if number < self._rounds - 1:
                        stack.close()
                self._lag(seen)
                self._kill_engine(engine, by_pipe)
        return seen

    def _watch(self, engine: Headless) -> list[float]:
        """The engine's waits over a round; its first looks still count what was before."""
        found, end = [], time.monotonic() + ROUND_S
        while time.monotonic() < end:
            time.sleep(1.0)
            found.append(engine.until(engine.view, "it answers").health.wait_p99_ms)
        return found[KEPT_S:]

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
