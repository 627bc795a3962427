"""A program in a pseudo-terminal of its own, for tests and benches that need the real thing."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

_GONE = -1
_MOST = 1 << 16


class PseudoTerminal:
    """The terminal's side. What the program writes is read only when asked for: a test can stall it."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        size: tuple[int, int] = (120, 40),
        cwd: Path | None = None,
        fds: Sequence[int] = (),
        hangup_ignored: bool = False,
    ) -> None:
        """`env` is all of the environment; `size` is columns and rows; `fds` stay open in the program."""
        self.master, slave = pty.openpty()
        self.resize(*size)

        def prepare() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if hangup_ignored:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        try:
            self.process = subprocess.Popen(
                command, stdin=slave, stdout=slave, stderr=slave, cwd=cwd, env=env, pass_fds=fds,
                start_new_session=True, preexec_fn=prepare,
            )  # fmt: skip
        finally:
            os.close(slave)

    @property
    def gone(self) -> bool:
        """Whether the terminal has been pulled away."""
        return self.master == _GONE

    def read(self, seconds: float) -> bytes:
        """What comes within so long; nothing where nothing came, or nobody is left at the other end."""
        if self.gone or not select.select([self.master], [], [], max(0.0, seconds))[0]:
            return b""
        try:
            return os.read(self.master, _MOST)
        except OSError:
            return b""

    def press(self, keys: str | bytes) -> None:
        """Type."""
        os.write(self.master, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size; the kernel tells the program."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def pull(self) -> None:
        """Take the terminal away, as a lost connection does."""
        if not self.gone:
            os.close(self.master)
            self.master = _GONE
