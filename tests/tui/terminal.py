"""Runs the demo cockpit in a pseudo-terminal of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.support.patience import patient
from tests.support.pseudo_terminal import PseudoTerminal
from tests.support.terminal_screen import TerminalScreen

ROOT = Path(__file__).parents[2]


class Terminal:
    """A terminal of 120x40 whose reader can be stopped, and which can be pulled away."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        hangup_ignored: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._screen = TerminalScreen(120, 40)
        self.result, self.beat = folder / "result", folder / "beat"
        self.raw = bytearray()
        command = [sys.executable, "-m", "tests.tui.demo", "--fps", "30", "--result", str(self.result)]
        kept = {
            name: value for name, value in os.environ.items() if name not in ("COLORTERM", "COLUMNS", "LINES")
        }
        self._pseudo = PseudoTerminal(
            [*command, "--beat", str(self.beat), *arguments],
            {**kept, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none", **(env or {})},
            cwd=ROOT,
            hangup_ignored=hangup_ignored,
        )
        self.process = self._pseudo.process

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.pull()

    def pull(self) -> None:
        """Take the terminal away."""
        self._pseudo.pull()

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size."""
        self._screen.resize(columns, rows)
        self._pseudo.resize(columns, rows)

    def read(self, seconds: float) -> bool:
        """Read what comes within so long; gives whether anything came."""
        data = self._pseudo.read(seconds)
        self.raw += data
        self._screen.feed(data)
        return bool(data)

    @property
    def text(self) -> str:
        """What the screen shows."""
        return self._screen.text

    def until(self, words: str, seconds: float = 30) -> bool:
        """Read until the screen shows the words; gives whether it did."""
        end = time.monotonic() + patient(seconds)
        while words not in self.text:
            if time.monotonic() > end:
                return False
            self.read(0.1)
        return True

    def watch(self, seconds: float) -> None:
        """Read for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            self.read(0.05)

    def press(self, keys: str | bytes) -> None:
        self._pseudo.press(keys)

    def beats(self) -> int:
        """How often the cockpit has looked at the engine."""
        return self.beat.stat().st_size if self.beat.exists() else 0

    def ended(self, seconds: float = 20) -> str:
        """Wait for the end without reading; gives why, or "" while it runs on."""
        try:
            self.process.wait(patient(seconds))
        except subprocess.TimeoutExpired:
            return ""
        return (
            self.result.read_text(encoding="utf-8").splitlines()[0] if self.result.exists() else "no result"
        )

    def sent(self) -> str:
        """The commands that the engine was given, once the program has ended."""
        return self.result.read_text(encoding="utf-8").splitlines()[2]

    def drained(self, seconds: float = 20) -> str:
        """Like `ended`, with somebody reading the last words."""
        end = time.monotonic() + patient(seconds)
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        return self.ended(0.5)
