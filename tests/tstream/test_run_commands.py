"""What tstream and tstream run hand to the engine's wiring."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.model.market import MINUTE
from tstream.cli import call
from tstream.options import RunOptions
from tstream.output import Output
from tstream.paths import Paths
from tstream.run import cockpit, headless, practice, startup
from tstream.run.first_picture import FirstPicture, picture_of
from tstream.settings.model import Settings

Out = pytest.CaptureFixture[str]


class Wiring:
    """In place of what runs: remembers what it was given and ends with `code`."""

    def __init__(self) -> None:
        self.given: list[tuple[str, Settings, RunOptions]] = []
        self.code = 0

    def show(self, opened: cockpit.Cockpit, picture: FirstPicture) -> int:
        ready = opened.ready or startup.prepare(opened.config, opened.options)
        assert picture == picture_of(ready.settings, "practice", ready.notes)
        self.given.append(("cockpit", ready.settings, opened.options))
        return self.code

    def trade(self, ready: startup.Startup, options: RunOptions, out: Output) -> int:
        self.given.append(("headless", ready.settings, options))
        return self.code


@pytest.fixture
def wiring(monkeypatch: pytest.MonkeyPatch) -> Wiring:
    fake = Wiring()
    monkeypatch.setattr(cockpit.Cockpit, "show", lambda opened, picture: fake.show(opened, picture))
    monkeypatch.setattr(headless, "trade", fake.trade)
    return fake


def pretend_terminal(
    monkeypatch: pytest.MonkeyPatch, stdin: bool = True, stdout: bool = True, stderr: bool = True
) -> None:
    """Make the streams that pytest has in place during a test say that they are terminals."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: stdin)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: stdout)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: stderr)


def test_headless_with_every_option(wiring: Wiring, places: Paths, tmp_path: Path) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_text("", encoding="utf-8")
    line = f"run --headless --for 10m --speed max --seed 3 --fresh --no-record --tape {tape} --contract es"
    how = "--month 201312 --stamp close --symbol ESZ3 --zone America/Chicago"
    assert call([*line.split(), *how.split()]) == 0
    ((kind, settings, options),) = wiring.given
    assert kind == "headless"
    assert settings.practice
    assert options == RunOptions(
        seed=3,
        duration_ns=10 * MINUTE,
        speed="max",
        fresh=True,
        tape=tape,
        contract="ES",
        month="201312",
        stamp="close",
        symbol="ESZ3",
        zone="America/Chicago",
        record=False,
    )


def test_faults_reach_the_built_in_venue_as_they_were_given(wiring: Wiring, places: Paths) -> None:
    wanted = ("lost-reply:call=place", "halt:on=fill,seconds=30")
    given = [word for one in wanted for word in ("--fault", one)]
    assert call(["run", "--headless", *given]) == 0
    ((_, _, options),) = wiring.given
    assert options == RunOptions(faults=wanted)
    assert practice.PracticeProcess(options, places).asked().faults == wanted


def test_f55_the_practice_venue_has_a_key_of_this_installation_alone(wiring: Wiring, places: Paths) -> None:
    key = practice.practice_key(places)
    assert len(key) == 32
    assert practice.practice_key(places) == key
    file = places.practice / "key"
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    assert practice.practice_key(places) != key
    elsewhere = places.practice / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    with pytest.raises(OSError, match="link"):
        practice.practice_key(places)


def test_faults_are_checked_before_anything_starts(wiring: Wiring, home: Path, capsys: Out) -> None:
    assert call(["run", "--headless", "--fault", "hald"]) == 2
    assert "did you mean halt?" in capsys.readouterr().err
    assert call(["run", "--headless", "--speed", "max", "--fault", "halt"]) == 2
    assert "--speed max runs without one" in capsys.readouterr().err
    assert not wiring.given


def test_the_exit_code_is_the_engines(wiring: Wiring, home: Path) -> None:
    wiring.code = 3
    assert call(["run", "--headless"]) == 3


def test_settings_come_along(wiring: Wiring, places: Paths, capsys: Out) -> None:
    places.settings_file.write_text("[risk]\nmax_trades = 7", encoding="utf-8")
    assert call(["run", "--headless", "--speed", "20", "--rate", "2.5"]) == 0
    ((_, settings, options),) = wiring.given
    assert settings.risk.max_trades == 7
    assert (options.speed, options.rate) == (20.0, 2.5)
    assert capsys.readouterr().out == ""


def test_tstream_alone_opens_the_cockpit_and_says_where_it_is(
    wiring: Wiring, places: Paths, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    pretend_terminal(monkeypatch)
    assert call(["--readonly", "--fps", "5", "--theme", "ember"]) == 0
    ((kind, _, options),) = wiring.given
    assert (kind, options) == ("cockpit", RunOptions(readonly=True, fps=5, theme="ember"))
    assert capsys.readouterr().out == (
        f"No settings at {places.settings_file}: this is the practice venue, with play money.\n"
    )


def test_the_cockpit_runs_in_time(wiring: Wiring, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_terminal(monkeypatch)
    assert call(["--speed", "max"]) == 2
    assert not wiring.given
    assert call(["run", "--for", "90s"]) == 0
    assert wiring.given[0][0] == "cockpit"


@pytest.mark.parametrize("missing", ["stdin", "stdout", "stderr"])
def test_half_a_terminal_is_none(wiring: Wiring, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    pretend_terminal(monkeypatch, **{missing: False})
    assert call([]) == 2
    assert not wiring.given


def test_a_gateway_that_is_never_reached_ends_with_1_and_why(
    places: Paths, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(places.state))
    places.settings_file.write_text(
        '[venues.projectx]\napi_url = "http://127.0.0.1:9"\nrtc_url = "http://127.0.0.1:9"',
        encoding="utf-8",
    )
    secrets = "TSTREAM_PROJECTX_USER=me\nTSTREAM_PROJECTX_KEY=canary-13"
    (places.config / ".env").write_text(secrets, encoding="utf-8")
    assert call(["run", "--headless", "--for", "1s"]) == 1
    out, err = capsys.readouterr()
    assert "net P&L" in out, "its summary all the same"
    assert err.startswith("tstream: the venue was never reached: ")
    assert "nothing listens there" in err
