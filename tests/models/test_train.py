"""LightGBM as a learner: the same file from the same data, a planted edge found, nothing in noise."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from adapters.models.files import read_model, write_model
from engine.lab.training.examples import Example, Examples
from engine.lab.training.labels import Label
from engine.lab.training.rules import SETTINGS, TrainingRules
from engine.lab.training.walk import LEAST_EXAMPLES, Walked, walk
from engine.model.errors import FatalError
from engine.model.market import MINUTE
from engine.model.opinion import ModelCard, straight_between

pytest.importorskip("lightgbm", reason="LightGBM is not installed: pip install 'tstream[models]'")

from tstream.lab.learner import Trees

NAMES = ("a", "b", "c", "d")
QUICK = TrainingRules(settings=SETTINGS[1:2], folds=3, costs=False)


def probability(vector: list[float], edge: float) -> float:
    """What was planted: 0.4, which is break-even, and more or less where `a` is high and `b` is low."""
    return 0.4 + edge * ((vector[0] > 0) * 0.25 - (vector[1] > 0) * 0.2)


def made_up(seed: int, edge: float, count: int = 3_000) -> Examples:
    """Trades that make 1.5 R or lose one, of which rules trade a third without looking."""
    chance, made = Random(seed), Examples(len(NAMES))
    for n in range(count):
        vector = [chance.gauss(0, 1) for _ in NAMES]
        hit = chance.random() < probability(vector, edge)
        ts = n * 5 * MINUTE
        label = Label(
            ts, ts + chance.randint(1, 20) * MINUTE, 1.5 if hit else -1.0, "target" if hit else "stop"
        )
        made.add(vector, Example(label, "MES", chance.random() < 0.35))
    return made


def trained(examples: Examples, seed: int = 1) -> Walked:
    return walk(examples, Trees(examples, seed), QUICK, Random(seed))


def text_of(found: Walked) -> str:
    assert found.kept is not None
    return found.kept.fitted.body()  # type: ignore[attr-defined,no-any-return]


def test_a_planted_edge_is_found_calibrated_and_written_the_same_each_time(tmp_path: Path) -> None:
    examples = made_up(7, 1.0)
    found = trained(examples)
    judged = found.judgement
    assert judged.better, judged.verdict
    assert judged.choice_p is not None
    assert judged.choice_p <= 0.05
    assert judged.probabilities is not None
    assert judged.probabilities.calibration_error is not None
    assert judged.probabilities.calibration_error <= 0.05
    planted = [probability(examples.features[n * 4 : n * 4 + 4].tolist(), 1.0) for n in found.tested]
    off = sum(abs(p - told) for p, told in zip(planted, found.predicted, strict=True)) / len(planted)
    assert off <= 0.08, "the probabilities that were planted are those that it tells"
    kept = found.kept
    assert kept is not None
    assert kept.threshold == pytest.approx(0.4, abs=0.01)
    assert dict(Trees(examples, 1).loaded(text_of(found)).importance(NAMES)).keys() == set(NAMES)

    again = trained(made_up(7, 1.0))
    assert text_of(again) == text_of(found)
    assert again.judgement == judged

    card = ModelCard("planted", 1, "abc", calibration=kept.calibration)
    path = write_model(tmp_path, card, text_of(found))
    read = read_model(path, "abc", len(NAMES))
    rows = found.tested[:50]
    raw = Trees(examples, 1).loaded(read.text).raw(rows)
    assert raw == kept.fitted.raw(rows), "what is read predicts what was fitted"
    assert read.card.calibrated(raw[0]) == straight_between(kept.calibration, raw[0])


@pytest.mark.parametrize("seed", [1, 2])
def test_in_noise_it_is_no_better_than_the_rules(seed: int) -> None:
    judged = trained(made_up(seed, 0.0), seed).judgement
    assert not judged.better
    assert judged.verdict.startswith("no better than the rules: ")


def test_too_little_to_learn_from_is_said() -> None:
    few = trained(made_up(1, 1.0, LEAST_EXAMPLES - 1))
    assert few.kept is None
    assert f"{LEAST_EXAMPLES - 1} examples are too few" in few.judgement.verdict


def test_a_text_that_is_no_model_is_refused() -> None:
    examples = made_up(1, 0.0, 50)
    with pytest.raises(FatalError, match="LightGBM does not take the model"):
        Trees(examples, 1).loaded("tree\nnonsense\n")
