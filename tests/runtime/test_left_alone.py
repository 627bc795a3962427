"""A gateway that wants to be left alone: what the whole engine does meanwhile, over real sockets."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.common import rate_budget
from adapters.store.virtual import SyncJournal
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.events import LinkState
from engine.model.market import MINUTE, NANOS, Side
from tests.support.engine_over_sockets import LONG, Run, VenueSide, venue_side
from tests.support.waits import until

QUERIES = ("accounts", "contracts", "orders", "open-orders", "query", "positions", "trades")


def leave_alone(f: VenueSide, *calls: str, times: int = 0) -> None:
    """Such questions are not answered, and it names a pause of a day."""
    for call in calls:
        f.practice.faults.add("throttled", call=call, times=times, seconds=86_400)


def held(f: VenueSide) -> int:
    """Contracts of all positions at the venue, by its own books."""
    return sum(abs(row.qty) for row in f.practice.account.holdings.positions.values())


async def test_f61_without_queries_a_new_run_closes_what_the_journal_knows(tmp_path: Path) -> None:
    async with venue_side(tmp_path) as f:
        async with f.engine(LONG) as run:
            await run.enter()
            await run.stored()
            await run.crash()
        f.practice.faults.add("throttled", call="login", times=3, seconds=0)
        leave_alone(f, *QUERIES)
        async with f.engine(heard=False) as again:
            again.engine.ask(Flatten(id="f"))
            await until(lambda: again.core.now and "MNQ" in again.book.flattening)

            def closed() -> bool:
                f.clock.skip(NANOS // 5)
                return held(f) == 0

            await until(closed, 30, look_s=0.02)
            assert "MNQ" in again.book.flattening, "only the venue's own word opens the latch"
    with SyncJournal(f.journal) as journal:
        kinds = [type(r.decode(raw)) for _, raw in journal.read()]
    assert kinds.index(r.FlattenStarted) < kinds.index(r.CloseRequested)
    assert r.FlattenEnded not in kinds


async def left_alone(f: VenueSide, run: Run) -> None:
    """One question is answered with a pause of a day; then somebody buys by hand."""
    leave_alone(f, "positions", times=1)
    f.clock.skip(MINUTE)
    await until(lambda: run.told("rest", LinkState.DOWN))
    f.practice.platform.trade("MNQ", Side.BUY, 2)
    await until(lambda: run.qty() == 2)


async def test_f40_a_flatten_in_a_pause_of_a_day_closes_and_verifies(tmp_path: Path) -> None:
    async with venue_side(tmp_path) as f, f.engine() as run:
        await left_alone(f, run)
        down = run.told("rest", LinkState.DOWN)
        assert down is not None
        assert "wants no requests for 60 s" in down.detail
        run.engine.ask(Flatten(id="f"))
        await until(lambda: held(f) == 0 and not run.book.flattening)
        assert run.link("rest") is LinkState.LIVE


async def test_f40_after_a_pause_of_a_day_a_position_of_somebody_else_gets_its_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_budget, "LONGEST_HOLD_S", 0.3)
    async with venue_side(tmp_path) as f, f.engine() as run:
        await left_alone(f, run)
        await until(lambda: sum(qty for qty, _ in run.stops()) == 2)
