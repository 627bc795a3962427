"""Whatever a predictor does, the engine beside it goes on, and says what is wrong."""

from __future__ import annotations

import asyncio

import pytest

from engine.model.effects import AskPrediction
from engine.model.events import AnyEvent, PredictorTold
from engine.model.market import Side, Timeframe
from engine.model.opinion_events import PredictorState
from engine.ports import Sink
from engine.runtime import predicting
from engine.runtime.predicting import Predicting
from tests.support.waits import until

ASKED = AskPrediction("q", "h", "MNQ", Timeframe.M5, Side.BUY, (0.0,))


class Broken:
    """Has a bug wherever it can."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, sink: Sink) -> None:
        self.runs += 1
        raise KeyError("secret words")

    def ask(self, question: AskPrediction) -> None:
        raise ValueError(question)


async def test_a_bug_in_a_predictor_is_told_and_it_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "RETRY_S", 0.001)
    heard: list[AnyEvent] = []
    broken = Broken()
    beside = Predicting(broken, lambda: 7, heard.append)
    beside.ask([ASKED])
    task = asyncio.create_task(beside.run())
    await until(lambda: broken.runs > 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert {(one.state, one.detail) for one in heard if isinstance(one, PredictorTold)} == {
        (PredictorState.DOWN, "internal error, see the log")
    }


async def test_without_a_predictor_nobody_is_asked() -> None:
    beside = Predicting(None, lambda: 7, lambda event: None)
    beside.ask([ASKED])
    await asyncio.wait_for(beside.run(), 5)
