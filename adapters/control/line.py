"""One conversation on the control socket, a line of bytes at a time; it imports next to nothing."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from adapters.control.address import socket_path
from engine.model.errors import FatalError, RefusedError, RetryableError

LOOK_SECONDS = 5.0
_CHUNK = 1 << 16
_VIEW, _CHARTS = b'{"view":', b'{"charts":'


class NoEngineError(RefusedError):
    """Nobody listens on the control socket."""


def look(path: Path, charts: bool = False, timeout: float = LOOK_SECONDS) -> bytes:
    """The running engine's newest View as it wrote it: JSON, with a last field `charts` if asked for.

    Raises NoEngineError, RefusedError, RetryableError when the engine does not answer in `timeout` seconds.
    """
    asked = [b'{"view":{}}', b'{"charts":{}}'] if charts else [b'{"view":{}}']
    try:
        with conversation(path, asked, timeout) as replies:
            view = _body(path, next(replies), _VIEW)
            return view[:-1] + b',"charts":' + _body(path, next(replies), _CHARTS) + b"}" if charts else view
    except (TimeoutError, ConnectionError) as error:
        raise RetryableError(f"the engine at {path} does not answer: {error}") from None


def _body(path: Path, reply: bytes, opening: bytes) -> bytes:
    """What is told in a reply. Raises RefusedError where it is not the one that was asked for."""
    if reply.startswith(opening) and reply.endswith(b"}"):
        return reply[len(opening) : -1]
    import json

    try:
        told = json.loads(reply)
    except ValueError as error:
        raise RefusedError(f"the engine speaks another language ({error}); is it another version?") from None
    if isinstance(told, dict) and isinstance(told.get("error"), str):
        raise RefusedError(told["error"])
    raise RefusedError(f"the engine at {path} answered something else than a view")


def reachable(path: Path) -> bool:
    """Whether somebody listens on the control socket."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(LOOK_SECONDS)
            line.connect(os.fspath(socket_path(path)))
            return True
    except (OSError, FatalError):
        return False


@contextmanager
def conversation(path: Path, requests: Sequence[bytes], timeout: float) -> Iterator[Iterator[bytes]]:
    """The reply lines to some requests, all within `timeout` seconds, without their ends.

    Raises NoEngineError, RefusedError; reading a line raises TimeoutError, ConnectionError.
    """
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(timeout)
        try:
            line.connect(os.fspath(socket_path(path)))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoEngineError(f"no engine is running at {path}; start tstream first") from None
        except PermissionError:
            raise RefusedError(f"the engine at {path} belongs to another user") from None
        line.sendall(b"".join(request + b"\n" for request in requests))
        yield _lines(line, deadline)


def _lines(line: socket.socket, deadline: float) -> Iterator[bytes]:
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
        reply = bytes(buffer[:end])
        del buffer[: end + 1]
        yield reply
