"""A program in a pseudo-terminal, awaited: what it paints, what it is typed, how large its window is."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import struct
import sys
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from engine.model.errors import RetryableError

CHUNK = 1 << 16
END_S = 3.0
"""After a hang-up it has so long to end by itself."""

# A new session has no terminal before it takes one. The program does it for itself: between fork and exec of
# a process with threads nothing may run.
_TAKE_TERMINAL = (
    "import fcntl,os,sys,termios;fcntl.ioctl(0,termios.TIOCSCTTY,0);os.execvp(sys.argv[1],sys.argv[1:])"
)


class TerminalChild:
    """Started by `start`; ended, with everything that it has started in its terminal, by `end`."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self._process, self._master = process, master
        self._reading: asyncio.Future[None] | None = None

    @classmethod
    async def start(
        cls, command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int]
    ) -> Self:
        """`size` is columns and rows. Raises RetryableError where it can't be started."""
        try:
            master, slave = os.openpty()
        except OSError as error:
            raise RetryableError(f"no pseudo-terminal is left: {error.strerror}") from None
        try:
            os.set_blocking(master, False)
            _resize(master, size)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *command,
                stdin=slave, stdout=slave, stderr=slave, env=dict(environment),
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            os.close(master)
            raise RetryableError(f"{command[0]} can't be started: {error.strerror}") from None
        finally:
            os.close(slave)
        return cls(process, master)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def read(self) -> bytes:
        """What it has written since, at most CHUNK bytes; empty once it has ended. Nothing is read ahead:
        whoever reads slowly slows the program down, as a slow terminal does.
        """
        loop = asyncio.get_running_loop()
        while self._master >= 0:
            try:
                return os.read(self._master, CHUNK)
            except BlockingIOError:
                self._reading = loop.create_future()
                loop.add_reader(self._master, _wake, self._reading)
                try:
                    await self._reading
                finally:
                    if self._master >= 0:
                        loop.remove_reader(self._master)
            except OSError:  # EIO: nobody holds the other end any more
                return b""
        return b""

    def type(self, keys: bytes) -> bool:
        """Type; False where it does not read: what it can't take now is not kept for later."""
        try:
            return os.write(self._master, keys) == len(keys)
        except OSError:
            return False

    def resize(self, size: tuple[int, int]) -> None:
        """Another window, columns and rows; the kernel tells the program."""
        if self._master >= 0:
            _resize(self._master, size)

    async def ended(self) -> int:
        """Its exit code, once it has ended; negative is the signal that ended it."""
        return await self._process.wait()

    async def end(self) -> int:
        """Hang up, as a terminal that is closed does, and see it end; its exit code."""
        master, self._master = self._master, -1
        if master >= 0:
            asyncio.get_running_loop().remove_reader(master)
            if self._reading is not None and not self._reading.done():
                self._reading.set_result(None)
            os.close(master)
        for number in (signal.SIGHUP, signal.SIGKILL):
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
            try:
                async with asyncio.timeout(END_S):
                    return await self._process.wait()
            except TimeoutError:
                continue
        return await self._process.wait()


def _wake(reading: asyncio.Future[None]) -> None:
    if not reading.done():
        reading.set_result(None)


def _resize(master: int, size: tuple[int, int]) -> None:
    columns, rows = size
    with suppress(OSError):
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
