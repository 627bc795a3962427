from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.simulator.practice_venue import PracticeDesk, bench


@pytest.fixture
async def desk() -> AsyncIterator[PracticeDesk]:
    async with bench() as opened:
        yield opened
