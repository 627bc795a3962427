"""The engine on a real loop with ports that fail as a test says."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten, Pause, Shutdown
from engine.model.errors import FatalError, RetryableError
from engine.model.events import LinkState
from engine.model.view import TradingState
from engine.ports import Sink
from engine.runtime import engine as engine_module
from engine.runtime import scribe as scribe_module
from tests.runtime.parts import DOWN, T0, House, adopted, resolved, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "RETRY_S", 0.01)
    monkeypatch.setattr(scribe_module, "RETRY_S", 0.01)


def written(house: House, kind: type) -> list[Any]:
    return [found for raw in house.journal.records if isinstance(found := r.decode(raw), kind)]


async def test_an_adapter_that_fails_is_started_again() -> None:
    house = House()

    async def fail(_: Sink) -> None:
        if house.feed.runs == 1:
            raise RetryableError("no network")
        if house.feed.runs == 2:
            raise KeyError("a bug")

    house.feed.on_run = fail
    async with house.running():
        await until(lambda: house.feed.runs == 3)
        await until(lambda: house.core.links["market"].state is LinkState.DOWN)
        assert house.engine._health().ok


async def test_a_fatal_error_ends_the_adapter_and_is_shown() -> None:
    house = House()

    async def fail(_: Sink) -> None:
        raise FatalError("the key is wrong")

    house.broker.on_run = fail
    async with house.running():
        await until(lambda: house.engine.view().health.detail == "the key is wrong")
        assert not house.engine.view().health.ok
        await until(lambda: house.engine.view().links)
        assert house.broker.runs == 1
        assert house.feed.runs == 1


async def test_the_view_is_built_only_when_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "PICTURE_S", 0.002)
    house = House()
    async with house.running():
        first = house.engine.view().version
        await until(lambda: house.engine.view().version > first + 2)
        await asyncio.sleep(0.02)
        unseen = house.engine._version
        await asyncio.sleep(0.05)
        assert house.engine._version == unseen


async def test_commands_come_from_any_thread_and_from_before_the_start() -> None:
    house = House()
    house.engine.send(Pause(id="before"))
    async with house.running():
        await until(lambda: written(house, r.CommandTaken))
        thread = threading.Thread(target=house.engine.send, args=(Pause(id="other", instrument="MNQ"),))
        thread.start()
        await until(lambda: len(written(house, r.CommandTaken)) == 2)
        thread.join()
    assert [c.command.id for c in written(house, r.CommandTaken)] == ["before", "other", "end"]


async def test_a_command_after_the_end_hurts_nobody() -> None:
    house = House()
    loop = asyncio.new_event_loop()
    house.engine.send(Shutdown(id="end"))
    await asyncio.to_thread(loop.run_until_complete, house.engine.main())
    await asyncio.to_thread(loop.close)
    house.engine.send(Flatten(id="late"))


async def test_a_shutdown_waits_for_the_journal_and_for_requests_under_way() -> None:
    house = House()
    released = asyncio.Event()

    async def slow(_: Any) -> None:
        await released.wait()

    async def start(sink: Sink) -> None:
        sink(resolved())
        sink(adopted())

    house.broker.on_run = start
    house.broker.answer = slow
    main = asyncio.create_task(house.engine.main())
    await until(lambda: house.broker.sent)
    house.engine.send(Shutdown(id="end"))
    await until(lambda: written(house, r.CommandTaken))
    assert not main.done()
    released.set()
    async with asyncio.timeout(2):
        await main
    assert written(house, r.Reconciled)  # what the last answer told is in the journal too


async def test_f33_a_shutdown_without_a_journal_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "ENDING_S", 0.1)
    house = House()
    house.journal.error = DOWN
    async with house.running():
        await until(lambda: not house.core.journal_ok)
        await until(lambda: not house.engine.view().health.ok)


async def test_history_is_asked_for_until_it_comes() -> None:
    house = House()
    house.feed.history_errors = [RetryableError("busy"), RetryableError("busy")]

    async def start(sink: Sink) -> None:
        sink(resolved())

    house.feed.on_run = start
    async with house.running():
        await until(lambda: len(house.feed.history_calls) == 3)
        await asyncio.sleep(0.03)
    assert len(house.feed.history_calls) == 3


async def test_a_newer_history_request_replaces_the_one_before() -> None:
    """Every reconnect asks anew; while the venue is busy that must not become ever more askers."""
    house = House()
    house.feed.history_errors = [RetryableError("busy")] * 100_000

    async def start(sink: Sink) -> None:
        sink(resolved())
        for _ in range(20):
            sink(ev.LinkChanged(ts_recv=T0, link="market", state=LinkState.LIVE))

    house.feed.on_run = start
    async with house.running():
        await until(lambda: len(house.feed.history_calls) > 3)
        loading = [t for t in asyncio.all_tasks() if t.get_name().startswith("history") and not t.done()]
        assert len(loading) == 1


async def test_a_bug_in_one_event_pauses_entries_and_keeps_the_engine() -> None:
    house = House()

    async def start(sink: Sink) -> None:
        sink(resolved())
        sink(ev.HistoryLoaded(ts_recv=T0, instrument="MNQ", bars=(None,)))  # type: ignore[arg-type]
        sink(adopted())

    house.feed.on_run = start
    async with house.running():
        await until(lambda: written(house, r.Reconciled))
        await until(lambda: "internal error" in house.engine.view().health.detail)
    restriction = house.core.state.restriction("fake", "MNQ")
    assert restriction is not None
    assert restriction.state is TradingState.REDUCING
    assert written(house, r.StateChanged)


async def test_a_tape_that_fails_does_not_stop_the_engine() -> None:
    calls = 0

    def record(_: ev.AnyEvent) -> None:
        nonlocal calls
        calls += 1
        raise OSError("disk full")

    house = House(record)

    async def start(sink: Sink) -> None:
        sink(resolved())
        sink(adopted())

    house.broker.on_run = start
    async with house.running():
        await until(lambda: written(house, r.Reconciled))
    assert calls == 1


async def test_a_snapshot_is_asked_for_when_the_user_hub_comes_back() -> None:
    house = House()
    sinks: list[Sink] = []

    async def start(sink: Sink) -> None:
        sinks.append(sink)
        sink(resolved())
        sink(adopted())

    house.broker.on_run = start
    async with house.running():
        await until(lambda: written(house, r.Reconciled))
        sinks[0](ev.LinkChanged(ts_recv=house.clock(), link="user", state=LinkState.LIVE))
        await until(lambda: len(written(house, r.Reconciled)) == 2)
    assert all(not isinstance(sent, fx.PlaceOrder) for sent in house.broker.sent)
