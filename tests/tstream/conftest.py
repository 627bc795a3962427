"""Every test has a home of its own and none of the user's settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tstream import paths
from tstream.errors import SettingsError
from tstream.paths import Paths
from tstream.settings.load import Loaded, load


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that TSTREAM_HOME names, not yet made."""
    for name in [name for name in os.environ if name.upper().startswith("TSTREAM_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("TSTREAM_HOME", str(folder))
    return folder


@pytest.fixture
def places(home: Path) -> Paths:
    found = paths.find()
    found.create()
    return found


Reading = Callable[..., Loaded]


@pytest.fixture
def reading(places: Paths) -> Reading:
    """Writes tstream.toml and .env and reads the settings."""

    def read(toml: str = "", dotenv: str = "") -> Loaded:
        if toml:
            places.settings_file.write_text(toml, encoding="utf-8")
        if dotenv:
            (places.config / ".env").write_text(dotenv, encoding="utf-8")
        return load(places)

    return read


@pytest.fixture
def complaints(reading: Reading, home: Path) -> Callable[..., list[str]]:
    """The error lines of settings, with the home folder shortened to ~; none if they are good."""

    def read(toml: str = "", dotenv: str = "") -> list[str]:
        try:
            reading(toml, dotenv)
        except SettingsError as error:
            return [line.replace(str(home), "~") for line in error.lines]
        return []

    return read
