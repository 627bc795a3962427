"""A core whose model is asked and answers by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.decision import OpinionConfig, OpinionUse
from engine.model.market import MINUTE, Timeframe
from engine.model.opinion import Barriers, ModelCard
from engine.model.opinion_events import PredictorState
from engine.model.plans import Idea
from engine.signals.features import HASH
from tests.market.feed import T0
from tests.signals.shapes import wander
from tests.support.manual_venue import ManualVenue, idea
from tests.support.venue_orders import PRICE

CARD = ModelCard(
    "first",
    1,
    HASH,
    timeframe=Timeframe.M1,
    barriers=Barriers(stop_atr=1.0, target_r=1.0, bars=10),
    trained_from=T0 - 1000 * MINUTE,
    trained_to=T0 - 100 * MINUTE,
    created_ts=T0 - 60 * MINUTE,
    rows=12_345,
    metrics={"calibration_error": 0.021, "mean_r": 0.11},
    verdict="better than the rules by 0.11 R a trade, p 0.01",
)
DECIDES = OpinionConfig(OpinionUse.DECIDE, sample_ns=0)
Answer = Callable[[fx.AskPrediction], Sequence[ev.AnyEvent]]


def nobody(question: fx.AskPrediction) -> Sequence[ev.AnyEvent]:
    """It hangs."""
    return ()


class AskedModel(ManualVenue):
    """`answers` says what comes back of a question, at once."""

    def __init__(
        self,
        *ideas: Idea,
        answers: Answer = nobody,
        opinion: OpinionConfig = DECIDES,
        card: ModelCard | None = CARD,
        **more: Any,
    ) -> None:
        self.answers = answers
        self.questions: list[fx.AskPrediction] = []
        self.heard: list[ev.AnyEvent] = []
        self.card = card
        super().__init__(*(ideas or (idea(),)), opinion=opinion, **more)

    def _take(self, records: Sequence[r.AnyRecord], effects: Sequence[fx.AnyEffect]) -> None:
        asked = list(self.core.turn.questions)
        super()._take(records, effects)
        self.questions += asked
        for question in asked:
            for event in self.answers(question):
                self.step(event)

    def step(self, event: ev.AnyEvent) -> None:
        self.heard.append(event)
        super().step(event)

    def connect(self) -> None:
        """With an hour of history, and a model where there is one."""
        super().connect()
        bars = tuple(wander(3, 60, instrument="MNQ", start=PRICE, first=-60))
        self.step(ev.HistoryLoaded(ts_recv=self.now, instrument="MNQ", bars=bars))
        if self.card is not None:
            self.tell_model(PredictorState.READY)

    def tell_model(self, state: PredictorState, detail: str = "") -> None:
        card = self.card if state is PredictorState.READY else None
        told = "h1" if card is not None else ""
        self.step(ev.PredictorTold(ts_recv=self.now, state=state, detail=detail, card=card, hash=told))

    def predicted(self, question: fx.AskPrediction, probability: float | None, **more: Any) -> ev.Predicted:
        return ev.Predicted(
            ts_recv=self.now, request=question.request, hash="h1", probability=probability, **more
        )

    def close_minutes(self, prices: Sequence[int] = (PRICE, PRICE), wait_s: float = 0.0) -> None:
        """The market trades at each price with a minute; the last one's is not over."""
        for n, price in enumerate(prices):
            if n and wait_s:
                self.wait(wait_s)
            self.now += MINUTE - self.now % MINUTE
            self.trade(price)
