"""tstream lookahead, with an honest strategy and with one that looks through the walls."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from adapters.tapes.export import write_bars
from tests.support.price_series import MES, random_walk
from tstream.cli import call

Out = pytest.CaptureFixture[str]

CHEAT = """
import sys
import msgspec
from engine.model.market import Side
from engine.model.plans import Exit

class Config(msgspec.Struct, frozen=True):
    pass

class Cheat:
    Config = Config
    name = "cheat"

    def __init__(self, config):
        pass

    def on_bars(self, closed, board):
        frame = sys._getframe()
        while not hasattr(frame.f_locals.get("market"), "events"):
            frame = frame.f_back
        coming = {one.bar.open_ts: one.bar for one in frame.f_locals["market"].events()}
        for bar in closed.bars:
            after = coming.get(bar.close_ts)
            if bar.timeframe == "1m" and after is not None and after.close > bar.close + 5:
                return [Exit("cheat", bar.instrument, Side.BUY, "it will rise", bar.close_ts)]
        return ()
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSTREAM_HOME", str(tmp_path / "home"))


@pytest.fixture
def cheat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with an entry point, as pip would leave it."""
    site = tmp_path / "site"
    about = site / "my_cheat-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "my_cheat.py").write_text(CHEAT, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-cheat\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        "[tstream.strategies]\ncheat = my_cheat:Cheat\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "my_cheat", raising=False)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("tape") / "mes.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        write_bars(random_walk(3, 110), MES, out)
    return str(file)


def lookahead(tape: str, *more: str) -> int:
    return call(["lookahead", tape, "--contract", "MES", "--stamp", "open", "--cuts", "4", *more])


def test_zones_does_not_look_ahead(tape: str, capsys: Out) -> None:
    assert lookahead(tape, "--param", "min_score=1") == 0
    said = capsys.readouterr().out
    assert "4 closes with another future" in said
    assert "zones does not look ahead" in said


def test_who_says_nothing_proves_little(tape: str, capsys: Out) -> None:
    assert lookahead(tape, "--param", "min_score=10", "--timeframe", "1h") == 0
    assert "zones said nothing at all: that proves little" in capsys.readouterr().out


@pytest.mark.usefixtures("cheat")
def test_who_looks_ahead_is_told_of(tape: str, capsys: Out) -> None:
    assert lookahead(tape, "--strategy", "cheat") == 1
    said = capsys.readouterr().out
    assert "cheat LOOKS AHEAD" in said
    assert "exit buy MES of 2026-01-0" in said
    assert lookahead(tape, "--strategy", "cheat", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["cuts"], found["at_signals"]) == (4, 2)
    assert found["changes"]


def test_what_it_cannot_play(tape: str, capsys: Out) -> None:
    assert lookahead(tape, "--strategy", "nothing") == 2
    assert "unknown strategy" in capsys.readouterr().err
    assert lookahead(tape + "x") == 2
    assert "is neither a file nor a dataset" in capsys.readouterr().err
