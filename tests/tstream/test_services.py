"""What runs beside the engine: a failing service is begun again and leaves the others alone."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.waits import until
from tstream.run.services import Service, beside


async def test_a_service_that_fails_is_begun_again_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun: list[str] = []
    ended: list[str] = []

    async def fails_twice() -> None:
        begun.append("frail")
        if begun.count("frail") < 3:
            raise OSError("no space left")

    async def steady() -> None:
        begun.append("steady")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("steady")

    services = [Service("frail", fails_twice), Service("steady", steady)]
    async with beside(services, first_wait_s=0.001):
        await until(lambda: begun.count("frail") == 3)
        assert begun.count("steady") == 1
        assert not ended
    assert ended == ["steady"]
    assert [record.message for record in caplog.records] == [
        "frail failed; begun again in 0.001 s",
        "frail failed; begun again in 0.002 s",
    ]


async def test_services_end_with_the_block_even_when_it_fails() -> None:
    ended = asyncio.Event()

    async def steady() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def engine() -> None:
        async with beside([Service("steady", steady)]):
            await asyncio.sleep(0)
            raise ValueError("the engine failed")

    with pytest.raises(ValueError, match="the engine"):
        await engine()
    assert ended.is_set()
