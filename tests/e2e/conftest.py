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
