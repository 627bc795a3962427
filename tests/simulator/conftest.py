from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.simulator.bench import Bench, bench


@pytest.fixture
async def desk() -> AsyncIterator[Bench]:
    async with bench() as opened:
        yield opened
