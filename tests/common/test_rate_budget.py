"""Our own rate limiter, on a loop whose time is virtual: who may go when, and who goes first."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.common.rate_budget import Priority, RateBudget
from engine.model.errors import RetryableError
from tests.support.virtual_loop import play

CLOSING, PROTECT, ENTRY, QUERY = Priority.CLOSE, Priority.PROTECT, Priority.ENTRY, Priority.QUERY
PERIOD = 60.0


def budget(limit: int = 100, *, flat: bool = False) -> RateBudget:
    """80 of 100: 76 for protection, 60 for entries, 50 for queries; or all the same for all."""
    left = {} if flat else {PROTECT: 0.05, ENTRY: 0.25, QUERY: 0.375}
    return RateBudget(limit, PERIOD, share=0.8, left_above=left)


def now() -> float:
    return asyncio.get_running_loop().time()


async def taken(limited: RateBudget, priority: Priority, most: int = 1000, who: str = "") -> int:
    """How many go at once."""
    for number in range(most):
        try:
            await limited.take(priority, 0, who)
        except RetryableError:
            return number
    return most


def test_each_class_leaves_a_part_to_those_above_it() -> None:
    async def scenario() -> None:
        limited = budget()
        began = now()
        assert [await taken(limited, one) for one in (QUERY, ENTRY, PROTECT, CLOSING)] == [50, 10, 16, 4]
        assert (limited.used(), limited.limit, now()) == (80, 80, began)
        with pytest.raises(RetryableError, match="the request was not sent"):
            await limited.take(CLOSING, 1)

    play(scenario())


def test_a_patient_request_waits_for_its_place() -> None:
    async def scenario() -> None:
        limited = budget(10)
        began = now()
        await taken(limited, ENTRY)
        await limited.take(ENTRY, 100)
        assert now() - began == pytest.approx(PERIOD)

    play(scenario())


def test_who_would_wait_too_long_is_turned_away_at_once() -> None:
    async def scenario() -> None:
        limited = budget(10)
        await taken(limited, ENTRY)
        began = now()
        with pytest.raises(RetryableError):
            await limited.take(ENTRY, PERIOD - 1)
        assert now() == began

    play(scenario())


def test_under_contention_what_takes_risk_away_goes_first() -> None:
    """All of one cap, so that only the order in the queue decides."""

    async def scenario() -> list[Priority]:
        limited = budget(10, flat=True)
        await taken(limited, CLOSING)
        went: list[Priority] = []

        async def ask(priority: Priority) -> None:
            await limited.take(priority, 1000)
            went.append(priority)

        asked = [QUERY, ENTRY, Priority.HISTORY, PROTECT, CLOSING, ENTRY, PROTECT, QUERY, CLOSING, CLOSING]
        async with asyncio.TaskGroup() as group:
            for one in asked:
                group.create_task(ask(one))
                await asyncio.sleep(0)
        return went

    assert play(scenario()) == [CLOSING] * 3 + [PROTECT] * 2 + [ENTRY] * 2 + [QUERY] * 2 + [Priority.HISTORY]


def test_a_close_that_comes_last_overtakes_a_full_queue() -> None:
    async def scenario() -> None:
        limited = budget(10)
        assert await taken(limited, QUERY) == 5
        queue = [asyncio.create_task(limited.take(QUERY, 1000)) for _ in range(20)]
        await asyncio.sleep(0)
        began = now()
        await limited.take(CLOSING, 0)
        assert (now(), limited.waiting()) == (began, 20)
        for task in queue:
            task.cancel()
        await asyncio.gather(*queue, return_exceptions=True)
        assert limited.waiting() == 0

    play(scenario())


def test_equals_go_in_the_order_in_which_they_asked() -> None:
    async def scenario() -> list[int]:
        limited = budget(10, flat=True)
        await taken(limited, ENTRY)
        went: list[int] = []

        async def ask(number: int) -> None:
            await limited.take(ENTRY, 1000)
            went.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(ask(number))
        return went

    assert play(scenario()) == list(range(20))


def test_who_gives_up_makes_room_for_those_behind() -> None:
    async def scenario() -> None:
        limited = budget(10, flat=True)
        await taken(limited, ENTRY)
        first = asyncio.create_task(limited.take(CLOSING, 1000))
        await asyncio.sleep(0)
        second = asyncio.create_task(limited.take(QUERY, PERIOD))
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert first.cancelled()

    play(scenario())


def test_after_429_only_what_is_urgent_goes_and_not_in_a_burst() -> None:
    async def scenario() -> None:
        limited = budget()
        assert limited.limited(5) == 5
        began = now()
        for _ in range(3):
            await limited.take(CLOSING, 3)
        assert now() - began == pytest.approx(0.5, abs=0.01)
        with pytest.raises(RetryableError):
            await limited.take(ENTRY, 1)
        await limited.take(ENTRY, 6)
        assert now() - began == pytest.approx(5)
        await limited.take(CLOSING, 0)

    play(scenario())


ASKED = st.lists(
    st.tuples(st.sampled_from([CLOSING, PROTECT, ENTRY, QUERY]), st.floats(0, 20), st.floats(0, 90)),
    max_size=60,
)


@given(ASKED)
def test_no_window_ever_holds_more_than_the_share_and_none_waits_in_vain(
    asked: list[tuple[Priority, float, float]],
) -> None:
    async def scenario() -> None:
        limited = budget(10)
        sent: list[float] = []

        async def ask(priority: Priority, patience: float) -> None:
            began = now()
            try:
                await limited.take(priority, patience)
            except RetryableError:
                assert now() - began <= patience + 1e-3
                return
            assert now() - began <= patience + 1e-3
            sent.append(now())

        async with asyncio.TaskGroup() as group:
            for priority, pause, patience in asked:
                await asyncio.sleep(pause)
                group.create_task(ask(priority, patience))
        assert limited.waiting() == 0
        assert all(later >= earlier for earlier, later in pairwise(sent))
        for i, start in enumerate(sent):
            assert sum(1 for t in sent[i:] if t < start + PERIOD - 1e-4) <= 8

    play(scenario())


def test_each_of_several_keeps_places_for_what_closes_and_protects() -> None:
    """80 of 100, of which VERIFY leaves 20: ten books have two each, whatever one of them does."""

    async def scenario() -> None:
        limited = RateBudget(100, PERIOD, share=0.8, left_above={PROTECT: 0.05, Priority.VERIFY: 0.25})
        names = [f"book-{number}" for number in range(10)]
        for name in names:
            limited.keep_for(name)
        began, greedy = now(), names[0]
        sent = await taken(limited, PROTECT, who=greedy)
        assert sent == 76 - 9 * 2
        waiting = [asyncio.create_task(limited.take(PROTECT, PERIOD, greedy)) for _ in range(3)]
        await asyncio.sleep(0)
        for name in names[1:]:
            await limited.take(PROTECT, 0, name)
            await limited.take(CLOSING, 0, name)
        assert (now(), limited.used()) == (began, sent + 18)
        await asyncio.gather(*waiting)
        assert now() - began == pytest.approx(PERIOD)

    play(scenario())


@given(st.lists(st.tuples(st.sampled_from(list(Priority)[:5]), st.sampled_from("abc")), max_size=60))
def test_however_many_share_it_no_window_has_more_than_the_limit(asked: list[tuple[Priority, str]]) -> None:
    async def scenario() -> None:
        limited = RateBudget(20, PERIOD, share=0.8, left_above={PROTECT: 0.05, ENTRY: 0.25, QUERY: 0.4})
        for name in "abc":
            limited.keep_for(name)
        sent: list[float] = []

        async def one(priority: Priority, who: str) -> None:
            try:
                await limited.take(priority, 3 * PERIOD, who)
            except RetryableError:
                return
            sent.append(now())

        await asyncio.gather(*(one(*request) for request in asked))
        for at in sent:
            assert sum(at <= other < at + PERIOD - 1e-3 for other in sent) <= limited.limit

    play(scenario())


def test_what_a_priority_may_take_grows_with_those_who_need_it() -> None:
    async def scenario() -> None:
        limited = RateBudget(100, PERIOD, share=0.8, left_above={QUERY: 0.375}, most={QUERY: 0.25})
        limited.allow(QUERY, 10)
        began = now()
        assert await taken(limited, QUERY) == 20
        limited.allow(QUERY, 30)
        assert await taken(limited, QUERY) == 10
        limited.allow(QUERY, 1000)
        assert await taken(limited, QUERY) == 20, "the rest is left to those above it"
        await limited.take(QUERY, PERIOD)
        assert now() - began == pytest.approx(PERIOD)

    play(scenario())
