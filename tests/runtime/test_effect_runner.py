"""Each request once; each ending as an outcome."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model.errors import FatalError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from engine.runtime import effect_runner as runner_module
from engine.runtime.effect_runner import EffectRunner
from tests.support.engine_fakes import BOOK, Clock, FakeBroker
from tests.support.waits import until

REQUESTS: list[Any] = [
    fx.PlaceOrder(BOOK, "e", "MNQ", OrderSpec(Side.BUY, OrderType.MARKET, 1)),
    fx.ModifyOrder(BOOK, "e", "1", "MNQ", stop=5),
    fx.CancelOrder(BOOK, "e", "1", "MNQ"),
    fx.ClosePosition(BOOK, "MNQ"),
]
ENDINGS = [
    (None, ev.Outcome.ACCEPTED),
    (RefusedError("no"), ev.Outcome.REFUSED),
    (RetryableError("later"), ev.Outcome.UNSENT),
    (FatalError("never"), ev.Outcome.UNSENT),
    (UnknownOutcomeError("?"), ev.Outcome.UNKNOWN),
    (KeyError("a bug in the adapter"), ev.Outcome.UNKNOWN),
]


def runner_of(broker: FakeBroker) -> tuple[EffectRunner, list[Any]]:
    heard: list[Any] = []
    return EffectRunner({BOOK: broker}, Clock(), heard.append), heard


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: type(r).__name__)
@pytest.mark.parametrize(("error", "outcome"), ENDINGS, ids=lambda e: type(e).__name__)
async def test_each_ending_is_an_outcome_and_nothing_is_sent_twice(
    request_: Any, error: Exception | None, outcome: ev.Outcome
) -> None:
    broker = FakeBroker()

    async def answer(_: Any) -> None:
        if error is not None:
            raise error

    broker.answer = answer
    runner, heard = runner_of(broker)
    runner.run(request_)
    await until(lambda: heard)
    await runner.drain(1)
    assert [reply.outcome for reply in heard] == [outcome]
    assert broker.sent == [request_]
    if isinstance(request_, fx.PlaceOrder):
        assert heard[0].venue_id == ("v-e" if error is None else None)


async def test_a_request_without_answer_has_an_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "PATIENCE_S", 0.02)
    broker = FakeBroker()
    broker.answer = lambda _: asyncio.Event().wait()
    runner, heard = runner_of(broker)
    for request in REQUESTS:
        runner.run(request)
    await until(lambda: len(heard) == len(REQUESTS))
    assert {reply.outcome for reply in heard} == {ev.Outcome.UNKNOWN}
    assert len(broker.sent) == len(REQUESTS)


@pytest.mark.parametrize("error", [RetryableError("503"), KeyError("a bug"), UnknownOutcomeError("?")])
async def test_f11_a_failed_snapshot_is_an_answer_too(error: Exception) -> None:
    broker = FakeBroker()

    async def answer(_: Any) -> None:
        raise error

    broker.answer = answer
    runner, heard = runner_of(broker)
    runner.run(fx.TakeSnapshot(BOOK, 5))
    [failed] = await until(lambda: heard)
    assert isinstance(failed, ev.SnapshotFailed)


async def test_a_book_that_nobody_serves_gets_an_answer() -> None:
    runner, heard = runner_of(FakeBroker())
    runner.run(fx.ClosePosition("other", "MNQ"))
    runner.run(fx.TakeSnapshot("other", 5))
    await until(lambda: len(heard) == 2)
    assert heard[0].outcome is ev.Outcome.UNSENT
    assert isinstance(heard[1], ev.SnapshotFailed)
