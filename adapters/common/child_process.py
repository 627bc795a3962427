"""A process of ours on two pipes, begun beside the loop: whoever makes a process stands still meanwhile, for
a millisecond, and for ten where the machine is busy. An engine's loop has better things to do.
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO


class ChildProcess:
    """Belongs to the loop on which it was begun."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin: StreamWriter,
        stdout: StreamReader,
        heard: asyncio.ReadTransport,
    ) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self._process = process
        self._heard = heard

    @property
    def pid(self) -> int:
        return self._process.pid

    async def end(self) -> int:
        """Kill it, however it is; gives its exit code. It is not waited for on the loop."""
        try:
            return await asyncio.shield(asyncio.to_thread(_ended, self._process))
        finally:
            self.stdin.close()
            self._heard.close()


async def begin(command: Sequence[str], environment: Mapping[str, str]) -> ChildProcess:
    """Begin a process with pipes for stdin and stdout, in a session of its own. Raises OSError. Where this is
    cancelled, so is the process.
    """
    starting = _Starting(command, environment)
    try:
        process = await asyncio.to_thread(starting.begin)
        stdin, stdout = _pipe(process.stdin), _pipe(process.stdout)
        loop, reader, nothing = asyncio.get_running_loop(), StreamReader(), StreamReader()
        heard, _ = await loop.connect_read_pipe(lambda: StreamReaderProtocol(reader), stdout)
        transport, protocol = await loop.connect_write_pipe(lambda: StreamReaderProtocol(nothing), stdin)
    except BaseException:
        starting.give_up()
        raise
    # The protocol wants a reader that lives, though nothing is ever read from it.
    return ChildProcess(process, StreamWriter(transport, protocol, nothing, loop), reader, heard)


class _Starting:
    """A process that may be given up while it is made."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = command, environment
        self._lock = threading.Lock()
        self._over = False
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> subprocess.Popen[bytes]:
        """On another thread. Raises OSError."""
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            start_new_session=True,
            bufsize=0,
        )
        with self._lock:
            self._process = process
            over = self._over
        if over:
            _ended(process)
        return process

    def give_up(self) -> None:
        with self._lock:
            self._over = True
            process = self._process
        if process is not None:
            _ended(process)


def _ended(process: subprocess.Popen[bytes]) -> int:
    with suppress(ProcessLookupError):
        process.kill()
    return process.wait()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
