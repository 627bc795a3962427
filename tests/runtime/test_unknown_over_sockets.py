"""Requests that hang, fills that are not told and fills that never were, over real sockets."""

from __future__ import annotations

from pathlib import Path

from engine.model.events import LinkState
from engine.model.market import NANOS
from tests.support.engine_over_sockets import LONG, VenueSide, venue_side
from tests.support.waits import until


def held(f: VenueSide) -> int:
    position = f.practice.account.holdings.positions.get("MNQ")
    return position.qty if position is not None else 0


async def test_f39_own_stops_that_hang_and_are_lost_leave_nothing_naked_for_three_seconds(
    tmp_path: Path,
) -> None:
    async with venue_side(tmp_path) as f, f.engine(LONG) as run:
        f.practice.controls.auto_oco(False)
        f.practice.faults.add("lost-request", call="place", type="stop", hang=True, times=0)
        await run.minute()
        await until(lambda: held(f) == 5)
        entered = f.clock()
        await until(lambda: held(f) == 0)
        assert f.clock() - entered <= 3 * NANOS
        f.practice.faults.clear()
        assert run.book.day.losses_in_a_row <= 1


async def test_f42_a_fill_that_the_hub_does_not_tell_is_protected_and_the_hub_is_connected_anew(
    tmp_path: Path,
) -> None:
    async with venue_side(tmp_path) as f, f.engine(LONG) as run:
        f.practice.controls.auto_oco(False)
        f.practice.controls.silence_user()
        await run.minute()
        await until(lambda: held(f) == 5)
        entered = f.clock()
        await until(lambda: sum(qty for qty, _ in run.stops()) == 5)
        assert f.clock() - entered <= 3 * NANOS
        await until(lambda: run.told("user", LinkState.STALE))
        await until(lambda: run.core.books["practice"].orders.inquiry.streaming)


async def test_f41_a_fill_that_never_was_changes_nothing(tmp_path: Path) -> None:
    async with venue_side(tmp_path) as f, f.engine(LONG) as run:
        f.practice.faults.add("absurd-fill", times=1, qty=7)
        await run.enter()
        await until(lambda: run.core.turn.counts["quarantined fills"] == 1)
        assert (run.qty(), held(f)) == (5, 5)
        assert run.core.state.restrictions == {}
