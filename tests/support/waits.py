"""Waits that tests share: none sleeps for a guessed time, and each ends when nothing comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

PATIENCE_S = 10.0


async def until(condition: Callable[[], Any], seconds: float = PATIENCE_S, *, look_s: float = 0.0) -> Any:
    """What a condition gives once it is true: looked at each turn of the loop, or every `look_s` seconds."""
    async with asyncio.timeout(seconds):
        while not (value := condition()):  # noqa: ASYNC110 - for what has no event of its own
            await asyncio.sleep(look_s)
    return value


class Changes:
    """For what tells of its changes: whoever waits looks again at each."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def note(self) -> None:
        self._changed.set()

    async def until(self, condition: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
        """What a condition gives once it is true."""
        async with asyncio.timeout(seconds):
            while not (value := condition()):
                self._changed.clear()
                await self._changed.wait()
        return value
