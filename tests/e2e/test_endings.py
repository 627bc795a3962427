from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.e2e.program import TSTREAM
from tests.e2e.terminal import HELD, Cockpit, seconds_of
from tests.e2e.venue import LIMIT, Row, Venue
from tests.support.patience import patient


def _quit(cockpit: Cockpit) -> None:
    """Leave by the keyboard: a question says what stays, No stays, Yes leaves."""
    cockpit.press("q")
    cockpit.wait_for(r"\bstays? at the venue")
    cockpit.wait_for(r"protective orders? stay")
    cockpit.press("n")
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
        _gone(practice)

    with Cockpit.start(home) as cockpit:
        venue = Venue(cockpit.practice())
        cockpit.wait_for(HELD)
        cockpit.wait_for("ACTIVE")
        assert seconds_of(cockpit) >= left_at
        again = cockpit.wait_until(venue.protected, "each position has its stops at the venue")
        assert {contract: again.get(contract) for contract in held} == held
        assert _of(venue.trades(), held) == traded
        # Each leg stands once: the stops make up the position exactly, the targets no more than it.
        for contract, qty in held.items():
            assert venue.working(contract, LIMIT) <= abs(qty)


def _hang_up(cockpit: Cockpit) -> None:
    cockpit.pull()


def _terminate(cockpit: Cockpit) -> None:
    cockpit.process.terminate()


_DEAF = ("sh", "-c", 'trap "" HUP; exec "$0" "$@"', str(TSTREAM))
"""As under nohup: the hang-up signal is ignored, only the terminal itself tells."""


@pytest.mark.parametrize(
    ("command", "end"),
    [((str(TSTREAM),), _terminate), ((str(TSTREAM),), _hang_up), (_DEAF, _hang_up)],
    ids=["terminated", "hung-up", "hung-up-deaf"],
)
def test_the_program_ends_with_its_terminal_and_takes_the_venue_along(
    home: Path, command: tuple[str, ...], end: Callable[[Cockpit], None]
) -> None:
    with Cockpit.start(home, command=command) as cockpit:
        practice = cockpit.practice()
        cockpit.wait_for(r"● live")
        end(cockpit)
        assert cockpit.ended(20) == 0
        _gone(practice)
        assert not (home / "state" / "crash.log").exists()


def _gone(practice: psutil.Process) -> None:
    """The practice venue has ended too."""
    practice.wait(patient(15))


def _of(trades: list[Row], held: dict[str, int]) -> list[Row]:
    """Half-turns of the contracts held: others may be traded meanwhile."""
    return [trade for trade in trades if trade["contractId"] in held]
