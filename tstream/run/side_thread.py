"""Work beside the engine that takes processor time: on a thread and a loop of its own, never on the
engine's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

Main = Callable[[asyncio.Event], Awaitable[None]]
"""Works until the event is set, and ends soon after it."""

END_S = 4.0
"""So long is waited for the end; the thread is a daemon, and keeps no process."""


async def in_thread(name: str, main: Main) -> None:
    """Run `main` in a thread until this is cancelled, which tells it to stop. Raises what it raises."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    failed: list[Exception] = []
    inner: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    wanted = threading.Event()

    async def work() -> None:
        stop = asyncio.Event()
        inner.append((asyncio.get_running_loop(), stop))
        if wanted.is_set():  # it was over before it began
            stop.set()
        await main(stop)

    def thread() -> None:
        try:
            asyncio.run(work())
        except Exception as error:  # noqa: BLE001  whoever waits is told
            failed.append(error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=thread, name=name, daemon=True).start()
    try:
        await ended.wait()
    except asyncio.CancelledError:
        wanted.set()
        for other, stop in inner:
            with suppress(RuntimeError):
                other.call_soon_threadsafe(stop.set)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await ended.wait()
        raise
    if failed:
        raise failed[0]
