"""The documents about settings say what the settings are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.tstream.conftest import Reading
from tstream.settings.env_file import env_text
from tstream.settings.model import Settings
from tstream.settings.problems import entry, walk
from tstream.settings.reference import markdown

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_is_written_from_the_settings() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == markdown(), "run make docs"


def test_every_key_has_its_row() -> None:
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", markdown(), re.DOTALL | re.MULTILINE))
    keys = [key for key, field in walk(Settings) if entry(field) is None]
    for title, parts in {
        "venues.NAME": ("venues",),
        "[venues.NAME.accounts]": ("venues", "accounts"),
        "instruments.NAME": ("instruments",),
        "paper": ("paper",),
        "[bots]": ("bots",),
        "rooms.NAME": ("rooms",),
        "scan.timeframe.NAME": ("scan", "timeframe"),
    }.items():
        section: Any = Settings
        for part in parts:
            field = section.model_fields[part]
            section = entry(field) or field.annotation
        keys += [f"{title}.{name}" for name, field in section.model_fields.items() if entry(field) is None]
    for key in keys:
        table, _, name = key.rpartition(".")
        assert f"| `{name}` |" in sections[f"[{table}]" if table else "At the top of the file"], key


def test_the_example_is_right_as_it_is_and_uncommented(reading: Reading) -> None:
    example = (ROOT / "tstream.example.toml").read_text(encoding="utf-8")
    assert reading(example).settings == Settings()
    uncommented = re.sub(r"^# (?=\w+ = |\[)", "", example, flags=re.MULTILINE)
    changed = reading(uncommented).settings
    assert changed.trading == "off"
    assert changed.venues["practice"].accounts[0].name == "PRAC-V2-000000-00000000"
    assert changed.ui.keymap == {"pause": "f9"}
    # what it calls a default is one
    own = {"hours_start": "", "hours_end": "", "high_balance_usd": None}
    assert changed.risk.model_copy(update=own) == Settings().risk
    assert changed.strategy == Settings().strategy
    assert changed.contracts == Settings().contracts


def test_the_example_of_secrets_is_written_from_the_settings() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_text(), "run make docs"
