"""Which model counts after a training: the champion stays unless a new one is proven better."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from adapters.models.store import ModelStore
from engine.lab.training.examples import Example, Examples
from engine.lab.training.labels import Label
from engine.lab.training.rules import SETTINGS, TrainingRules
from engine.model.market import MINUTE, Timeframe
from engine.model.opinion import Barriers
from engine.signals.features import HASH, NAMES

pytest.importorskip("lightgbm", reason="LightGBM is not installed: pip install 'tstream[models]'")

from tstream.lab.gathering import Gathered
from tstream.lab.training import Trained, keep, train

WIDTH = len(NAMES)
RULES = TrainingRules(
    barriers=Barriers(1.0, 1.5, 4),
    settings=SETTINGS[1:2],
    folds=2,
    costs=False,
    margins_r=(0.0,),
    most_calibration_error=0.2,
)
"""Quick, and with little to calibrate by."""


def gathered(edge: float, count: int = 2_000) -> Gathered:
    """A market in which the first feature says how likely the target is, by as much as `edge`."""
    chance, made = Random(2), Examples(WIDTH)
    for n in range(count):
        known = chance.random()
        hit = chance.random() < 0.4 + edge * (known - 0.5)
        ts = n * 5 * MINUTE
        label = Label(ts, ts + 5 * MINUTE, 1.5 if hit else -1.0, "target" if hit else "stop")
        made.add((known, *([0.0] * (WIDTH - 1))), Example(label, "MES", chance.random() < 0.5))
    return Gathered(made, ("MES",), 0, count * 5 * MINUTE, ("made up",))


def trained(folder: Path, edge: float, rules: TrainingRules = RULES) -> tuple[Trained, ModelStore]:
    store = ModelStore(folder, HASH, WIDTH)
    return train(gathered(edge), rules, store, seed=1, now=7), store


def test_the_first_that_is_better_counts_and_the_next_must_beat_it(tmp_path: Path) -> None:
    first, store = trained(tmp_path, 0.8)
    assert first.card is not None
    assert (first.promoted, first.duel) == (True, None)
    keep(first, store, 7)
    name = first.card.name
    assert store.champion() == name

    again, _ = trained(tmp_path, 0.8)
    assert again.card is not None
    assert (again.promoted, again.body) == (False, first.body)
    assert again.decision == "it is the champion, made again from the same data"

    # A champion that takes everything for even is beaten on what came after it was trained.
    found = store.read(name)
    store.save(
        replace(found.card, name="blind", calibration=((0.0, 0.4), (1.0, 0.4)), trained_to=0), found.text
    )
    store.promote("blind", "for the test", 8)
    better, _ = trained(tmp_path, 0.8)
    assert better.duel is not None
    assert better.promoted
    assert better.decision.startswith("better than the champion blind: Brier score ")
    assert better.card is not None
    assert better.card.parent == "blind"

    # One that has just been trained has hardly been tried: it stays.
    store.save(replace(found.card, name="young", trained_to=1_998 * 5 * MINUTE), found.text)
    store.promote("young", "for the test", 9)
    early, _ = trained(tmp_path, 0.8)
    assert not early.promoted
    assert early.decision.startswith("the champion young stays: too little has happened")


def test_the_champion_stays_beside_what_is_no_better_or_asks_something_else(tmp_path: Path) -> None:
    first, store = trained(tmp_path, 0.8)
    keep(first, store, 7)
    name = store.champion()
    poor, _ = trained(tmp_path, 0.0)
    assert not poor.promoted
    assert poor.decision.startswith(f"the champion {name} stays: no better than the rules: ")
    other, _ = trained(tmp_path, 0.8, replace(RULES, timeframe=Timeframe.M15))
    assert not other.promoted
    assert "which is another question; tstream models promote mes-15m-" in other.decision
    (tmp_path / f"{name}.json").write_text("{", encoding="utf-8")
    fresh, _ = trained(tmp_path, 0.8, replace(RULES, folds=3))
    assert fresh.promoted == (fresh.card is not None and fresh.card.name != name)
