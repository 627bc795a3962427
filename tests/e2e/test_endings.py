from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from engine.model.restrictions import TradingState
from tests.e2e.program import TSTREAM, Headless, environment, gone
from tests.e2e.terminal import HELD, Cockpit, seconds_of
from tests.e2e.venue import LIMIT, Row, Venue, moment
from tests.support.patience import patient

FIRST_ENTRY = timedelta(seconds=120)
LEAD = timedelta(seconds=10)
"""How long before 08:25 a practice day begins."""


def _quit(cockpit: Cockpit) -> None:
    """Leave by the keyboard: a question says what stays, No stays, Yes leaves."""
    cockpit.press("q")
    cockpit.wait_for(r"\bstays? at the venue")
    cockpit.wait_for(r"protective orders? stay")
    cockpit.answer("n")
    cockpit.wait_gone("at the venue")
    assert cockpit.process.poll() is None
    cockpit.press("q")
    cockpit.confirm()
    assert cockpit.ended() == 0


def test_a_position_outlives_the_program_once_and_protected(desk: Path) -> None:
    """After an end by the keyboard; after a kill: tests/e2e/test_flatten.py, test_paper.py, test_bots.py."""
    with Cockpit.start(desk, "--speed", "15") as cockpit:
        practice = cockpit.practice()
        venue = Venue(practice)
        cockpit.wait_for(HELD, 90)
        held = cockpit.wait_until(venue.protected, "each position has its stops at the venue")
        traded, left_at = _of(venue.trades(), held), seconds_of(cockpit)
        entry = moment(venue.trades()[0])
        opening = entry.replace(hour=8, minute=25, second=0, microsecond=0) - LEAD
        assert entry - opening <= FIRST_ENTRY
        _quit(cockpit)
        gone(practice)

    with Cockpit.start(desk) as cockpit:
        venue = Venue(cockpit.practice())
        cockpit.wait_for(HELD)
        cockpit.wait_for("ACTIVE")
        assert seconds_of(cockpit) >= left_at
        again = cockpit.wait_until(venue.protected, "each position has its stops at the venue")
        after = _of(venue.trades(), held)
        # On a busy machine the market reaches a stop or target before the program has ended.
        closed = {trade["contractId"] for trade in after[len(traded) :]}
        assert after[: len(traded)] == traded
        assert closed < held.keys()
        # Each leg stands once: the stops make up the position exactly, the targets no more than it.
        for contract in held.keys() - closed:
            assert again.get(contract) == held[contract]
            assert venue.working(contract, LIMIT) <= abs(held[contract])


def test_the_program_ends_with_its_terminal_and_takes_the_venue_along(desk: Path) -> None:
    """Terminated: tests/e2e/test_trading.py. Other ways of a screen to end, the hang-up that is ignored too:
    tests/tui/test_terminal.py.
    """
    with Cockpit.start(desk) as cockpit:
        practice = cockpit.practice()
        cockpit.wait_for(r"● live")
        cockpit.pull()
        assert cockpit.ended(20) == 0
        gone(practice)
        assert not (desk / "state" / "crash.log").exists()


def _records(home: Path) -> int:
    """How many the journal of the only run holds."""
    [journal] = (home / "data").rglob("journal.db")
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as book:
        return int(book.execute("select count(*) from records").fetchone()[0])


@pytest.mark.parametrize("hung_up", [True, False], ids=["hung-up", "stopped"])
def test_f52_a_headless_run_ends_whatever_became_of_its_terminal(desk: Path, hung_up: bool) -> None:
    with Cockpit.start(desk, "run", "--headless", "--speed", "20", command=(str(TSTREAM),)) as terminal:
        practice = terminal.practice()
        terminal.wait_for("account|live")
        if hung_up:
            terminal.pull()
        else:
            terminal.press("\x13")  # Ctrl+S
            terminal.process.terminate()
        assert terminal.process.wait(patient(20)) == 0
        gone(practice)
    assert _records(desk) > 0


def test_f52_a_headless_run_whose_pipe_nobody_reads_ends_when_it_is_told(desk: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while os.write(writer, b"." * 512):
            pass
    os.set_blocking(writer, True)
    run = subprocess.Popen(
        [str(TSTREAM), "run", "--headless"],
        env=environment(desk),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    log = desk / "state" / "tstream.log.jsonl"
    end = time.monotonic() + patient(30)
    while not (log.exists() and b"market link live" in log.read_bytes()):
        assert time.monotonic() < end, "the log file stands still"
        time.sleep(0.05)
    run.terminate()
    assert run.communicate(timeout=patient(20))[1] == b""
    assert run.returncode == 0
    os.close(reader)
    assert _records(desk) > 0


def test_f52_a_signal_ends_a_virtual_run_with_its_summary_and_journal(home: Path) -> None:
    """SIGINT and SIGTERM are heard in the same place: tests/e2e/test_headless.py, and above."""
    with Headless(home, "--speed", "max") as run:
        run.until((home / "data" / "virtual" / "journal.db-wal").exists, "the journal is begun")
        run.process.send_signal(signal.SIGHUP)
        assert run.process.wait(patient(30)) == 0
    assert "net P&L" in run.output
    assert "Traceback" not in run.output
    assert _records(home) > 0


def _of(trades: list[Row], held: dict[str, int]) -> list[Row]:
    """Half-turns of the contracts held: others may be traded meanwhile."""
    return [trade for trade in trades if trade["contractId"] in held]


def test_f49_a_halt_outlives_a_kill_and_the_loss_of_the_wal(desk: Path) -> None:
    with Headless(desk, "--speed", "20") as run:
        run.practice()
        run.until(run.view, "it answers")
        assert run.beside("halt").returncode == 0
        [journal] = (desk / "data").rglob("journal.db")
        run.until(lambda: b'"halted"' in journal.read_bytes(), "it is written through")
        run.kill()
    journal.with_name("journal.db-wal").unlink()
    with Headless(desk, "--speed", "20") as run:
        run.practice()
        view = run.until(run.view, "it answers")
        assert TradingState.HALTED in {book.state for book in view.books} | {c.state for c in view.contracts}
