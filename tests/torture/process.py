"""One run of the engine as a process that can be talked to, and killed."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from tests.torture.child import VERIFIED, Orders

ROOT = Path(__file__).parents[2]


class Child:
    """One run of the engine."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.verified_s: float | None = None
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, orders: Orders, errors: Path) -> Child:
        with errors.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.torture.child", msgspec.json.encode(orders).decode(),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=stderr, cwd=ROOT,
            )  # fmt: skip
        return cls(process)

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if line.decode().strip() == VERIFIED and self.verified_s is None:
                self.verified_s = time.monotonic()

    @property
    def dead(self) -> bool:
        return self._process.returncode is not None

    def say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())

    def kill(self) -> None:
        if not self.dead:
            self._process.kill()

    async def gone(self) -> int:
        """Its exit status, once it has ended."""
        status = await self._process.wait()
        await self._listening
        return status
