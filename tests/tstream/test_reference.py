"""The documents about settings say what the settings are."""

from __future__ import annotations

import re
from pathlib import Path

from tests.tstream.conftest import Reading
from tstream.settings.alerts import RoomSettings
from tstream.settings.model import Settings
from tstream.settings.problems import ENTRIES, walk
from tstream.settings.reference import markdown
from tstream.settings.sections import InstrumentSettings

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_is_written_from_the_settings() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == markdown(), "run make docs"


def test_every_key_has_its_row() -> None:
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", markdown(), re.DOTALL | re.MULTILINE))
    keys = [key for key, _ in walk(Settings) if key not in ENTRIES]
    keys += [f"instruments.NAME.{name}" for name in InstrumentSettings.model_fields]
    keys += [f"rooms.NAME.{name}" for name in RoomSettings.model_fields]
    for key in keys:
        section, _, name = key.rpartition(".")
        assert f"| `{name}` |" in sections[f"[{section}]" if section else "At the top of the file"], key


def test_the_example_is_right_as_it_is_and_uncommented(reading: Reading) -> None:
    example = (ROOT / "tstream.example.toml").read_text(encoding="utf-8")
    assert reading(example).settings == Settings()
    uncommented = re.sub(r"^# (?=\w+ = |\[)", "", example, flags=re.MULTILINE)
    changed = reading(uncommented).settings
    assert changed.trading == "off"
    assert changed.venue.account == "PRAC-V2-000000-00000000"
    assert changed.ui.keymap == {"pause": "f9"}
    # what it calls a default is one
    own = {"hours_start": "", "hours_end": "", "high_balance_usd": None}
    assert changed.risk.model_copy(update=own) == Settings().risk
    assert changed.strategy == Settings().strategy
    assert changed.contracts == Settings().contracts


def test_the_secrets_example_names_the_secrets_and_holds_none(reading: Reading) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^(TSTREAM_\w+)=$", example, re.MULTILINE)) == {
        "TSTREAM_PROJECTX_USER",
        "TSTREAM_PROJECTX_KEY",
        "TSTREAM_DISCORD_TOKEN",
        "TSTREAM_NOTIFY_TELEGRAM_TOKEN",
        "TSTREAM_NOTIFY_SLACK_URL",
        "TSTREAM_NOTIFY_DISCORD_URL",
        "TSTREAM_NOTIFY_MAIL_PASSWORD",
        "TSTREAM_NOTIFY_OTHERS",
    }
    assert reading(dotenv=example).settings == Settings()
