"""A deep model by the walk of a training: kept where what is known lies further back than trees look, else
not; its file, its worker, and `tstream train --model deep`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.lab.training.rules import TrainingRules
from engine.model.effects import AskPrediction
from engine.model.market import Side, Timeframe
from engine.model.opinion import ModelKind
from engine.signals.features import HASH
from engine.signals.past_rows import WINDOW

pytest.importorskip("torch", reason="the extra deep is not installed")
pytest.importorskip("safetensors", reason="the extra deep is not installed")

from adapters.models.deep.learner import ask_one
from adapters.models.files import path_of
from adapters.models.store import ModelStore
from tests.models.test_predictor import predictor, ready
from tests.support.made_up_trainings import QUICK, RULES, TELL, WIDTH, told_market
from tests.support.price_series import random_walk
from tests.support.waits import until
from tests.tstream.test_discover import written
from tstream.cli import call
from tstream.commands.models import card_lines
from tstream.commands.train import How, rules_of
from tstream.lab.training import Trained, keep, train
from tstream.settings.training import TrainingSettings

BACK = 1
"""How many closes back the answer is told."""


def question(model: str, rows: Sequence[tuple[float, ...]]) -> AskPrediction:
    return AskPrediction("q1", model, "MES", Timeframe.M5, Side.BUY, rows[-1], tuple(rows[:-1]))


def trained(store: ModelStore, edge: float, back: int, teeth: int = 1) -> Trained:
    return train(told_market(edge, back, teeth=teeth), RULES, store, seed=1, now=7, kind=ModelKind.DEEP)


async def test_what_only_closes_before_know_is_found_kept_and_answered_by_the_worker(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, HASH, WIDTH)
    found = trained(store, 0.8, BACK)
    assert found.beside.startswith("a deep model, better than trees: Brier score 0."), found.beside
    assert found.promoted
    card = found.card
    assert card is not None
    assert card.name.startswith("mes-5m-deep-")
    assert card.window == WINDOW
    assert card.metrics["pinball"] < card.metrics["pinball_of_base"]  # type: ignore[operator]
    assert [level for level, _ in card.quantiles] == [0.1, 0.25, 0.5, 0.75, 0.9]
    assert found.judgement.trials == 2, "what was tried with trees counts"
    said = "\n".join(card_lines(card))
    assert "looks at" in said
    assert "closes back" in said

    kept = keep(found, store, 7)
    assert kept is not None
    assert kept.path.suffix == ".safetensors"
    assert store.names() == [card.name]
    assert not path_of(tmp_path, card.name).with_suffix(".txt").exists()
    ask = ask_one(kept.body)
    rows = [(*[one] * TELL, *([0.0] * (WIDTH - TELL))) for one in (0.9, 0.5)]
    other = [(*[0.1] * TELL, *([0.0] * (WIDTH - TELL))), rows[1]]
    high, low = ask(rows, "MES"), ask(other, "MES")
    assert high > low + 0.1, "a high one a close ago makes a target likely"
    async with predictor(tmp_path, hash_=HASH, features=WIDTH) as (one, heard):
        await until(lambda: "ready" in heard.states(), seconds=60, look_s=0.05)
        told = await ready(heard)
        assert told.card is not None
        one.ask(question(told.hash, rows))
        await until(heard.answers, seconds=20)
        (answer,) = heard.answers()
        assert answer.probability == pytest.approx(told.card.calibrated(high), abs=1e-6)
        assert answer.expected_r == pytest.approx(told.card.expected_r(answer.probability or 0))

    blind = replace(card, name="blind", calibration=((0.0, 0.4), (1.0, 0.4)), trained_to=0)
    store.save(blind, found.body)
    store.promote("blind", "for the test", 8)
    better = trained(store, 0.8, BACK)
    assert better.body == found.body, "the same data, the same file"
    assert better.decision.startswith("better than the champion blind: Brier score ")


def test_where_the_newest_close_says_it_in_steps_trees_are_kept(tmp_path: Path) -> None:
    found = trained(ModelStore(tmp_path, HASH, WIDTH), 0.8, 0, teeth=4)
    assert isinstance(found.body, str)
    assert found.beside.startswith("trees, as a deep model is ")
    assert found.promoted


def test_noise_is_said_to_be_no_better_than_the_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TSTREAM_HOME", str(tmp_path))
    monkeypatch.setattr("tstream.commands.train.step_back", lambda: None)
    monkeypatch.setattr("tstream.commands.train.bound_memory", lambda memory_mb: None)

    def quick_rules(own: TrainingSettings, how: How) -> TrainingRules:
        return replace(rules_of(own, how), deep_settings=QUICK)

    monkeypatch.setattr("tstream.commands.train.rules_of", quick_rules)
    tape = written(tmp_path / "noise.csv", random_walk(3, 900))
    quick = ("--contract", "MES", "--stamp", "open", "--timeframe", "1m", "--bars", "12", "--folds", "2")
    assert call(["train", str(tape), *quick, "--model", "deep", "--json", "--dry-run"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["beside"].startswith("trees, as a deep model is no better than the rules: ")
    assert not told["better"]
