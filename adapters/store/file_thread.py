"""One thread for one file: what is asked of it is done in turn; the event loop never waits for it."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class FileThread:
    """Does jobs in the order in which they came, each whole, whether or not anybody still waits for it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, job: Callable[[], T]) -> asyncio.Future[T]:
        """What the job gives or raises, on the running loop."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                settle = _given(ended, job())
            except Exception as error:  # noqa: BLE001  whoever asked is told
                settle = _raised(ended, error)
            try:
                loop.call_soon_threadsafe(settle)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

        if self._thread is None:
            # A daemon: a disk that hangs for ever must not keep the process from ending.
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put(work)
        return ended

    def stop(self) -> None:
        """End the thread behind the jobs that it has; nothing may be asked of it any more."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _given(ended: asyncio.Future[T], value: T) -> Callable[[], None]:
    def settle() -> None:
        if not ended.done():
            ended.set_result(value)

    return settle


def _raised(ended: asyncio.Future[T], error: Exception) -> Callable[[], None]:
    def settle() -> None:
        if not ended.done():
            ended.set_exception(error)

    return settle
