"""tstream flatten where no engine answers: none is there, or it hangs. One that answers: test_headless.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from adapters.simulator.process import VenueStart
from tests.e2e.program import TSTREAM, Headless, environment, gone, tstream, within
from tests.e2e.terminal import Cockpit
from tests.e2e.venue import Venue
from tests.support.patience import patient
from tstream.run.practice import VENUE_MODULE


def held(run: Headless) -> Venue:
    """Wait for a protected position at the venue; the venue."""
    venue = Venue(run.practice())
    run.until(venue.protected, "each position has its stops at the venue", 120)
    return venue


@contextmanager
def venue_alone(home: Path, accounts: int = 1) -> Iterator[psutil.Process]:
    """The practice venue on the book that the last run left, to be asked behind everybody's back."""
    process = subprocess.Popen(
        [sys.executable, "-m", VENUE_MODULE],
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    key = (home / "data/practice/key").read_text()
    start = VenueStart(state=str(home / "data/practice/venue.db"), key=key, accounts=accounts)
    try:
        process.stdin.write(msgspec.json.encode(start) + b"\n")
        process.stdin.flush()
        assert process.stdout.readline()
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(patient(15))
        process.stdin.close()
        process.stdout.close()


def test_flatten_after_a_kill_with_an_open_position(desk: Path) -> None:
    with Headless(desk, "--speed", "20") as run:
        held(run)
        run.kill()
    told = tstream(desk, "flatten", "--yes", "--wait", "60", seconds=90)
    assert told.returncode == 0, told.stderr
    assert "everything is flat; entries stay paused" in told.stdout
    assert "no engine answers" in told.stderr
    assert "is flat, verified at the venue" in told.stderr
    assert "Traceback" not in told.stderr
    with venue_alone(desk) as process:
        venue = Venue(process)
        assert (venue.signed(), venue.live_orders()) == ({}, [])


def test_flatten_without_an_engine_asks_first(home: Path) -> None:
    refused = within(home, "flatten")
    assert refused.returncode == 2
    assert "say --yes" in refused.stderr
    with Cockpit.start(home, "flatten") as terminal:
        terminal.wait_for(
            r"PRACTICE: pause entries \(everything is flat: nothing to close or cancel\)\? \[y/N\]"
        )
        terminal.press("n\n")
        assert terminal.ended() == 1
        assert "nothing was done" in terminal.text


def test_a_hung_engine_is_named_and_taken_over_only_when_told_to(desk: Path) -> None:
    with Headless(desk, "--speed", "20") as run:
        held(run)
        pid = run.process.pid
        os.kill(pid, signal.SIGSTOP)
        told = run.beside("flatten", "--yes")
        assert told.returncode == 1
        assert f"process id {pid}" in told.stderr
        assert "--takeover" in told.stderr
        assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
        with Cockpit.start(
            desk, "flatten", "--takeover", "--wait", "60", command=(str(TSTREAM),), size=(160, 50)
        ) as terminal:
            terminal.wait_for(rf"End process {pid} with SIGKILL and flatten from here\? \[y/N\]")
            terminal.press("y\n")
            terminal.wait_for(r"PRACTICE: .*\? \[y/N\]")
            terminal.press("y\n")
            assert terminal.ended(90) == 0, terminal.text
            assert "everything is flat" in terminal.text
        assert run.process.wait(patient(5)) == -signal.SIGKILL
        gone(run._practice)
    with venue_alone(desk) as process:
        venue = Venue(process)
        assert (venue.signed(), venue.live_orders()) == ({}, [])
