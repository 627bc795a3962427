from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def _roots(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_the_cockpit_knows_the_model_and_nothing_that_touches_the_world() -> None:
    modules = _modules_after("import tui.app, tui.screens.page, tui.screens.confirm, tui.command_palette")
    assert not _roots(modules) & {
        "adapters",
        "tstream",
        "aiohttp",
        "websockets",
        "pydantic",
        "plotext",
    }
    inside = {name for name in modules if name.startswith("engine.")}
    assert {name.split(".")[1] for name in inside} == {"model", "ports"}


def test_dialogs_and_the_palette_wait_until_they_are_needed() -> None:
    modules = _modules_after("import tui.app")
    late = {
        "tui.screens.confirm",
        "tui.screens.picker",
        "tui.screens.help",
        "tui.command_palette",
        "tui.widgets.prompt",
    }
    assert not modules & late


@pytest.mark.parametrize(
    "package", ["tui", "themes.loader", "tui.layout", "tui.rows.bars.status", "tui.rows.chart"]
)
def test_pure_parts_need_no_screen_library(package: str) -> None:
    assert "textual" not in _roots(_modules_after(f"import {package}"))
