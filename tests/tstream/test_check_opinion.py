"""tstream check, where a second opinion is wanted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model.market import Timeframe
from engine.model.opinion import ModelCard
from engine.signals.features import HASH, NAMES, VERSION
from tests.models.workers import stump
from tests.tstream.conftest import Reading
from tstream.commands.check import findings
from tstream.commands.check_opinion import of_opinion
from tstream.commands.models import store_of
from tstream.paths import Paths

CARD = ModelCard("stump", VERSION, HASH, timeframe=Timeframe.M2, instruments=("MNQ", "ES"))


def test_whether_a_model_can_be_asked_is_told_with_the_remedy(
    places: Paths, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is not installed: pip install 'tstream[models]'")
    settings = reading('contracts = ["MNQ", "ES"]\n[opinion]\nuse = "watch"\n').settings
    store = store_of()
    (none,) = of_opinion(settings, places)
    assert (none.ok, none.soon, none.detail) == (True, True, "none counts: the rules are alone")
    assert "tstream train makes one" in none.remedy

    store.save(CARD, stump(len(NAMES)))
    store.promote("stump", "for this test", 1)
    (well,) = of_opinion(settings, places)
    assert (well.ok, well.soon, well.detail) == (True, False, "stump answers at each close of 2m")

    store.save(replace(CARD, instruments=("ES",)), stump(len(NAMES)))
    (partly,) = of_opinion(settings, places)
    assert (partly.ok, partly.soon) == (True, True)
    assert partly.detail == "stump answers at each close of 2m of ES; it is not asked about MNQ"

    store.save(CARD, stump(len(NAMES)).replace("num_leaves=2", "num_leaves=7"))
    (broken,) = of_opinion(settings, places)
    assert not broken.ok
    assert "rollback puts the one before back" in broken.remedy

    monkeypatch.setattr("tstream.commands.check._venues", lambda settings: ())
    assert [one for one in findings(None) if one.name == "model"] == [broken]
