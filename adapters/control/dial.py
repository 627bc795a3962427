"""Ways to an engine's control socket: on this machine, or on another one by ssh."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from adapters.common.redaction import scrub
from adapters.control.address import socket_path
from adapters.control.line import NoEngineError
from engine.model.errors import FatalError, RefusedError, RetryableError

AT_THE_OTHER_END = 'PATH="$PATH:$HOME/.local/bin" exec tstream attach-pipe'
"""What ssh runs there; where pipx and uv put programs is not in the path of every shell."""
_SSH_OPTIONS = ("-T", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=2")
_NOT_THERE = "; install tstream there for that user, in the PATH of its shells or in ~/.local/bin"
_CONNECT_S = 5.0
_END_S = 2.0
_HOST = re.compile(
    r"(?:([A-Za-z0-9_][A-Za-z0-9._-]*)@)?([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?"
)


class EngineConnection(Protocol):
    """One connection, as long as it holds."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def close(self) -> None: ...

    async def said(self) -> str:
        """What the way itself said when it ended; empty where it says nothing."""


class Dial(Protocol):
    """A way to an engine; every call is a connection of its own."""

    @property
    def words(self) -> str:
        """Where the engine is: "on this machine", "at ssh://server"."""

    async def __call__(self, first: bool) -> EngineConnection:
        """Connect; the `first` time a person may be asked. Raises RefusedError, RetryableError,
        FatalError.
        """


@dataclass(slots=True)
class Socket:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, OSError):
            await self.writer.wait_closed()

    async def said(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class UnixDial:
    """The control socket on this machine."""

    path: Path
    words: str = "on this machine"

    async def __call__(self, first: bool) -> EngineConnection:
        try:
            async with asyncio.timeout(_CONNECT_S):
                return Socket(*await asyncio.open_unix_connection(socket_path(self.path)))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoEngineError(f"no engine is running at {self.path}; tstream engine starts one") from None
        except PermissionError:
            raise RefusedError(f"the engine at {self.path} belongs to another user") from None
        except (OSError, TimeoutError) as error:
            raise RetryableError(f"the engine at {self.path} does not answer: {error}") from None


@dataclass(slots=True)
class Piped:
    """Standard input and output of a program that leads there."""

    process: Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    words: str
    _said: asyncio.Task[bytes] = field(init=False)

    def __post_init__(self) -> None:
        assert self.process.stderr is not None
        self._said = asyncio.create_task(_last(self.process.stderr))

    async def close(self) -> None:
        self.writer.close()
        try:
            async with asyncio.timeout(_END_S):
                await self.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        self._said.cancel()

    async def said(self) -> str:
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                lines = (await asyncio.shield(self._said)).decode(errors="replace").split("\n")
                told = scrub(next((line.strip() for line in reversed(lines) if line.strip()), ""))
                return told + _NOT_THERE if "tstream: not found" in told else told
        return ""


async def _last(stream: asyncio.StreamReader, most: int = 4096) -> bytes:
    """The end of what a stream says, once it is over."""
    told = b""
    while piece := await stream.read(most):
        told = (told + piece)[-most:]
    return told


@dataclass(frozen=True, slots=True)
class SshDial:
    """The control socket of the same user on another machine, through a child process `ssh`."""

    host: str
    user: str = ""
    port: int = 0
    program: str = "ssh"

    @property
    def words(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"at ssh://{f'{self.user}@' if self.user else ''}{self.host}{port}"

    def command(self, first: bool) -> list[str]:
        """The whole command line. Nobody is asked anything behind a screen."""
        words = [self.program, *_SSH_OPTIONS, *(() if first else ("-o", "BatchMode=yes"))]
        words += ["-p", str(self.port)] if self.port else []
        words += ["-l", self.user] if self.user else []
        return [*words, "--", self.host.strip("[]"), AT_THE_OTHER_END]

    async def __call__(self, first: bool) -> EngineConnection:
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command(first), stdin=PIPE, stdout=PIPE, stderr=PIPE
            )
        except OSError as error:
            raise FatalError(f"{self.program} can't be started: {error.strerror}") from None
        assert process.stdout is not None
        assert process.stdin is not None
        return Piped(process, process.stdout, process.stdin, self.words)


def dial_of(target: str | None, usual: Path, ssh: str = "ssh") -> UnixDial | SshDial:
    """The way to what a person named: `unix:PATH`, `ssh://[user@]host[:port]`, or nothing for `usual`, the
    control socket of this installation. `ssh` is the program. Raises ValueError with what may be written.
    """
    if not target:
        return UnixDial(usual)
    if target.startswith("unix:") and (path := target.removeprefix("unix:").removeprefix("//")):
        return UnixDial(Path(path).expanduser())
    if target.startswith("ssh://") and (found := _HOST.fullmatch(target.removeprefix("ssh://").rstrip("/"))):
        user, host, port = found.groups()
        if port is None or 0 < int(port) < 65536:
            return SshDial(host, user or "", int(port or 0), ssh)
    raise ValueError(f'"{target}" is no place of an engine: write unix:PATH or ssh://[user@]host[:port]')
