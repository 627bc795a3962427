"""A cockpit on another process's engine wears what the settings of its machine say, once they say it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.waits import until
from tstream import paths
from tstream.run.screen_settings import follow_settings
from tui.attention import Calling


async def test_theme_and_bell_follow_the_file_and_a_wrong_one_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))
    places = paths.find()
    file = places.settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    seen: list[tuple[str | None, Calling]] = []
    following = asyncio.create_task(
        follow_settings(None, places, "ember", lambda theme, calling: seen.append((theme, calling)))
    )

    async def written(text: str) -> tuple[str | None, Calling]:
        """What comes of a file; it is touched until somebody watches."""
        count, tries = len(seen), 0

        def heard() -> bool:
            nonlocal tries
            tries += 1
            if tries % 400 == 1:
                file.write_text(f"{text}# {tries}\n", encoding="utf-8")
            return len(seen) > count

        await until(heard)
        return seen[-1]

    assert (await written('[ui]\ntheme = "daybook"\n'))[0] == "daybook"
    file.write_text("[ui]\ntheme = 3\n", encoding="utf-8")
    await until(lambda: "settings are not taken" in caplog.text)
    theme, calling = await written('[ui]\ntheme = "daybook"\nbell_on = ["signal"]\nquiet_from = "22:00"\n')
    assert theme is None
    assert calling == Calling(True, frozenset({"signal"}), ("22:00", ""))
    assert [one for one, _ in seen].count("daybook") == 1
    following.cancel()
