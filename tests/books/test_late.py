"""What nobody tells of is seen to in time all the same."""

from __future__ import annotations

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.market import NANOS
from engine.model.view import LimitView
from tests.market.feed import T0
from tests.support.manual_venue import BOOK, connected, entered
from tests.support.paper_replay import paper_core
from tests.support.venue_orders import PRICE


def test_suspended_legs_of_an_entry_that_is_over_are_cancelled_soon() -> None:
    bench, order = connected()
    entry = bench.lodge(order)
    for one in (entry, *(o.venue_id for o in bench.orders.values() if o.parent_id == entry)):
        bench.tell(one)
    bench.reply(order, ev.Outcome.ACCEPTED, entry)
    bench.end(entry)  # its legs stay suspended there: their end is not told
    bench.wait(2.5)
    assert len(bench.of(fx.CancelOrder)) == 2
    bench.obey(2)
    assert not bench.book.plans


def test_what_the_paper_book_answers_at_start_is_looked_at_soon() -> None:
    core, now = paper_core(1), T0
    written = list(core.start(now)[0])
    while now < T0 + 2 * NANOS:
        now += NANOS // 10
        written += core.step(ev.TimeAdvanced(ts_recv=now))[0]
    assert any(isinstance(x, r.BalanceMarked) for x in written)


def test_a_guard_that_failed_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = entered()
    faults: list[Exception] = []
    bench.core.turn.on_fault = faults.append
    bench.invariants.protection_due = False
    guards = bench.core.books[BOOK].guards
    measured = guards.measured
    failing = True

    def broken() -> tuple[LimitView, ...]:
        if failing:
            raise ValueError
        return measured()

    monkeypatch.setattr(guards, "measured", broken)
    bench.quote(PRICE - 1)
    bench.wait(20)  # the first fault pauses entries, which is a record
    seen = len(faults)
    bench.quote(PRICE - 400)
    bench.wait(0.5)
    failing = False
    assert len(faults) > seen
    bench.wait(1.5)
    assert bench.book.flattening
