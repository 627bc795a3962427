"""Joins standard input and output to the control socket: what `tstream attach ssh://…` runs at the other
end.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from adapters.control.address import socket_path
from adapters.control.attach_protocol import Bridged, Role, frame
from adapters.control.line import NoEngineError
from engine.model.errors import RefusedError

_CHUNK = 1 << 16


def bridge(
    path: Path, most: Role, environ: Mapping[str, str] = os.environ, ends: tuple[int, int] = (0, 1)
) -> None:
    """Carry bytes both ways until one side has enough. `most` is what the client may be at most, whatever it
    says itself; `ends` are the descriptors that are read and written. Raises NoEngineError, RefusedError.
    """
    came, goes = ends
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(os.fspath(socket_path(path)))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoEngineError(f"no engine is running at {path}; tstream engine starts one there") from None
        except PermissionError:
            raise RefusedError(f"the engine at {path} belongs to another user") from None
        line.sendall(frame(Bridged(origin(environ), most)))
        threading.Thread(target=_up, args=(came, line), name="up", daemon=True).start()
        with suppress(OSError):
            while told := line.recv(_CHUNK):
                while told:
                    told = told[os.write(goes, told) :]


def origin(environ: Mapping[str, str]) -> str:
    """From where whoever uses this comes, as sshd tells."""
    address = environ.get("SSH_CONNECTION", "").split(" ")[0]
    return f"ssh from {address}" if address else "a pipe on this machine"


def _up(came: int, line: socket.socket) -> None:
    with suppress(OSError):
        while told := os.read(came, _CHUNK):
            line.sendall(told)
        line.shutdown(socket.SHUT_RDWR)
