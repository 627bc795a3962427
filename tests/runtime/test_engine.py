"""The engine on a real loop with ports that fail as a test says."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from adapters.store.emergency import EmergencyFile, read_lines
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten, Pause, Shutdown
from engine.model.errors import FatalError, RetryableError
from engine.model.events import LinkState
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Account, VenuePosition
from engine.model.plans import PlanStatus
from engine.model.restrictions import TradingState
from engine.ports import Sink
from engine.runtime import engine as engine_module
from engine.runtime import history_loader, supervision
from engine.runtime import journal_writer as writer_module
from engine.runtime import snapshots as snapshots_module
from engine.runtime.recovery import restore, told_today
from engine.signals.frame import FrameSignals
from engine.state import snapshot
from engine.state.state import State
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.engine_fakes import BOOK, DOWN, MNQ, FakedEngine, MemoryJournal, adopted, known, resolved
from tests.support.patience import patient
from tests.support.waits import turns, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "RETRY_S", 0)
    monkeypatch.setattr(history_loader, "RETRY_S", 0)
    monkeypatch.setattr(writer_module, "RETRY_S", 0.01)


def written(faked: FakedEngine, kind: type) -> list[Any]:
    return [found for raw in faked.journal.records if isinstance(found := r.decode(raw), kind)]


async def resolves(sink: Sink) -> None:
    sink(resolved())


async def test_an_adapter_that_fails_is_started_again() -> None:
    faked = FakedEngine()

    async def fail(_: Sink) -> None:
        if faked.feed.runs == 1:
            raise RetryableError("no network")
        if faked.feed.runs == 2:
            raise KeyError("a bug")

    faked.feed.on_run = fail
    async with faked.running():
        await until(lambda: faked.feed.runs == 3)
        await until(lambda: (link := faked.core.links.get("market")) and link.state is LinkState.DOWN)
        assert faked.engine._health().ok


async def test_a_fatal_error_ends_the_adapter_and_is_shown() -> None:
    faked = FakedEngine()

    async def fail(_: Sink) -> None:
        raise FatalError("the key is wrong")

    faked.broker.on_run = fail
    async with faked.running():
        await until(lambda: faked.engine.view().health.detail == "the key is wrong")
        assert not faked.engine.view().health.ok
        await until(lambda: faked.engine.view().links)
        assert faked.broker.runs == 1
        assert faked.feed.runs == 1


async def test_a_shutdown_waits_for_the_journal_and_for_requests_under_way() -> None:
    faked = FakedEngine()
    released = asyncio.Event()

    async def slow(_: Any) -> None:
        await released.wait()

    faked.broker.on_run = known
    faked.broker.answer = slow
    main = asyncio.create_task(faked.engine.main())
    await until(lambda: faked.broker.sent)
    faked.engine.ask(Shutdown(id="end"))
    await until(lambda: written(faked, r.CommandTaken))
    assert not main.done()
    released.set()
    async with asyncio.timeout(patient(2)):
        await main
    assert written(faked, r.Reconciled)  # what the last answer told is in the journal too


async def test_f33_a_shutdown_without_a_journal_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "ENDING_S", 0.1)
    faked = FakedEngine()
    faked.journal.error = DOWN
    async with faked.running():
        await until(lambda: not faked.core.entries.journal_ok)
        await until(lambda: not faked.engine.view().health.ok)
        asked = time.monotonic()
    assert 0.1 <= time.monotonic() - asked < patient(2)
    assert faked.journal.records == []


async def test_history_is_asked_for_until_it_comes() -> None:
    faked = FakedEngine()
    faked.feed.history_errors = [RetryableError("busy"), RetryableError("busy")]
    faked.feed.on_run = resolves
    async with faked.running():
        await until(lambda: len(faked.feed.history_calls) == 3)
        await turns()
    assert len(faked.feed.history_calls) == 3


async def test_half_hours_reach_further_back_and_are_asked_for_once() -> None:
    """For every contract, after its minutes; a failure is no harm, and the next load asks again."""
    faked = FakedEngine()
    faked.feed.on_run = resolves
    faked.feed.far = [Bar("MNQ", Timeframe.M30, T0 - n * 30 * MINUTE, 5, 6, 4, 5, 1) for n in range(9, 3, -1)]
    async with faked.running():
        await until(lambda: len(faked.feed.far_calls) == 1)
        faked.feed.sink(ev.LinkChanged(ts_recv=T0, link="market", state=ev.LinkState.LIVE))
        await until(lambda: len(faked.feed.history_calls) == 2)
        await turns()
        ((symbol, start, end),) = faked.feed.far_calls
        assert (symbol, end - start) == ("MNQ", history_loader.FAR_NS)
        faked.feed.sink(resolved())
        await until(lambda: len(faked.feed.far_calls) == 2)


async def test_a_newer_history_request_replaces_the_one_before() -> None:
    """Every reconnect asks anew; while the venue is busy that must not become ever more askers."""
    faked = FakedEngine()
    faked.feed.history_errors = [RetryableError("busy")] * 100_000

    async def start(sink: Sink) -> None:
        sink(resolved())
        for _ in range(20):
            sink(ev.LinkChanged(ts_recv=T0, link="market", state=LinkState.LIVE))

    faked.feed.on_run = start
    async with faked.running():
        await until(lambda: len(faked.feed.history_calls) > 3)
        loading = [t for t in asyncio.all_tasks() if t.get_name().startswith("history") and not t.done()]
        assert len(loading) == 1


async def test_a_bug_in_one_event_pauses_entries_and_keeps_the_engine() -> None:
    faked = FakedEngine()

    async def start(sink: Sink) -> None:
        sink(resolved())
        sink(ev.HistoryLoaded(ts_recv=T0, instrument="MNQ", bars=(None,)))  # type: ignore[arg-type]
        sink(adopted())

    faked.feed.on_run = start
    async with faked.running():
        await until(lambda: written(faked, r.Reconciled))
        await until(lambda: "internal error" in faked.engine.view().health.detail)
    restriction = faked.core.state.restriction("fake", "MNQ")
    assert restriction is not None
    assert restriction.state is TradingState.REDUCING
    assert written(faked, r.StateChanged)


async def test_a_tape_that_fails_does_not_stop_the_engine() -> None:
    calls = 0

    def record(_: ev.AnyEvent) -> None:
        nonlocal calls
        calls += 1
        raise OSError("disk full")

    faked = FakedEngine(record)
    faked.broker.on_run = known
    async with faked.running():
        await until(lambda: written(faked, r.Reconciled))
    assert calls == 1


async def test_a_snapshot_is_asked_for_when_the_user_hub_comes_back() -> None:
    faked = FakedEngine()
    faked.broker.on_run = known
    async with faked.running():
        await until(lambda: written(faked, r.Reconciled))
        faked.broker.sink(ev.LinkChanged(ts_recv=faked.clock(), link="user", state=LinkState.LIVE))
        await until(lambda: len(written(faked, r.Reconciled)) == 2)
    assert [sent[0] for sent in faked.broker.sent] == ["snapshot", "snapshot"]


async def test_a_clean_end_keeps_the_state_and_the_next_start_folds_only_what_came_after() -> None:
    faked = FakedEngine()
    faked.broker.on_run = known
    async with faked.running():
        await until(lambda: written(faked, r.Reconciled))
    journal = faked.journal
    assert journal.snapshot is not None
    assert journal.snapshot[0] == len(journal.records)
    state = await restore(journal)
    assert journal.read_from == len(journal.records)
    assert state.books[BOOK].account == faked.core.state.books[BOOK].account
    again = FakedEngine(journal=journal, state=state)
    again.broker.on_run = known
    async with again.running():
        await until(lambda: len(written(again, r.Reconciled)) == 2)
    whole = MemoryJournal()
    whole.records = journal.records
    assert _touched(await restore(journal)) == _touched(await restore(whole))


async def test_what_was_told_today_is_told_again_after_a_restart_and_is_news_to_nobody() -> None:
    faked = FakedEngine()
    faked.broker.on_run = known
    async with faked.running():
        await until(lambda: written(faked, r.Reconciled))
        for n in range(3):
            faked.engine.ask(Pause(id=f"{n}"))
        await until(lambda: len(written(faked, r.CommandTaken)) == 3)
    before = {(n.ts, n.kind, n.text, n.severity, n.alarm) for n in faked.core.turn.notices}
    journal, state, now = faked.journal, await restore(faked.journal), faked.clock()
    told = await told_today(journal, len(journal.records), state, now)
    assert [n.seq for n in told] == list(range(-len(told), 0))
    assert {n.kind for n in told} >= {NoticeKind.COMMAND, NoticeKind.STATE}
    assert {(n.ts, n.kind, n.text, n.severity, n.alarm) for n in told} <= before
    assert await told_today(journal, len(journal.records), state, now + 86_400 * NANOS) == [], (
        "of another day"
    )
    journal.records[-1] = b"torn"
    assert await told_today(journal, len(journal.records), state, now) != []


def _touched(state: State) -> State:
    """Looking at a position makes an empty one; that is no difference."""
    for book in state.books.values():
        book.positions = {i: p for i, p in book.positions.items() if p.qty or p.opened_ts}
    return state


async def test_a_state_is_kept_at_the_day_roll_and_after_many_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshots_module, "EVERY", 5)
    faked = FakedEngine()
    async with faked.running():
        await until(lambda: faked.journal.snapshot)  # the first trade date
        first = faked.journal.snapshot
        assert first is not None
        for n in range(8):
            faked.engine.ask(Pause(id=f"{n}"))
        later = await until(lambda: (found := faked.journal.snapshot) != first and found)
        assert later[0] >= first[0] + 5


@pytest.mark.parametrize("body", [b"", b"{}", b'{"fold":1,"shape":"x","state":{}}'])
async def test_a_snapshot_that_cant_be_used_costs_time_only(body: bytes) -> None:
    faked = FakedEngine()
    async with faked.running():
        await until(lambda: written(faked, r.DayRolled))
    faked.journal.snapshot = 1, body
    state = await restore(faked.journal)
    assert faked.journal.read_from == 0
    assert state.days == faked.core.state.days


async def test_a_snapshot_on_which_the_records_dont_fit_is_left_out() -> None:
    faked = FakedEngine()
    faked.broker.on_run = known
    async with faked.running():
        await until(lambda: written(faked, r.Reconciled))
        faked.engine.ask(Flatten(id="f"))
        await until(lambda: written(faked, r.FlattenEnded))
    faked.journal.records.append(
        r.encode(r.PlanChanged(ts=T0, book=BOOK, plan_id="p", status=PlanStatus.CLOSING))
    )
    faked.journal.snapshot = len(faked.journal.records) - 1, snapshot.encode(State())
    with pytest.raises(FatalError, match="does not fit"):
        await restore(faked.journal)  # the journal itself is at fault here: that is not hidden
    assert faked.journal.read_from == 0


async def test_an_idle_engine_digests_bars_that_nobody_has_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    digested: list[int] = []
    monkeypatch.setattr(FrameSignals, "add", lambda frame, bar: digested.append(bar.open_ts))
    monkeypatch.setattr("engine.runtime.pictures.PERIOD_S", 3600.0)
    faked = FakedEngine(strategy=ScriptedStrategy([]))
    faked.feed.on_run = resolves
    async with faked.running():
        await until(lambda: faked.feed.runs)
        for minute in range(1, 5):
            now = faked.clock() + minute * MINUTE
            faked.feed.sink(ev.Print(ts_recv=now, ts_venue=now, instrument="MNQ", price=80_000, size=1))
        await until(lambda: faked.core.market.bars.bars("MNQ", Timeframe.M1))
        await until(
            lambda: {bar.open_ts for bar in faked.core.market.bars.bars("MNQ", Timeframe.M1)} <= set(digested)
        )


async def test_f36_a_strategy_that_raises_is_out_and_everything_else_goes_on() -> None:
    class Broken:
        name = "broken"
        asked = 0

        def on_bars(self, closed: object, board: object) -> list[object]:
            self.asked += 1
            raise ZeroDivisionError("in the strategy")

    strategy = Broken()
    faked = FakedEngine(strategy=strategy)  # type: ignore[arg-type]
    faked.feed.on_run = known

    async with faked.running():
        await until(lambda: written(faked, r.Reconciled))
        for minute in range(1, 5):
            now = faked.clock() + minute * MINUTE
            faked.feed.sink(ev.Print(ts_recv=now, ts_venue=now, instrument="MNQ", price=80_000, size=1))
        await until(lambda: faked.core.entries.bots.all[0].error)
        await until(lambda: "the strategy failed" in faked.engine.view().health.detail)
        assert not faked.engine.view().health.ok
        assert strategy.asked == 1
        told = [n for n in faked.engine.notices(0) if "broken failed" in n.text]
        assert [n.severity for n in told] == [Severity.CRITICAL]
        # What people ask for is done as before.
        faked.engine.ask(Flatten(id="f", instrument="MNQ"))
        await until(lambda: written(faked, r.FlattenEnded))
    assert not faked.engine._fault


async def test_f36_a_screen_that_blocks_does_not_delay_the_engine() -> None:
    """The screen's thread stands still until the engine has closed a position: it does not wait for it."""
    faked = FakedEngine()
    closed = threading.Event()

    async def note(request: Any) -> None:
        if isinstance(request, tuple):
            closed.set()

    faked.broker.on_run = known
    faked.broker.answer = note
    thread = threading.Thread(target=lambda: asyncio.run(faked.engine.main()))
    thread.start()
    try:
        faked.engine.view()
        assert closed.wait(patient(10)), "this is the screen's thread, and it does nothing else"
        faked.engine.ask(Flatten(id="f", instrument="MNQ"))
        closed.clear()
        assert closed.wait(patient(10))
    finally:
        faked.engine.ask(Shutdown(id="end"))
        thread.join(patient(10))
    assert written(faked, r.FlattenStarted)
    assert not thread.is_alive()


async def test_f34_an_account_that_another_instance_has_is_not_adopted() -> None:
    def admit(venue: str, book: str, account: Account) -> None:
        raise FatalError(f"account {account.name!r} is held by the tstream with process id 7")

    faked = FakedEngine(admit=admit)
    faked.broker.on_run = known
    async with faked.running():
        await until(lambda: "process id 7" in faked.engine.view().health.detail)
        await turns()
        assert faked.broker.runs == 1
    assert faked.core.books == {}
    assert not written(faked, r.AccountKnown)
    assert faked.broker.sent == []


async def test_f33_the_disk_is_full_while_a_flatten_is_wanted(tmp_path: Path) -> None:
    faked = FakedEngine()
    file = EmergencyFile(tmp_path / "journal.db.emergency", "t", 1)
    faked.engine._emergency = file

    async def start(sink: Sink) -> None:
        sink(resolved())
        sink(adopted())
        position = VenuePosition("MNQ", 2, MNQ.price(80_000))
        sink(ev.PositionReported(ts_recv=T0, book=BOOK, position=position))

    faked.broker.on_run = start
    faked.broker.held = (VenuePosition("MNQ", 2, MNQ.price(80_000)),)
    async with faked.running():
        await until(lambda: faked.core.state.book(BOOK).position("MNQ").qty == 2, 8)
        faked.journal.error = DOWN
        faked.engine.ask(Flatten(id="f", instrument="MNQ"))
        await until(lambda: any(isinstance(sent, fx.ClosePosition) for sent in faked.broker.sent))
        left = [r.decode(bytes(line.record)) for line in read_lines(file._path)]
        assert any(isinstance(record, r.CloseRequested) for record in left)
        assert faked.engine.view() is not None
        faked.journal.error = None
        await until(lambda: written(faked, r.CloseRequested))
        await until(lambda: faked.core.entries.journal_ok)
        await until(lambda: not read_lines(file._path))
    file.close()
