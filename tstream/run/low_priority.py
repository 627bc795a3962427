"""Work that must not be felt elsewhere: the least share of processor and disk, and a bound on memory."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
from contextlib import suppress

from adapters.common.standing_back import stand_back

_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
"""Numbers of the system call on Linux; the C library has no name for it."""
_THIS_PROCESS, _IDLE_CLASS = 1, 3 << 13


def step_back() -> None:
    """Let everybody else go first from now on: the lowest priority, disk only when nobody wants it, and
    numbers on one thread. What a system has none of is left out.
    """
    stand_back(19)
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    number = _IOPRIO_SET.get(platform.machine())
    if platform.system() == "Linux" and number is not None:
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).syscall(number, _THIS_PROCESS, 0, _IDLE_CLASS)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def bound_memory(memory_mb: int) -> None:
    """Take no more than so many MB of memory of its own from now on; what asks for more raises MemoryError.
    Libraries in C should be loaded before: some of them end the process instead.
    """
    most = memory_mb << 20
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
