"""What the pages point at exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, README, ROOT, text

PAGES = [README, *sorted(DOCS.glob("*.md"))]
ROOMS = ("engine", "adapters", "tui", "themes", "tstream", "tests", "scripts", "docs", "bench")
WRITTEN_BY_READERS = {
    "adapters/example/venue.py",
    "engine/signals/breakout.py",
    "tui/panes/session.py",
}
"""Files that the worked examples would become."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if not target.startswith(("http://", "https://", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_anchors_are_headings(page: Path) -> None:
    anchors = {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in _headings(page)}
    for target in re.findall(r"\]\(#([^)\s]+)\)", text(page)):
        assert target in anchors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(rf"(?:{'|'.join(ROOMS)})/[\w/.-]+\.(?:py|md|toml|tcss|svg)", text(page)))
    missing = {name for name in named - WRITTEN_BY_READERS if not (ROOT / name).exists()}
    assert not missing


def _headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.*)$", text(page), re.MULTILINE)
