"""The .env that is made to start from."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from tests.tstream.conftest import Reading
from tstream.cli import call
from tstream.paths import Paths
from tstream.settings.env_file import env_text
from tstream.settings.model import Settings
from tstream.settings.problems import secret_keys, variable, walk


def test_it_names_every_secret_and_says_nothing_as_it_is(reading: Reading) -> None:
    secrets = {variable(key) for key in secret_keys(dict(walk(Settings)))}
    assert set(re.findall(r"^([A-Z_]+)=$", env_text(), re.MULTILINE)) == secrets
    assert reading(dotenv=env_text()).settings == Settings()


def test_what_it_calls_a_default_is_one(reading: Reading) -> None:
    """Every line that is commented out may be uncommented as it stands."""
    said = re.sub(r"^# (?=TSTREAM_(?!VENUES__)[A-Z_]+=)", "", env_text(), flags=re.MULTILINE)
    assert len(re.findall(r"^TSTREAM_[A-Z_]+=.", said, re.MULTILINE)) > 80
    assert reading(dotenv=said).settings == Settings()


def test_it_is_written_once_and_for_its_owner_alone(
    places: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["env", "create"]) == 0
    file = places.config / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("TSTREAM_UI_FPS=9\n")
    assert call(["env", "create"]) == 1
    assert "is there already, and stays as it is" in capsys.readouterr().err
    assert file.read_text() == "TSTREAM_UI_FPS=9\n"


def test_a_link_is_not_followed(places: Paths, tmp_path: Path) -> None:
    (places.config / ".env").symlink_to(tmp_path / "elsewhere")
    assert call(["env", "create"]) == 1
    assert not (tmp_path / "elsewhere").exists()
