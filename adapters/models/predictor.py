"""Asks a model in a process of its own, and looks after that: it may hang, crash or say nonsense, and then
it is killed and started again, later each time. The engine hears of it, and waits for nothing
(docs/models.md).
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.common.child_environment import child_environment
from adapters.common.child_process import begin
from adapters.models.files import ModelFile, read_model
from adapters.models.told import load_of, question_of
from adapters.models.worker import ModelAnswer, ModelLoaded
from engine.model.effects import AskPrediction
from engine.model.errors import FatalError
from engine.model.events import Predicted, PredictorTold
from engine.model.opinion_events import PredictorState
from engine.ports import Clock, Sink

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "adapters.models.worker")
LOADING_S = 30.0
PATIENCE_S = 2.0
"""A worker that has not answered for so long hangs, real seconds."""
LOOK_S = 5.0
"""Another model, or one where there was none, is seen so soon."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""Before a failed worker is started again."""
STEADY_S = 60.0
"""After so long without a failure the next one is the first again."""
MOST_WAITING_BYTES = 1 << 20
"""Questions beyond it are not handed over: nobody reads them."""


class _FailedError(Exception):
    """The worker failed; it is started again."""


class _Sign(Struct, frozen=True):
    """By what a model on disk is told from another."""

    path: Path | None
    times: tuple[int, ...] = ()


class WorkerPredictor:
    """A Predictor. All of it belongs to the loop that `run` is on."""

    def __init__(
        self,
        find: Callable[[], Path | None],
        feature_hash: str,
        features: int,
        clock: Clock,
        *,
        retrain_ns: int = 0,
        command: Sequence[str] = COMMAND,
        patience_s: float = PATIENCE_S,
        look_s: float = LOOK_S,
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        """`find` gives the model that counts, None where none does; it may raise FatalError. A model is too
        old after `retrain_ns`, nanoseconds; 0: never.
        """
        self._find = find
        self._feature_hash = feature_hash
        self._features = features
        self._clock = clock
        self._retrain_ns = retrain_ns
        self._command = command
        self._patience_s = patience_s
        self._look_s = look_s
        self._first_wait_s = first_wait_s
        self._sink: Sink = lambda event: None
        self._model: ModelFile | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[str, float] = {}
        """Questions without an answer, with the loop's time at which they were asked, oldest first."""
        self._failures = 0
        self._told: tuple[PredictorState, str] | None = None
        """The state that was told last, and why."""
        self._encoder = msgspec.json.Encoder()

    def ask(self, question: AskPrediction) -> None:
        """Hand a question over; never blocks. One that can't be answered is forgotten."""
        writer, model = self._writer, self._model
        if writer is None or model is None or question.hash != model.hash:
            return
        if writer.transport.get_write_buffer_size() > MOST_WAITING_BYTES:
            return
        writer.write(self._encoder.encode(question_of(question)) + b"\n")
        self._waiting[question.request] = asyncio.get_running_loop().time()

    async def run(self, sink: Sink) -> None:
        """Keep a worker for the model that counts, until cancelled."""
        self._sink = sink
        while True:
            sign = self._sign()
            loop = asyncio.get_running_loop()
            begun = loop.time()
            try:
                if sign.path is None:
                    state, detail = PredictorState.ABSENT, "no model has been trained and promoted"
                else:
                    await self._serve(sign)
                    continue  # another model counts
            except FatalError as error:
                state, detail = PredictorState.REFUSED, str(error)
            except (_FailedError, OSError) as error:
                state, detail = PredictorState.DOWN, str(error)
            if state is PredictorState.DOWN:
                self._failures = 1 if loop.time() - begun > STEADY_S else self._failures + 1
            if self._told != (state, detail):  # what fails again before it was ready is told once
                if state is PredictorState.DOWN:
                    log.warning("the model's worker failed: %s", detail)
                self._told = state, detail
                sink(PredictorTold(ts_recv=self._clock(), state=state, detail=detail))
            if state is PredictorState.DOWN:
                await asyncio.sleep(min(LONGEST_WAIT_S, self._first_wait_s * 2 ** (self._failures - 1)))
            else:
                await self._changed(sign)

    def _sign(self) -> _Sign:
        try:
            path = self._find()
        except FatalError as error:
            log.warning("%s", error)
            return _Sign(None)
        if path is None:
            return _Sign(None)
        times = [0, 0]
        for n, file in enumerate((path, path.with_suffix(".json"))):
            with suppress(OSError):
                times[n] = file.stat().st_mtime_ns
        return _Sign(path, tuple(times))

    async def _changed(self, sign: _Sign) -> None:
        """Until another model counts."""
        while True:
            await asyncio.sleep(self._look_s)
            if self._sign() != sign:
                return

    async def _serve(self, sign: _Sign) -> None:
        """Ask one model, until another counts. Raises FatalError for one that does not fit, _FailedError."""
        assert sign.path is not None
        model = await asyncio.to_thread(read_model, sign.path, self._feature_hash, self._features)
        process = await begin(self._command, child_environment() | {"OMP_NUM_THREADS": "1"})
        try:
            await self._load(process.stdin, process.stdout, model)
            self._model, self._writer = model, process.stdin
            self._told = None
            due = model.card.created_ts + self._retrain_ns if self._retrain_ns else 0
            self._sink(
                PredictorTold(
                    ts_recv=self._clock(),
                    state=PredictorState.READY,
                    card=model.card,
                    hash=model.hash,
                    retrain_ts=due,
                )
            )
            reading = asyncio.create_task(self._read(process.stdout, model))
            watching = [asyncio.create_task(self._watch()), asyncio.create_task(self._changed(sign))]
            try:
                done, _ = await asyncio.wait([reading, *watching], return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in (reading, *watching):
                    task.cancel()
                await asyncio.gather(reading, *watching, return_exceptions=True)
        finally:
            self._model = self._writer = None
            self._waiting.clear()
            await process.end()

    async def _load(
        self, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader, model: ModelFile
    ) -> None:
        try:
            async with asyncio.timeout(LOADING_S):
                stdin.write(msgspec.json.encode(load_of(model, self._features)) + b"\n")
                await stdin.drain()
                loaded = msgspec.json.decode(await stdout.readline(), type=ModelLoaded)
        except TimeoutError:
            raise _FailedError(f"it has not loaded the model within {LOADING_S:g} s") from None
        except (msgspec.MsgspecError, ValueError, OSError):
            raise _FailedError("it ended while it loaded the model: its file may be damaged") from None
        if loaded.problem:
            raise FatalError(loaded.problem)

    async def _read(self, stdout: asyncio.StreamReader, model: ModelFile) -> None:
        decoder = msgspec.json.Decoder(ModelAnswer)
        while True:
            try:
                line = await stdout.readline()
                answer = decoder.decode(line) if line else None
            except (msgspec.MsgspecError, ValueError):
                raise _FailedError("it said what is no answer") from None
            if answer is None:
                raise _FailedError("it ended")
            if self._waiting.pop(answer.id, None) is None:
                raise _FailedError("it answered what was not asked")
            if answer.y is None or not isfinite(answer.y):
                self._sink(
                    Predicted(
                        ts_recv=self._clock(),
                        request=answer.id,
                        hash=model.hash,
                        problem="the model said no number",
                    )
                )
                raise _FailedError("it said no number")
            probability = model.card.calibrated(answer.y)
            self._sink(
                Predicted(
                    ts_recv=self._clock(),
                    request=answer.id,
                    hash=model.hash,
                    probability=probability,
                    expected_r=model.card.expected_r(probability),
                )
            )

    async def _watch(self) -> None:
        """Raises _FailedError once the oldest question has waited too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._patience_s / 4)
            oldest = next(iter(self._waiting.values()), None)
            if oldest is not None and loop.time() - oldest > self._patience_s:
                raise _FailedError(f"it has not answered for {self._patience_s:g} s")
