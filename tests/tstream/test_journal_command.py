"""tstream journal hash: one line that two equal runs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.store.journal import SqliteJournal
from tstream.cli import call
from tstream.paths import Paths

Out = pytest.CaptureFixture[str]


async def run(path: Path, *records: bytes) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.append(records, journal.last_seq + 1)


async def test_the_last_run_of_the_last_journal(places: Paths, capsys: Out) -> None:
    first, second = places.journal("practice"), places.journal("topstepx")
    await run(first, b"one")
    await run(first, b"two", b"three")
    await run(second, b"two", b"three!")
    places.remember_run(second)
    places.remember_run(first)
    assert call(["journal", "hash"]) == 0
    line = capsys.readouterr().out
    assert line.endswith(" 2 records\n")
    assert call(["journal", "hash", "--file", str(second)]) == 0
    other = capsys.readouterr().out
    assert other.endswith(" 2 records\n")
    assert other != line
    await run(second, b"two", b"three")
    assert call(["journal", "hash", "--file", str(second)]) == 0
    assert capsys.readouterr().out == line


def test_before_the_first_run(capsys: Out) -> None:
    assert call(["journal", "hash"]) == 1
    assert capsys.readouterr().err == "tstream: there is no run yet; start tstream once\n"


def test_no_journal(tmp_path: Path, capsys: Out) -> None:
    absent = tmp_path / "absent.db"
    assert call(["journal", "hash", "--file", str(absent)]) == 1
    assert f"there is no journal at {absent}" in capsys.readouterr().err
