"""What is noticed of the machine's clock, and what the engine makes of it (F37)."""

from __future__ import annotations

from typing import Any

from engine.model import records as r
from engine.model.events import ClockFault
from engine.model.market import MINUTE, NANOS
from engine.model.notices import Severity
from engine.runtime.clock_watch import ClockWatch
from tests.support.engine_fakes import FakedEngine, known
from tests.support.waits import until
from tstream.clock import RunClock

HOUR = 60 * MINUTE


def test_f37_time_goes_on_by_what_has_passed_however_the_clock_is_set() -> None:
    wall, passed = 1_000 * NANOS, 5 * NANOS
    clock = RunClock(lambda: wall, lambda: passed)
    watch = ClockWatch(clock, clock.wall)
    assert (clock(), watch.look()) == (wall, None)
    told = []
    # Set back, steered forward a little, set forward; then an hour of sleep, which both clocks count.
    for stepped, passes in ((-300, 1), (0, 1), (1, 1), (7200, 1), (0, 3600)):
        wall += (stepped + passes) * NANOS
        passed += passes * NANOS
        one = watch.look()
        told.append(None if one is None else (one.offset_ns // NANOS, one.stood_still_ns // NANOS))
    assert told == [(-300, 0), None, (-299, 0), (6901, 0), (6901, 3600)]
    assert clock() == 1_000 * NANOS + passed - 5 * NANOS


def test_practice_time_is_nobodys_to_set_but_for_a_fault() -> None:
    wall, passed = 1_000 * NANOS, 0
    clock = RunClock(lambda: wall, lambda: passed)
    clock.follow(lambda passed: 2_000 * NANOS + 2 * passed)
    wall -= 300 * NANOS
    assert clock.wall() == clock() == 2_000 * NANOS
    clock.set_by(-300 * NANOS)
    assert (clock.wall(), clock()) == (1_700 * NANOS, 2_000 * NANOS)


async def test_f37_the_engine_tells_that_its_clock_was_set_and_goes_on() -> None:
    offset = 0
    faked = FakedEngine(wall=lambda: faked.clock() + offset)
    faked.broker.on_run = known

    def written(kind: type) -> list[Any]:
        return [one for raw in faked.journal.records if isinstance(one := r.decode(raw), kind)]

    async with faked.running():
        await until(lambda: written(r.Reconciled))
        offset = -HOUR
        await until(lambda: written(r.ClockFound))
        await until(lambda: faked.engine.view().ts < faked.clock() - HOUR + MINUTE)
        reconciled = len(written(r.Reconciled))
        await until(lambda: len(written(r.Reconciled)) > reconciled or len(faked.broker.sent) > 2)
    [record] = written(r.ClockFound)
    assert record.fault is ClockFault.SET
    assert abs(record.by_ns + HOUR) < NANOS
    told = [n for n in faked.engine.notices(0) if "set back by" in n.text]
    assert [n.severity for n in told] == [Severity.CRITICAL]
