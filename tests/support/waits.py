"""Waits that tests share: none sleeps for a guessed time, and each ends when nothing comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from engine.model.events import AnyEvent, LinkChanged, LinkState
from tests.support.patience import patient

PATIENCE_S = 10.0
E = TypeVar("E")


EAGER = 200
"""Turns of the loop at which a condition is looked at before whoever waits leaves the machine to others."""
LOOK_S = 0.003


async def until(condition: Callable[[], Any], seconds: float = PATIENCE_S, *, look_s: float = 0.0) -> Any:
    """What a condition gives once it is true: looked at in each turn of the loop at first, then every
    LOOK_S or `look_s` seconds.
    """
    looks = 0
    async with asyncio.timeout(patient(seconds)):
        while not (value := condition()):
            looks += 1
            await asyncio.sleep(look_s or (LOOK_S if looks > EAGER else 0))
    return value


async def turns(count: int = 50) -> None:
    """Let everything that is ready run, so many times over: what has not happened then does not happen."""
    for _ in range(count):
        await asyncio.sleep(0)


class Changes:
    """For what tells of its changes: whoever waits looks again at each."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def tell(self) -> None:
        for waiting in self._waiting:
            waiting.set()

    async def until(self, condition: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
        """What a condition gives once it is true."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(patient(seconds)):
                while not (value := condition()):
                    changed.clear()
                    await changed.wait()
        finally:
            self._waiting.discard(changed)
        return value


class Inbox(list[AnyEvent], Changes):
    """The engine's end of an adapter: a sink that remembers, and wakes who waits."""

    def __init__(self) -> None:
        list.__init__(self)
        Changes.__init__(self)

    def __call__(self, event: AnyEvent) -> None:
        self.append(event)
        self.tell()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self if isinstance(event, kind)]

    def links(self, link: str = "") -> list[LinkChanged]:
        """What was told of one link, or of all."""
        return [event for event in self.of(LinkChanged) if link in ("", event.link)]

    def states(self, link: str = "") -> list[LinkState]:
        return [changed.state for changed in self.links(link)]

    def words(self, link: str = "") -> list[str]:
        """What was said with each change of a link."""
        return [changed.detail for changed in self.links(link)]

    async def live(self, link: str = "", times: int = 1) -> None:
        """LIVE for the so many-th time."""
        await self.until(lambda: self.states(link).count(LinkState.LIVE) >= times)
