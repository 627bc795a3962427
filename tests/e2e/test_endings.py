from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.program import TSTREAM, Headless, environment, gone, tstream
from tests.e2e.terminal import HELD, Cockpit, seconds_of
from tests.e2e.venue import LIMIT, Row, Venue
from tests.support.patience import patient


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


def _kill(cockpit: Cockpit) -> None:
    """End as by a power cut: no handler runs."""
    os.kill(cockpit.process.pid, signal.SIGKILL)
    assert cockpit.ended() == -signal.SIGKILL


@pytest.mark.parametrize("end", [_quit, _kill], ids=["quit", "killed"])
def test_a_position_outlives_the_program_once_and_protected(
    home: Path, end: Callable[[Cockpit], None]
) -> None:
    with Cockpit.start(home, "--speed", "15") as cockpit:
        practice = cockpit.practice()
        venue = Venue(practice)
        cockpit.wait_for(HELD, 90)
        held = cockpit.wait_until(venue.protected, "each position has its stops at the venue")
        traded, left_at = _of(venue.trades(), held), seconds_of(cockpit)
        end(cockpit)
        gone(practice)

    with Cockpit.start(home) as cockpit:
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


def _hang_up(cockpit: Cockpit) -> None:
    cockpit.pull()


def _terminate(cockpit: Cockpit) -> None:
    cockpit.process.terminate()


def _interrupt(cockpit: Cockpit) -> None:
    cockpit.process.send_signal(signal.SIGINT)


_DEAF = ("sh", "-c", 'trap "" HUP; exec "$0" "$@"', str(TSTREAM))
"""As under nohup: the hang-up signal is ignored, only the terminal itself tells."""


@pytest.mark.parametrize(
    ("command", "end"),
    [
        ((str(TSTREAM),), _terminate),
        ((str(TSTREAM),), _interrupt),
        ((str(TSTREAM),), _hang_up),
        (_DEAF, _hang_up),
    ],
    ids=["terminated", "interrupted", "hung-up", "hung-up-deaf"],
)
def test_the_program_ends_with_its_terminal_and_takes_the_venue_along(
    home: Path, command: tuple[str, ...], end: Callable[[Cockpit], None]
) -> None:
    with Cockpit.start(home, command=command) as cockpit:
        practice = cockpit.practice()
        cockpit.wait_for(r"● live")
        end(cockpit)
        assert cockpit.ended(20) == 0
        gone(practice)
        if end is not _hang_up:
            assert b"practice: day +0.00 USD, flat" in cockpit.raw
        assert not (home / "state" / "crash.log").exists()


def _records(home: Path) -> int:
    """How many the journal of the last run holds; -1 where it can't be read."""
    told = tstream(home, "journal", "hash")
    return int(told.stdout.split()[1]) if told.returncode == 0 else -1


@pytest.mark.parametrize("hung_up", [True, False], ids=["hung-up", "stopped"])
def test_f52_a_headless_run_ends_whatever_became_of_its_terminal(home: Path, hung_up: bool) -> None:
    with Cockpit.start(home, "run", "--headless", "--speed", "20", command=(str(TSTREAM),)) as terminal:
        practice = terminal.practice()
        terminal.wait_for("account|live")
        if hung_up:
            terminal.pull()
        else:
            terminal.press("\x13")  # Ctrl+S
            terminal.process.terminate()
        assert terminal.process.wait(patient(20)) == 0
        gone(practice)
    assert _records(home) > 0


def test_f52_a_headless_run_whose_pipe_nobody_reads_ends_when_it_is_told(home: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while os.write(writer, b"." * 512):
            pass
    os.set_blocking(writer, True)
    run = subprocess.Popen(
        [str(TSTREAM), "run", "--headless"],
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    log = home / "state" / "tstream.log.jsonl"
    end = time.monotonic() + patient(30)
    while not (log.exists() and b"market link live" in log.read_bytes()):
        assert time.monotonic() < end, "the log file stands still"
        time.sleep(0.05)
    run.terminate()
    assert run.communicate(timeout=patient(20))[1] == b""
    assert run.returncode == 0
    os.close(reader)
    assert _records(home) > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda n: n.name)
def test_f52_a_signal_ends_a_virtual_run_with_its_summary_and_journal(
    home: Path, number: signal.Signals
) -> None:
    with Headless(home, "--speed", "max") as run:
        run.until((home / "data" / "virtual" / "journal.db-wal").exists, "the journal is begun")
        run.process.send_signal(number)
        assert run.process.wait(patient(30)) == 0
    assert "net P&L" in run.output
    assert "Traceback" not in run.output
    assert _records(home) > 0


def _of(trades: list[Row], held: dict[str, int]) -> list[Row]:
    """Half-turns of the contracts held: others may be traded meanwhile."""
    return [trade for trade in trades if trade["contractId"] in held]


def test_f49_a_halt_outlives_a_kill_and_the_loss_of_the_wal(home: Path) -> None:
    with Headless(home, "--speed", "20") as run:
        run.practice()
        run.until(lambda: run.beside("halt").returncode == 0, "it takes a halt")
        run.kill()
    [wal] = (home / "data").rglob("journal.db-wal")
    wal.unlink()
    with Headless(home, "--speed", "20") as run:
        run.practice()
        run.until(lambda: "halted" in run.beside("status").stdout.lower(), "it is halted still")
