"""Asks a model in virtual time: whoever asks waits for the answer, so that the same run has the same answers
each time. The model is in a process of its own, as beside an engine; one that fails ends the run, for nobody
knows what it would have said (docs/models.md#in-backtests).
"""

from __future__ import annotations

import select
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from math import isfinite
from types import TracebackType
from typing import Any

import msgspec

from adapters.common.child_environment import child_environment
from adapters.models.files import ModelFile
from adapters.models.predictor import COMMAND, LOADING_S
from adapters.models.told import load_of, question_of
from adapters.models.worker import ModelAnswer, ModelLoaded
from engine.model.effects import AskPrediction
from engine.model.errors import FatalError
from engine.model.events import Predicted, PredictorTold
from engine.model.opinion_events import PredictorState

PATIENCE_S = 30.0
"""A worker that has not answered for so long hangs, real seconds."""
_READ = 1 << 16


class PromptModel:
    """A PromptPredictor, while it is entered. Belongs to one thread."""

    def __init__(
        self,
        model: ModelFile,
        features: int,
        note: str = "",
        *,
        command: Sequence[str] = COMMAND,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`note` is told beside its state, for people."""
        self.model = model
        self._features = features
        self._note = note
        self._command = command
        self._patience_s = patience_s
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        """Of what it has said, that which is no whole line yet."""
        self._encoder = msgspec.json.Encoder()
        self._answers = msgspec.json.Decoder(ModelAnswer)

    def __enter__(self) -> PromptModel:
        """Raises FatalError where it can't be asked."""
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=child_environment() | {"OMP_NUM_THREADS": "1"},
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise FatalError(f"{self._name} can't be asked: {error.strerror}") from None
        try:
            said = self._said(load_of(self.model, self._features), LOADING_S)
            loaded = self._decoded(said, msgspec.json.Decoder(ModelLoaded))
            if loaded.problem:
                raise FatalError(loaded.problem)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def state(self, now: int) -> PredictorTold:
        return PredictorTold(
            ts_recv=now,
            state=PredictorState.READY,
            card=self.model.card,
            hash=self.model.hash,
            detail=self._note,
        )

    def answer(self, question: AskPrediction, now: int) -> Predicted:
        said = self._said(question_of(question), self._patience_s)
        answer = self._decoded(said, self._answers)
        if answer.id != question.request:
            raise self._failed("it answered what was not asked")
        told = Predicted(ts_recv=now, request=question.request, hash=self.model.hash)
        if answer.y is None or not isfinite(answer.y):
            return msgspec.structs.replace(told, problem="the model said no number")
        probability = self.model.card.calibrated(answer.y)
        expected = self.model.card.expected_r(probability)
        return msgspec.structs.replace(told, probability=probability, expected_r=expected)

    @property
    def _name(self) -> str:
        return f"the model {self.model.card.name}"

    def _failed(self, why: str) -> FatalError:
        return FatalError(
            f"{self._name} failed: {why}; tstream train makes another one, opinion.use = off asks none"
        )

    def _said(self, what: msgspec.Struct, patience_s: float) -> bytes:
        """Its next line, after it was told this. Raises FatalError."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise self._failed("it is not running")
        try:
            told = memoryview(self._encoder.encode(what) + b"\n")
            while told:
                told = told[process.stdin.write(told) :]
            while b"\n" not in self._rest:
                if not select.select([process.stdout], [], [], patience_s)[0]:
                    raise self._failed(f"it has not answered for {patience_s:g} s")
                more = process.stdout.read(_READ)
                if not more:
                    raise self._failed("it ended")
                self._rest += more
                if len(self._rest) > _READ:
                    raise self._failed("it says too much")
        except OSError:
            raise self._failed("it ended") from None
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _decoded(self, line: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
        try:
            return decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise self._failed("it said what is no answer") from None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        process.wait()


class NobodyAsked:
    """A PromptPredictor where no model can be asked: the rules are alone, and it is said why."""

    def __init__(self, state: PredictorState, detail: str) -> None:
        self._state, self._detail = state, detail

    def state(self, now: int) -> PredictorTold:
        return PredictorTold(ts_recv=now, state=self._state, detail=self._detail)

    def answer(self, question: AskPrediction, now: int) -> Predicted:
        return Predicted(ts_recv=now, request=question.request, hash="", problem=self._detail)
