"""Our own rate limiter, on a clock of its own."""

from __future__ import annotations

import asyncio
import heapq
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.projectx.budget import Budget
from engine.model.errors import RetryableError


class Time:
    """A clock that sleepers push on."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


class Stage(Time):
    """A clock on which many sleep at once; play() wakes them in the order of their times."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, self._count, future))
        await future

    async def play(self, until: float) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, future = heapq.heappop(self._sleepers)
            self.now = max(self.now, at)
            future.set_result(None)
            for _ in range(3):
                await asyncio.sleep(0)


def budget(time: Time, limit: int = 10, period: float = 60.0, reserve: float = 0.25) -> Budget:
    return Budget(limit, period, share=0.8, reserve=reserve, now=time.read, sleep=time.sleep)


async def test_ordinary_requests_leave_the_reserve() -> None:
    time = Time()
    limited = budget(time)
    for _ in range(6):
        await limited.take(urgent=False, patience_s=0)
    with pytest.raises(RetryableError, match="not sent"):
        await limited.take(urgent=False, patience_s=1)
    for _ in range(2):
        await limited.take(urgent=True, patience_s=0)
    assert time.now == 0
    with pytest.raises(RetryableError):
        await limited.take(urgent=True, patience_s=1)


async def test_a_patient_request_waits_for_its_place() -> None:
    time = Time()
    limited = budget(time)
    for _ in range(6):
        await limited.take(urgent=False, patience_s=0)
    await limited.take(urgent=False, patience_s=100)
    assert time.now == pytest.approx(60)


async def test_after_429_only_urgent_requests_go() -> None:
    time = Time()
    limited = budget(time)
    limited.hold(5)
    await limited.take(urgent=True, patience_s=0)
    assert time.now == 0
    with pytest.raises(RetryableError):
        await limited.take(urgent=False, patience_s=1)
    await limited.take(urgent=False, patience_s=6)
    assert time.now == pytest.approx(5)


async def test_an_urgent_request_that_waits_goes_before_an_ordinary_one() -> None:
    time = Stage()
    limited = budget(time, reserve=0)
    for _ in range(8):
        await limited.take(urgent=True, patience_s=0)
    order: list[str] = []

    async def ask(name: str, urgent: bool) -> None:
        await limited.take(urgent=urgent, patience_s=1000)
        order.append(name)

    tasks = [asyncio.create_task(ask("ordinary", False)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(ask("urgent", True)) for _ in range(8)]
    await time.play(200)
    await asyncio.gather(*tasks)
    assert order == ["urgent"] * 8 + ["ordinary"] * 3


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 30)), max_size=80))
def test_no_window_ever_holds_more_than_the_share(asked: list[tuple[bool, float]]) -> None:
    async def scenario() -> None:
        time = Time()
        limited = budget(time)
        sent: list[float] = []
        for urgent, pause in asked:
            time.now += pause
            try:
                await limited.take(urgent=urgent, patience_s=20)
            except RetryableError:
                continue
            sent.append(time.now)
        assert all(later >= earlier for earlier, later in pairwise(sent))
        for i, start in enumerate(sent):
            assert sum(1 for t in sent[i:] if t < start + 60 - 1e-6) <= 8

    asyncio.run(scenario())
