"""Intent before action, group commit, and what passes while the journal can't be written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Self

import pytest
import pytest_asyncio

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.errors import FatalError
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from engine.ports import EmergencyLog
from engine.runtime import journal_writer as writer_module
from engine.runtime.effect_runner import EffectRunner
from engine.runtime.journal_writer import PATIENCE_S, JournalWriter
from tests.support.engine_fakes import BOOK, DOWN, Clock, FakeBroker, MemoryJournal
from tests.support.waits import turns, until

ENTRY = fx.PlaceOrder(BOOK, "e", "MNQ", OrderSpec(Side.BUY, OrderType.MARKET, 1))
STOP = fx.PlaceOrder(BOOK, "s", "MNQ", OrderSpec(Side.SELL, OrderType.STOP, 1, stop=5, reduces=True))
CLOSE = fx.ClosePosition(BOOK, "MNQ")
CANCEL = fx.CancelOrder(BOOK, "c", "1", "MNQ")
LOOK = fx.TakeSnapshot(BOOK, 7)


def record(n: int) -> r.AnyRecord:
    return r.DayRolled(ts=n, trade_date=str(n), day_open_ts=n)


class Readying(FakeBroker):
    """Remembers what it was to get ready, and what came to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: list[fx.AnyRequest] = []
        self.forgotten: list[fx.AnyRequest] = []

    def prepare(self, request: fx.AnyRequest) -> None:
        self.ready.append(request)

    def forget(self, request: fx.AnyRequest) -> None:
        self.forgotten.append(request)


class Writing:
    """A writer at work, whose journal obeys."""

    def __init__(self, emergency: EmergencyLog | None = None, patience_s: float = PATIENCE_S) -> None:
        self.journal = MemoryJournal()
        self.broker = Readying()
        self.heard: list[ev.AnyEvent] = []
        runner = EffectRunner({BOOK: self.broker}, Clock(), self.heard.append)
        self.writer = JournalWriter(
            self.journal, 0, runner, Clock(), self.heard.append, emergency, patience_s=patience_s
        )

    def states(self) -> list[bool]:
        return [e.ok for e in self.heard if isinstance(e, ev.JournalState)]

    def written(self) -> list[int]:
        return [r.decode(raw).ts for raw in self.journal.records]

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.writer.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest_asyncio.fixture
async def writing(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Writing]:
    monkeypatch.setattr(writer_module, "RETRY_S", 0.02)
    async with Writing() as made:
        yield made


async def test_an_effect_runs_only_when_its_records_are_durable(writing: Writing) -> None:
    writing.journal.gate.clear()
    writing.writer.write([record(1)], [ENTRY])
    await until(lambda: writing.journal.tries)
    assert writing.broker.sent == []
    writing.journal.gate.set()
    await until(lambda: writing.broker.sent)
    assert (writing.broker.sent, writing.written(), writing.writer.seq) == ([ENTRY], [1], 1)


async def test_what_comes_during_a_commit_goes_into_the_next_one_together(writing: Writing) -> None:
    writing.journal.gate.clear()
    writing.writer.write([record(1)], [])
    await until(lambda: writing.journal.tries)
    for n in range(2, 12):
        writing.writer.write([record(n)], [])
    writing.journal.gate.set()
    assert await writing.writer.flush(2)
    assert writing.journal.batches == [1, 10]
    assert writing.written() == list(range(1, 12))


async def test_without_records_there_is_nothing_to_wait_for(writing: Writing) -> None:
    writing.journal.gate.clear()
    writing.writer.write([record(1)], [ENTRY])
    writing.writer.write([], [CANCEL])
    await until(lambda: writing.broker.sent)
    assert writing.broker.sent == [CANCEL]


@pytest.mark.parametrize("error", [DOWN, FatalError("gone"), KeyError("a bug")])
async def test_f33_without_a_journal_only_what_protects_passes(writing: Writing, error: Exception) -> None:
    writing.journal.error = error
    writing.writer.write([record(1)], [ENTRY, STOP])
    await until(lambda: writing.broker.sent)
    assert writing.broker.sent == [STOP]
    denied = next(e for e in writing.heard if isinstance(e, ev.Replied) and e.client_id == "e")
    assert denied.outcome is ev.Outcome.UNSENT
    # While it is down, protection does not wait for the next try.
    writing.writer.write([record(2)], [CLOSE])
    writing.writer.write([record(3)], [ENTRY])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert writing.broker.sent == [STOP, CLOSE]
    writing.journal.error = None
    assert await writing.writer.flush(2)
    assert writing.written() == [1, 2, 3]
    assert writing.writer.seq == 3
    assert writing.states() == [False, True]
    assert writing.broker.sent == [STOP, CLOSE]


async def test_f33_a_flush_without_a_journal_ends(writing: Writing) -> None:
    writing.journal.error = DOWN
    writing.writer.write([record(1)], [])
    assert not await writing.writer.flush(0.05)


async def test_a_request_is_got_ready_while_the_disk_is_at_work(writing: Writing) -> None:
    writing.journal.gate.clear()
    writing.writer.write([record(1)], [ENTRY, LOOK])
    await until(lambda: writing.broker.ready)
    await turns()
    assert writing.broker.sent == []
    writing.journal.gate.set()
    await until(lambda: writing.broker.sent)
    assert writing.broker.ready[0] is writing.broker.sent[0]
    assert (len(writing.broker.ready), writing.broker.forgotten) == (1, [])


async def test_f33_a_request_that_is_ready_but_must_not_go_is_forgotten(writing: Writing) -> None:
    writing.journal.error = DOWN
    writing.writer.write([record(1)], [ENTRY, STOP])
    await until(lambda: writing.broker.sent)
    assert (writing.broker.ready, writing.broker.forgotten, writing.broker.sent) == (
        [ENTRY, STOP],
        [ENTRY],
        [STOP],
    )


async def test_a_bug_in_getting_ready_costs_nothing_but_time(writing: Writing) -> None:
    def bug(_: fx.AnyRequest) -> None:
        raise KeyError("a bug in the adapter")

    writing.broker.prepare = bug  # type: ignore[assignment, method-assign]
    writing.writer.write([record(1)], [ENTRY])
    await until(lambda: writing.broker.sent)
    assert writing.broker.sent == [ENTRY]


@pytest.mark.parametrize("under_way", [True, False])
async def test_a_snapshot_goes_behind_orders_that_wait_for_the_disk(
    writing: Writing, under_way: bool
) -> None:
    writing.journal.gate.clear()
    writing.writer.write([record(1)], [ENTRY])
    if under_way:
        await until(lambda: writing.journal.tries)
    writing.writer.write([], [LOOK])
    await turns()
    assert writing.broker.sent == []
    writing.journal.gate.set()
    await until(lambda: len(writing.broker.sent) == 2)
    assert writing.broker.sent == [ENTRY, ("snapshot", LOOK.since)]


async def test_a_snapshot_does_not_wait_for_records_without_orders(writing: Writing) -> None:
    writing.journal.gate.clear()
    writing.writer.write([record(1)], [])
    writing.writer.write([], [LOOK])
    await until(lambda: writing.broker.sent)
    assert writing.journal.records == []


async def test_f33_a_snapshot_behind_an_order_is_taken_without_a_journal_too(writing: Writing) -> None:
    writing.journal.error = DOWN
    writing.writer.write([record(1)], [ENTRY])
    writing.writer.write([], [LOOK])
    await until(lambda: writing.broker.sent)
    assert writing.broker.sent == [("snapshot", LOOK.since)]


async def test_what_is_begun_at_once_is_begun_once(writing: Writing) -> None:
    writing.writer.begin()
    writing.writer.write([record(1)], [])
    writing.writer.begin()
    writing.writer.begin()
    writing.writer.write([record(2)], [])
    writing.writer.begin()
    assert await writing.writer.flush(2)
    assert (writing.written(), writing.journal.batches) == ([1, 2], [1, 1])
