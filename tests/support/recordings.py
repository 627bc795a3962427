"""Where the recorded markets are, and the mark of tests that can't do without them."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

needs_recordings = pytest.mark.skipif(not DATA.is_dir(), reason=f"the recorded markets are not at {DATA}")
