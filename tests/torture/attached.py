"""An engine at ten times the world's pace, alone and with three cockpits: one over a pipe that stands for
ssh, one whose terminal nobody reads, one that is killed again and again.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.program import TSTREAM, Headless, environment
from tests.support.pseudo_terminal import PseudoTerminal
from tests.support.ssh_stand_in import ssh_stand_in

SPEED = 10
SETTLE_S = 12.0
KILLED_S = 3.0, 12.0
"""A cockpit lives between so many seconds."""
DOWN_S = 2.0
"""An engine that is gone is told of within that."""
_DOWN = b"ENGINE DOWN"


@dataclass
class AttachedOutcome:
    """What was seen. Waits are the engine's p99, milliseconds, once a second."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    kills: int = 0
    painted: int = 0
    """Bytes that the cockpit over the pipe has painted."""
    told_s: list[float] = field(default_factory=list)
    """From the engine's kill to a cockpit that says so."""
    back_s: list[float] = field(default_factory=list)
    """From an engine that answers to a cockpit that is attached again."""


class Screen:
    """A cockpit in a terminal that somebody reads, or nobody; reading is a thread's."""

    def __init__(self, home: Path, *words: str, read: bool = True) -> None:
        env = {**environment(home), "COLORTERM": "truecolor", **ssh_stand_in(home / "ssh")}
        self.terminal = PseudoTerminal([str(TSTREAM), "attach", *words], env)
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
    """One run after the other in a folder, on the same market."""

    def __init__(self, folder: Path, seed: int, minutes: int) -> None:
        self._folder, self._chance = folder, random.Random(seed)
        self._words = ("--speed", f"{SPEED}", "--seed", f"{seed}", "--fresh")
        self._seconds = minutes * 60 / SPEED
        self.outcome = AttachedOutcome()

    def play(self) -> AttachedOutcome:
        """Raises AssertionError where a cockpit did something to the engine, or did not come back."""
        with self._engine("alone") as engine:
            self.outcome.alone = self._watch(engine, ())
        with self._engine("beside") as engine, ExitStack() as stack:
            home = self._folder / "beside"
            by_pipe = stack.enter_context(Screen(home, "ssh://server"))
            stalled = stack.enter_context(Screen(home, read=False))
            self.outcome.beside = self._watch(engine, (home,))
            assert engine.process.poll() is None
            assert by_pipe.terminal.process.poll() is None
            assert stalled.terminal.process.poll() is None
            self.outcome.painted = by_pipe.painted
            self._kill_engine(engine, by_pipe, home)
        return self.outcome

    def _engine(self, name: str) -> Headless:
        home = self._folder / name
        engine = Headless(home, *self._words, command=("engine",))
        engine.practice()
        engine.until(engine.view, "it answers")
        time.sleep(SETTLE_S)
        return engine

    def _watch(self, engine: Headless, homes: Sequence[Path]) -> list[float]:
        """The engine's waits, while in each home a cockpit comes and is killed."""
        found, began, victim, dies = [], time.monotonic(), None, 0.0
        while time.monotonic() - began < self._seconds:
            if homes and victim is None:
                victim, dies = Screen(homes[0]), time.monotonic() + self._chance.uniform(*KILLED_S)
            time.sleep(1.0)
            view = engine.until(engine.view, "it answers")
            found.append(view.health.wait_p99_ms)
            if victim is not None and time.monotonic() > dies:
                victim.terminal.process.kill()
                victim.__exit__(None, None, None)
                victim, self.outcome.kills = None, self.outcome.kills + 1
        if victim is not None:
            victim.__exit__(None, None, None)
        return found

    def _kill_engine(self, engine: Headless, screen: Screen, home: Path) -> None:
        screen.tail = b""
        began = time.monotonic()
        engine.kill()
        self.outcome.told_s.append(screen.until(_DOWN, DOWN_S) - began)
        again = Headless(home, "--speed", f"{SPEED}", command=("engine",))
        with again:
            again.practice()
            again.until(again.view, "it answers")
            began = time.monotonic()
            access = home / "state" / "access.log.jsonl"
            while access.read_text(encoding="utf-8").count('"attached"') < self.outcome.kills + 4:
                assert time.monotonic() - began < 10, "the cockpits did not come back"
                time.sleep(0.05)
            self.outcome.back_s.append(time.monotonic() - began)
