"""What a service manager is told by the engine itself: it is ready, it lives, it ends (sd_notify)."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

SOCKET, WATCHDOG, WATCHDOG_PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
_BEATS = 3
"""Signs of life within the time that the manager waits for one."""
_LONGEST_S = 3600.0


def is_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a service manager listens."""
    return environ.get(SOCKET, "")[:1] in ("/", "@")


async def keep_told(environ: Mapping[str, str] = os.environ) -> None:
    """Say that the engine is ready, then give signs of life from its own loop, until cancelled: where that
    hangs, so do they, and the manager starts it again.
    """
    address = environ[SOCKET]
    beat_s = _beat_s(environ)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as line:
        tell = _Teller(line, "\0" + address[1:] if address.startswith("@") else address)
        tell("READY=1")
        try:
            while True:
                await asyncio.sleep(beat_s or _LONGEST_S)
                if beat_s:
                    tell("WATCHDOG=1")
        finally:
            tell("STOPPING=1")


class _Teller:
    def __init__(self, line: socket.socket, address: str) -> None:
        self._line = line
        self._address = address

    def __call__(self, word: str) -> None:
        """Nothing that listens amiss may hold the engine up."""
        try:
            self._line.sendto(word.encode(), self._address)
        except OSError as error:
            log.warning("the service manager does not hear %s: %s", word, error.strerror)


def _beat_s(environ: Mapping[str, str]) -> float:
    """Seconds between two signs of life; 0 where nobody waits for any."""
    if environ.get(WATCHDOG_PID, str(os.getpid())) != str(os.getpid()):
        return 0.0
    try:
        wait_s = int(environ.get(WATCHDOG, "0")) / 1_000_000
    except ValueError:
        return 0.0
    return wait_s / _BEATS if wait_s > 0 else 0.0
