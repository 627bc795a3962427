"""Runs the demo cockpit in a pseudo-terminal of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.patience import patient
from tests.support.terminal_screen import TerminalScreen

ROOT = Path(__file__).parents[2]


class Terminal(TerminalScreen):
    """A terminal of 120x40 whose reader can be stopped, and which can be pulled away."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        hangup_ignored: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.result, self.beat = folder / "result", folder / "beat"
        command = [sys.executable, "-m", "tests.tui.demo", "--fps", "30", "--result", str(self.result)]
        kept = {
            name: value for name, value in os.environ.items() if name not in ("COLORTERM", "COLUMNS", "LINES")
        }
        super().__init__(
            [*command, "--beat", str(self.beat), *arguments],
            {**kept, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none", **(env or {})},
            cwd=ROOT,
            hangup_ignored=hangup_ignored,
        )

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
        while self.read(0.05):  # what was written before the end
            pass
        return self.ended(0.5)
