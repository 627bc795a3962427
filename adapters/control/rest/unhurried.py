"""An event loop that leaves the interpreter to others: only one thread of a process runs Python at a time.

However many clients come, the loop takes a few of their requests at a time, is at work for a part of the time
only, and sleeps for the rest: the engine, which lives in another thread, finds the interpreter free.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import time

SHARE = 0.25
"""Of the time, when there is more to do than that allows."""
BURST_S = 0.005
"""So much work is done at once after a rest without a pause."""
AT_ONCE = 8
"""Connections that are heard at a time."""
LONGEST_PAUSE_S = 0.1
SWITCH_S = 0.0005
"""How long a working thread keeps the interpreter while another one wants it; Python's own is 5 ms."""

_Ready = list[tuple[selectors.SelectorKey, int]]


class UnhurriedSelector(selectors.DefaultSelector):
    """Between two looks at the sockets lies the loop's work: it is measured, and paid for by a pause."""

    def __init__(self) -> None:
        super().__init__()
        self._credit = BURST_S
        self._worked, self._now = time.thread_time(), time.monotonic()
        self._turn = 0

    def select(self, timeout: float | None = None) -> _Ready:
        worked, now = time.thread_time(), time.monotonic()
        self._credit += (now - self._now) * SHARE - (worked - self._worked)
        self._credit = min(BURST_S, self._credit)
        self._worked, self._now = worked, now
        if self._credit < 0:
            time.sleep(min(LONGEST_PAUSE_S, -self._credit / SHARE))
        ready = super().select(timeout)
        if len(ready) <= AT_ONCE:
            return ready
        self._turn = (self._turn + AT_ONCE) % len(ready)
        return (ready[self._turn :] + ready[: self._turn])[:AT_ONCE]


def unhurried_loop() -> asyncio.AbstractEventLoop:
    """A loop of that kind."""
    if sys.getswitchinterval() > SWITCH_S:
        sys.setswitchinterval(SWITCH_S)
    return asyncio.SelectorEventLoop(UnhurriedSelector())
