"""The engine's handle before there is an engine, and when it never comes to be."""

from __future__ import annotations

import threading

import pytest

from engine.model.commands import Flatten, Pause
from engine.model.errors import RefusedError
from engine.model.market import Timeframe
from tests.support.patience import patient
from tests.tui import fake
from tstream.run.engine_thread import EngineThread
from tstream.run.wiring import Run


def test_before_the_start_there_is_a_picture_but_neither_chart_nor_answer() -> None:
    def never() -> Run:
        raise AssertionError("it is not started")

    thread = EngineThread(never, fake.empty_view())
    answer = thread.ask(Pause(id="p"))
    assert thread.view() == fake.empty_view()
    assert thread.chart("MNQ", Timeframe.M5) is None
    assert thread.notices(0) == ()
    assert not answer.done()


def test_commands_for_an_engine_that_cant_start_are_refused() -> None:
    def nothing_to_run() -> Run:
        raise RefusedError("the account is held by another")

    thread, told = EngineThread(nothing_to_run, fake.empty_view()), threading.Event()
    early = thread.ask(Pause(id="p"))
    thread.start(told.set)
    assert thread.wait(patient(10))
    assert told.is_set()
    for answer in (early, thread.ask(Flatten(id="f"))):
        with pytest.raises(RefusedError, match="the engine has stopped: the account is held by another"):
            answer.result(0)
