"""Model files: a card and LightGBM's text; whatever does not fit is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.models.files import champion, is_name, read_model, set_champion, write_model
from engine.model.errors import FatalError
from engine.model.market import Timeframe
from engine.model.opinion import Barriers, ModelCard

TEXT = "tree\nversion=v4\nnum_class=1\nmax_feature_idx=2\nobjective=binary sigmoid:1\n\nend of trees\n"
CARD = ModelCard("first", 1, "abc", calibration=((0.2, 0.1), (0.6, 0.5), (0.8, 0.9)))


def test_what_was_written_is_read_and_known_by_its_hash(tmp_path: Path) -> None:
    path = write_model(tmp_path, CARD, TEXT)
    found = read_model(path, "abc", 3)
    assert (replace(found.card, file_hash=""), found.text) == (CARD, TEXT)
    again = write_model(tmp_path, replace(CARD, mean_win_r=2.0), TEXT)
    assert read_model(again, "abc", 3).hash != found.hash, "its card counts too"
    assert not list(tmp_path.glob("*.pkl"))


@pytest.mark.parametrize(
    ("card", "text", "says"),
    [
        (CARD, TEXT.replace("=2", "=7"), "takes 8 features"),
        (CARD, "\x80\x04pickle", "not LightGBM's text format"),
        (CARD, TEXT.replace("tree\n", "xgb\n"), "not LightGBM's text format"),
        (replace(CARD, feature_hash="old"), TEXT, "features are old (version 1)"),
        (replace(CARD, calibration=((0.1, 0.9), (0.9, 0.1))), TEXT, "does not rise"),
        (replace(CARD, calibration=((0.1, 1.9),)), TEXT, "leaves 0 to 1"),
        (replace(CARD, barriers=Barriers(stop_atr=0)), TEXT, "barriers"),
        (replace(CARD, metrics={"trades": 1e300}), TEXT, "a number in it can't be"),
        (replace(CARD, rows=-1), TEXT, "a number in it can't be"),
        (replace(CARD, created_ts=1 << 63), TEXT, "its times can't be"),
        (replace(CARD, trained_from=-1), TEXT, "its times can't be"),
        (replace(CARD, verdict="x" * 5_000), TEXT, "longer than 4,000 characters"),
        (replace(CARD, instruments=("x",) * 10_001), TEXT, "more than 10,000"),
        (CARD, TEXT + "\n", "is not the file that its card was written for: damaged"),
        (replace(CARD, timeframe=Timeframe.H4), TEXT, "closes of 4h, where at most 1h"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, card: ModelCard, text: str, says: str
) -> None:
    path = write_model(tmp_path, card, TEXT)
    path.write_text(text, encoding="latin-1")
    with pytest.raises(FatalError, match=r"^[^\n]+$") as caught:
        read_model(path, "abc", 3)
    assert says in str(caught.value)


def test_a_card_that_is_none_or_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = write_model(tmp_path, CARD, TEXT)
    path.with_suffix(".json").write_text('{"name": 3}')
    with pytest.raises(FatalError, match="no card of a model"):
        read_model(path, "abc", 3)
    path.with_suffix(".json").unlink()
    with pytest.raises(FatalError, match=r"there is no .*first\.json"):
        read_model(path, "abc", 3)


def test_the_champion_is_a_name_in_the_folder_and_nothing_else(tmp_path: Path) -> None:
    assert champion(tmp_path) is None
    path = write_model(tmp_path, CARD, TEXT)
    set_champion(tmp_path, "first")
    assert champion(tmp_path) == path
    (tmp_path / "champion").write_text("../../etc/passwd\n")
    with pytest.raises(FatalError, match="names no model"):
        champion(tmp_path)
    set_champion(tmp_path, None)
    assert champion(tmp_path) is None
    assert not any(map(is_name, ("", "champion", "a/b", "..", "x" * 99)))
    for wrong in ("../up", "champion"):
        with pytest.raises(ValueError, match="name of a model"):
            write_model(tmp_path, replace(CARD, name=wrong), TEXT)


def test_calibration_is_straight_between_its_points_and_flat_beyond() -> None:
    said = [round(CARD.calibrated(raw), 6) for raw in (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 1.0)]
    assert said == [0.1, 0.1, 0.3, 0.5, 0.7, 0.9, 0.9]
    assert ModelCard("plain", 1, "abc").calibrated(0.3) == 0.3
    assert ModelCard("plain", 1, "abc", mean_win_r=1.5, mean_loss_r=-1.0).expected_r(0.5) == 0.25
