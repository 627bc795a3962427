"""tstream train and tstream models, on made-up minutes in a file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.models.deep.weights import DeepShape
from engine.model.opinion import ModelCard
from engine.signals.features import HASH, NAMES, VERSION
from engine.signals.past_rows import WINDOW
from tests.support.deep_files import deep_file
from tests.support.price_series import Planted, random_walk, with_edge
from tests.tstream.test_discover import written
from tstream.cli import call
from tstream.commands.models import store_of
from tstream.commands.train import NO_BETTER

pytest.importorskip("lightgbm", reason="LightGBM is not installed: pip install 'tstream[models]'")

Out = pytest.CaptureFixture[str]
QUICK = ("--contract", "MES", "--stamp", "open", "--timeframe", "1m", "--bars", "12", "--folds", "2")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of models of an installation of its own; nobody's priority is changed."""
    monkeypatch.setenv("TSTREAM_HOME", str(tmp_path))
    monkeypatch.setattr("tstream.commands.train.step_back", lambda: None)
    monkeypatch.setattr("tstream.commands.train.bound_memory", lambda memory_mb: None)
    return tmp_path / "data" / "models"


def test_a_planted_edge_becomes_a_model_that_counts_and_is_taken_back(
    models: Path, tmp_path: Path, capsys: Out
) -> None:
    tape = written(tmp_path / "planted.csv", with_edge(Planted.BREAK, 1, 2_400, ticks=8.0))
    assert call(["train", str(tape), *QUICK, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    name = told["card"]["name"]
    assert told["better"]
    assert told["promoted"]
    assert told["card"]["metrics"]["calibration_error"] <= 0.05
    assert sorted(file.name for file in models.iterdir() if not file.name.startswith(".")) == [
        "champion",
        "champions.json",
        f"{name}.html",
        f"{name}.json",
        f"{name}.txt",
    ]
    page = (models / f"{name}.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page

    assert call(["models", "list"]) == 0
    assert f"*  {name}" in capsys.readouterr().out
    assert call(["models", "show"]) == 0
    said = capsys.readouterr().out
    assert "It counts." in said
    assert "1.5 R before the stop, which is 1.5 ATR away, within 12 closes" in said
    assert call(["models", "rollback"]) == 0
    assert capsys.readouterr().out == "no model counts: rules alone\n"
    assert call(["models", "show"]) == 1
    assert call(["models", "promote", name]) == 0
    assert capsys.readouterr().out == f"{name} counts\n"
    assert call(["models", "list", "--json"]) == 0
    assert [one["champion"] for one in json.loads(capsys.readouterr().out)] == [True]
    assert call(["models", "promote", "nobody"]) == 1
    assert f"there is no model nobody; there are {name}" in capsys.readouterr().err


def test_noise_is_said_to_be_no_better_than_the_rules(models: Path, tmp_path: Path, capsys: Out) -> None:
    tape, page = written(tmp_path / "noise.csv", random_walk(3, 900)), tmp_path / "page.html"
    assert call(["train", str(tape), *QUICK, "--dry-run", "--html", str(page)]) == NO_BETTER
    said = capsys.readouterr().out
    assert said.startswith("no better than the rules: ")
    assert "nothing is kept: it would not count; rules alone go on" in said
    assert not models.exists()
    assert "No better than the rules" in page.read_text(encoding="utf-8")


def test_of_too_little_no_model_is_made(models: Path, tmp_path: Path, capsys: Out) -> None:
    tape = written(tmp_path / "few.csv", random_walk(3, 100))
    assert call(["train", str(tape), *QUICK]) == NO_BETTER
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("no better than the rules: ")
    assert first.endswith("examples are too few: 400 at least")
    assert last == "nothing is kept: no model was made"
    assert not models.exists()


def test_where_memory_is_short_the_remedy_is_told(models: Path, tmp_path: Path) -> None:
    """In a process of its own."""
    tape = written(tmp_path / "noise.csv", random_walk(3, 900))
    words = ["train", str(tape), *QUICK, "--dry-run"]
    short = (
        "from tstream.cli import call; import tstream.commands.train as own; usual = own.bound_memory;"
        f"own.bound_memory = lambda memory_mb: usual(40); raise SystemExit(call({words!r}))"
    )
    told = subprocess.run([sys.executable, "-c", short], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (1, "")
    assert (
        told.stderr == "tstream: 2048 MB were not enough: --memory gives it more, --days less to learn from\n"
    )


def test_one_that_was_no_better_counts_only_by_force(models: Path, capsys: Out) -> None:
    text = f"tree\nmax_feature_idx={len(NAMES) - 1}\n\nend of trees\n"
    store_of().save(ModelCard("poor", VERSION, HASH, verdict="no better than the rules: as it is"), text)
    assert call(["models", "promote", "poor"]) == 1
    said = capsys.readouterr().err
    assert "poor is no better than the rules: as it is" in said
    assert "--force lets it count all the same" in said
    assert call(["models", "promote", "poor", "--force"]) == 0
    assert store_of().champion() == "poor"


def test_models_that_are_broken_or_hostile_are_listed_and_drive_nothing(models: Path, capsys: Out) -> None:
    text, store = f"tree\nmax_feature_idx={len(NAMES) - 1}\n\nend of trees\n", store_of()
    for name, verdict in (("cut", ""), ("absurd", ""), ("loud", "\x1b[31mowned\x1b]0;title\x07")):
        store.save(ModelCard(name, VERSION, HASH, verdict=verdict), text)
    (models / "cut.txt").write_text(text[:-4], encoding="ascii")
    card = json.loads((models / "absurd.json").read_text(encoding="utf-8"))
    (models / "absurd.json").write_text(json.dumps(card | {"trained_to": 10**25}), encoding="utf-8")
    (models / "pickled.txt").write_bytes(b"\x80\x04N.")
    assert call(["models", "list"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert sum("loud" in line and "no better" in line for line in told) == 1
    assert sum(line.startswith("cut can't be asked: model cut refused: ") for line in told) == 1
    assert sum(line.startswith("absurd can't be asked: ") for line in told) == 1
    assert sum(line.startswith("pickled can't be asked: there is no ") for line in told) == 1
    assert call(["models", "show", "loud"]) == 0
    shown = capsys.readouterr().out
    assert "\\x1b[31mowned" in shown
    assert "\x1b" not in shown
    for name in ("cut", "absurd", "pickled"):
        assert call(["models", "promote", name, "--force"]) == 1
        assert store.champion() == ""
    capsys.readouterr()


def test_without_a_source_it_is_the_settings_that_say_what_to_learn_from(models: Path, capsys: Out) -> None:
    assert call(["train"]) == 2
    assert "there is nothing to learn from" in capsys.readouterr().err
    assert call(["train", "--days", "3"]) == 2
    assert "these options say what of a recording is taken" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--timeframe", "4h"), "--timeframe is one of 1m,"),
        (("--rules", "nonsense"), 'unknown strategy "nonsense"'),
        (("--contract", "MNQ", "--contract", "MES"), "once for each"),
    ],
)
def test_what_makes_no_sense_is_refused(
    models: Path, tmp_path: Path, capsys: Out, more: tuple[str, ...], says: str
) -> None:
    tape = written(tmp_path / "few.csv", random_walk(3, 30))
    usual = QUICK[2:] if "--contract" in more else QUICK
    assert call(["train", str(tape), *usual, *more]) == 2
    assert says in capsys.readouterr().err


def test_a_deep_model_without_torch_says_what_to_install_before_anything_is_read(
    models: Path, tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    assert call(["train", str(tmp_path / "nothing.csv"), *QUICK, "--model", "deep"]) == 1
    said = capsys.readouterr().err
    assert "the deep model needs torch, which is not installed: pip install 'tstream[deep]'" in said
    assert "nothing.csv" not in said
    (tmp_path / "settings.toml").write_text('[training]\nmodel = "deep"\n', encoding="utf-8")
    assert call(["train", "nothing", "--config", str(tmp_path / "settings.toml")]) == 1
    assert "tstream[deep]" in capsys.readouterr().err
    assert call(["train", "nothing", "--model", "deeper"]) == 2


def test_what_a_deep_model_looks_at_is_shown_without_torch_too(models: Path, capsys: Out) -> None:
    shape = DeepShape(len(NAMES), WINDOW, 4, 2, (0.5,), ())
    quantiles, seen = ((0.5, 0.48),), (0.75, *[0.25 / (WINDOW - 1)] * (WINDOW - 1))
    card = ModelCard(
        "brought", VERSION, HASH, window=WINDOW, looks_at=(("move_1", 0.4),), looks_back=seen,
        quantiles=quantiles, metrics={"pinball": 0.3},
    )  # fmt: skip
    store_of().save(card, deep_file(shape))
    assert call(["models", "show", "brought"]) == 0
    said = capsys.readouterr().out
    assert "looks at           move 1 40 %" in said
    assert "looks back         75 %, 2 %" in said
    assert "quantiles held     50 % 48 %" in said
    assert "pinball loss, R    0.3000" in said
