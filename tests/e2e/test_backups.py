"""The restore drill: kill, lose the folder, restore, reconcile, trade."""

from __future__ import annotations

import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.control.client import send_command
from engine.model.commands import AnyCommand, Flatten, Resume
from tests.e2e.program import Headless, gone, tstream
from tests.e2e.venue import Venue
from tests.support.patience import patient

BY_HAND = 'contracts = ["MNQ"]\n[risk]\nhours_start = "23:00"\nhours_end = "23:30"\n'
"""Hours in which the strategy has no idea."""


def order(side: str) -> tuple[str, ...]:
    wanted = ("order", "place", side, "MNQ", "--qty", "1", "--stop-ticks", "200")
    return (*wanted, "--override", "hours", "--override", "reward-to-risk")


def say(home: Path, command: AnyCommand) -> None:
    assert send_command(home / "run" / "control.sock", command).done


@contextmanager
def bound(path: Path) -> Iterator[socket.socket]:
    """What a service manager hears of its services."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(path))
        heard.settimeout(patient(10))
        yield heard


def test_a_lost_folder_is_restored_and_what_the_venue_did_since_is_taken_in(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backup knows of a trade that is over, and not of the one that is open: what tstream opened and
    can't remember is closed, and its stop goes with it.
    """
    data = desk / "data"
    (desk / "tstream.toml").write_text(BY_HAND, encoding="utf-8")
    with Headless(desk) as run:
        venue = Venue(run.practice())
        run.until(lambda: run.beside(*order("buy")).returncode == 0, "an order is taken")
        run.until(venue.protected, "the position has its stop")
        made = run.beside("backup", "create")
        assert made.returncode == 0, made.stderr
        say(desk, Flatten(id="f", source="test"))
        run.until(lambda: not venue.signed() and not venue.live_orders(), "it is flat")
        say(desk, Resume(id="r", source="test"))
        run.until(
            lambda: run.beside(*order("sell")).returncode == 0, "the flatten is over, and another taken"
        )
        (since,) = run.until(venue.protected, "the position that no backup knows has its stop").values()
        assert since == -1
        run.kill()
    # The disk is gone; the venue is not: it goes on with what it knows.
    lost = data.rename(desk / "lost")
    restored = tstream(desk, "backup", "restore", "newest", "--yes")
    assert restored.returncode == 0, restored.stderr
    for file in (lost / "practice").glob("venue.db*"):
        shutil.copy(file, data / "practice" / file.name)
    monkeypatch.setenv("NOTIFY_SOCKET", str(desk / "notify"))
    with bound(desk / "notify") as manager, Headless(desk, command=("engine",)) as run:
        practice = run.practice()
        venue = Venue(practice)
        run.until(lambda: "the journal is a backup's" in run.output, "people are told")
        run.until(lambda: "MNQ is flat, verified at the venue" in run.output, "it is closed")
        assert (venue.signed(), venue.live_orders()) == ({}, [])
        paused = run.beside(*order("buy"))
        assert paused.returncode == 1, paused
        run.until(lambda: "entries are paused" in run.output, "people are told why")
        say(desk, Resume(id="r", source="test"))
        run.until(lambda: run.beside(*order("buy")).returncode == 0, "an order is taken")
        assert [*run.until(venue.protected, "it is filled and protected").values()] == [1]
        assert manager.recv(100) == b"READY=1", "a service manager is told when it stands"
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(patient(20)) == 0, run.output
        assert manager.recv(100) == b"STOPPING=1"
        gone(practice)
