"""docs/venues-and-books.md: its settings are right, give the books that it names, and its commands exist."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from typer.main import get_command

from engine.model.config import EngineConfig
from engine.model.sizing import ByEquity
from tests.docs.pages import DOCS, text
from tstream.commands.app import app
from tstream.convert.books import book_configs, wanted_books
from tstream.paths import Paths
from tstream.settings.load import load, require_credentials

PAGE = DOCS / "venues-and-books.md"


def block(language: str, holding: str) -> str:
    """The one block of the page that holds a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text(PAGE), re.MULTILINE | re.DOTALL)
    (found,) = [one for one in blocks if holding in one]
    return str(found)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    for name in ("TSTREAM_PROJECTX_USER", "TSTREAM_PROJECTX_KEY"):
        monkeypatch.delenv(name, raising=False)
    paths = Paths(tmp_path, tmp_path / "data", tmp_path / "state", tmp_path / "run", home=True)
    (tmp_path / ".env").write_text(block("", "TSTREAM_PROJECTX_USER="), encoding="utf-8")
    paths.settings_file.write_text(block("toml", "[venues.topstepx]"), encoding="utf-8")
    return paths


def test_the_settings_of_the_page_give_its_books(paths: Paths) -> None:
    settings = load(paths).settings
    require_credentials(settings)
    live = settings.model_copy(update={"trading": "live"})
    wanted = {venue: wanted_books(live, venue) for venue in live.active}
    books = {book.name: book for book in book_configs(live, wanted)}
    assert list(books) == ["topstepx-eval1", "topstepx-eval2", "apex", "paper"]
    assert [book.venue for book in books.values()] == ["topstepx", "topstepx", "apex", ""]
    assert [book.copy_ratio for book in books.values()] == [1, Decimal("0.5"), 1, 1]
    assert [book.sizing for book in books.values()] == [None, ByEquity(Decimal("0.5")), None, None]
    assert [book.risk.daily_loss_usd for book in books.values()] == [500, 300, 500, 500]
    assert [book.risk.account_preset for book in books.values()][:3] == ["topstep_50k", "topstep_50k", "auto"]
    assert EngineConfig((), "", "", 1, books=tuple(books.values())).expected == tuple(books)[:3]


def test_its_commands_are_commands() -> None:
    known = get_command(app)
    lines = re.findall(r"(?:^|`)tstream ([a-z][a-z-]*)([^`#\n]*)", text(PAGE), re.MULTILINE)
    assert len(lines) > 6
    for command, rest in lines:
        found = known.commands[command]  # type: ignore[attr-defined]
        options = {name for param in found.params for name in param.opts}
        assert set(re.findall(r"--[a-z]+", rest)) <= options, (command, rest)
