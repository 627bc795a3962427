"""The real program in a terminal: keys go in through a pseudo-terminal, pyte reads what it paints."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

import psutil

from tests.e2e.program import TSTREAM, environment, practice_child
from tests.support.patience import patient
from tests.support.terminal_screen import TerminalScreen

PATIENCE = 40.0
"""Seconds after which something that should happen has not, on a quiet machine."""

UNHURRIED = {"TSTREAM_UI_FPS": "4"}
"""Who reads a screen here sees enough of it with fewer frames."""

_STEADY_S = 0.4

_QUESTION = r"Yes \(y\)"
_FAILED = r"ENGINE DOWN|has stopped: "
"""What the screen shows when nothing that is waited for will come."""

_T = TypeVar("_T")


class Cockpit(TerminalScreen):
    """One run of the cockpit. Everything that waits reads the terminal meanwhile, as a person's would."""

    _children: Sequence[psutil.Process] = ()

    @classmethod
    def start(
        cls,
        home: Path,
        *args: str,
        size: tuple[int, int] = (120, 40),
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (str(TSTREAM),),
    ) -> Self:
        """Start `command` with `args` in a terminal of `size` (columns, rows) of its own."""
        colours = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
        whole = {**environment(home), **UNHURRIED, **colours, **(env or {})}
        return cls([*command, *args], whole, size=size)

    def find(self, pattern: str) -> re.Match[str] | None:
        """Where the screen shows a regular expression."""
        return re.search(pattern, self.text)

    # --- waiting ---------------------------------------------------------------------------------------

    def wait_for(self, pattern: str, seconds: float = PATIENCE) -> re.Match[str]:
        """Read until the screen shows a regular expression. Raises AssertionError with the screen."""
        return self.wait_until(lambda: self.find(pattern), f"the screen shows {pattern!r}", seconds, 0.05)

    def wait_until(
        self, question: Callable[[], _T | None], what: str, seconds: float = PATIENCE, every: float = 0.3
    ) -> _T:
        """Read until the question has a true answer, and give that; it is asked `every` so many seconds.

        Raises AssertionError with the screen.
        """
        end = time.monotonic() + patient(seconds)
        while not (answer := question()):
            left = end - time.monotonic()
            ended = self.process.poll()
            if left < 0 or ended is not None or self.find(_FAILED):
                state = "waited in vain" if ended is None else f"the program ended with {ended}"
                raise AssertionError(f"{state} until {what}\n{self.text}")
            self._wait(lambda: False, min(every, left))
        return answer

    def wait_gone(self, pattern: str) -> None:
        """Read until the screen does not show a regular expression any more. Raises AssertionError."""
        self.wait_until(lambda: self._stays_away(pattern), f"the screen shows no {pattern!r}", every=0.05)

    def _stays_away(self, pattern: str) -> bool:
        """Whether the screen does not show it for a while: half painted it may hide it for a moment."""
        self._wait(lambda: self.find(pattern), _STEADY_S)
        return self.find(pattern) is None

    def _wait(self, enough: Callable[[], object], seconds: float) -> None:
        """Read until it is enough, the time is up, or the program has ended."""
        end = time.monotonic() + seconds
        while not enough() and self.process.poll() is None and (left := end - time.monotonic()) > 0:
            self.read(min(left, 0.1))

    def ended(self, seconds: float = PATIENCE) -> int:
        """Read until the program ends; gives its exit code. Raises AssertionError with the screen."""
        end = time.monotonic() + patient(seconds)
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"the program did not end in {patient(seconds):g} s\n{self.text}")
            if not self.read(0.1) and self._pseudo.gone:
                try:
                    self.process.wait(0.1)
                except subprocess.TimeoutExpired:
                    continue
        while self.read(0.05):
            pass
        return self.process.wait()

    # --- what a person does ----------------------------------------------------------------------------

    def confirm(self) -> None:
        """Say yes to the question on the screen."""
        self.answer("y")

    def answer(self, key: str) -> None:
        """Answer the question on the screen as a person does who reads it first."""
        self.wait_for(_QUESTION)
        self._until_gone(key)

    def leave(self) -> int:
        """Quit by the keyboard, whatever is asked; gives the exit code."""
        self.press("q")
        self._wait(lambda: self.find(_QUESTION), patient(PATIENCE))
        self._until_gone("y")
        return self.ended()

    def _until_gone(self, answer: str) -> None:
        end = time.monotonic() + patient(PATIENCE)
        self._wait(lambda: False, 0.4)  # no answer counts earlier
        while self.process.poll() is None and not self._stays_away(_QUESTION):
            assert time.monotonic() < end, f"the question stays\n{self.text}"
            self.press(answer)
            self._wait(lambda: not self.find(_QUESTION), 0.9)  # sooner it would be a key that is held

    # --- the processes ---------------------------------------------------------------------------------

    def practice(self) -> psutil.Process:
        """The practice venue's process, once it listens."""
        child = self.wait_until(lambda: practice_child(self.process.pid), "the practice venue listens")
        self._children = (*self._children, child)
        return child

    def close(self) -> None:
        """Kill whatever still runs and give the terminal back."""
        children = list(self._children)
        if self.process.poll() is None:
            children += psutil.Process(self.process.pid).children(recursive=True)
            os.killpg(self.process.pid, signal.SIGKILL)
        super().close()
        for child in psutil.wait_procs(children, timeout=patient(10))[1]:
            child.kill()


# --- what the screen means, read as a person reads it ------------------------------------------------------

CLOCK = r"\b(\d\d):(\d\d):(\d\d)\b"
HELD = r"\b(?:LONG|SHORT)\b"


def seconds_of(cockpit: Cockpit) -> int:
    """The clock in the status bar, seconds since midnight in Chicago."""
    hours, minutes, seconds = cockpit.wait_for(CLOCK).groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def price_of(cockpit: Cockpit, contract: str) -> str:
    """A contract's last price."""
    return cockpit.wait_for(rf"\b{contract}(?:[A-Z]\d)? +([\d.,]+)")[1]
