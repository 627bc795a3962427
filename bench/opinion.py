"""The second opinion: what a question to the model costs, and what an engine feels of a model that is well,
hangs, crashes or talks nonsense.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import replace

from adapters.models.files import write_model
from adapters.models.predictor import COMMAND, WorkerPredictor
from bench.figures import quantile, ratio, table
from engine.core import Core
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.decision import OpinionConfig, OpinionUse
from engine.model.effects import AskPrediction
from engine.model.events import (
    AnyEvent,
    HistoryLoaded,
    LinkChanged,
    LinkState,
    Predicted,
    PredictorTold,
    Print,
    Quote,
)
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.opinion import Barriers, ModelCard
from engine.model.opinion_events import PredictorState
from engine.runtime.engine import Engine
from engine.signals.features import HASH, NAMES, VERSION
from tests.models.workers import stump, worker
from tests.support.engine_fakes import FakeBroker, FakeFeed, MemoryJournal, known
from tests.support.price_series import random_walk

ASKED = 400
AIM_MS = 2.0
ROUND_S = 8.0
ROUNDS = 3
SPEED = 60.0
"""A minute a second, so that closes are many."""
UPDATES = 1_000
CARD = ModelCard(
    "bench", VERSION, HASH, timeframe=Timeframe.M1, barriers=Barriers(bars=5), rows=1, created_ts=1
)
SICK = ("hangs", "crashes", "says NaN", "says a list")


def model_text() -> str:
    """A hundred trees where LightGBM is there to make them, else the text of one."""
    width = len(NAMES)
    if find_spec("lightgbm") is None:
        return stump(width)
    import lightgbm
    import numpy

    chance = numpy.random.default_rng(1)
    rows = chance.normal(size=(4_000, width))
    hits = (chance.random(4_000) < 0.4 + 0.2 * (rows[:, 0] > 0)).astype(int)
    how = {"objective": "binary", "num_leaves": 16, "verbose": -1, "num_threads": 1, "seed": 1}
    return str(lightgbm.train(how, lightgbm.Dataset(rows, hits), num_boost_round=160).model_to_string())


def run() -> None:
    """Measure and print."""
    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    try:
        path = write_model(home, CARD, model_text())
        asyncio.run(_questions(path))
        asyncio.run(_felt(path))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _predictor(path: Path, command: Sequence[str]) -> WorkerPredictor:
    return WorkerPredictor(
        lambda: path, HASH, len(NAMES), time.monotonic_ns, command=command, patience_s=0.5, first_wait_s=0.2
    )


async def _questions(path: Path) -> None:
    """From a question of the engine's loop to its answer there, one after the other."""
    if find_spec("lightgbm") is None:
        print("\nopinion: LightGBM is not installed: pip install 'tstream[models]'")
        return
    answered, state = asyncio.Event(), asyncio.Event()
    hashes: list[str] = []

    def hear(event: AnyEvent) -> None:
        if isinstance(event, PredictorTold) and event.state is PredictorState.READY:
            hashes.append(event.hash)
            state.set()
        elif isinstance(event, Predicted):
            answered.set()

    predictor = _predictor(path, COMMAND)
    task = asyncio.create_task(predictor.run(hear))
    await asyncio.wait_for(state.wait(), 60)
    chance, took = Random(1), list[float]()
    for n in range(ASKED + 50):
        features = tuple(chance.gauss(0, 1) for _ in NAMES)
        answered.clear()
        began = time.perf_counter()
        predictor.ask(AskPrediction(f"q{n}", hashes[0], "MNQ", Timeframe.M1, Side.BUY, features))
        await asyncio.wait_for(answered.wait(), 10)
        took.append(1000 * (time.perf_counter() - began))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    took = took[50:]
    peer = _peer()
    table(
        f"opinion: one question, {len(NAMES)} features, 160 trees",
        ("", "p50", "p99"),
        [
            (
                f"to the worker and back, ms (aim {AIM_MS:g})",
                f"{quantile(took, 0.5):.3f}",
                f"{quantile(took, 0.99):.3f}",
            ),
            (
                "HistGradientBoosting in process, ms",
                *(("not installed",) * 2 if peer is None else (f"{peer[0]:.3f}", f"{peer[1]:.3f}")),
            ),
        ],
    )


def _peer() -> tuple[float, float] | None:
    """scikit-learn's, asked for one row in this very process; None where it is not installed."""
    if find_spec("sklearn") is None:
        return None
    import numpy

    ensemble: Any = import_module("sklearn.ensemble")
    chance = numpy.random.default_rng(1)
    rows = chance.normal(size=(4_000, len(NAMES)))
    hits = (chance.random(4_000) < 0.4 + 0.2 * (rows[:, 0] > 0)).astype(int)
    model = ensemble.HistGradientBoostingClassifier(max_iter=160, max_leaf_nodes=16, early_stopping=False)
    model.fit(rows, hits)
    took = []
    for n in range(ASKED):
        began = time.perf_counter()
        model.predict_proba(rows[n : n + 1])
        took.append(1000 * (time.perf_counter() - began))
    return quantile(took, 0.5), quantile(took, 0.99)


class FastClock:
    """Goes on `SPEED` times as fast as the real one."""

    def __init__(self, start_ts: int) -> None:
        self._start, self._begun = start_ts, time.monotonic_ns()

    def __call__(self) -> int:
        return self._start + int((time.monotonic_ns() - self._begun) * SPEED)


async def _felt(path: Path) -> None:
    """The same market with nobody to ask, and with workers in every state, in turn."""
    scenes: list[tuple[str, Sequence[str] | None]] = [("no model", None), ("well", worker("answers"))]
    scenes += [(name, worker(name)) for name in SICK]
    waits: dict[str, list[float]] = {name: [] for name, _ in scenes}
    said: dict[str, tuple[int, int, int]] = {}
    for _ in range(ROUNDS):
        for name, command in scenes:
            found, asked, missing, notices = await _played(path, command)
            waits[name] += found
            was = said.get(name, (0, 0, 0))
            said[name] = was[0] + asked, was[1] + missing, was[2] + notices
    alone = quantile(waits["no model"], 0.99)
    rows = []
    for name, _ in scenes:
        p99 = quantile(waits[name], 0.99)
        asked, missing, notices = said[name]
        rows.append((name, f"{1000 * p99:.2f}", ratio(p99, alone), f"{asked}", f"{missing}", f"{notices}"))
    table(
        f"opinion: an engine at {UPDATES:,} updates a second that asks at each close of a minute a second",
        ("worker", "wait p99 ms", "to none", "asked", "no answer", "notices"),
        rows,
    )


async def _played(path: Path, command: Sequence[str] | None) -> tuple[list[float], int, int, int]:
    """Waits of events in seconds, questions, those without an answer, and notices of the worker."""
    past = random_walk(3, 1_500)
    start = past[-1].close_ts
    mnq = CME_FUTURES["MNQ"]
    use = OpinionUse.OFF if command is None else OpinionUse.DECIDE
    config = EngineConfig(
        (mnq,), "bench", "b", 1, TradingSwitch.LIVE, books=(BookConfig("fake"),), bar_grace_ns=MINUTE // 60,
        opinion=OpinionConfig(use, sample_ns=MINUTE, patience_ns=int(50_000_000 * SPEED)),
    )  # fmt: skip
    clock, feed = FastClock(start), FakeFeed()
    feed.on_run = known
    core = Core(config, Nothing())
    predictor = None if command is None else _predictor(path, command)
    engine = Engine(
        core, MemoryJournal(), 0, {"": feed}, [FakeBroker()], clock, None, SPEED, warm_up=False,
        predictor=predictor,
    )  # fmt: skip
    main = asyncio.create_task(engine.main())
    await asyncio.sleep(0.5)
    engine.hear(LinkChanged(ts_recv=clock(), link="market", state=LinkState.LIVE))
    bars = tuple(_as(bar) for bar in past)
    engine.hear(HistoryLoaded(ts_recv=clock(), instrument="MNQ", bars=bars))
    await asyncio.sleep(0.5)
    inbox = engine._inbox
    assert inbox is not None
    inbox.waits.clear()
    chance, price = Random(5), bars[-1].close
    end, waits = time.monotonic() + ROUND_S, list[float]()
    while time.monotonic() < end:
        await asyncio.sleep(0.01)
        for _ in range(UPDATES // 200):
            price += chance.choice((-2, -1, 1, 2))
            now = clock()
            engine.hear(Quote(ts_recv=now, ts_venue=now, instrument="MNQ", bid=price, ask=price + 1))
            engine.hear(Print(ts_recv=now, ts_venue=now, instrument="MNQ", price=price, size=1))
        if len(inbox.waits) > 500:
            waits += inbox.waits
            inbox.waits.clear()
    main.cancel()
    await asyncio.gather(main, return_exceptions=True)
    opinions = core.entries.opinions
    notices = sum("worker failed" in one.text for one in core.turn.notices)
    return waits, opinions.asked, opinions.missing, notices


def _as(bar: Bar) -> Bar:
    return replace(bar, instrument="MNQ", backfilled=True)


class Nothing:
    """A strategy without ideas: the model is asked all the same."""

    name = "nothing"

    def on_bars(self, closed: object, board: object) -> Sequence[Any]:
        return ()
