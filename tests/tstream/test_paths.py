"""Where files live."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tstream import paths


def test_all_is_under_the_home(home: Path) -> None:
    found = paths.find({"TSTREAM_HOME": str(home)})
    assert found.home
    for place in (
        found.settings_file,
        found.journal("practice"),
        found.log(),
        found.crash_log,
        found.control_socket,
        found.themes,
        found.practice,
    ):
        assert place.is_relative_to(home)


def test_a_home_may_be_relative_or_the_users(tmp_path: Path) -> None:
    assert paths.find({"TSTREAM_HOME": "~/x"}).config == Path.home() / "x"
    assert paths.find({"TSTREAM_HOME": "x"}).config == Path.cwd() / "x"


def test_without_a_home_the_platforms_folders_are_used() -> None:
    found = paths.find({})
    assert not found.home
    assert len({found.config, found.data, found.state, found.runtime}) == 4
    assert all("tstream" in str(folder) for folder in (found.config, found.data, found.state, found.runtime))
    assert not found.runtime.is_relative_to("/tmp")


def test_folders_are_for_their_owner_only(home: Path) -> None:
    before = os.umask(0)
    try:
        found = paths.find()
        found.create()
        found.create()
    finally:
        os.umask(before)
    for folder in (found.config, found.data, found.state, found.runtime, found.practice):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_each_venue_has_its_journal(home: Path) -> None:
    found = paths.find()
    assert found.journal("practice") != found.journal("topstepx")


def test_the_last_run_is_remembered(home: Path) -> None:
    found = paths.find()
    found.create()
    assert found.last_run() is None
    found.remember_run(Path("/a/journal.db"))
    found.remember_run(Path("/b c/journal.db"))
    assert found.last_run() == Path("/b c/journal.db")


def test_a_run_begins_without_its_note_too(home: Path) -> None:
    found = paths.find()
    found.create()
    found.remember_run(Path("/a/journal.db"))
    (found.state / "last-run.new").mkdir()
    found.remember_run(Path("/b/journal.db"))
    assert found.last_run() == Path("/a/journal.db")
