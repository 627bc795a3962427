from __future__ import annotations

from pathlib import Path

import pytest

from adapters.store.lock import AccountLock, lock_name
from engine.model.errors import FatalError
from tstream.claim import Claim
from tstream.clock import wall_ns
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.settings.model import Settings


def test_fresh_touches_nothing_of_a_running_instance(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "data", tmp_path / "state", tmp_path / "run", home=True)
    paths.create()
    journal = paths.journal("practice")
    journal.write_text("kept", encoding="utf-8")
    with AccountLock(paths.runtime / lock_name("practice"), "practice", wall_ns):
        claim = Claim(Settings(), RunOptions(fresh=True), paths)
        with pytest.raises(FatalError, match="held by"), claim:
            pass
    assert journal.read_text(encoding="utf-8") == "kept"
    assert not list(paths.practice.glob("before-*"))
    assert not (paths.state / "practice.log").exists()
