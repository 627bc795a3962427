"""Handing over: the engine that goes on is started with the very options of the run."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.support.patience import patient
from tstream.arguments import TAPE
from tstream.commands.app import run_command
from tstream.errors import CommandError
from tstream.options import RunOptions
from tstream.paths import Paths, find
from tstream.run import hand_over as handing
from tstream.run import headless
from tstream.run.hand_over import engine_words, hand_over

RUNS = [
    RunOptions(),
    RunOptions(seed=7, speed=5.0, rate=2.5, venue=("practice", "binance"), record=True),
    RunOptions(accounts=3, venues=2, record=False, faults=("dropped-hubs:every=600,times=0",)),
    RunOptions(api=True, demo=True),
    RunOptions(api=False, fresh=True, readonly=True, fps=5, theme="ember"),
]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("config", [None, Path("/x/other.toml")])
def test_the_words_are_read_as_the_run_they_were_made_of(
    run: RunOptions, config: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[Path | None, RunOptions]] = []

    def run_headless(config: Path | None, options: RunOptions) -> int:
        read.append((config, options))
        return 0

    monkeypatch.setattr(headless, "run_headless", run_headless)
    assert run_command(engine_words(config, run)) == 0
    looks = replace(run, fresh=False, readonly=False, fps=None, theme=None)  # obeyed already, or the screen's
    assert read == [(config, looks)]


def test_no_option_is_forgotten() -> None:
    of_the_screen, of_a_tape = {"readonly", "fps", "theme"}, {*TAPE, "tape", "contract"}  # not handed over
    left_out = {"fresh", "bots", "duration_ns"} | of_the_screen | of_a_tape
    carried = {field.name for field in fields(RunOptions)} - left_out
    tried = {name for name in carried for run in RUNS if getattr(run, name) != getattr(RunOptions(), name)}
    assert tried == carried


def test_json_bots_are_run_again_as_such() -> None:
    words = engine_words(None, RunOptions(bots=(Path("/x/a.json"), Path("/x/bots")), seed=7))
    assert words == ["bot", "run", "/x/a.json", "/x/bots", "--headless", "--seed", "7"]


def test_an_engine_that_does_not_come_up_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSTREAM_HOME", str(tmp_path))
    monkeypatch.setattr(handing, "WITHIN_S", patient(20))
    paths: Paths = find()
    paths.create()
    paths.settings_file.write_text("contracts = 7\n", encoding="utf-8")
    with pytest.raises(CommandError, match="has not taken over: tstream: contracts"):
        hand_over(None, RunOptions(), paths)
