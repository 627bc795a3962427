from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.program import tstream
from tests.support.recordings import DATA, needs_recordings


def _hash_of_run(home: Path, *args: str) -> str:
    """What `tstream journal hash` says after a run in virtual time."""
    run = tstream(home, "run", "--headless", "--speed", "max", *args, seconds=120)
    assert (run.returncode, run.stderr) == (0, "")
    told = tstream(home, "journal", "hash")
    assert told.returncode == 0
    return told.stdout


def test_a_seed_decides_the_journal(tmp_path: Path) -> None:
    runs = [("first", "5"), ("again", "5"), ("other", "6")]
    with ThreadPoolExecutor(2) as pool:
        first, again, other = pool.map(
            lambda run: _hash_of_run(tmp_path / run[0], "--seed", run[1], "--for", "6m"), runs
        )
    assert first == again
    assert first.split()[0] != other.split()[0]
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
