"""Intent before action, group commit, and what passes while the journal can't be written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.errors import FatalError
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from engine.runtime import journal_writer as writer_module
from engine.runtime.effect_runner import EffectRunner
from engine.runtime.journal_writer import JournalWriter
from tests.support.engine_fakes import BOOK, DOWN, Clock, FakeBroker, MemoryJournal
from tests.support.waits import until

ENTRY = fx.PlaceOrder(BOOK, "e", "MNQ", OrderSpec(Side.BUY, OrderType.MARKET, 1))
STOP = fx.PlaceOrder(BOOK, "s", "MNQ", OrderSpec(Side.SELL, OrderType.STOP, 1, stop=5, reduces=True))
CLOSE = fx.ClosePosition(BOOK, "MNQ")
CANCEL = fx.CancelOrder(BOOK, "c", "1", "MNQ")


def record(n: int) -> r.AnyRecord:
    return r.DayRolled(ts=n, trade_date=str(n), day_open_ts=n)


class Desk:
    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.broker = FakeBroker()
        self.heard: list[ev.AnyEvent] = []
        runner = EffectRunner({BOOK: self.broker}, Clock(), self.heard.append)
        self.writer = JournalWriter(self.journal, 0, runner, Clock(), self.heard.append)

    def written(self) -> list[int]:
        return [r.decode(raw).ts for raw in self.journal.records]


@pytest_asyncio.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(writer_module, "RETRY_S", 0.02)
    made = Desk()
    task = asyncio.create_task(made.writer.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_effect_runs_only_when_its_records_are_durable(desk: Desk) -> None:
    desk.journal.gate.clear()
    desk.writer.write([record(1)], [ENTRY])
    await until(lambda: desk.journal.tries)
    assert desk.broker.sent == []
    desk.journal.gate.set()
    await until(lambda: desk.broker.sent)
    assert (desk.broker.sent, desk.written(), desk.writer.seq) == ([ENTRY], [1], 1)


async def test_what_comes_during_a_commit_goes_into_the_next_one_together(desk: Desk) -> None:
    desk.journal.gate.clear()
    desk.writer.write([record(1)], [])
    await until(lambda: desk.journal.tries)
    for n in range(2, 12):
        desk.writer.write([record(n)], [])
    desk.journal.gate.set()
    assert await desk.writer.flush(2)
    assert desk.journal.batches == [1, 10]
    assert desk.written() == list(range(1, 12))


async def test_without_records_there_is_nothing_to_wait_for(desk: Desk) -> None:
    desk.journal.gate.clear()
    desk.writer.write([record(1)], [ENTRY])
    desk.writer.write([], [CANCEL])
    await until(lambda: desk.broker.sent)
    assert desk.broker.sent == [CANCEL]


@pytest.mark.parametrize("error", [DOWN, FatalError("gone"), KeyError("a bug")])
async def test_f33_without_a_journal_only_what_protects_passes(desk: Desk, error: Exception) -> None:
    desk.journal.error = error
    desk.writer.write([record(1)], [ENTRY, STOP])
    await until(lambda: desk.broker.sent)
    assert desk.broker.sent == [STOP]
    denied = next(e for e in desk.heard if isinstance(e, ev.Replied) and e.client_id == "e")
    assert denied.outcome is ev.Outcome.UNSENT
    # While it is down, protection does not wait for the next try.
    desk.writer.write([record(2)], [CLOSE])
    desk.writer.write([record(3)], [ENTRY])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert desk.broker.sent == [STOP, CLOSE]
    desk.journal.error = None
    assert await desk.writer.flush(2)
    assert desk.written() == [1, 2, 3]
    assert desk.writer.seq == 3
    assert [e.ok for e in desk.heard if isinstance(e, ev.JournalState)] == [False, True]
    assert desk.broker.sent == [STOP, CLOSE]


async def test_f33_a_flush_without_a_journal_ends(desk: Desk) -> None:
    desk.journal.error = DOWN
    desk.writer.write([record(1)], [])
    assert not await desk.writer.flush(0.05)
