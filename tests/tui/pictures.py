"""Several pictures of one app, kept as pytest-textual-snapshot does: starting an app for each is dear."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from textual.app import App

_FOLDER = Path(__file__).parent / "__pictures__"
"""Not where the plugin keeps its own: an update deletes whatever it does not know there."""
_CHANCE = re.compile(r"terminal-\d+-")


class Pictures:
    """`--snapshot-update` draws them anew."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._folder = _FOLDER / request.path.stem
        self._update = bool(request.config.getoption("update_snapshots"))
        self.wrong: list[str] = []

    def compare(self, app: App[Any], name: str) -> None:
        """Notes in `wrong` what differs."""
        drawn = _CHANCE.sub("terminal-", app.export_screenshot(title="")).rstrip() + "\n"
        file = self._folder / f"{name}.svg"
        if self._update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(drawn, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != drawn:
            file.with_suffix(".svg.new").write_text(drawn, encoding="utf-8")
            self.wrong.append(name)


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Pictures:
    return Pictures(request)
