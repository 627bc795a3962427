"""tstream discover, on made-up minutes in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.tapes.export import write_bars
from engine.model.market import Bar
from tests.support.price_series import MES, Planted, random_walk, with_edge
from tstream.cli import call

Out = pytest.CaptureFixture[str]


def written(file: Path, bars: list[Bar]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        write_bars(bars, MES, out)
    return file


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("noise") / "noise.csv", random_walk(3, 640))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(
        tmp_path_factory.mktemp("planted") / "planted.csv", with_edge(Planted.BREAK, 1, 1_600, ticks=10.0)
    )


def discover(tape: Path, out: Path, *more: str) -> int:
    words = ["discover", str(tape), "--contract", "MES", "--stamp", "open", "--out", str(out), *more]
    return call(words if "--timeframes" in more else [*words, "--timeframes", "1m"])


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_noise_holds_no_edge(noise: Path, tmp_path: Path, capsys: Out) -> None:
    out = tmp_path / "deep" / "edges.json"
    assert discover(noise, out) == 0
    said = capsys.readouterr().out
    assert "no edge found: " in said
    found = read(out)
    assert found["validated_signals"] == []
    assert (found["stage"], found["bars"], found["looks"]) == ("analyse", 640, 1)
    assert found["thresholds"]["1m"]["required_rr"] == 2.0
    assert found["trials"] > 50


def test_step_by_step_comes_to_the_same_as_at_once(planted: Path, tmp_path: Path, capsys: Out) -> None:
    at_once, stepwise = tmp_path / "at-once.json", tmp_path / "stepwise.json"
    assert discover(planted, at_once, "--json") == 0
    assert capsys.readouterr().out == at_once.read_text(encoding="utf-8")
    for word, stage in (("discovery", "find"), ("backtest", "test"), ("analyze", "analyse")):
        assert discover(planted, stepwise, "--mode", word) == 0
        assert read(stepwise)["stage"] == stage
    assert read(stepwise) == read(at_once)
    assert len(read(at_once)["edges"]) > 3
    said = capsys.readouterr().out
    assert "nothing is tested yet" in said
    assert "not analysed yet" in said


def test_two_processes_find_what_one_does(noise: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    assert discover(noise, one, "--timeframes", "1m,2m") == 0
    assert discover(noise, two, "--timeframes", "1m,2m", "--jobs", "2") == 0
    assert read(one) == read(two)


def test_looking_again_is_counted_and_the_same_again_is_not(noise: Path, tmp_path: Path, capsys: Out) -> None:
    """Wherever the analysis is kept meanwhile, and whatever else is searched between."""
    out, other = tmp_path / "edges.json", tmp_path / "other.json"
    few = written(tmp_path / "few.csv", random_walk(1, 520))
    for tape, file, more, looks in (
        (noise, out, (), 1),
        (noise, out, ("--stage", "find", "--seed", "3"), 1),  # nothing is looked at
        (few, out, (), 1),
        (noise, other, ("--no-costs",), 2),
        (noise, out, (), 2),
        (noise, out, ("--seed", "9"), 3),
    ):
        assert discover(tape, file, *more) == 0
        assert read(file)["looks"] == looks
    assert "tested in by 3 different searches" in capsys.readouterr().out
    (tmp_path / "looks.json").write_text("[]", encoding="utf-8")
    assert discover(noise, out) == 2
    assert "looks.json is damaged" in capsys.readouterr().err


def test_steps_have_an_order_and_go_on_with_the_same_search(
    noise: Path, planted: Path, tmp_path: Path, capsys: Out
) -> None:
    out = tmp_path / "edges.json"
    assert discover(noise, out, "--stage", "test") == 2
    assert "--stage find comes first" in capsys.readouterr().err
    assert discover(noise, out, "--stage", "find") == 0
    assert discover(noise, out, "--stage", "analyse") == 2
    assert "--stage test comes first" in capsys.readouterr().err
    assert discover(planted, out, "--stage", "test") == 2
    assert "of other bars or other settings" in capsys.readouterr().err


def test_what_cannot_be_searched(noise: Path, tmp_path: Path, capsys: Out) -> None:
    out = tmp_path / "edges.json"
    few = written(tmp_path / "few.csv", random_walk(1, 90))
    assert discover(few, out) == 2
    assert "90 bars are too few" in capsys.readouterr().err
    out.write_text("{}", encoding="utf-8")
    assert discover(noise, out) == 2
    assert "is no analysis" in capsys.readouterr().err
    assert not (tmp_path / "none.json").exists()


def test_a_dataset_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setenv("TSTREAM_HOME", str(tmp_path / "home"))
    noise, out = written(tmp_path / "noise.csv", random_walk(3, 520)), tmp_path / "edges.json"
    assert call(["data", "import", str(noise), "--symbol", "MES", "--stamp", "open", "--name", "noise"]) == 0
    assert call(["discover", "noise", "--timeframes", "2m", "--out", str(out)]) == 0
    found = read(out)
    assert discover(noise, out, "--timeframes", "2m") == 0
    assert read(out)["trials"] == found["trials"] > 0
    assert (found["source"], found["instrument"], found["bars"]) == ("noise", "MES", 520)
    capsys.readouterr()
    assert call(["lookahead", "noise", "--cuts", "1", "--days", "1", "--param", "min_score=1"]) == 0
    assert "zones does not look ahead" in capsys.readouterr().out
    for words, said in (
        (["noise", "--contract", "ES"], "is of MES, not of ES"),
        (["other"], "is neither a file nor a dataset; there are noise"),
        ([str(noise)], "a tape needs --contract NAME"),
    ):
        assert call(["discover", *words]) == 2
        assert said in capsys.readouterr().err
