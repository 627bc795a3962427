"""The command line's end of the control socket; plain blocking calls."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from adapters.control.address import socket_path
from adapters.control.protocol import ANSWER_SECONDS, Reply, Request, ViewAsked
from engine.model.commands import AnyCommand
from engine.model.errors import RefusedError, RetryableError, UnknownOutcomeError
from engine.model.notices import Notice
from engine.model.view import View

_CHUNK = 1 << 16
_LOOK_SECONDS = 5.0


class NoEngineError(RefusedError):
    """Nobody listens on the control socket."""


def fetch_view(path: Path, charts: bool = False, timeout: float = _LOOK_SECONDS) -> View:
    """The running engine's newest View; its charts are empty unless asked for.

    Raises NoEngineError, RefusedError, RetryableError when the engine does not answer in `timeout` seconds.
    """
    try:
        with _conversation(path, Request(view=ViewAsked(charts=charts)), timeout) as replies:
            view = next(replies).view
    except (TimeoutError, ConnectionError) as error:
        raise RetryableError(f"the engine at {path} does not answer: {error}") from None
    if view is None:
        raise RefusedError(f"the engine at {path} answered something else than a view")
    return view


def send_command(path: Path, command: AnyCommand, timeout: float = ANSWER_SECONDS) -> Notice:
    """Send a command and give the engine's answer, whose text is data.

    Raises NoEngineError, RefusedError when the engine did not understand the command, UnknownOutcomeError
    when it took it, or may have, but didn't answer within `timeout` seconds.
    """
    notice: Notice | None = None
    verb = "may have taken"
    try:
        with _conversation(path, Request(command=command), timeout) as replies:
            if next(replies).accepted == command.id:
                verb = "took"
            notice = next(replies).notice
    except (TimeoutError, ConnectionError):
        notice = None  # said below, with what is known
    if notice is None:
        raise UnknownOutcomeError(
            f"the engine at {path} {verb} the command but has not answered it; look with tstream status"
        )
    return notice


@contextmanager
def _conversation(path: Path, request: Request, timeout: float) -> Iterator[Iterator[Reply]]:
    """One request and the replies to it, all within `timeout` seconds. An error reply is a RefusedError."""
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(timeout)
        try:
            line.connect(os.fspath(socket_path(path)))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoEngineError(f"no engine is running at {path}; start tstream first") from None
        except PermissionError:
            raise RefusedError(f"the engine at {path} belongs to another user") from None
        line.sendall(msgspec.json.encode(request) + b"\n")
        yield _replies(line, deadline)


def _replies(line: socket.socket, deadline: float) -> Iterator[Reply]:
    decoder = msgspec.json.Decoder(Reply)
    buffer = bytearray()
    while True:
        searched = 0
        while (end := buffer.find(b"\n", searched)) < 0:
            searched = len(buffer)
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("out of time")
            line.settimeout(left)
            chunk = line.recv(_CHUNK)
            if not chunk:
                raise ConnectionError("it hung up")
            buffer += chunk
        try:
            reply = decoder.decode(bytes(buffer[:end]))
        except msgspec.DecodeError as error:
            raise RefusedError(
                f"the engine speaks another language ({error}); is it another version?"
            ) from None
        del buffer[: end + 1]
        if reply.error is not None:
            raise RefusedError(reply.error)
        yield reply
