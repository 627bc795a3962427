from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.program import tstream, within
from tests.e2e.terminal import Cockpit
from tests.support.recordings import DATA, needs_recordings


def _hash_of_run(home: Path, *args: str) -> str:
    """What `tstream journal hash` says after a run in virtual time."""
    run = tstream(home, "run", "--headless", "--speed", "max", *args, seconds=120)
    assert (run.returncode, run.stderr) == (0, "")
    told = within(home, "journal", "hash")
    assert told.returncode == 0
    return told.stdout


def test_a_seed_decides_the_journal(tmp_path: Path) -> None:
    """In processes of their own, which hash strings each in its own way. That another seed gives another one:
    tests/lab/test_runs.py.
    """
    first, again = (
        _hash_of_run(tmp_path / home, "--seed", "5", "--for", "2m") for home in ("first", "again")
    )
    assert first == again
    digest, count, unit = first.split()
    assert (len(digest), int(count) > 0, unit) == (64, True, "records")


@pytest.mark.recordings
@needs_recordings
def test_a_recorded_day_ends_in_a_summary(home: Path) -> None:
    tape = DATA / "es_minutes" / "20131007_trade.zip"
    run = tstream(
        home, "run", "--headless", "--tape", str(tape), "--contract", "ES", "--speed", "max", seconds=120
    )
    assert (run.returncode, run.stderr) == (0, "")
    for figure in ("trades", "net P&L", "USD", "win rate", "profit factor", "max drawdown", "latency 50 ms"):
        assert figure in run.stdout


def test_a_tape_plays_through_the_cockpit_in_virtual_time(home: Path, tmp_path: Path) -> None:
    rows = (f"{1_772_634_600 + s},{5000 + s % 40 * 0.25},{s % 3 + 1}\n" for s in range(1800))
    (tmp_path / "es.csv").write_text("time,price,size\n" + "".join(rows), encoding="utf-8")
    words = ("replay", str(tmp_path / "es.csv"), "--contract", "ES", "--speed", "120", "--from", "08:40")
    with Cockpit.start(home, *words) as cockpit:
        cockpit.wait_for(r"REPLAY +×120")
        cockpit.wait_for(r"08:4[1-9]:\d\d CT virtual time")
        cockpit.wait_for(r"ES [\d.]+ [•▲▼]")
        assert "PRACTICE" not in cockpit.screen()[0]
        cockpit.wait_for(r"REPLAY +ended")
        assert cockpit.leave() == 0
    headless = _hash_of_run(home, "--tape", str(tmp_path / "es.csv"), "--contract", "ES")
    told = tstream(home, "journal", "hash", "--file", str(home / "data" / "replay" / "journal.db"))
    assert told.stdout == headless
