"""A model that is asked in virtual time: its answer is there at once, and one that fails ends the run."""

from __future__ import annotations

from math import e, nan
from pathlib import Path

import pytest

from adapters.models.files import ModelFile
from adapters.models.prompt import PromptModel
from engine.model.effects import AskPrediction
from engine.model.errors import FatalError
from engine.model.events import Predicted
from engine.model.market import Side, Timeframe
from engine.model.opinion import ModelCard
from engine.model.opinion_events import PredictorState
from tests.models.workers import STUMP, worker

CARD = ModelCard("first", 1, "abc", calibration=((0.0, 0.1), (1.0, 0.9)), mean_win_r=1.5, mean_loss_r=-1.0)
MODEL = ModelFile(Path("first.txt"), CARD, STUMP.encode(), "h1")


def question(n: int, first: float = 0.25) -> AskPrediction:
    return AskPrediction(f"q{n}", "h1", "MNQ", Timeframe.M5, Side.BUY, (first, nan))


def prompt(does: str) -> PromptModel:
    return PromptModel(MODEL, 2, "in-sample", command=worker(does), patience_s=0.2)


def test_it_answers_in_the_instant_in_which_it_is_asked() -> None:
    with prompt("answers") as model:
        told = model.state(5)
        assert (told.state, told.card, told.hash, told.detail) == (
            PredictorState.READY,
            CARD,
            "h1",
            "in-sample",
        )
        for n in range(3):
            assert model.answer(question(n), 7 + n) == Predicted(
                ts_recv=7 + n, request=f"q{n}", hash="h1", probability=0.5, expected_r=0.25
            )


def test_no_number_is_an_answer_without_one() -> None:
    with prompt("says NaN") as model:
        told = model.answer(question(1), 7)
    assert (told.probability, told.problem) == (None, "the model said no number")


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("hangs", "it has not answered for 0.2 s"),
        ("crashes", "it ended"),
        ("says a list", "it said what is no answer"),
        ("says nonsense", "it said what is no answer"),
        ("answers another", "it answered what was not asked"),
    ],
)
def test_one_that_fails_ends_the_run_and_the_remedy_is_told(does: str, says: str) -> None:
    with prompt(does) as model:
        process = model._process
        with pytest.raises(FatalError, match=f"the model first failed: {says}; tstream train makes another"):
            model.answer(question(1), 7)
    assert process is not None
    assert process.returncode is not None, "it does not outlive the run"


def test_lightgbm_itself_is_asked() -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is not installed: pip install 'tstream[models]'")
    with PromptModel(MODEL, 2) as model:
        told = [model.answer(question(n, first), 7).probability for n, first in enumerate((0.25, 0.75, 0.25))]
    low, high = (0.1 + 0.8 / (1 + e**way) for way in (1, -1))
    assert told == pytest.approx([low, high, low])
    with pytest.raises(FatalError, match="its file is none that LightGBM takes"), PromptModel(MODEL, 3):
        pass
