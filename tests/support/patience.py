"""Deadlines of tests with processes and sockets: a slower machine gets later ones."""

from __future__ import annotations

import os
import subprocess
import sys
import time

_QUIET_START_S = 0.6
"""What the start below takes where the deadlines were chosen: two cores with nothing else to do."""


def _start_s() -> float:
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "import asyncio, aiohttp, msgspec, textual.app"], check=True)
    return time.monotonic() - begun


# At import: within a test it would hold up the test's own event loop.
_SLOWNESS = max(1.0, _start_s() / _QUIET_START_S)


def _crowd() -> float:
    """How many wait for each processor: others may have come since the start was timed."""
    return os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 1.0


def patient(seconds: float) -> float:
    """So many seconds of a quiet machine, in seconds of this one as it is now."""
    return seconds * max(_SLOWNESS, _crowd())
