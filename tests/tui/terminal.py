"""Runs the demo cockpit in a pseudo-terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType

import pyte

ROOT = Path(__file__).parents[2]


class Terminal:
    """A terminal of 120x40 whose reader can be stopped, and which can be pulled away."""

    def __init__(
        self, folder: Path, *arguments: str, hangup_ignored: bool = False, term: str = "xterm-256color"
    ):
        self.screen = pyte.Screen(120, 40)
        self._stream = pyte.ByteStream(self.screen)
        self.result, self.beat = folder / "result", folder / "beat"
        self.raw = bytearray()
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        command = [
            sys.executable,
            "-m",
            "tests.tui.demo",
            "--result",
            str(self.result),
            "--beat",
            str(self.beat),
        ]
        environment = {**os.environ, "TERM": term, "TEXTUAL_ANIMATIONS": "none"}
        # Sizes in the environment, which other tests may leave behind, would outrank the terminal's own.
        for name in ("COLORTERM", "COLUMNS", "LINES"):
            environment.pop(name, None)

        def prepare() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if hangup_ignored:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=environment,
            start_new_session=True, preexec_fn=prepare,
        )  # fmt: skip
        os.close(slave)

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
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def read(self, seconds: float) -> bool:
        """Read what comes within so long; gives whether anything came."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += data
        # pyte knows neither the kitty protocol's replies nor private modes with a "$".
        self._stream.feed(
            data.replace(b"\x1b[?2026$p", b"").replace(b"\x1b[?2048$p", b"").replace(b"\x1b[>25u", b"")
        )
        return bool(data)

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.screen.display)

    def until(self, words: str, seconds: float = 30) -> bool:
        """Read until the screen shows the words; gives whether it did."""
        end = time.monotonic() + seconds
        while words not in self.text:
            if time.monotonic() > end:
                return False
            self.read(0.1)
        return True

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def beats(self) -> int:
        """How often the cockpit has looked at the engine."""
        return self.beat.stat().st_size if self.beat.exists() else 0

    def ended(self, seconds: float = 20) -> str:
        """Wait for the end without reading; gives why, or "" while it runs on."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return ""
        return (
            self.result.read_text(encoding="utf-8").splitlines()[0] if self.result.exists() else "no result"
        )

    def drained(self, seconds: float = 20) -> str:
        """Like `ended`, with somebody reading the last words."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        return self.ended(0.5)
