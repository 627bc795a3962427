"""The first picture: quick because it is kept, and never of settings that have changed since."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.store.lock import InstanceLock, lock_name
from engine.model.instrument import CME_FUTURES
from tests.tstream.conftest import Reading
from tests.tstream.test_cli import process
from tests.tstream.test_run_commands import pretend_terminal
from tstream import cli
from tstream.cli import call
from tstream.clock import wall_ns
from tstream.commands import app
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.cockpit import Cockpit
from tstream.run.first_picture import FirstPicture, blank, may_ask, picture_of, recall, remember

TOML = 'contracts = ["MES", "MNQ"]\n[ui]\npreset = "ssh"\ntheme = "ember"\nkeymap = { pause = "f9" }\n'


@pytest.fixture
def kept(reading: Reading, places: Paths) -> FirstPicture:
    """What is kept of a start with TOML and a login."""
    settings = reading(TOML, "TSTREAM_NOTIFY_SLACK_URL=https://canary.example\n").settings
    picture = picture_of(settings, "practice", ("a note",))
    remember(places, None, picture)
    return picture


def test_it_is_that_of_the_settings_as_long_as_they_stay(kept: FirstPicture, places: Paths) -> None:
    assert kept == FirstPicture(
        venue="practice venue",
        journal="practice",
        practice=True,
        contracts=(CME_FUTURES["MES"], CME_FUTURES["MNQ"]),
        preset="ssh",
        fps=4,
        theme="ember",
        bell=True,
        bell_on=("fill", "critical"),
        quiet=("", ""),
        timeframes=(),
        ladder=(1, 20, 40),
        keymap={"pause": "f9"},
        told_in="America/Chicago",
        notes=("a note",),
    )
    assert recall(places, None) == kept
    view = blank(kept)
    assert [contract.instrument for contract in view.contracts] == ["MES", "MNQ"]
    assert (view.mode, view.practice_time, view.health.detail) == ("practice", True, "starting")


def test_no_secret_is_kept(kept: FirstPicture, places: Paths) -> None:
    assert b"canary" not in places.first_picture.read_bytes()
    assert places.first_picture.stat().st_mode & 0o077 == 0


def kept_bytes(places: Paths, old: bytes, new: bytes) -> None:
    places.first_picture.write_bytes(places.first_picture.read_bytes().replace(old, new))


CHANGES: dict[str, Callable[[Paths, pytest.MonkeyPatch], object]] = {
    "file": lambda places, _: places.settings_file.write_text(TOML + "bell = false", encoding="utf-8"),
    "file removed": lambda places, _: places.settings_file.unlink(),
    "dotenv": lambda places, _: (places.config / ".env").write_text(
        "TSTREAM_UI_BELL=false", encoding="utf-8"
    ),
    "variable": lambda _, patch: patch.setenv("TSTREAM_UI_KEYMAP", '{"pause": "f8"}'),
    "damaged": lambda places, _: kept_bytes(places, b'"bell":true,', b""),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_any_change_the_settings_are_read_first(
    change: Callable[[Paths, pytest.MonkeyPatch], object],
    kept: FirstPicture,
    places: Paths,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change(places, monkeypatch)
    assert recall(places, None) is None


def test_another_file_is_another_picture(kept: FirstPicture, places: Paths, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(TOML, encoding="utf-8")
    assert recall(places, other) is None
    remember(places, other, kept)
    assert recall(places, other) == kept
    assert recall(places, None) is None


LIVE = 'trading = "live"\n[venues.topstepx]\n'


@pytest.mark.parametrize(
    ("toml", "asks"),
    [("", False), ('trading = "live"\n', False), (LIVE.replace("live", "paper"), False), (LIVE, True)],
)
def test_a_person_is_asked_before_any_picture_where_money_is_at_stake(
    reading: Reading, toml: str, asks: bool
) -> None:
    assert may_ask(reading(toml).settings) is asks


def test_nothing_is_kept_of_a_run_that_may_ask(
    kept: FirstPicture, places: Paths, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(LIVE, "TSTREAM_PROJECTX_USER=me\nTSTREAM_PROJECTX_KEY=canary-5")
    monkeypatch.setenv("XDG_STATE_HOME", str(places.state))
    opened = Cockpit(None, RunOptions(), places)
    with opened._held:
        opened.prepare()
    assert not places.first_picture.exists()


def test_arming_comes_before_the_screen(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    reading(LIVE, "TSTREAM_PROJECTX_USER=me\nTSTREAM_PROJECTX_KEY=canary-7")
    seen: list[str] = []

    def show(opened: Cockpit, picture: FirstPicture) -> int:
        seen.append(f"screen of {picture.venue}, settings read: {opened.ready is not None}")
        return 0

    pretend_terminal(monkeypatch)
    monkeypatch.setattr("tstream.run.arming.ask_to_arm", lambda *_: seen.append("asked"))
    monkeypatch.setattr(Cockpit, "show", show)
    assert call([]) == 0
    assert seen == ["asked", "screen of topstepx, settings read: True"]


# -- the way to it ----------------------------------------------------------------------------------------

LINES = [
    "",
    "--readonly",
    "--fresh --seed 7",
    "--fps 30 --theme ember",
    "--record --rate 0.5",
    "--no-record --speed 2.5",
    "--config tstream.toml",
]
OTHERS = ["--help", "--fps 31", "--seed -1", "--seed x", "--theme", "run", "--rate 0", "--speed 21"]


@pytest.mark.parametrize("line", LINES)
def test_a_plain_line_means_what_typer_reads_in_it(
    line: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tstream.toml").touch()
    monkeypatch.chdir(tmp_path)
    opened: list[tuple[Path | None, RunOptions]] = []

    def note(config: Path | None, options: RunOptions) -> int:
        opened.append((config, options))
        return 0

    monkeypatch.setattr("tstream.run.cockpit.open_cockpit", note)
    assert app.run_command(line.split()) == 0
    assert opened == [cli.plain_cockpit(line.split())]


@pytest.mark.parametrize("line", OTHERS)
def test_every_other_line_is_typers(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.plain_cockpit(line.split()) is None
    monkeypatch.setenv("_TSTREAM_COMPLETE", "complete_bash")
    assert cli.plain_cockpit([]) is None


def test_the_settings_file_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSTREAM_CONFIG", "/etc/tstream.toml")
    assert cli.plain_cockpit([]) == (Path("/etc/tstream.toml"), RunOptions())
    assert cli.plain_cockpit(["--config", "mine.toml"]) == (Path("mine.toml"), RunOptions())


def test_another_instance_is_told_of_before_the_screen_is_taken(
    kept: FirstPicture,
    places: Paths,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pretend_terminal(monkeypatch)
    monkeypatch.setattr(Cockpit, "show", lambda *_: pytest.fail("the screen was taken"))
    with InstanceLock(places.runtime / lock_name("practice"), "practice", wall_ns):
        assert call([]) == 1
    assert "is held by" in capsys.readouterr().err


def test_the_picture_waits_for_nothing_heavy(kept: FirstPicture) -> None:
    code = """
import sys
from tui.app import TStreamApp
from tstream.cli import call
for stream in (sys.stdin, sys.stdout, sys.stderr):
    stream.isatty = lambda: True
heavy = ("typer", "pydantic", "pydantic_settings", "dotenv", "aiohttp", "websockets", "aiosqlite", "plotext")
TStreamApp.run = lambda app: print(*[name for name in heavy if name in sys.modules], "drawn", app.theme)
sys.exit(call([]))
"""
    done = process("-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "a note\ndrawn ember\n"
