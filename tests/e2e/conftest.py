"""Every test keeps everything in a home of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

collect_ignore_glob = ["test_*.py"] if sys.platform == "win32" else []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What TSTREAM_HOME names; not yet made."""
    return tmp_path / "home"


@pytest.fixture
def desk(home: Path) -> Path:
    """A home that trades one contract: most of what a start costs is the past of each."""
    home.mkdir()
    (home / "tstream.toml").write_text('contracts = ["MNQ"]\n', encoding="utf-8")
    return home
