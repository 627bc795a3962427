"""The model beside the engine: questions of the core go out at once, and a bug there harms nothing here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from engine.model.effects import AskPrediction
from engine.model.events import PredictorTold
from engine.model.opinion_events import PredictorState
from engine.ports import Clock, Predictor, Sink

log = logging.getLogger(__name__)

RETRY_S = 5.0


class Predicting:
    """Of one engine, on its loop; without a predictor nobody is asked."""

    def __init__(self, predictor: Predictor | None, clock: Clock, sink: Sink) -> None:
        self._predictor = predictor
        self._clock = clock
        self._sink = sink

    def ask(self, questions: Sequence[AskPrediction]) -> None:
        """Hand questions over; never blocks."""
        if self._predictor is None:
            return
        try:
            for question in questions:
                self._predictor.ask(question)
        except Exception:
            log.exception("a question to the model could not be handed over")

    async def run(self) -> None:
        """Until cancelled."""
        while self._predictor is not None:
            try:
                await self._predictor.run(self._sink)
            except Exception:
                log.exception("the predictor failed; starting it again in %.0f s", RETRY_S)
                detail = "internal error, see the log"
                state = PredictorState.DOWN
                self._sink(PredictorTold(ts_recv=self._clock(), state=state, detail=detail))
            await asyncio.sleep(RETRY_S)
