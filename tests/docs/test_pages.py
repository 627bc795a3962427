"""What the pages point at exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, README, ROOT, anchors, text

PAGES = [README, *sorted(DOCS.rglob("*.md"))]
ROOMS = ("engine", "adapters", "tui", "themes", "tstream", "tests", "scripts", "docs", "bench")
WRITTEN_BY_READERS = {
    "adapters/example/venue.py",
    "tui/panes/session.py",
    "tui/rows/session.py",
}
"""Files that the worked examples would become."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if not target.startswith(("http://", "https://")):
            name, _, heading = target.partition("#")
            file = page.parent / name if name else page
            assert file.exists(), target
            assert not heading or heading in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(rf"(?:{'|'.join(ROOMS)})/[\w/.-]+\.(?:py|md|toml|tcss|svg)", text(page)))
    missing = {name for name in named - WRITTEN_BY_READERS if not (ROOT / name).exists()}
    assert not missing


CODE = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
OLD_FORM = re.compile(
    r"\bsemantics:\s|\b(?:ProjectX|Telegram|Discord)\s+(?:protocol|API)\b[^.:\n]*:\s|\bfaults\s+F\d"
)
"""Citations that name a rule and not where it stands."""


def test_citations_in_code_lead_to_a_file_and_a_heading() -> None:
    cited = {link for file in CODE for link in re.findall(r"docs/[\w/-]+\.md(?:#[\w-]+)?", text(file))}
    there = {page.relative_to(ROOT).as_posix(): anchors(page) for page in PAGES}
    targets = there.keys() | {f"{page}#{anchor}" for page, headings in there.items() for anchor in headings}
    assert len(cited) > 40
    assert cited - targets == set()


def test_no_citation_names_a_rule_without_its_place() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {found[0]!r}" for file in CODE if (found := OLD_FORM.search(text(file)))
    }
    assert not found
