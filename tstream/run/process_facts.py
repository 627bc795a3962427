"""What this process takes of the machine, and what the disk of the journal has left."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import shutil
import sys
import time
from pathlib import Path

from engine.model.view_performance import ProcessView
from engine.runtime.watch import Watch

EVERY_S, FIRST_S = 5.0, 1.0
GIVES_BACK_S = 60.0
"""Memory that a burst has left free goes back to the system no later."""


async def measure(watch: Watch, folder: Path) -> None:
    """Measure every few seconds, until cancelled; `folder` is on the disk in question. Raises OSError."""
    used, at = time.process_time(), time.monotonic()
    given = at
    while True:
        await asyncio.sleep(EVERY_S if watch.process is not None else FIRST_S)
        # In a thread: a disk that hangs holds nobody up.
        free, size = await asyncio.to_thread(_disk, folder)
        if time.monotonic() - given >= GIVES_BACK_S:
            given = time.monotonic()
            await asyncio.to_thread(give_back)
        before, used = used, time.process_time()
        since, at = at, time.monotonic()
        share = (used - before) / max(at - since, 1e-9)
        watch.process = ProcessView(round(100 * share, 1), memory_bytes(), free, size)


def _disk(folder: Path) -> tuple[int, int]:
    found = shutil.disk_usage(folder)
    return found.free, found.total


def give_back() -> None:
    """Let the C library return what it holds and nobody uses: after a backlog of market data it would keep
    most of that for ever, as one block in use at its end holds all below it. Some milliseconds; does nothing
    where the library can't.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def memory_bytes() -> int:
    """Resident memory of this process; where the system does not say it, the most that it ever was."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
