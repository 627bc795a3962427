"""A process that dies around a request, and the start after it, over real sockets (F4, F5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from adapters.store.virtual import SyncJournal
from engine.model import records as r
from engine.model.market import NANOS
from engine.model.orders import OrderStatus
from engine.model.refusals import Refusal
from tests.support.dying import died_at_the_entry
from tests.support.engine_over_sockets import LONG, PRICE, VenueSide, placed, venue_side
from tests.support.patience import patient
from tests.support.waits import until


def last_run(journal: Path) -> list[r.AnyRecord]:
    """The records of the journal's last run."""
    with SyncJournal(journal) as opened:
        records = [r.decode(raw) for _, raw in opened.read()]
    begun = max(n for n, record in enumerate(records) if isinstance(record, r.RunStarted))
    return records[begun:]


def first(records: list[r.AnyRecord], *kinds: type) -> int:
    return next((n for n, record in enumerate(records) if isinstance(record, kinds)), len(records))


def by_idea(f: VenueSide) -> Callable[[], Awaitable[None]]:
    """A minute closes, and the scripted idea comes."""

    async def begin() -> None:
        f.clock.to_end_of_next_minute()
        f.market(PRICE)

    return begin


async def test_f04_killed_between_journal_and_send_an_entry_is_not_sent_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with venue_side(tmp_path) as f:
        async with f.engine(LONG) as run:
            entries = await died_at_the_entry(run, by_idea(f), 2, monkeypatch, sent=False)
        async with f.engine() as again:
            orders = [again.book.orders[entry.client_id] for entry in entries]
            assert {order.status for order in orders} <= {OrderStatus.UNKNOWN, OrderStatus.REJECTED}
            f.clock.skip(20 * NANOS)
            await until(lambda: {order.status for order in orders} == {OrderStatus.REJECTED}, 15)
            await until(lambda: not again.book.plans)
            assert (await f.positions(), await f.working()) == ([], [])
            assert placed(again) == 0
    records = last_run(f.journal)
    assert first(records, r.Reconciled) < len(records)
    assert first(records, r.PlanOpened, r.OrderIntended) == len(records)


async def test_f05_killed_after_the_send_the_next_start_finds_and_protects_it_before_strategies_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with venue_side(tmp_path) as f:
        async with f.engine(LONG) as run:
            entries = await died_at_the_entry(run, by_idea(f), 2, monkeypatch, sent=True)
        async with asyncio.timeout(patient(5)):
            while [position["size"] for position in await f.positions()] != [5]:  # noqa: ASYNC110
                await asyncio.sleep(0)
        async with f.engine(LONG) as again:
            await until(lambda: again.qty() == 5 and sum(qty for qty, _ in again.stops()) == 5)
            for entry in entries:
                assert again.book.orders[entry.client_id].status is OrderStatus.FILLED
            await until(lambda: any(book.recovered for book in again.core.books.values()))
            again.strategy.say(LONG)
            await again.minute()
            assert again.core.entries.refusals[Refusal.IN_POSITION.sentence]
            assert placed(again) == 0, "the venue's own brackets protect it: nothing was sent again"
            assert sum(o["size"] for o in await f.working() if o["type"] == 4) == 5
    records = last_run(f.journal)
    idea = first(records, r.IdeaRefused, r.PlanOpened)
    assert idea < len(records)
    assert first(records, r.Reconciled) < idea
    fills = [n for n, record in enumerate(records) if isinstance(record, r.FillApplied)]
    assert len(fills) == 2
    assert max(fills) < idea


async def test_after_a_kill_with_an_open_position_no_idea_is_heard_before_protection_is_verified(
    tmp_path: Path,
) -> None:
    async with venue_side(tmp_path) as f:
        async with f.engine(LONG) as run:
            await run.enter()
            await run.crash()
        # The stops are gone when the next run begins: an idea in between would come too early.
        for order in await f.working():
            answer = await f.ask("Order/cancel", accountId=order["accountId"], orderId=order["id"])
            assert answer["success"]
        async with f.engine(LONG) as again:
            assert not again.stops()
            await again.minute()
            f.clock.skip(5 * NANOS)
            await until(lambda: sum(qty for qty, _ in again.stops()) == again.qty(), 10)
            await until(lambda: any(book.recovered for book in again.core.books.values()))
            again.strategy.say(LONG)
            await again.minute()
    records = last_run(f.journal)
    idea = first(records, r.IdeaRefused, r.PlanOpened)
    stops = [
        n for n, record in enumerate(records) if isinstance(record, r.OrderIntended) and record.slot == "stop"
    ]
    assert first(records, r.Reconciled) < idea
    assert idea < len(records)
    assert stops
    assert max(stops) < idea
