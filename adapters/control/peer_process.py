"""Which process is at the other end of a Unix socket, by the kernel's word."""

from __future__ import annotations

import socket
import struct
import sys
from typing import NamedTuple

_CREDENTIALS = struct.Struct("iII")
"""Linux, struct ucred: process, user, group."""
_SOL_LOCAL, _LOCAL_PEERCRED, _LOCAL_PEERPID = 0, 1, 2
_XUCRED = struct.Struct("=II")
"""macOS, struct xucred begins with its version and the user; groups follow."""
_XUCRED_BYTES = 76


class PeerProcess(NamedTuple):
    uid: int
    pid: int
    """0 where the system does not tell."""


def peer_process(line: socket.socket) -> PeerProcess:
    """Who connected. Raises OSError where the kernel does not say."""
    if sys.platform == "darwin":
        credentials = line.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
        _, uid = _XUCRED.unpack_from(credentials)
        return PeerProcess(uid, line.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID))
    pid, uid, _ = _CREDENTIALS.unpack(
        line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return PeerProcess(uid, pid)
