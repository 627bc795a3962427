"""Commands from any thread, and the answer that each gets, whatever becomes of the engine."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec.structs import fields

from adapters.store.emergency import EmergencyFile, emergency_path, read_lines
from engine.model import records as r
from engine.model.commands import AnyCommand, Flatten, Pause, PlaceManual, Resume, Shutdown
from engine.model.errors import RefusedError, UnknownOutcomeError
from engine.model.market import Side
from engine.model.notices import Notice, NoticeKind, Severity
from engine.runtime import engine as engine_module
from engine.runtime import journal_writer as writer_module
from engine.runtime.journal_writer import JournalWriter
from engine.state.turn import Turn
from tests.support.engine_fakes import DOWN, FakedEngine
from tests.support.patience import patient
from tests.support.waits import turns, until

_SAMPLE: dict[str, Any] = {
    "id": "asked",
    "instrument": "MNQ",
    "side": Side.BUY,
    "order": "x",
    "book": "fake",
    "trade": "x",
    "text": "x",
    "bot": "x",
    "asked": 1,
}
EACH: list[AnyCommand] = [
    kind(**{one.name: _SAMPLE[one.name] for one in fields(kind) if one.required})
    for kind in get_args(AnyCommand)
]
"""One command of every kind that there is."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY_S", 0.01)


async def told(answer: Future[Notice]) -> Notice:
    async with asyncio.timeout(patient(5)):
        return await asyncio.wrap_future(answer)


async def test_commands_come_from_any_thread_and_from_before_the_start() -> None:
    faked = FakedEngine()
    early = faked.engine.ask(Pause(id="before"))
    async with faked.running():
        assert (await told(early)).command_id == "before"
        late = await asyncio.to_thread(faked.engine.ask, Pause(id="other", instrument="MNQ"))
        assert (await told(late)).command_id == "other"
        unknown = await told(faked.engine.ask(Flatten(id="bad", instrument="XYZ")))
        assert (unknown.kind, unknown.severity) == (NoticeKind.COMMAND, Severity.WARNING)
    taken = [r.decode(raw) for raw in faked.journal.records]
    ids = [one.command.id for one in taken if isinstance(one, r.CommandTaken)]
    assert ids == ["before", "other", "bad", "end"]


async def test_two_commands_with_one_id_get_each_its_own_answer() -> None:
    faked = FakedEngine()
    async with faked.running():
        first, second = faked.engine.ask(Pause(id="x")), faked.engine.ask(Resume(id="x"))
        paused, resumed = await told(first), await told(second)
        assert paused.seq < resumed.seq
        assert paused.text != resumed.text


async def test_losing_patience_does_not_call_a_command_back() -> None:
    faked = FakedEngine()
    answer = faked.engine.ask(Pause(id="p"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.wrap_future(answer), 0.001)
    assert not answer.cancelled()
    async with faked.running():
        assert (await told(answer)).command_id == "p"


async def test_a_command_of_which_nothing_is_said_has_an_unknown_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a bug in the words")

    faked = FakedEngine()
    async with faked.running():
        with monkeypatch.context() as patch:
            patch.setattr(Turn, "_tell", broken)
            with pytest.raises(UnknownOutcomeError, match="said nothing of it"):
                await told(faked.engine.ask(Pause(id="p")))


async def test_a_command_after_the_end_is_refused_and_hurts_nobody() -> None:
    faked = FakedEngine()
    loop = asyncio.new_event_loop()
    last = faked.engine.ask(Shutdown(id="end"))
    await asyncio.to_thread(loop.run_until_complete, faked.engine.main())
    assert last.result(0).command_id == "end"
    with pytest.raises(RefusedError, match="is not carried out"):
        faked.engine.ask(Flatten(id="late")).result(0)
    await asyncio.to_thread(loop.close)
    with pytest.raises(RefusedError, match="is not carried out"):
        faked.engine.ask(Flatten(id="later")).result(0)


async def test_nobody_waits_for_ever_for_an_engine_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    faked = FakedEngine()
    monkeypatch.setattr(faked.core, "step", broken_step)
    early = faked.engine.ask(Pause(id="p"))
    with pytest.raises(RuntimeError, match="beyond repair"):
        await faked.engine.main()
    with pytest.raises(RefusedError):
        early.result(0)


@pytest.mark.parametrize("command", EACH, ids=lambda one: type(one).__name__)
async def test_an_answer_waits_for_what_it_tells_to_be_written_down(command: AnyCommand) -> None:
    """A kill after the answer forgets nothing of it: until its record is committed there is none."""
    faked = FakedEngine()
    async with faked.running():
        await until(lambda: faked.journal.records)
        faked.journal.gate.clear()
        tries = faked.journal.tries
        answer = faked.engine.ask(command)
        await until(lambda: faked.journal.tries > tries)
        await turns()
        assert command.id in {one.command_id for one in faked.core.turn.notices}, "the core has not taken it"
        assert not answer.done()
        faked.journal.gate.set()
        assert (await told(answer)).command_id == command.id
        taken = [r.decode(raw) for raw in faked.journal.records]
        assert command.id in {one.command.id for one in taken if isinstance(one, r.CommandTaken)}


async def test_what_changes_nothing_is_answered_without_waiting() -> None:
    faked = FakedEngine()
    async with faked.running():
        await until(lambda: faked.journal.records)
        faked.journal.gate.clear()
        await told(faked.engine.ask(PlaceManual(id="dry", instrument="MNQ", side=Side.BUY, dry_run=True)))
        faked.journal.gate.set()


@pytest.mark.parametrize("emergency", [True, False])
@pytest.mark.parametrize("hangs", [True, False])
async def test_f33_an_answer_while_the_journal_is_down_says_what_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: bool, emergency: bool
) -> None:
    """Written down in the emergency file it is as good as ever; where that has it neither, it says so."""
    monkeypatch.setattr(JournalWriter.__init__, "__defaults__", (None, 0.02))
    faked = FakedEngine()
    file = EmergencyFile(emergency_path(tmp_path / "journal.db"), "t", 1, patience_s=patient(2))
    if emergency:
        faked.engine._emergency = file
    async with faked.running():
        await until(lambda: faked.journal.records)
        if hangs:
            faked.journal.gate.clear()
        else:
            faked.journal.error = DOWN
        answers = [await told(faked.engine.ask(Pause(id=name))) for name in ("first", "second")]
        for answer in answers:
            assert answer.done
            assert ("NOT written down" in answer.text) is not emergency
            assert (answer.severity is Severity.CRITICAL) is not emergency
        if emergency:
            left = [r.decode(bytes(line.record)) for line in read_lines(file._path)]
            ids = [one.command.id for one in left if isinstance(one, r.CommandTaken)]
            assert ids == ["first", "second"]
        unknown = await told(faked.engine.ask(Flatten(id="bad", instrument="XYZ")))
        assert "NOT written down" not in unknown.text, "nothing was done"
        faked.journal.error = None
        faked.journal.gate.set()
        await until(lambda: faked.core.entries.journal_ok)
        assert "NOT" not in (await told(faked.engine.ask(Resume(id="up")))).text
    file.close()


async def test_f33_an_engine_that_ends_without_a_journal_leaves_nobody_without_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_module, "ENDING_S", 0.1)
    faked = FakedEngine()
    main = asyncio.create_task(faked.engine.main())
    await until(lambda: faked.journal.records)
    faked.journal.gate.clear()
    answer, last = faked.engine.ask(Pause(id="p")), faked.engine.ask(Shutdown(id="end"))
    async with asyncio.timeout(patient(12)):
        await main
    assert "NOT written down" in answer.result(0).text
    assert "NOT written down" in last.result(0).text


def broken_step(_event: object) -> None:
    raise RuntimeError("beyond repair")
