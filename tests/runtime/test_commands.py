"""Commands from any thread, and the answer that each gets, whatever becomes of the engine."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from engine.model import records as r
from engine.model.commands import Flatten, Pause, Resume, Shutdown
from engine.model.errors import RefusedError, UnknownOutcomeError
from engine.model.notices import Notice, NoticeKind, Severity
from engine.state.turn import Turn
from tests.support.engine_fakes import FakedEngine
from tests.support.patience import patient


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


def broken_step(_event: object) -> None:
    raise RuntimeError("beyond repair")
