"""A process that dies with its entries in the journal, on their way or not, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine.model import effects as fx
from engine.runtime.effect_runner import EffectRunner
from tests.support.engine_over_sockets import Run
from tests.support.waits import until


async def died_at_the_entry(
    run: Run, begin: Callable[[], Awaitable[Any]], count: int, monkeypatch: pytest.MonkeyPatch, *, sent: bool
) -> list[fx.PlaceOrder]:
    """Let so many entries come; the process dies with them in the journal, sent or not, and hears nothing of
    what the venue answers. Gives the entries.
    """
    entries: list[fx.PlaceOrder] = []
    arrived: list[str] = []
    carry = EffectRunner.run

    async def send(order: fx.PlaceOrder) -> None:
        arrived.append(await run.engine._brokers[order.book].place(order))

    def dying(self: EffectRunner, effect: fx.AnyEffect) -> None:
        if not isinstance(effect, fx.PlaceOrder):
            carry(self, effect)
            return
        entries.append(effect)
        patch.setattr(run.engine, "_post", lambda _: None)  # it hears nothing any more
        if sent:
            tasks.append(asyncio.create_task(send(effect)))

    tasks: list[asyncio.Task[None]] = []
    with monkeypatch.context() as patch:
        patch.setattr(EffectRunner, "run", dying)
        await begin()
        await until(lambda: len(entries) == count)
        await until(lambda: len(arrived) == (count if sent else 0))
        await run.crash()
    await asyncio.gather(*tasks)
    return entries
